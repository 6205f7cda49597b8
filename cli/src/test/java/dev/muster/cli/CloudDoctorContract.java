package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code muster doctor} does for every cloud: a cloud's test extends this and says what is written down and what is answered. */
abstract class CloudDoctorContract {

    @TempDir
    Path folder;

    abstract Cloud cloud();

    /** The {@code accounts} of muster.yaml; {@code research} is one of this cloud. */
    abstract String accounts();

    abstract String region();

    abstract String machineType();

    /** Of a pool: where its machines are and what they are. */
    String place() {
        return "region: " + region() + ", type: " + machineType();
    }

    /** What the cloud's page shows. */
    abstract JsonNode answer() throws IOException;

    Ran examine(String... more) throws IOException {
        Files.writeString(folder.resolve("muster.yaml"), """
                installation: team-a
                connections: {default: {api: "https://clearml.example.com:8008", machineHosts: {api: "https://api.example.com"}}}
                accounts: %s
                """.formatted(accounts()));
        Files.writeString(folder.resolve("train.yaml"), """
                name: train
                queues: {gpu: [main]}
                pools: {main: {provider: %s, account: research, %s, max: 4}}
                """.formatted(cloud().provider(), place()));
        var arguments = new ArrayList<>(List.of("doctor", cloud().provider(), "--config", folder.resolve("muster.yaml").toString(), "-f",
                folder.resolve("train.yaml").toString()));
        arguments.addAll(List.of(more));
        return Ran.of(arguments.toArray(String[]::new));
    }

    /** What the provisioner would be told. */
    CloudInstallation told() throws Exception {
        examine();
        var common = new CommonOptions();
        common.folder = folder.resolve(".muster");
        var told = CloudInstallation.of(cloud(), common, folder.resolve("muster.yaml"));
        assertThat(told.name()).isEqualTo("team-a");
        assertThat(told.sandbox()).isFalse();
        assertThat(told.settings()).containsEntry("muster.installation", "team-a").containsEntry("muster.secrets.folder", folder.resolve("secrets").toString())
                .containsEntry("muster.connections.\"default\".api", "https://clearml.example.com:8008")
                .containsEntry("muster.connections.\"default\".machine-hosts.api", "https://api.example.com");
        assertThat(told.settings().keySet()).noneMatch(key -> key.contains("bootstrap") || key.startsWith("quarkus."));
        return told;
    }

    @Test
    void showsAnAnswerAsItsPageDoes() throws Exception {
        var out = new ByteArrayOutputStream();
        CloudDoctorCommand.show(answer(), new Output(new PrintStream(out, true, StandardCharsets.UTF_8), false, false));
        var page = Path.of("..", "docs", cloud().provider() + "-doctor.md");
        var shown = Pattern.compile("^```\n(account default.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE).matcher(Files.readString(page));
        assertThat(shown.find()).as("the page shows an answer").isTrue();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(shown.group(1));
    }

    @Test
    void printsTheQuestionForWhereTheProvisionerRuns() throws Exception {
        var ran = examine("--question", "--account", "research");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exitCode()).isZero();
        var question = Output.JSON.readTree(ran.out());
        assertThat(question.has("settings")).as("its own settings are used there").isFalse();
        assertThat(question.path("account").asText()).isEqualTo("research");
        assertThat(question.at("/fleets/0/workersPrefix").asText()).as("defaults are filled in").isEqualTo("team-a-train");
        assertThat(question.at("/fleets/0/pools/0/offers/0/key/machineType").asText()).isEqualTo(machineType());
    }

    @Test
    void saysThatTheProvisionerIsNotBuilt() throws Exception {
        var before = System.getProperty("muster.home");
        System.setProperty("muster.home", folder.toString());
        try {
            var ran = examine();
            assertThat(ran.exitCode()).isEqualTo(1);
            assertThat(ran.err()).contains(cloud().module() + " is not built");
        } finally {
            if (before == null) {
                System.clearProperty("muster.home");
            } else {
                System.setProperty("muster.home", before);
            }
        }
    }

    @Test
    void asksForAFileWhereNothingRuns() {
        var ran = Ran.of("doctor", cloud().provider(), "--folder", folder.toString());
        assertThat(ran.exitCode()).isEqualTo(3);
        assertThat(ran.err()).contains("muster.yaml");
    }
}
