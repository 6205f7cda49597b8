package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.ec2.Ec2Config;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ec2.model.DescribeInstancesRequest;

/** Whose keys a call is made with, and what a configuration may say of it. */
class AwsAccountsTest {

    private static final String OTHER = "210987654321";
    private static final String ARN = "arn:aws:iam::" + OTHER + ":role/muster";

    private final Ec2StandIn ec2 = new Ec2StandIn();

    @AfterEach
    void close() {
        ec2.close();
    }

    @Test
    void aRolesAccountIsTheOneThatMachinesRunIn() throws ProviderException {
        ec2.server.role(ARN, "lab-7", null);
        var ours = ec2.machines();
        var theirs = machines(Optional.of("lab-7"));

        theirs.launch(Batches.of(LaunchSettings.DEFAULTS));

        Await.until(() -> theirs.list(Ec2StandIn.SCOPE).machines(), machines -> machines.size() == 1);
        assertThat(ours.list(Ec2StandIn.SCOPE).machines()).isEmpty();
    }

    @Test
    void aRoleThatTheExternalIdDoesNotOpenIsUnauthorizedInStssWords() {
        ec2.server.role(ARN, "lab-7", null);

        var refused = catchThrowableOfType(ProviderException.class, () -> machines(Optional.empty()).check(Ec2StandIn.SCOPE));

        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(refused.code()).isEqualTo("AccessDenied");
        assertThat(refused.getMessage()).contains("is not authorized to perform: sts:AssumeRole on resource: " + ARN);
    }

    @Test
    void aRolesKeysAreRenewedBeforeTheyEnd() throws ProviderException {
        ec2.server.role(ARN, null, Duration.ofSeconds(1));
        var machines = machines(Optional.empty());
        var keys = RoleCredentials.of(new RoleCredentials.Role(ARN, Optional.empty(), "muster-lab"), SdkEc2Api.credentials(new SecretsFolder(ec2.secrets()), Ec2StandIn.ACCOUNT),
                Region.US_EAST_1, Optional.of(URI.create(ec2.server.url()))).resolveCredentials();
        var once = new SdkEc2Api(Region.US_EAST_1, Optional.of(URI.create(ec2.server.url())),
                StaticCredentialsProvider.create((AwsCredentials) keys));
        machines.check(Ec2StandIn.SCOPE);

        Await.until(() -> {
            try {
                once.describeInstances(DescribeInstancesRequest.builder().build());
                return "";
            } catch (SdkException ended) {
                return Ec2Failures.codeOf(ended);
            }
        }, code -> code.equals("RequestExpired"));

        machines.check(Ec2StandIn.SCOPE);
    }

    @Test
    void aRolesKeysAreAskedForOnceWhileTheyHold() throws ProviderException {
        ec2.server.role(ARN, null, null);
        var machines = machines(Optional.empty());
        machines.check(Ec2StandIn.SCOPE);
        ec2.server.faults().deny("AssumeRole");

        machines.check(Ec2StandIn.SCOPE);
        machines.launch(Batches.of(LaunchSettings.DEFAULTS));
    }

    @Test
    void anAccountIsWhatTheConfigurationSays() {
        assertThat(AwsProvisioner.accounts(config(Map.of("role-arn", ARN, "external-id", "lab-7", "regions", "eu-west-1,us-east-1", "image", "ssm:/team/image")), "lab"))
                .isEqualTo(Map.of("research", new AwsAccounts.Account(Optional.empty(), Optional.of("ssm:/team/image"), List.of("eu-west-1", "us-east-1"),
                        Optional.of(new RoleCredentials.Role(ARN, Optional.of("lab-7"), "muster-lab")))));
        assertThat(AwsProvisioner.accounts(config(Map.of("role-arn", ARN, "role-session-name", "autoscaler")), "lab").get("research").role())
                .contains(new RoleCredentials.Role(ARN, Optional.empty(), "autoscaler"));
        assertThat(AwsProvisioner.accounts(config(Map.of("image", "ours")), "lab").get("research").role()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "role-arn | muster | | | muster.aws.accounts.research.role-arn is 'muster'; it must be the ARN of a role",
        "role-arn | arn:aws:iam::12:role/muster | | | muster.aws.accounts.research.role-arn is 'arn:aws:iam::12:role/muster'",
        "role-arn | arn:aws:iam::210987654321:user/muster | | | it must be the ARN of a role",
        "external-id | lab-7 | | | muster.aws.accounts.research.external-id is set and muster.aws.accounts.research.role-arn is not",
        "role-session-name | lab | | | muster.aws.accounts.research.role-session-name is set and",
        "role-arn | arn:aws:iam::210987654321:role/muster | external-id | a b | muster.aws.accounts.research.external-id must be 2 to 1224",
        "role-arn | arn:aws:iam::210987654321:role/muster | role-session-name | a b | muster.aws.accounts.research.role-session-name is 'a b'",
        "endpoint | here | | | muster.aws.accounts.research.endpoint is 'here'; it must be a URL",
    })
    void whatIsWrongIsSaidWithItsKey(String key, String value, String otherKey, String otherValue, String sentence) {
        var told = otherKey == null ? Map.of(key, value) : Map.of(key, value, otherKey, otherValue);

        assertThatThrownBy(() -> AwsProvisioner.accounts(config(told), "lab")).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(sentence);
    }

    private Ec2Machines machines(Optional<String> externalId) {
        return new Ec2Machines(ec2.accounts(Optional.of(Ec2Config.UBUNTU.id()), Optional.of(new RoleCredentials.Role(ARN, externalId, "muster-lab"))), "lab");
    }

    /** As Quarkus reads it. @param told keys of account research */
    private static AwsConfig config(Map<String, String> told) {
        var keys = new HashMap<String, String>();
        told.forEach((key, value) -> keys.put("muster.aws.accounts.research." + key, value));
        return new SmallRyeConfigBuilder().withMapping(AwsConfig.class).withDefaultValues(keys).build().getConfigMapping(AwsConfig.class);
    }
}
