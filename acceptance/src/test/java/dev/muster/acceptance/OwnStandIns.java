package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SecretsFolder;
import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.clearml.ClearmlConfig;
import dev.muster.sandbox.clearml.ClearmlServer;
import dev.muster.sandbox.clearml.SampleTask;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Ec2Server;
import dev.muster.sandbox.machine.ClearmlMachine;
import io.vertx.core.Vertx;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A ClearML and an EC2 in this JVM that belong to no sandbox: whoever is told their addresses works against them, a Muster with a
 * configuration of its own or another autoscaler. All times of machines and of the ClearML server are divided by one speed.
 */
final class OwnStandIns implements AutoCloseable {

    static final String REGION = "us-east-1";

    private static final String ACCESS = "OWNSTANDINACCESS";
    private static final String SECRET = "ownstandinsecret0123456789";

    final ClearmlServer clearml;
    final Ec2Server ec2;
    private final Vertx vertx = Vertx.vertx();
    private final HttpClient http = HttpClient.newHttpClient();
    private final Clearml client;

    OwnStandIns(TimeScale speed) {
        var own = ClearmlConfig.of(new ClearmlConfig.Credential(ACCESS, SECRET, "me", "mine"));
        // A worker that is gone would else stay listed for ten minutes of the clock, which at speed 15 are two and a half hours.
        clearml = ClearmlServer.start(vertx, 0, new ClearmlConfig(own.credentials(), own.clock(), speed.real(own.workerTimeout()),
                speed.real(own.watchdogAfter()), speed.real(own.watchdogEvery()), own.apiVersion()));
        client = new Clearml(clearml.url(), ACCESS, SECRET);
        ec2 = Ec2Server.start(vertx, Ec2Config.defaults().withTimeScale(speed), new ClearmlMachine(vertx, speed));
    }

    /** Starts clearml_autoscaler.py in the folder, which becomes its home. */
    Process autoscaler(Path python, Path folder, File out, String... arguments) throws IOException {
        var command = new ArrayList<>(List.of(python.toString(), Shell.SOURCES.resolve("acceptance/src/test/python/clearml_autoscaler.py").toString()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectOutput(out).redirectError(folder.resolve("autoscaler.log").toFile());
        var environment = builder.environment();
        environment.keySet().removeIf(name -> name.startsWith("CLEARML_") || name.startsWith("AWS_"));
        environment.putAll(client.environment());
        environment.putAll(Map.of("HOME", folder.toString(), "CLEARML_CONFIG_FILE", folder.resolve("none.conf").toString(),
                "AWS_ENDPOINT_URL", ec2.url(), "AWS_EC2_METADATA_DISABLED", "true"));
        return builder.start();
    }

    /** What a person would have written for these two; the keys of EC2 come from elsewhere. */
    void writeMusterYaml(Path folder) throws IOException {
        writeMusterYaml(folder, "");
    }

    /**
     * The same beside a cluster, with the keys of EC2.
     *
     * @param cluster gets what pods are told of ClearML
     */
    void writeMusterYaml(Path folder, RealCluster cluster) throws IOException {
        writeMusterYaml(folder, "  " + cluster.account(folder, Map.of(SecretsFolder.clearmlAccessKey("default"), ACCESS, SecretsFolder.clearmlSecretKey("default"), SECRET)) + "\n");
        writeEc2Keys(folder);
    }

    /** Where the configuration has been written. */
    void writeEc2Keys(Path folder) throws IOException {
        Files.writeString(folder.resolve("secrets/aws-default-access-key-id"), Ec2Config.ACCESS_KEY);
        Files.writeString(folder.resolve("secrets/aws-default-secret-access-key"), "any");
    }

    private void writeMusterYaml(Path folder, String accounts) throws IOException {
        var secrets = Files.createDirectories(folder.resolve("secrets"));
        Files.writeString(secrets.resolve("clearml-default-access-key"), ACCESS);
        Files.writeString(secrets.resolve("clearml-default-secret-key"), SECRET);
        Files.writeString(folder.resolve("muster.yaml"), """
                installation: side
                connections:
                  default: {api: %1$s, machineHosts: {api: %1$s, web: %1$s, files: %1$s}}
                accounts:
                  default: {provider: aws, regions: [%2$s], endpoint: %3$s}
                """.formatted(clearml.url(), REGION, ec2.url()) + accounts);
    }

    /** ClearML as any program with a key sees it. */
    Clearml client() {
        return client;
    }

    String createQueue(String name) throws IOException, InterruptedException {
        return client.call("queues.create", Map.of("name", name)).path("id").asText();
    }

    String createTask(String name, Duration runTime) throws IOException, InterruptedException {
        return client.call("tasks.create", SampleTask.running(name, runTime).createRequest().toString()).path("id").asText();
    }

    void enqueue(String task, String queueId) throws IOException, InterruptedException {
        client.call("tasks.enqueue", Map.of("task", task, "queue", queueId));
    }

    void putBack(String task, String queueId) throws IOException, InterruptedException {
        client.call("tasks.stopped", Map.of("task", task, "force", true));
        enqueue(task, queueId);
    }

    /** A machine that runs what ClearML's autoscaler would have it run; EC2's id. */
    String launchPlainAgent(String queue) throws IOException, InterruptedException {
        var script = """
                #!/bin/bash
                export CLEARML_API_HOST=%s
                export DYNAMIC_INSTANCE_ID=$(curl http://169.254.169.254/latest/meta-data/instance-id)
                export CLEARML_WORKER_ID=prefix:resource:c5.xlarge:$DYNAMIC_INSTANCE_ID
                export CLEARML_API_ACCESS_KEY='%s'
                export CLEARML_API_SECRET_KEY='%s'
                python -m clearml_agent --config-file ~/clearml.conf daemon --queue '%s'
                """.formatted(clearml.url(), ACCESS, SECRET, queue);
        var userData = URLEncoder.encode(Base64.getEncoder().encodeToString(script.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
        return first("<instanceId>(i-[0-9a-f]+)</instanceId>",
                askEc2("RunInstances&MinCount=1&MaxCount=1&InstanceType=c5.xlarge&ImageId=" + Ec2Config.UBUNTU.id() + "&UserData=" + userData));
    }

    /** As EC2 ends a machine whose host is retired, or a person at the console. */
    void take(String instance) throws IOException, InterruptedException {
        askEc2("TerminateInstances&InstanceId.1=" + instance);
    }

    /** The subnet of a zone. */
    String subnetOf(String zone) throws IOException, InterruptedException {
        return first("<subnetId>(subnet-[0-9a-f]+)</subnetId>", askEc2("DescribeSubnets&Filter.1.Name=availability-zone&Filter.1.Value.1=" + zone));
    }

    String securityGroup() throws IOException, InterruptedException {
        return first("<groupId>(sg-[0-9a-f]+)</groupId>", askEc2("DescribeSecurityGroups"));
    }

    private static String first(String pattern, String xml) {
        var match = Pattern.compile(pattern).matcher(xml);
        assertThat(match.find()).as(xml).isTrue();
        return match.group(1);
    }

    private String askEc2(String action) throws IOException, InterruptedException {
        var answer = http.send(HttpRequest.newBuilder(URI.create(ec2.url() + "/")).header("Content-Type", "application/x-www-form-urlencoded")
                .header("Authorization", "AWS4-HMAC-SHA256 Credential=" + Ec2Config.ACCESS_KEY + "/20260101/" + REGION
                        + "/ec2/aws4_request, SignedHeaders=host, Signature=0")
                .POST(HttpRequest.BodyPublishers.ofString("Version=2016-11-15&Action=" + action)).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return answer.body();
    }

    @Override
    public void close() {
        ec2.close();
        clearml.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
