package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulateCommandTest {

    private static final Path DOCS = Path.of("..", "docs");

    @TempDir
    Path folder;

    private Ran simulate(String... more) {
        var arguments = new ArrayList<>(List.of("simulate", "--fleet", file("two.yaml"), "--against", file("six.yaml"), "--trace", file("workload.csv")));
        arguments.addAll(List.of(more));
        return Ran.of(arguments.toArray(String[]::new));
    }

    private static String file(String name) {
        return DOCS.resolve("simulate").resolve(name).toString();
    }

    @Test
    void printsWhatItsPageShows() throws IOException {
        var html = folder.resolve("report.html");
        var ran = simulate("--html", html.toString());
        assertThat(ran.err()).isEmpty();
        assertThat(ran.exitCode()).isZero();
        var page = Files.readString(DOCS.resolve("simulate.md"));
        var begin = page.indexOf("```\n\n```\n") + "```\n\n```\n".length();
        var shown = page.substring(begin, page.indexOf("```", begin));
        assertThat(ran.out().replace(DOCS.toString(), "docs").replace(html.toString(), "report.html").stripTrailing()).isEqualTo(shown.stripTrailing());
        assertThat(html).content().contains("<svg", "prefers-color-scheme: dark").doesNotContain("<script", "http://", "https://");
    }

    @Test
    void writesTheSameBytesEachTime() throws IOException {
        var options = new String[] {"--json", "--seed", "9", "--out-of-capacity", "0.2", "--boot-failures", "0.1", "--html", folder.resolve("a.html").toString()};
        var first = simulate(options);
        var page = Files.readString(folder.resolve("a.html"));
        assertThat(simulate(options)).isEqualTo(first);
        assertThat(folder.resolve("a.html")).hasContent(page);
    }

    @Test
    void answersInJsonWhatItsPageNames() throws IOException {
        var answer = Output.JSON.readTree(simulate("--json").out());
        assertThat(answer.get("schema").asText()).isEqualTo("muster.simulation/1");
        assertThat(answer.get("fleets")).hasSize(2);
        for (var fleet : answer.get("fleets")) {
            var seconds = fleet.get("machineSeconds");
            assertThat(seconds.get("paid").asLong()).isEqualTo(sum(seconds, "useful", "idle", "boot", "waste"));
            assertThat(fleet.get("tasks").asInt()).isEqualTo(60);
        }
        var page = Files.readString(DOCS.resolve("simulate.md"));
        var names = new ArrayList<String>();
        answer.fieldNames().forEachRemaining(names::add);
        answer.get("fleets").get(0).fieldNames().forEachRemaining(names::add);
        assertThat(names).allSatisfy(name -> assertThat(page).containsPattern("`[.]?(fleets\\[\\][.])?" + name + "(\\[\\]|\\.<name>)?`"));
    }

    private static long sum(JsonNode node, String... fields) {
        long sum = 0;
        for (var field : fields) {
            sum += node.get(field).asLong();
        }
        return sum;
    }

    @Test
    void refusesWhatApplyWouldRefuse() throws IOException {
        var wrong = Files.writeString(folder.resolve("wrong.yaml"), """
                name: wrong
                queues: {cpu: [nowhere]}
                pools:
                  cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 2}
                """);
        var ran = Ran.of("simulate", "--fleet", wrong.toString(), "--trace", file("workload.csv"));
        assertThat(ran.exitCode()).isEqualTo(CliFailure.FAILED);
        assertThat(ran.err()).contains("'nowhere' is no pool of this fleet");
    }

    @Test
    void saysWhichQueueNobodyServesAndWhichOptionIsWrong() throws IOException {
        var cpu = Files.writeString(folder.resolve("cpu.yaml"), """
                name: cpu
                queues: {cpu: [cpu]}
                pools:
                  cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 2}
                """);
        assertThat(Ran.of("simulate", "--fleet", cpu.toString(), "--trace", file("workload.csv")).err()).contains("does not serve gpu");
        assertThat(simulate("--boot-failures", "2").err()).contains("boot failures is 2.0: it must be from 0 to 1");
        assertThat(simulate("--begin", "yesterday").exitCode()).isEqualTo(CliFailure.USAGE);
    }
}
