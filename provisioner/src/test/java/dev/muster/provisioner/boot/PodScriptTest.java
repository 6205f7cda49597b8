package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.SecretRef;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a pod is given. What it does with it: {@link PodTest}. */
class PodScriptTest {

    @TempDir
    private Path folder;

    static Given kept(String key) {
        return Given.kept(new SecretRef(SecretRef.Store.KUBERNETES, key, ""));
    }

    private static BootPlan plan(BootPlan.Keys keys, Map<String, Given> environment, Given init) {
        return new BootPlan("lab-train:cpu:pod", 2, List.of("q1", "q2"), new BootPlan.Hosts("https://api.example", "https://app.example", "https://files.example"), keys, true,
                "python:3.11", "3.0.3", false, new TreeMap<>(environment), Given.text("agent.x: 1"), init, kept("hook"), false,
                new BootPlan.Storage(List.of(), Optional.of(new BootPlan.Storage.Gcs("lab", kept("gcs.json"))), List.of(), false), Optional.empty());
    }

    private static BootPlan plan() {
        return plan(new BootPlan.Keys(kept("clearml-access"), kept("clearml-secret")), Map.of("PLAIN", Given.text("costs $5 or $(HOME)"), "TOKEN", kept("token")), Given.text("echo init\n"));
    }

    private static String unpacked(String boot) throws IOException {
        try (var plain = new GZIPInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(boot)))) {
            return new String(plain.readAllBytes(), UTF_8);
        }
    }

    @Test
    void anAgentPodIsGivenOneVariableWithoutASecret() throws Exception {
        var script = PodScript.of(plan(), Optional.empty());

        assertThat(script.environment()).containsOnlyKeys("MUSTER_BOOT");
        assertThat(script.command()).hasSize(5).startsWith("/bin/sh", "-c").endsWith("muster", "run");
        assertThat(script.secretKeys()).containsExactly("clearml-access", "clearml-secret", "gcs.json", "hook", "token");
        assertThat(script.secretEnvironment()).isEmpty();
        assertThat(script.claim()).isEmpty();
        assertThat(unpacked(script.environment().get("MUSTER_BOOT"))).isEqualTo(PodScript.text(plan(), Optional.empty())).contains("""
                <<'MUSTER_PROPERTIES'
                worker.prefix=lab-train:cpu:pod
                agents=2
                queues=q1 q2
                clearml.api=https://api.example
                clearml.web=https://app.example
                clearml.files=https://files.example
                docker=false
                default-image=python:3.11
                cloud=pod
                MUSTER_PROPERTIES
                """);
        assertThat(script.toString()).doesNotContain(script.environment().get("MUSTER_BOOT"));
    }

    @Test
    void aTaskPodKnowsItsTaskAndIsOneWorker() {
        var task = new PodScript.TaskToRun("t1", "q2", "echo setup\n", false);

        assertThat(PodScript.of(plan(), Optional.of(task)).command()).endsWith("task");
        assertThat(PodScript.text(plan(), Optional.of(task))).contains("agents=1\n", "task=t1\ntask.queue=q2\n", Base64.getEncoder().encodeToString("echo setup\n".getBytes(UTF_8)));
        assertThat(task.toString()).doesNotContain("echo setup");
        assertThatThrownBy(() -> new PodScript.TaskToRun("t1\nagents=9", "q", "", false)).hasMessageContaining("is no id");
    }

    @Test
    void anImagesOwnEntrypointHasTheTaskAndTheKeysInItsEnvironment() {
        var script = PodScript.of(plan(), Optional.of(new PodScript.TaskToRun("t1", "q2", "", true)));

        assertThat(script.command()).isEmpty();
        assertThat(script.environment()).isEqualTo(new TreeMap<>(Map.of("CLEARML_TASK_ID", "t1", "CLEARML_WORKER_ID", "lab-train:cpu:pod:$(MUSTER_POD_UID)",
                "CLEARML_API_HOST", "https://api.example", "CLEARML_WEB_HOST", "https://app.example", "CLEARML_FILES_HOST", "https://files.example",
                "CLEARML_CONFIG_FILE", "/muster/work/etc/muster/clearml.conf",
                // As Kubernetes takes it for what it was.
                "PLAIN", "costs $$5 or $$(HOME)")));
        assertThat(script.secretEnvironment()).isEqualTo(new TreeMap<>(Map.of("CLEARML_API_ACCESS_KEY", "clearml-access", "CLEARML_API_SECRET_KEY", "clearml-secret",
                "TOKEN", "token")));
        var claim = script.claim().orElseThrow();
        assertThat(claim.command()).endsWith("claim");
        assertThat(claim.attendCommand()).endsWith("attend");
        assertThat(claim.environment()).containsOnlyKeys("MUSTER_BOOT");
    }

    @Test
    void whatIsNoKeyOfAKubernetesSecretIsRefused() {
        assertThatThrownBy(() -> PodScript.of(plan(new BootPlan.Keys(Given.text("ACCESS"), Given.text("TOPSECRET")), Map.of(), Given.NOTHING), Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("a pod's key of ClearML must be a key of its Kubernetes Secret");
        assertThatThrownBy(() -> PodScript.of(plan(new BootPlan.Keys(kept("a"), kept("b")), Map.of("X", Given.kept(SecretRef.parse("ssm:/x"))), Given.NOTHING), Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("ssm:/x can't be read by pods; name a key of the pool's Kubernetes Secret");
    }

    @Test
    void theSamePlanGivesTheSamePod() {
        assertThat(PodScript.of(plan(), Optional.empty())).isEqualTo(PodScript.of(plan(), Optional.empty()));
    }

    /** Kubernetes replaces these itself before a shell sees them. */
    @Test
    void theCommandHoldsNothingThatKubernetesReplaces() {
        assertThat(String.join(" ", PodScript.of(plan(), Optional.empty()).command())).doesNotContain("$(", "$$");
    }

    @Test
    void whatLinuxStartsNoProgramWithIsRefused() {
        var noise = new java.util.Random(7).ints(200_000, 33, 126).collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();

        assertThatThrownBy(() -> PodScript.of(plan(new BootPlan.Keys(kept("a"), kept("b")), Map.of(), Given.text(noise)), Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("Linux allows 131059; shorten init_script");
    }

    @Test
    void shellcheckFindsNothing() throws Exception {
        var shellcheck = Parts.find("shellcheck");
        var script = PodScript.of(plan(), Optional.empty());
        Files.writeString(folder.resolve("pod.sh"), PodScript.text(plan(), Optional.empty()));
        Files.writeString(folder.resolve("command.sh"), script.command().get(2));
        for (var file : List.of("pod.sh", "command.sh")) {
            var process = new ProcessBuilder(shellcheck.toString(), "-s", "sh", "-e", "SC1090,SC1091", folder.resolve(file).toString()).redirectErrorStream(true).start();
            assertThat(new String(process.getInputStream().readAllBytes(), UTF_8)).isEmpty();
            assertThat(process.waitFor()).isZero();
        }
    }
}
