package dev.muster.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.muster.contracts.Json;
import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.sandbox.ec2.Ec2Config;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each request that this module makes is one that Amazon's own models have: EC2's, SSM's and STS's, as botocore ships them. Everything the
 * provider can be asked for is asked for once, through a loopback server that notes each request and passes it on to the stand-in.
 */
@Tag("conformance")
class RequestConformanceTest {

    private static final String ARN = "arn:aws:iam::210987654321:role/muster";
    private static final Set<String> NOT_PASSED_ON = Set.of("host", "connection", "content-length", "expect", "upgrade", "http2-settings");

    @TempDir
    private Path folder;

    private final Queue<String> noted = new ConcurrentLinkedQueue<>();
    private final HttpClient client = HttpClient.newHttpClient();

    @Test
    void everyRequestIsAsAmazonsModelsSay() throws Exception {
        var python = Python.with("botocore.loaders");
        Assumptions.assumeTrue(python.isPresent(), RequestConformanceTest::skipped);
        var threads = Executors.newCachedThreadPool();
        var between = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        between.setExecutor(threads);
        try (var ec2 = new Ec2StandIn()) {
            between.createContext("/", exchange -> pass(exchange, ec2.server.url()));
            between.start();

            // When
            askForEverything(ec2, URI.create("http://127.0.0.1:" + between.getAddress().getPort()));

            // Then
            var file = Files.write(folder.resolve("requests.jsonl"), noted);
            var output = folder.resolve("validated.txt");
            var validation = new ProcessBuilder(python.get(), Python.script("validate_requests.py").toString(), file.toString()).redirectErrorStream(true)
                    .redirectOutput(output.toFile()).start();
            assertThat(validation.waitFor(2, TimeUnit.MINUTES)).isTrue();
            var said = Files.readString(output);
            assertThat(validation.exitValue()).as(said).isZero();
            assertThat(said.split("[= \\d\\n]+")).containsExactlyInAnyOrder("AssumeRole", "CreateTags", "DeleteTags", "DescribeImages", "DescribeInstanceStatus", "DescribeInstanceTypes",
                    "DescribeInstances", "DescribeSpotPriceHistory", "DescribeSubnets", "GetConsoleOutput", "GetParameter", "RunInstances", "TerminateInstances");
            System.out.println("Requests to AWS: " + said.strip());
        } finally {
            between.stop(0);
            threads.shutdownNow();
        }
    }

    private static String skipped() {
        var why = "Requests to AWS are not validated: no Python with botocore found; set MUSTER_PYTHON to one.";
        System.out.println(why);
        return why;
    }

    private void askForEverything(Ec2StandIn ec2, URI endpoint) throws Exception {
        ec2.server.role(ARN, "lab-7", null);
        ec2.server.launchTemplate("gpu", Map.of("ImageId", Ec2Config.UBUNTU.id()));
        var role = new RoleCredentials.Role(ARN, Optional.of("lab-7"), "muster-lab");
        var account = new AwsAccounts.Account(Optional.of(endpoint), Optional.empty(), List.of(Ec2StandIn.SCOPE.region()), Optional.of(role));
        var machines = new Ec2Machines(new AwsAccounts(Map.of(Ec2StandIn.ACCOUNT, account), new SecretsFolder(ec2.secrets())), "lab");
        var spot = new Offer(Ec2StandIn.SCOPE, "us-east-1b", "", "m5.large", Offer.Market.SPOT);
        var there = machines.launch(Batches.of(LaunchSettings.DEFAULTS)).machines().get(0);
        machines.launch(Batches.of(spot, new LaunchSettings(Ec2Config.UBUNTU.name(), List.of(new LaunchSettings.Disk("", 100, "io2", 4000, 0, "alias/disks", ""),
                new LaunchSettings.Disk("/dev/sdf", 0, "", 3000, 250, "", "snap-0123456789abcdef0")), Map.of("team", "vision"),
                Optional.of(new LaunchSettings.Aws("ops", List.of(), "clearml", Optional.of(true), "gpu", "1", true, """
                        {"CreditSpecification": {"CpuCredits": "unlimited"}, "MetadataOptions": {"HttpProtocolIpv6": "enabled"}, "Placement": {"Tenancy": "default"},
                         "TagSpecifications": [{"ResourceType": "network-interface", "Tags": [{"Key": "net", "Value": "9"}]}]}""",
                        List.of("volume", "network-interface", "spot-instances-request"))))));
        machines.launch(Batches.of(Batches.template("gpu", "$Latest")));
        machines.check(Ec2StandIn.SCOPE);
        Await.until(() -> machines.list(Ec2StandIn.SCOPE).machines(), all -> all.size() == 3);
        machines.find(Ec2StandIn.SCOPE, there.batchId(), 1);
        machines.mark(there.ref(), new Mark(Mark.Word.DRAIN, 1));
        machines.mark(there.ref(), new Mark(Mark.Word.RELEASED, 2));
        machines.renewKeepUntil(Ec2StandIn.SCOPE, List.of(there.cloudId()), new KeepUntil(Instant.parse("2026-11-28T16:00:00Z"), "q1Sh-9_kTzOmUQ"));
        machines.adopt(new AdoptWish(new MachineRef(Ec2StandIn.SCOPE, there.machineId(), there.cloudId()), "train", "gpu", List.of(Ec2StandIn.OFFER),
                new KeepUntil(Instant.parse("2026-11-28T16:00:00Z"), "q1Sh-9_kTzOmUQ")));
        machines.prices(Ec2StandIn.SCOPE, List.of(spot, new Offer(Ec2StandIn.SCOPE, "", "subnet-0123456789abcdef0", "m5.large", Offer.Market.SPOT)));
        machines.types(Ec2StandIn.SCOPE, List.of("m5.large", "g5.xlarge"));
        machines.console(there.ref());
        machines.terminate(there.ref());
    }

    private void pass(HttpExchange exchange, String to) throws IOException {
        var body = exchange.getRequestBody().readAllBytes();
        var target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
        noted.add("{\"target\":" + (target == null ? "null" : Json.write(target)) + ",\"body\":" + Json.write(new String(body, UTF_8)) + "}");
        var request = HttpRequest.newBuilder(URI.create(to + exchange.getRequestURI())).POST(HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!NOT_PASSED_ON.contains(name.toLowerCase())) {
                request.header(name, values.get(0));
            }
        });
        try {
            var answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            exchange.getResponseHeaders().set("Content-Type", answer.headers().firstValue("Content-Type").orElse("text/xml"));
            exchange.sendResponseHeaders(answer.statusCode(), answer.body().length == 0 ? -1 : answer.body().length);
            exchange.getResponseBody().write(answer.body());
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
        }
    }
}
