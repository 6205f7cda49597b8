package dev.muster.gcp;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.client.http.HttpHeaders;
import com.google.api.client.http.HttpResponseException;
import com.google.api.gax.httpjson.HttpJsonStatusCode;
import com.google.api.gax.rpc.ApiException;
import com.google.api.gax.rpc.ApiExceptionFactory;
import com.google.cloud.compute.v1.Operation;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.muster.provisioner.spi.FailureKind;
import java.net.ConnectException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Google's codes mean, of calls and of operations. */
class GceFailuresTest {

    @ParameterizedTest
    @CsvSource({
        "400, invalid, INVALID_SPEC",
        "400, badRequest, INVALID_SPEC",
        "400, resourceNotReady, UNAVAILABLE",
        "401, authError, UNAUTHORIZED",
        "401, required, UNAUTHORIZED",
        "400, required, INVALID_SPEC",
        "403, forbidden, UNAUTHORIZED",
        "403, insufficientPermissions, UNAUTHORIZED",
        "403, accessNotConfigured, UNAUTHORIZED",
        "403, quotaExceeded, QUOTA_EXCEEDED",
        "403, limitExceeded, QUOTA_EXCEEDED",
        "403, rateLimitExceeded, THROTTLED",
        "403, userRateLimitExceeded, THROTTLED",
        "429, rateLimitExceeded, THROTTLED",
        "412, conditionNotMet, UNAVAILABLE",
        "404, notFound, INVALID_SPEC",
        "500, internalError, UNAVAILABLE",
        "503, backendError, UNAVAILABLE",
        "403, somethingNew, UNAUTHORIZED",
        "400, somethingNew, INVALID_SPEC",
        "502, somethingNew, UNAVAILABLE",
    })
    void aRefusedCallHasItsKind(int status, String reason, FailureKind kind) {
        var failure = GceFailures.translate(refused(status, """
                {"error": {"code": %d, "message": "in Google's words", "errors": [{"message": "in Google's words", "domain": "global", "reason": "%s"}]}}
                """.formatted(status, reason)));

        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.code()).isEqualTo(reason);
        assertThat(failure.getMessage()).isEqualTo("in Google's words");
    }

    @ParameterizedTest
    @CsvSource({
        "ZONE_RESOURCE_POOL_EXHAUSTED, OUT_OF_CAPACITY",
        "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS, OUT_OF_CAPACITY",
        "VM_MIN_COUNT_NOT_REACHED, OUT_OF_CAPACITY",
        "IP_SPACE_EXHAUSTED, OUT_OF_CAPACITY",
        "UNSUPPORTED_OPERATION, OUT_OF_CAPACITY",
        "QUOTA_EXCEEDED, QUOTA_EXCEEDED",
        "PERMISSIONS_ERROR, UNAUTHORIZED",
        "RESOURCE_NOT_FOUND, INVALID_SPEC",
        "INTERNAL_ERROR, OUT_OF_CAPACITY",
        "RESOURCE_OPERATION_RATE_EXCEEDED, OUT_OF_CAPACITY",
    })
    void aFailedOperationHasItsKindAndIsNeverAskedForAgain(String code, FailureKind kind) throws InvalidProtocolBufferException {
        var failure = GceFailures.of(List.of(operation("""
                {"status": "DONE", "httpErrorStatusCode": 400, "error": {"errors": [{"code": "%s", "message": "in Google's words"}]}}""".formatted(code))));

        assertThat(failure.orElseThrow().kind()).isEqualTo(kind);
        assertThat(failure.get().kind().isRepeated()).isFalse();
        assertThat(failure.get().code()).isEqualTo(code);
    }

    @Test
    void aStockOutSaysWhichZonesHaveIt() throws InvalidProtocolBufferException {
        var failure = GceFailures.of(List.of(operation("""
                {"status": "DONE", "error": {"errors": [{"code": "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
                  "message": "The zone 'projects/p/zones/us-central1-a' does not have enough resources available to fulfill the request.",
                  "errorDetails": [{"errorInfo": {"reason": "resource_availability", "domain": "compute.googleapis.com",
                    "metadatas": {"zone": "us-central1-a", "vmType": "n1-standard-8", "zonesAvailable": "us-central1-b,us-central1-f"}}}]}]}}""")));

        assertThat(failure.orElseThrow().getMessage()).endsWith("; Google says that these have it: us-central1-b, us-central1-f");
    }

    @Test
    void aQuotaIsNamedWithItsLimit() throws InvalidProtocolBufferException {
        var failure = GceFailures.of(List.of(operation("""
                {"status": "DONE", "error": {"errors": [{"code": "QUOTA_EXCEEDED", "message": "Quota 'NVIDIA_T4_GPUS' exceeded.",
                  "errorDetails": [{"quotaInfo": {"metricName": "compute.googleapis.com/nvidia_t4_gpus", "limitName": "NVIDIA-T4-GPUS-per-project-region",
                    "dimensions": {"region": "us-central1"}, "limit": 1}}]}]}}""")));

        assertThat(failure.orElseThrow().getMessage())
                .isEqualTo("Quota 'NVIDIA_T4_GPUS' exceeded.; quota compute.googleapis.com/nvidia_t4_gpus of [us-central1], limit 1.0");
    }

    @Test
    void ofSeveralErrorsTheOneThatPeopleCanMendIsTold() throws InvalidProtocolBufferException {
        var failure = GceFailures.of(List.of(operation("""
                {"status": "DONE", "error": {"errors": [{"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": "none"}, {"code": "QUOTA_EXCEEDED", "message": "full"},
                  {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": "none"}]}}""")));

        assertThat(failure.orElseThrow().kind()).isEqualTo(FailureKind.QUOTA_EXCEEDED);
    }

    @Test
    void anOperationWithoutErrorsHasNotFailed() throws InvalidProtocolBufferException {
        assertThat(GceFailures.of(List.of(operation("{\"status\": \"DONE\"}")))).isEmpty();
    }

    @Test
    void aTypeThatAZoneDoesNotSellIsOneThatAnotherMayHave() {
        var type = GceFailures.translate(refused(404, """
                {"error": {"code": 404, "message": "The resource 'projects/p/zones/us-central1-f/machineTypes/a2-highgpu-1g' was not found",
                  "errors": [{"message": "…", "domain": "global", "reason": "notFound"}]}}"""));
        var image = GceFailures.translate(refused(404, """
                {"error": {"code": 404, "message": "The resource 'projects/p/global/images/x' was not found", "errors": [{"reason": "notFound"}]}}"""));

        assertThat(List.of(type.kind(), image.kind())).containsExactly(FailureKind.OUT_OF_CAPACITY, FailureKind.INVALID_SPEC);
    }

    @Test
    void aDisabledApiIsNamed() {
        var failure = GceFailures.translate(refused(403, """
                {"error": {"code": 403, "message": "Compute Engine API has not been used in project 4711 before or it is disabled.", "status": "PERMISSION_DENIED",
                  "errors": [{"reason": "forbidden"}], "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}]}}"""));

        assertThat(failure.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(failure.code()).isEqualTo("SERVICE_DISABLED");
    }

    @Test
    void noAnswerIsUnavailable() {
        var failure = GceFailures.translate(ApiExceptionFactory.createException(new ConnectException("Connection refused"),
                HttpJsonStatusCode.of(com.google.api.gax.rpc.StatusCode.Code.UNAVAILABLE), true));

        assertThat(failure.kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(failure.getMessage()).isEqualTo("ConnectException: Connection refused");
    }

    @Test
    void anAnswerThatIsNoJsonIsSortedByItsStatus() {
        var failure = GceFailures.translate(refused(502, "<html>Bad Gateway</html>"));

        assertThat(failure.kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(failure.code()).isEqualTo("HTTP 502");
    }

    private static Operation operation(String json) throws InvalidProtocolBufferException {
        var operation = Operation.newBuilder();
        JsonFormat.parser().merge(json, operation);
        return operation.build();
    }

    private static ApiException refused(int status, String body) {
        return ApiExceptionFactory.createException(new HttpResponseException.Builder(status, "", new HttpHeaders()).setContent(body).build(),
                HttpJsonStatusCode.of(status), false);
    }
}
