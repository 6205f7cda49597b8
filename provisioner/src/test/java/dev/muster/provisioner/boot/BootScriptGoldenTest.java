package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SecretRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Boot scripts of VMs are, byte for byte, what they were: a repeated launch of a batch with another script is refused by EC2. Their Python
 * programs stand in files of their own and are left out here. What is meant to change the rest writes the files anew with {@code -Dboot-script.write=true}.
 */
class BootScriptGoldenTest {

    private static Given kept(String reference) {
        return Given.kept(SecretRef.parse(reference));
    }

    private static BootPlan plan(BootScript.Cloud cloud) {
        boolean fetches = cloud == BootScript.Cloud.EC2;
        var environment = new TreeMap<>(Map.of("PLAIN", Given.text("it's here"), "CLEARML_AGENT_GIT_PASS", fetches ? kept("ssm:/muster/git") : Given.text("p$ss")));
        return new BootPlan("lab-train:gpu:g5.xlarge", 2, List.of("q1", "q2"), new BootPlan.Hosts("https://api.example", "https://app.example", "https://files.example"),
                new BootPlan.Keys(Given.text("ACCESS"), fetches ? kept("ssm:/muster/clearml#secret") : Given.text("SECRET")), true, "python:3.11", "3.0.3", true,
                environment, Given.text("agent.x: 1"), Given.text("echo init\n"), Given.text("echo checkpoint\n"), true,
                new BootPlan.Storage(List.of(new BootPlan.Storage.S3("", "", "eu-west-1", Given.text("AKIA"), Given.text("KEY"), false),
                        new BootPlan.Storage.S3("models", "minio:9000", "", Given.text("ONE"), Given.text("TWO"), true)),
                        Optional.of(new BootPlan.Storage.Gcs("lab", Given.text("{\"type\": \"service_account\"}"))),
                        List.of(new BootPlan.Storage.Azure("lab", Given.text("k"), "c")), true), Optional.of(Duration.ofHours(50)));
    }

    @ParameterizedTest
    @EnumSource(BootScript.Cloud.class)
    void isWhatItWas(BootScript.Cloud cloud) throws Exception {
        var golden = Path.of("src/test/resources/dev/muster/provisioner/boot/" + cloud.name().toLowerCase(java.util.Locale.ROOT) + "-boot.sh");
        var script = BootScript.text(plan(cloud), cloud, Optional.empty())
                .replaceAll("(?s)(<<'(MUSTER_GUARD|MUSTER_FETCH)'[^\n]*\n).*?\n\\2\n", "$1…\n$2\n");
        if (Boolean.getBoolean("boot-script.write")) {
            Files.writeString(golden, script, UTF_8);
        }
        assertThat(script).isEqualTo(Files.readString(golden, UTF_8));
    }
}
