package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The dashboards with live data: five minutes of three clouds in which things go well and wrong, by what a real Prometheus answers to the dashboards' own queries.
 * {@code -Ddocs.write=true} puts the pictures into docs/dashboards.
 */
@Tag("long")
class DashboardPicturesIT {

    private static final int SPEED = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration ROUND = Duration.ofSeconds(12);
    private static final int ROUNDS = 24;
    /** Of a point in a picture. */
    private static final Duration STEP = Duration.ofSeconds(4);
    /** What doesn't happen even here: records that can't be read, and errors of Muster's own. */
    private static final Set<String> EMPTY = Set.of("Dead letters an hour", "Errors, lost states, records of no fleet, an hour");
    private static final String VISION = """
            name: vision
            queues:
              prepare: [cpu]
              train: [gpu-aws, gpu-google]
            pools:
              cpu: {provider: aws, region: us-east-1, type: m6i.large, price: 0.096, max: 4, idle: 15s}
              gpu-aws: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 3, idle: 5s}
              gpu-google:
                provider: gcp
                account: google
                region: us-central1
                type: n1-standard-4
                offers: [{zone: us-central1-a}, {zone: us-central1-b}]
                price: 0.54
                max: 3
                idle: 5s
                gcp: {gpuType: nvidia-tesla-t4, serviceAccount: none}
            currency: USD
            budgets: {hour: 2, month: 500}
            notifications: [channel]
            """;
    private static final String LANGUAGE = """
            name: language
            queues: {evaluate: [pods]}
            pools:
              pods: {provider: k8s, account: cluster, namespace: muster, price: 0.048, max: 4, k8s: {pods: task, requests: {cpu: 1, memory: 2Gi}}}
            """;

    @TempDir
    Path folder;

    @Test
    void theDashboardsShowWhatGoesOn() throws Exception {
        var channel = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        channel.createContext("/", message -> {
            message.getRequestBody().readAllBytes();
            message.sendResponseHeaders(204, -1);
            message.close();
        });
        channel.start();
        try (var muster = new Sandbox(folder, SPEED, Map.of(), CloudStandIn.Kind.AWS, CloudStandIn.Kind.GOOGLE, CloudStandIn.Kind.KUBERNETES)) {
            // Given
            Files.writeString(muster.secrets.resolve("channel"), "http://127.0.0.1:" + channel.getAddress().getPort() + "/");
            var ports = new TreeMap<String, Integer>();
            for (var process : Sandbox.list(muster.standIns.get("/status").path("processes"))) {
                ports.put(process.path("name").asText(), process.path("port").asInt());
            }
            ports.remove("kafka");
            var prometheus = Prometheus.start("DashboardPicturesIT", folder, ports);
            Assumptions.assumeTrue(prometheus.isPresent());
            try (var scraped = prometheus.get()) {
                muster.apply("vision", VISION);
                muster.apply("language", LANGUAGE);
                // When
                var from = Instant.now();
                work(muster);
                var to = Instant.now();
                // Then
                var pictures = new DashboardPicture(scraped, from, to, STEP);
                for (var dashboard : Dashboard.all()) {
                    var svg = pictures.of(dashboard, "Local run, stand-ins for ClearML and three clouds");
                    Files.writeString(folder.resolve(dashboard.name() + ".svg"), svg);
                    if (Boolean.getBoolean("docs.write")) {
                        Files.writeString(Files.createDirectories(Shell.SOURCES.resolve("docs/dashboards")).resolve(dashboard.name() + ".svg"), svg);
                    }
                    assertThat(DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8))).getElementsByTagName("path")
                            .getLength()).as(dashboard.name()).isGreaterThan(dashboard.panels().size());
                }
                assertThat(pictures.empty()).isSubsetOf(EMPTY);
            }
        } finally {
            channel.stop(0);
        }
    }

    /** Waves of tasks; meanwhile EC2 has no GPU, throttles, loses a machine, then allows no GPU; and a fleet is paused for a while. */
    private void work(Sandbox muster) throws Exception {
        var ec2 = muster.cloud(CloudStandIn.Kind.AWS);
        var waves = List.of(1, 2, 4, 5, 3, 1, 0, 2);
        for (int round = 0; round < ROUNDS; round++) {
            var begun = Instant.now();
            var wave = waves.get(round % waves.size());
            if (wave > 0) {
                muster.enqueue("prepare", wave, 6 + 3 * (round % 4));
                muster.enqueue("evaluate", 1 + wave / 3, 8);
            }
            if (round % 2 == 0) {
                muster.enqueue("train", 1 + round % 3, 14);
            }
            switch (round) {
                case 4 -> ec2.post("/capacity", "{\"type\": \"g4dn.xlarge\", \"most\": 0}");
                case 8 -> ec2.delete("/capacity");
                case 10 -> ec2.post("/faults/calls", "{\"action\": \"RunInstances\", \"times\": 3, \"kind\": \"refuse\", \"status\": 503, \"code\": \"RequestLimitExceeded\"}");
                case 12 -> endOneAtWork(muster, ec2);
                case 14 -> muster.shell.run("./muster fleet pause language").succeeded();
                case 17 -> muster.shell.run("./muster fleet resume language").succeeded();
                case 18 -> ec2.post("/quotas", "{\"family\": \"g\", \"market\": \"on-demand\", \"vcpus\": 0}");
                default -> { }
            }
            Await.within(PATIENCE, "the round to be over", () -> Instant.now().isAfter(begun.plus(ROUND)));
        }
    }

    private static void endOneAtWork(Sandbox muster, CloudStandIn ec2) throws Exception {
        var busy = new String[1];
        muster.await(PATIENCE, "a machine of EC2 at work", () -> {
            busy[0] = muster.machines().values().stream().filter(machine -> machine.getCounted() && machine.getTasksCount() > 0 && machine.getPool().equals("cpu"))
                    .map(machine -> machine.getCloudId()).findFirst().orElse(null);
            return busy[0] != null;
        });
        ec2.post("/instances/" + busy[0] + "/terminate", "");
    }
}
