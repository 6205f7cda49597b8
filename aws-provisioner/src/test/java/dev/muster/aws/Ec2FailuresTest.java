package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.FailureKind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.ec2.model.Ec2Exception;

/** What EC2's codes mean. */
class Ec2FailuresTest {

    @ParameterizedTest
    @CsvSource({
        "InsufficientInstanceCapacity, 500, OUT_OF_CAPACITY",
        "UnfulfillableCapacity, 400, OUT_OF_CAPACITY",
        "Unsupported, 400, OUT_OF_CAPACITY",
        "InsufficientFreeAddressesInSubnet, 400, OUT_OF_CAPACITY",
        "ReservationCapacityExceeded, 400, OUT_OF_CAPACITY",
        "SpotMaxPriceTooLow, 400, OUT_OF_CAPACITY",
        "MaxSpotInstanceCountExceeded, 400, QUOTA_EXCEEDED",
        "VcpuLimitExceeded, 400, QUOTA_EXCEEDED",
        "MaxFleetCountExceeded, 400, QUOTA_EXCEEDED",
        "InstanceLimitExceeded, 400, QUOTA_EXCEEDED",
        "VolumeLimitExceeded, 400, QUOTA_EXCEEDED",
        "RequestLimitExceeded, 503, THROTTLED",
        "Throttling, 400, THROTTLED",
        "InternalError, 500, UNAVAILABLE",
        "Unavailable, 503, UNAVAILABLE",
        "ServiceUnavailable, 503, UNAVAILABLE",
        "UnauthorizedOperation, 403, UNAUTHORIZED",
        "AuthFailure, 401, UNAUTHORIZED",
        "OptInRequired, 401, UNAUTHORIZED",
        "RequestExpired, 400, UNAUTHORIZED",
        "PendingVerification, 400, UNAUTHORIZED",
        "InvalidAMIID.NotFound, 400, INVALID_SPEC",
        "InvalidParameterValue, 400, INVALID_SPEC",
        "InvalidSubnetID.NotFound, 400, INVALID_SPEC",
        "IdempotentInstanceTerminated, 400, EXPIRED",
    })
    void aCodeHasItsKind(String code, int status, FailureKind kind) {
        assertThat(Ec2Failures.kindOf(code, status)).isEqualTo(kind);
    }

    @Test
    void aCodeThatIsNotInTheTableIsSortedByItsStatus() {
        assertThat(List.of(Ec2Failures.kindOf("SomethingNew", 400), Ec2Failures.kindOf("SomethingNew", 429), Ec2Failures.kindOf("SomethingNew", 403),
                Ec2Failures.kindOf("SomethingNew", 500))).containsExactly(FailureKind.INVALID_SPEC, FailureKind.THROTTLED, FailureKind.UNAUTHORIZED,
                        FailureKind.UNAVAILABLE);
    }

    @Test
    void theCloudsOwnWordsAreKept() {
        var failure = Ec2Failures.translate((Ec2Exception) Ec2Exception.builder().statusCode(400)
                .awsErrorDetails(AwsErrorDetails.builder().errorCode("VcpuLimitExceeded").errorMessage("You have requested more vCPU").build()).build());

        assertThat(failure.kind()).isEqualTo(FailureKind.QUOTA_EXCEEDED);
        assertThat(failure.code()).isEqualTo("VcpuLimitExceeded");
        assertThat(failure.getMessage()).isEqualTo("You have requested more vCPU");
    }

    @Test
    void noAnswerIsUnavailableAndNoKeysAreNot() {
        assertThat(Ec2Failures.translate(SdkClientException.create("Unable to execute HTTP request: Connection refused")).kind())
                .isEqualTo(FailureKind.UNAVAILABLE);
        var noKeys = Ec2Failures.translate(SdkClientException.create("Unable to load credentials from any of the providers in the chain"));
        assertThat(noKeys.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(noKeys.getMessage()).contains("aws-<account>-access-key-id");
    }
}
