package dev.muster.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.muster.sandbox.suite.Suite;
import dev.muster.sandbox.suite.SuiteSettings;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What runs Muster on one host, against what runs it in a cluster and what the services themselves say: the same services, ports, settings and user. */
class HostsTest {

    private static final Path DEPLOY = Path.of("..");
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    @TempDir
    Path folder;

    private static JsonNode layout() throws IOException {
        return YAML.readTree(Files.readString(DEPLOY.resolve("chart/files/services.yaml")));
    }

    private static Map<String, JsonNode> composed() throws IOException {
        // By this reader, since Jackson's tree doesn't know what << brings.
        var plain = (Map<?, ?>) new org.yaml.snakeyaml.Yaml().load(Files.readString(DEPLOY.resolve("compose.yaml")));
        var services = new TreeMap<String, JsonNode>();
        YAML.valueToTree(plain.get("services")).fields().forEachRemaining(field -> services.put(field.getKey(), field.getValue()));
        return services;
    }

    @Test
    void composeHasTheServicesOfTheChart() throws IOException {
        var layout = layout();
        var composed = composed();
        var version = YAML.readTree(Files.readString(DEPLOY.resolve("chart/Chart.yaml"))).path("appVersion").asText();
        var expected = new TreeSet<>(List.of("kafka", "topics"));
        for (var service : layout.path("services")) {
            var name = service.path("name").asText();
            expected.add(name);
            var own = composed.get(name);
            assertThat(own.path("image").asText()).isEqualTo("muster/" + name + ":${MUSTER_VERSION:-" + version + "}");
            assertThat(own.path("user").asText()).isEqualTo(layout.path("user").asText() + ":" + layout.path("user").asText()).isEqualTo(Images.USER);
            assertThat(own.path("read_only").asBoolean()).isTrue();
            var environment = own.path("environment");
            assertThat(environment.path("MUSTER_INSTANCE").asText()).isEqualTo(name);
            assertThat(own.path("profiles").path(0).asText("")).isEqualTo(service.path("provider").asText(""));
            for (var where : List.of(Path.of(layout.path("settings").asText()).getParent().toString(), layout.path("secrets").asText(), layout.path("api").asText())) {
                assertThat(own.path("volumes")).anySatisfy(volume -> assertThat(volume.asText()).endsWith(":" + where + ":ro"));
            }
            own.path("ports").forEach(port -> assertThat(port.asText()).isEqualTo("127.0.0.1:" + service.path("port").asInt() + ":" + service.path("port").asInt()));
        }
        assertThat(composed.keySet()).isEqualTo(expected);
        assertThat(composed.get("planner").path("ports")).hasSize(1);
    }

    /** That of this build, whose images the compose file and the chart name where nobody says otherwise. */
    @Test
    void theChartIsOfThisBuild() throws IOException {
        var build = Pattern.compile("<version>([^<]+)</version>").matcher(Files.readString(Path.of("pom.xml"))).results().map(found -> found.group(1)).findFirst().orElseThrow();
        var chart = YAML.readTree(Files.readString(DEPLOY.resolve("chart/Chart.yaml")));
        assertThat(List.of(chart.path("version").asText(), chart.path("appVersion").asText())).containsExactly(build, build);
    }

    @Test
    void imagesListenWhereTheChartSays() throws IOException {
        var ports = Program.all(Path.of("../..")).stream().filter(Program::isService).collect(Collectors.toMap(Program::name, Program::port));
        var expected = new TreeMap<String, Integer>();
        layout().path("services").forEach(service -> expected.put(service.path("name").asText(), service.path("port").asInt()));
        assertThat(ports).isEqualTo(expected);
    }

    @Test
    void theSettingsToBeginWithAreSettings() throws IOException {
        var settings = new SuiteSettings("", "folder", "data", false, "main", 1, 32, Map.of(), "secrets", Map.of("default", new SuiteSettings.Connection("api", null, null, null)),
                Map.of("default", new SuiteSettings.Account("aws", List.of("us-east-1"), null, null)), Map.of(), false, List.of(), null);
        var known = new TreeSet<>(List.of("muster.kafka.bootstrap-servers"));
        for (var service : List.of("planner", "queue-watcher", "aws-provisioner")) {
            Suite.told(settings, service).keySet().forEach(key -> known.add(key.replace("\"", "")));
        }
        var given = new Properties();
        given.load(new StringReader(Files.readString(DEPLOY.resolve("config/application.properties"))));
        assertThat(known).containsAll(given.stringPropertyNames());
        assertThat(given.getProperty("muster.secrets.folder")).isEqualTo(layout().path("secrets").asText());
        assertThat(Path.of(given.getProperty("muster.api.grants")).getParent().toString()).isEqualTo(layout().path("api").asText());
    }

    @Test
    void systemdReadsTheUnit() throws Exception {
        var unit = Files.readString(DEPLOY.resolve("systemd/muster@.service"));
        assertThat(unit).contains("\nWorkingDirectory=" + Path.of(layout().path("secrets").asText()).getParent() + "\n");
        var page = Files.readString(DEPLOY.resolve("../docs/hosts.md"));
        assertThat(Pattern.compile("muster@([a-z0-9-]+)(?= |$)", Pattern.MULTILINE).matcher(page).results().map(found -> found.group(1)))
                .isNotEmpty().allSatisfy(name -> assertThat(layout().path("services").findValuesAsText("name")).contains(name));

        var program = Path.of("../../muster").toRealPath().toString();
        Files.writeString(folder.resolve("muster@.service"), unit.replace("/opt/muster/bin/muster", program).replace("WorkingDirectory=/etc/muster", "WorkingDirectory=/"));
        Files.copy(folder.resolve("muster@.service"), folder.resolve("muster@planner.service"));
        Process verify;
        try {
            verify = new ProcessBuilder("systemd-analyze", "verify", folder.resolve("muster@planner.service").toString()).redirectErrorStream(true).start();
        } catch (IOException notThere) {
            System.out.println("Skipped: systemd reads the unit; there is no systemd-analyze");
            Assumptions.assumeTrue(false, "no systemd-analyze");
            return;
        }
        var said = new String(verify.getInputStream().readAllBytes());
        assertThat(verify.waitFor()).as(said).isZero();
        assertThat(said.lines().filter(line -> line.contains("muster@"))).isEmpty();
    }
}
