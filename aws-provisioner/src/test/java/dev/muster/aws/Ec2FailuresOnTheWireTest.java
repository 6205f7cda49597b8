package dev.muster.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;

/**
 * Errors as EC2 sends them, read by Amazon's SDK: XML with code, sentence and request id, under the status that EC2 gives each code. The
 * sentences are those that EC2 is known to write, so that what people read here is what they will read there.
 */
class Ec2FailuresOnTheWireTest {

    private HttpServer server;
    private Ec2Api api;
    private volatile int status;
    private volatile String body;

    @BeforeEach
    void listen() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            var bytes = body.getBytes(UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/xml;charset=UTF-8");
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        api = new SdkEc2Api(Region.US_EAST_1, Optional.of(URI.create("http://127.0.0.1:" + server.getAddress().getPort())),
                StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")));
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "OUT_OF_CAPACITY | 500 | InsufficientInstanceCapacity | We currently do not have sufficient p4d.24xlarge capacity in the Availability Zone you requested (us-east-1a).",
        "OUT_OF_CAPACITY | 500 | InsufficientInstanceCapacity | There is no Spot capacity available that matches your request.",
        "OUT_OF_CAPACITY | 400 | InsufficientHostCapacity | Insufficient capacity on the host.",
        "OUT_OF_CAPACITY | 400 | InsufficientReservedInstanceCapacity | Insufficient Capacity.",
        "OUT_OF_CAPACITY | 400 | InsufficientCapacityOnHost | Insufficient capacity on host.",
        "OUT_OF_CAPACITY | 400 | InsufficientCapacity | Insufficient capacity.",
        "OUT_OF_CAPACITY | 400 | ReservationCapacityExceeded | The requested reservation does not have sufficient compatible and available capacity for this request.",
        "OUT_OF_CAPACITY | 400 | UnfulfillableCapacity | Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.",
        "OUT_OF_CAPACITY | 400 | Unsupported | Your requested instance type (p4d.24xlarge) is not supported in your requested Availability Zone (us-east-1e).",
        "OUT_OF_CAPACITY | 400 | InsufficientFreeAddressesInSubnet | Not enough free addresses in subnet 'subnet-0123456789abcdef0' to satisfy the requested number of instances.",
        "OUT_OF_CAPACITY | 503 | InsufficientAddressCapacity | Insufficient capacity.",
        "OUT_OF_CAPACITY | 400 | SpotMaxPriceTooLow | Your Spot request price of 0.001 is lower than the minimum required Spot request fulfillment price of 0.1578.",
        "QUOTA_EXCEEDED | 400 | InstanceLimitExceeded | You have requested more instances (21) than your current instance limit of 20 allows for the specified instance type.",
        "QUOTA_EXCEEDED | 400 | VcpuLimitExceeded | You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to.",
        "QUOTA_EXCEEDED | 400 | MaxSpotInstanceCountExceeded | Max spot instance count exceeded",
        "QUOTA_EXCEEDED | 400 | MaxSpotFleetRequestCountExceeded | Max spot fleet request count exceeded",
        "QUOTA_EXCEEDED | 400 | MaxFleetCountExceeded | You have reached the limit of fleets.",
        "QUOTA_EXCEEDED | 400 | VolumeLimitExceeded | You have exceeded your maximum gp3 storage limit of 50 TiB in this region.",
        "QUOTA_EXCEEDED | 400 | MaxIOPSLimitExceeded | You have reached the limit on your IOPS usage for that region.",
        "QUOTA_EXCEEDED | 400 | AddressLimitExceeded | The maximum number of addresses has been reached.",
        "QUOTA_EXCEEDED | 400 | NetworkInterfaceLimitExceeded | You have reached the limit on the number of network interfaces that you can create.",
        "QUOTA_EXCEEDED | 400 | PrivateIpAddressLimitExceeded | Number of private addresses will exceed limit.",
        "QUOTA_EXCEEDED | 400 | ResourceLimitExceeded | You have exceeded an Amazon EC2 resource limit.",
        "QUOTA_EXCEEDED | 400 | ResourceCountExceeded | You have exceeded the number of resources allowed for this request.",
        "QUOTA_EXCEEDED | 400 | HostLimitExceeded | You have reached the limit on the number of Dedicated Hosts that you can allocate.",
        "QUOTA_EXCEEDED | 400 | DiskImageSizeLimitExceeded | One or more of the images exceeds the limit.",
        "QUOTA_EXCEEDED | 400 | InstanceCreditSpecification.NotSupported.LimitExceeded | Too many instances in unlimited mode.",
        "THROTTLED | 503 | RequestLimitExceeded | Request limit exceeded.",
        "THROTTLED | 400 | Throttling | Rate exceeded",
        "THROTTLED | 400 | ThrottlingException | Rate exceeded",
        "THROTTLED | 400 | ThrottledException | Rate exceeded",
        "THROTTLED | 400 | RequestThrottled | Rate exceeded",
        "THROTTLED | 400 | RequestThrottledException | Rate exceeded",
        "THROTTLED | 429 | TooManyRequestsException | Too many requests",
        "THROTTLED | 503 | EC2ThrottledException | Rate exceeded",
        "THROTTLED | 503 | BandwidthLimitExceeded | Bandwidth limit exceeded",
        "THROTTLED | 400 | PriorRequestNotComplete | Prior request not complete",
        "THROTTLED | 503 | SlowDown | Please reduce your request rate.",
        "THROTTLED | 400 | LimitExceededException | Limit exceeded",
        "THROTTLED | 400 | ProvisionedThroughputExceededException | Throughput exceeded",
        "UNAVAILABLE | 500 | InternalError | An internal error has occurred",
        "UNAVAILABLE | 500 | InternalFailure | The request processing has failed because of an unknown error, exception, or failure.",
        "UNAVAILABLE | 500 | InternalServerError | sorry",
        "UNAVAILABLE | 500 | ServerInternal | sorry",
        "UNAVAILABLE | 503 | ServiceUnavailable | The request has failed due to a temporary failure of the server.",
        "UNAVAILABLE | 503 | Unavailable | The server is overloaded and can't handle the request.",
        "UNAVAILABLE | 400 | RequestTimeout | Your socket connection to the server was not read from or written to within the timeout period.",
        "UNAVAILABLE | 400 | RequestTimeoutException | Timed out",
        "UNAVAILABLE | 400 | RequestAbortedException | Aborted",
        "UNAVAILABLE | 400 | TransactionInProgressException | In progress",
        "UNAVAILABLE | 400 | IncorrectState.ClientTokenInProgress | The client token is in use by a request that is still under way.",
        "UNAVAILABLE | 400 | ConcurrentModificationException | Changed meanwhile",
        "UNAUTHORIZED | 403 | UnauthorizedOperation | You are not authorized to perform this operation.",
        "UNAUTHORIZED | 403 | AuthFailure.ServiceLinkedRoleCreationNotPermitted | The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
        "UNAUTHORIZED | 400 | Blocked | This account is currently blocked and not recognized as a valid account. Please contact aws-verification@amazon.com if you have questions.",
        "UNAUTHORIZED | 400 | PendingVerification | Your request for accessing resources in this region is being validated, and you will not be able to launch additional resources in this region until the validation is complete.",
        "UNAUTHORIZED | 403 | InvalidClientTokenId | The security token included in the request is invalid.",
        "UNAUTHORIZED | 403 | InvalidAccessKeyId | The key does not exist.",
        "UNAUTHORIZED | 403 | SignatureDoesNotMatch | The request signature we calculated does not match the signature you provided.",
        "UNAUTHORIZED | 400 | IncompleteSignature | The request signature does not conform to AWS standards.",
        "UNAUTHORIZED | 403 | MissingAuthenticationToken | Missing Authentication Token",
        "UNAUTHORIZED | 400 | ExpiredToken | The provided token has expired.",
        "UNAUTHORIZED | 400 | ExpiredTokenException | The security token included in the request is expired",
        "UNAUTHORIZED | 400 | RequestExpired | Request has expired.",
        "UNAUTHORIZED | 403 | AccessDenied | User: arn:aws:iam::123456789012:user/muster is not authorized to perform: sts:AssumeRole",
        "UNAUTHORIZED | 400 | AccessDeniedException | User: arn:aws:iam::123456789012:user/muster is not authorized to perform: ssm:GetParameter",
        "UNAUTHORIZED | 400 | UnrecognizedClientException | The security token included in the request is invalid.",
        "UNAUTHORIZED | 400 | NotAuthorized | You do not have permission to perform this action.",
        "UNAUTHORIZED | 403 | InvalidSecurity | Not valid",
        "UNAUTHORIZED | 403 | AccountProblem | There is a problem with your account.",
        "INVALID_SPEC | 400 | InvalidAMIID.NotFound | The image id '[ami-00000000]' does not exist",
        "INVALID_SPEC | 400 | InvalidParameterCombination | Network interfaces and an instance-level subnet ID may not be specified on the same request",
        "INVALID_SPEC | 400 | InvalidLaunchTemplateId.NotFound | The specified launch template, with template ID lt-00000000, does not exist.",
        "INVALID_SPEC | 400 | InvalidKeyPair.NotFound | The key pair 'ops' does not exist",
        "EXPIRED | 400 | IdempotentInstanceTerminated | The request specified is the same as a previous request, whose instances have ended.",
    })
    void anErrorIsOfItsKindAndKeepsItsCodeAndItsSentence(FailureKind kind, int sent, String code, String sentence) {
        var failed = answered(sent, """
                <?xml version="1.0" encoding="UTF-8"?>
                <Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>"""
                .formatted(code, sentence));

        assertThat(failed.kind()).isEqualTo(kind);
        assertThat(failed.code()).isEqualTo(code);
        assertThat(failed.getMessage()).isEqualTo(sentence);
    }

    /** EC2 sends both with a body that the JDK's HTTP client never hands out. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "AuthFailure | AWS was not able to validate the provided access credentials",
        "OptInRequired | You are not subscribed to this service. Please go to http://aws.amazon.com to subscribe.",
    })
    void whatComesWithStatus401IsUnauthorizedInOurWords(String code, String sentence) {
        var failed = answered(401, "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>ea966190</RequestID></Response>".formatted(code, sentence));

        assertThat(failed.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(failed.code()).isEqualTo("HTTP 401");
        assertThat(failed.getMessage()).contains(code);
    }

    /** A code that nobody has seen on the wire may be misspelt in the table, and nobody would know. */
    @Test
    void everyCodeOfTheTableIsAbove() throws NoSuchMethodException {
        var above = new HashSet<String>();
        for (var row : getClass().getDeclaredMethod("anErrorIsOfItsKindAndKeepsItsCodeAndItsSentence", FailureKind.class, int.class, String.class, String.class)
                .getAnnotation(CsvSource.class).value()) {
            above.add(row.split("\\|")[2].strip());
        }

        above.addAll(Set.of("AuthFailure", "OptInRequired"));
        assertThat(above).containsAll(Ec2Failures.codes());
        assertThat(above.stream().map(code -> Ec2Failures.kindOf(code, 400))).containsAll(EnumSet.complementOf(EnumSet.of(FailureKind.INVALID_SPEC)));
    }

    @Test
    void anEncodedAuthorizationMessageIsCutOff() {
        var failed = answered(403, """
                <?xml version="1.0" encoding="UTF-8"?>
                <Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/muster is not \
                authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/* because no identity-based policy allows the ec2:RunInstances action. \
                Encoded authorization failure message: 4OLDYVxZpBXGFMEtRfh0TNw_%s</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>"""
                .formatted("x".repeat(700)));

        assertThat(failed.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(failed.getMessage()).endsWith("because no identity-based policy allows the ec2:RunInstances action.");
    }

    @Test
    void anErrorWithoutABodyIsSortedByItsStatus() {
        assertThat(answered(503, "").kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(answered(500, "<html>load balancer</html>").kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(answered(403, "").kind()).isEqualTo(FailureKind.UNAUTHORIZED);
    }

    private ProviderException answered(int with, String xml) {
        status = with;
        body = xml;
        return Ec2Failures.translate(catchThrowableOfType(SdkException.class, () -> api.runInstances(RunInstancesRequest.builder().minCount(1).maxCount(1).build())));
    }
}
