package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.SimulatedTime;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class MetadataTest {

    private final SimulatedTime time = new SimulatedTime();
    private final Http http = new Http(Ec2Config.defaults(), time);

    @AfterEach
    void stop() {
        http.close();
    }

    @Test
    void versionTwoNeedsATokenThatEndsWithItsTime() {
        // Given
        var id = running("m5.large", "MetadataOptions.HttpTokens", "required");
        var token = http.put(url(id) + "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60");

        // Then
        assertThat(token.statusCode()).isEqualTo(200);
        assertThat(http.get(url(id) + "/latest/meta-data/instance-id").statusCode()).isEqualTo(401);
        assertThat(http.get(url(id) + "/latest/meta-data/instance-id", "X-aws-ec2-metadata-token", "made up").statusCode()).isEqualTo(401);
        assertThat(http.get(url(id) + "/latest/meta-data/instance-id", "X-aws-ec2-metadata-token", token.body()).body()).isEqualTo(id);
        time.pass(Duration.ofSeconds(61));
        assertThat(http.get(url(id) + "/latest/meta-data/instance-id", "X-aws-ec2-metadata-token", token.body()).statusCode()).isEqualTo(401);
    }

    @Test
    void aTokenNeedsAnAgeAndIsForOneMachine() {
        // Given
        var id = running("m5.large", "MetadataOptions.HttpTokens", "required");
        var other = running("m5.large", "MetadataOptions.HttpTokens", "required");
        var token = http.put(url(id) + "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "21600").body();

        // Then
        assertThat(http.put(url(id) + "/latest/api/token").statusCode()).isEqualTo(400);
        assertThat(http.put(url(id) + "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "21601").statusCode()).isEqualTo(400);
        assertThat(http.get(url(other) + "/latest/meta-data/instance-id", "X-aws-ec2-metadata-token", token).statusCode()).isEqualTo(401);
    }

    @Test
    void versionOneAnswersWhereTokensAreOptional() {
        // Given
        var id = running("m5.large", "UserData", Base64.getEncoder().encodeToString("#!/bin/sh\n".getBytes()), "Placement.AvailabilityZone", "us-east-1b");

        // Then
        assertThat(read(id, "/latest/meta-data/instance-type")).isEqualTo("m5.large");
        assertThat(read(id, "/latest/meta-data/placement/availability-zone")).isEqualTo("us-east-1b");
        assertThat(read(id, "/latest/meta-data/placement/region")).isEqualTo("us-east-1");
        assertThat(read(id, "/latest/meta-data/ami-launch-index")).isEqualTo("0");
        assertThat(read(id, "/latest/meta-data/local-ipv4")).startsWith("172.31.");
        assertThat(read(id, "/latest/user-data")).isEqualTo("#!/bin/sh\n");
        assertThat(new JsonObject(read(id, "/latest/dynamic/instance-identity/document")).getString("instanceId")).isEqualTo(id);
        assertThat(http.get(url(id) + "/latest/meta-data/colour").statusCode()).isEqualTo(404);
    }

    @Test
    void tagsAreLiveWhereTheTypeRefreshesThemAndTheLaunchAskedForThem() {
        // Given
        var nitro = running("g5.xlarge", tagged("enabled"));
        var xen = running("p3.2xlarge", tagged("enabled"));
        var without = running("m5.large", tagged("disabled"));

        // When
        for (var id : List.of(nitro, xen, without)) {
            http.ec2("CreateTags", "ResourceId.1", id, "Tag.1.Key", "muster-mark", "Tag.1.Value", "drain/2");
        }

        // Then
        assertThat(read(nitro, "/latest/meta-data/tags/instance/")).isEqualTo("muster-mark\nmuster-pool");
        assertThat(read(nitro, "/latest/meta-data/tags/instance")).isEqualTo("muster-mark\nmuster-pool");
        assertThat(read(nitro, "/latest/meta-data/tags/instance/muster-mark")).isEqualTo("drain/2");
        assertThat(read(xen, "/latest/meta-data/tags/instance/")).isEqualTo("muster-pool");
        assertThat(http.get(url(xen) + "/latest/meta-data/tags/instance/muster-mark").statusCode()).isEqualTo(404);
        assertThat(http.get(url(without) + "/latest/meta-data/tags/instance/").statusCode()).isEqualTo(404);
        http.ec2("DeleteTags", "ResourceId.1", nitro, "Tag.1.Key", "muster-mark");
        assertThat(http.get(url(nitro) + "/latest/meta-data/tags/instance/muster-mark").statusCode()).isEqualTo(404);
    }

    @Test
    void anInterruptionIsAnnouncedWithItsTime() {
        // Given
        var id = running("g5.xlarge", "InstanceMarketOptions.MarketType", "spot");
        int before = http.get(url(id) + "/latest/meta-data/spot/instance-action").statusCode();

        // When
        var end = http.server.interrupt(id);

        // Then
        assertThat(before).isEqualTo(404);
        assertThat(new JsonObject(read(id, "/latest/meta-data/spot/instance-action"))).isEqualTo(new JsonObject().put("action", "terminate").put("time", end.toString()));
    }

    @Test
    void aMachineWithAProfileHasItsRolesKeysWhichOpenTheSecretStores() {
        // Given
        http.server.parameter("/muster/git", "hush", true);
        http.server.secret("muster/clearml", "{\"key\":\"hush\"}");
        var id = running("m5.large", "IamInstanceProfile.Name", "muster-machine");

        // When
        var keys = new JsonObject(read(id, "/latest/meta-data/iam/security-credentials/muster-machine"));

        // Then
        assertThat(read(id, "/latest/meta-data/iam/security-credentials/")).isEqualTo("muster-machine");
        assertThat(new JsonObject(read(id, "/latest/meta-data/iam/security-credentials/muster-machine"))).isEqualTo(keys);
        assertThat(stores(keys, keys.getString("Token"), "AmazonSSM.GetParameters", "{\"Names\":[\"/muster/git\"],\"WithDecryption\":true}")
                .getJsonArray("Parameters").getJsonObject(0).getString("Value")).isEqualTo("hush");
        var secret = stores(keys, keys.getString("Token"), "secretsmanager.GetSecretValue", "{\"SecretId\":\"muster/clearml\"}");
        assertThat(secret.getString("SecretString")).isEqualTo("{\"key\":\"hush\"}");
        assertThat(stores(keys, keys.getString("Token"), "secretsmanager.GetSecretValue", "{\"SecretId\":\"" + secret.getString("ARN") + "\"}")).isEqualTo(secret);
        assertThat(stores(keys, keys.getString("Token"), "secretsmanager.BatchGetSecretValue", "{\"SecretIdList\":[\"muster/clearml\",\"none\"]}")
                .getJsonArray("Errors").getJsonObject(0).getString("ErrorCode")).isEqualTo("ResourceNotFoundException");
        assertThat(stores(keys, "", "AmazonSSM.GetParameters", "{}").getString("__type")).isEqualTo("UnrecognizedClientException");
        http.server.faults().deny("GetSecretValue");
        var denied = stores(keys, keys.getString("Token"), "secretsmanager.GetSecretValue", "{\"SecretId\":\"muster/clearml\"}");
        assertThat(denied.getString("__type")).isEqualTo("AccessDeniedException");
        assertThat(denied.getString("message")).contains("assumed-role/muster-machine/" + id, "secretsmanager:GetSecretValue");
        time.pass(Duration.ofHours(7));
        assertThat(stores(keys, keys.getString("Token"), "AmazonSSM.GetParameters", "{}").getString("__type")).isEqualTo("ExpiredTokenException");
        assertThat(http.get(url(running("m5.large")) + "/latest/meta-data/iam/security-credentials/").statusCode()).isEqualTo(404);
    }

    private JsonObject stores(JsonObject keys, String token, String target, String body) {
        return new JsonObject(http.send(HttpRequest.newBuilder(URI.create(http.server.url() + "/")).header("Content-Type", "application/x-amz-json-1.1")
                .header("X-Amz-Target", target).header("X-Amz-Security-Token", token).header("Authorization", Http.credential(keys.getString("AccessKeyId"), "us-east-1",
                        target.startsWith("AmazonSSM") ? "ssm" : "secretsmanager")).POST(HttpRequest.BodyPublishers.ofString(body))).body());
    }

    @Test
    void isGoneWithTheMachineAndOffWhereDisabled() {
        // Given
        var id = running("m5.large");
        var disabled = running("m5.large", "MetadataOptions.HttpEndpoint", "disabled");

        // When
        http.ec2("TerminateInstances", "InstanceId.1", id);
        time.pass(Duration.ofSeconds(10));

        // Then
        assertThat(http.get(url(id) + "/latest/meta-data/instance-id").statusCode()).isEqualTo(404);
        assertThat(http.get(url(disabled) + "/latest/meta-data/instance-id").statusCode()).isEqualTo(403);
    }

    private static String[] tagged(String shown) {
        return new String[] {"MetadataOptions.InstanceMetadataTags", shown, "TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "muster-pool",
            "TagSpecification.1.Tag.1.Value", "gpu"};
    }

    private String running(String type, String... more) {
        var parameters = new ArrayList<>(List.of("ImageId", Ec2Config.UBUNTU.id(), "InstanceType", type, "MinCount", "1", "MaxCount", "1"));
        parameters.addAll(List.of(more));
        var answer = http.ec2("RunInstances", parameters.toArray(String[]::new));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        time.pass(Duration.ofSeconds(21));
        return Http.between(answer.body(), "<instanceId>", "<");
    }

    private String url(String id) {
        assertThat(http.booted.get(id) == null ? http.server.url() + "/machines/" + id : http.booted.get(id).metadataUrl()).isEqualTo(http.server.url() + "/machines/" + id);
        return http.server.url() + "/machines/" + id;
    }

    private String read(String id, String path) {
        var answer = http.get(url(id) + path);
        assertThat(answer.statusCode()).as(path).isEqualTo(200);
        return answer.body();
    }
}
