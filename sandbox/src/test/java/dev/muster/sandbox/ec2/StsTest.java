package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.sandbox.SimulatedTime;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Roles that are taken on, and whose account their keys act in. */
final class StsTest {

    private static final String OTHER_ACCOUNT = "210987654321";
    private static final String ROLE = "arn:aws:iam::" + OTHER_ACCOUNT + ":role/muster";

    private final SimulatedTime time = new SimulatedTime();
    private final Http http = new Http(Ec2Config.defaults(), time);

    /** Of an answer of AssumeRole. */
    private record Keys(String id, String token) {
    }

    @BeforeEach
    void makeRole() {
        http.server.role(ROLE, "muster-lab", null);
    }

    @AfterEach
    void stop() {
        http.close();
    }

    @Test
    void aRolesKeysActInItsAccount() {
        // When
        var keys = keys(assume("RoleArn", ROLE, "ExternalId", "muster-lab"));

        // Then
        assertThat(call(keys, "sts", "GetCallerIdentity").body()).contains("<Account>" + OTHER_ACCOUNT + "</Account>",
                "<Arn>arn:aws:sts::" + OTHER_ACCOUNT + ":assumed-role/muster/lab</Arn>");
        assertThat(call(keys, "ec2", "RunInstances", "ImageId", Ec2Config.UBUNTU.id(), "InstanceType", "m5.large", "MinCount", "1", "MaxCount", "1").body())
                .contains("<ownerId>" + OTHER_ACCOUNT + "</ownerId>");
        time.pass(Duration.ofSeconds(1));
        assertThat(http.ec2("DescribeInstances").body()).doesNotContain("<instanceId>");
        assertThat(call(keys, "ec2", "DescribeInstances").body()).contains("<instanceId>");
    }

    @Test
    void neitherAWrongExternalIdNorARoleThatIsNotThereIsToldFromOneThatIsForbidden() {
        for (var refused : List.of(assume("RoleArn", ROLE), assume("RoleArn", ROLE, "ExternalId", "another"),
                assume("RoleArn", "arn:aws:iam::" + OTHER_ACCOUNT + ":role/none", "ExternalId", "muster-lab"))) {
            assertThat(refused.statusCode()).isEqualTo(403);
            assertThat(refused.body()).contains("<Code>AccessDenied</Code>", "User: arn:aws:iam::" + Ec2Config.ACCOUNT
                    + ":user/sandbox is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" + OTHER_ACCOUNT + ":role/");
        }
    }

    @Test
    void keysEndWhenTheyAreSaidTo() {
        // Given
        var answer = assume("RoleArn", ROLE, "ExternalId", "muster-lab", "DurationSeconds", "900");
        var keys = keys(answer);
        assertThat(Http.between(answer.body(), "<Expiration>", "<")).isEqualTo(Xml.time(time.now().plusSeconds(900)));

        // When
        time.pass(Duration.ofSeconds(899));
        var before = call(keys, "ec2", "DescribeRegions");
        time.pass(Duration.ofSeconds(1));

        // Then
        assertThat(before.statusCode()).isEqualTo(200);
        assertThat(call(keys, "sts", "GetCallerIdentity").body()).contains("<Code>ExpiredToken</Code>");
        assertThat(call(keys, "ec2", "DescribeRegions").body()).contains("<Code>RequestExpired</Code>");
    }

    @Test
    void aTemporaryKeyIsNothingWithoutItsToken() {
        // Given
        var keys = keys(assume("RoleArn", ROLE, "ExternalId", "muster-lab"));

        // Then
        assertThat(call(new Keys(keys.id(), "another"), "sts", "GetCallerIdentity").body()).contains("<Code>InvalidClientTokenId</Code>");
        assertThat(call(new Keys(keys.id(), null), "ec2", "DescribeRegions").body()).contains("<Code>AuthFailure</Code>");
    }

    @Test
    void whatStsWouldNotTakeIsRefused() {
        assertThat(assume("RoleArn", ROLE, "ExternalId", "muster-lab", "DurationSeconds", "60").body()).contains("<Code>ValidationError</Code>", "900");
        assertThat(assume("RoleArn", ROLE, "ExternalId", "muster-lab", "DurationSeconds", "7200").body()).contains("MaxSessionDuration");
        assertThat(assume("RoleArn", "muster", "ExternalId", "muster-lab").body()).contains("muster is invalid");
        assertThat(assume("RoleArn", ROLE, "RoleSessionName", "a name").body()).contains("roleSessionName");
        assertThat(call(new Keys(Ec2Config.ACCESS_KEY, null), "sts", "AssumeRole", "RoleSessionName", "lab").body()).contains("Value null at 'roleArn'");
        assertThatThrownBy(() -> http.server.role("muster", null, null)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("arn:aws:iam::");
    }

    @Test
    void aRoleIsMadeOverHttpAndItsKeysMayEndSoon() {
        // When
        var made = http.admin("/ec2/roles", new JsonObject().put("arn", ROLE + "-short").put("seconds", 2));
        var keys = keys(assume("RoleArn", ROLE + "-short"));
        time.pass(Duration.ofSeconds(2));

        // Then
        assertThat(made.statusCode()).isEqualTo(200);
        assertThat(call(keys, "sts", "GetCallerIdentity").body()).contains("<Code>ExpiredToken</Code>");
    }

    private HttpResponse<String> assume(String... parameters) {
        return call(new Keys(Ec2Config.ACCESS_KEY, null), "sts", "AssumeRole", parameters);
    }

    private static Keys keys(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return new Keys(Http.between(answer.body(), "<AccessKeyId>", "<"), Http.between(answer.body(), "<SessionToken>", "<"));
    }

    private HttpResponse<String> call(Keys keys, String service, String action, String... parameters) {
        var all = new TreeMap<>(Map.of("Action", action, "Version", service.equals("sts") ? "2011-06-15" : "2016-11-15"));
        if (action.equals("AssumeRole")) {
            all.put("RoleSessionName", "lab");
        }
        for (int i = 0; i < parameters.length; i += 2) {
            all.put(parameters[i], parameters[i + 1]);
        }
        var body = all.entrySet().stream().map(p -> p.getKey() + "=" + URLEncoder.encode(p.getValue(), StandardCharsets.UTF_8)).collect(Collectors.joining("&"));
        var request = HttpRequest.newBuilder(URI.create(http.server.url() + "/")).header("Content-Type", "application/x-www-form-urlencoded")
                .header("Authorization", Http.credential(keys.id(), "us-east-1", service)).POST(HttpRequest.BodyPublishers.ofString(body));
        if (keys.token() != null) {
            request.header("X-Amz-Security-Token", keys.token());
        }
        return http.send(request);
    }
}
