package dev.muster.aws;

import static dev.muster.provisioner.spi.FailureKind.EXPIRED;
import static dev.muster.provisioner.spi.FailureKind.INVALID_SPEC;
import static dev.muster.provisioner.spi.FailureKind.OUT_OF_CAPACITY;
import static dev.muster.provisioner.spi.FailureKind.QUOTA_EXCEEDED;
import static dev.muster.provisioner.spi.FailureKind.THROTTLED;
import static dev.muster.provisioner.spi.FailureKind.UNAUTHORIZED;
import static dev.muster.provisioner.spi.FailureKind.UNAVAILABLE;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.FailureTable;
import dev.muster.provisioner.spi.ProviderException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;

/** What EC2's error codes mean: the one table. Codes are those of "Error codes for the Amazon EC2 API" and of Amazon's common errors. */
final class Ec2Failures {

    /** The batch was asked for before, with other parameters: a rotated secret, a moved image alias, a newer boot script. */
    static final String MISMATCH = "IdempotentParameterMismatch";

    /** The batch was asked for before, and its machines have ended since. */
    static final String TERMINATED = "IdempotentInstanceTerminated";

    /** EC2 refuses the whole call if one id is unknown to it. */
    static final Set<String> NOT_FOUND = Set.of("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed");

    /** What EC2 adds for those who may call STS's DecodeAuthorizationMessage: hundreds of characters that no person can read. */
    private static final Pattern ENCODED = Pattern.compile("\\s*Encoded authorization failure message:.*", Pattern.DOTALL);

    private static final FailureTable KINDS = new FailureTable(Map.of(
            OUT_OF_CAPACITY, List.of(
                    "InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientHostCapacity", "InsufficientReservedInstanceCapacity",
                    "InsufficientCapacityOnHost", "UnfulfillableCapacity", "ReservationCapacityExceeded",
                    // The type isn't sold in that zone, or that subnet is full: another offer may do.
                    "Unsupported", "InsufficientFreeAddressesInSubnet", "InsufficientAddressCapacity",
                    // The spot price is above what we would pay.
                    "SpotMaxPriceTooLow"),
            QUOTA_EXCEEDED, List.of(
                    "InstanceLimitExceeded", "VcpuLimitExceeded", "MaxSpotInstanceCountExceeded", "MaxFleetCountExceeded",
                    "MaxSpotFleetRequestCountExceeded", "VolumeLimitExceeded", "MaxIOPSLimitExceeded", "AddressLimitExceeded",
                    "NetworkInterfaceLimitExceeded", "PrivateIpAddressLimitExceeded", "ResourceLimitExceeded", "ResourceCountExceeded",
                    "HostLimitExceeded", "InstanceCreditSpecification.NotSupported.LimitExceeded", "DiskImageSizeLimitExceeded"),
            THROTTLED, List.of(
                    "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
                    "RequestThrottledException", "TooManyRequestsException", "EC2ThrottledException", "BandwidthLimitExceeded",
                    "PriorRequestNotComplete", "SlowDown", "LimitExceededException", "ProvisionedThroughputExceededException"),
            UNAVAILABLE, List.of(
                    "InternalError", "InternalFailure", "InternalServerError", "ServerInternal", "ServiceUnavailable", "Unavailable",
                    "RequestTimeout", "RequestTimeoutException", "RequestAbortedException", "TransactionInProgressException",
                    // The call that has the token is still under way.
                    "IncorrectState.ClientTokenInProgress", "ConcurrentModificationException"),
            UNAUTHORIZED, List.of(
                    "AuthFailure", "UnauthorizedOperation", "Blocked", "OptInRequired", "PendingVerification", "InvalidClientTokenId",
                    "InvalidAccessKeyId", "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken", "ExpiredToken",
                    "ExpiredTokenException", "RequestExpired", "AccessDenied", "AccessDeniedException", "UnrecognizedClientException",
                    "NotAuthorized", "InvalidSecurity", "AccountProblem", "AuthFailure.ServiceLinkedRoleCreationNotPermitted"),
            EXPIRED, List.of(TERMINATED)));

    private Ec2Failures() {}

    /** Those that the table has. */
    static Set<String> codes() {
        return KINDS.codes();
    }

    /**
     * @param status HTTP's; what the table lacks is sorted by it: Amazon's side, or a request that can't succeed as it is
     */
    static FailureKind kindOf(String code, int status) {
        return KINDS.kindOf(code, status);
    }

    static String codeOf(SdkException failure) {
        return failure instanceof AwsServiceException service && service.awsErrorDetails() != null && service.awsErrorDetails().errorCode() != null
                ? service.awsErrorDetails().errorCode() : "";
    }

    static ProviderException translate(SdkException failure) {
        if (failure instanceof AwsServiceException service) {
            var code = codeOf(failure);
            var words = service.awsErrorDetails() == null ? null : service.awsErrorDetails().errorMessage();
            if (words == null && service.statusCode() == 401) {
                // The JDK's client throws away what comes with this status.
                words = "EC2 does not take the account's keys (AuthFailure), or the account is not signed up for this region or service (OptInRequired)";
            }
            return new ProviderException(kindOf(code, service.statusCode()), code.isEmpty() ? "HTTP " + service.statusCode() : code,
                    words == null ? "no message" : ENCODED.matcher(words).replaceFirst(""), failure);
        }
        // The SDK says so before any call is made.
        if (String.valueOf(failure.getMessage()).contains("Unable to load credentials")) {
            return new ProviderException(UNAUTHORIZED, "NoCredentials", "no credentials: put the account's keys into the secrets folder as"
                    + " aws-<account>-access-key-id and aws-<account>-secret-access-key, or give the process a role", failure);
        }
        return new ProviderException(UNAVAILABLE, failure.getClass().getSimpleName(), String.valueOf(failure.getMessage()), failure);
    }
}
