package dev.muster.gcp;

import static dev.muster.provisioner.spi.FailureKind.INVALID_SPEC;
import static dev.muster.provisioner.spi.FailureKind.OUT_OF_CAPACITY;
import static dev.muster.provisioner.spi.FailureKind.QUOTA_EXCEEDED;
import static dev.muster.provisioner.spi.FailureKind.THROTTLED;
import static dev.muster.provisioner.spi.FailureKind.UNAUTHORIZED;
import static dev.muster.provisioner.spi.FailureKind.UNAVAILABLE;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.api.client.http.HttpResponseException;
import com.google.api.gax.rpc.ApiException;
import com.google.cloud.compute.v1.Errors;
import com.google.cloud.compute.v1.Operation;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.FailureTable;
import dev.muster.provisioner.spi.ProviderException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What Google's error codes mean: the one table. A call is refused with HTTP's status and a reason in the JSON error of Google's APIs; what an
 * operation fails with has a code in capitals of its own. Both are those of Compute Engine's "Troubleshooting" pages and of Google's own clients.
 */
final class GceFailures {

    private static final ObjectMapper JSON = new ObjectMapper();

    static final String ALREADY_EXISTS = "alreadyExists";
    static final String RESOURCE_ALREADY_EXISTS = "RESOURCE_ALREADY_EXISTS";
    static final String NOT_FOUND = "notFound";
    static final String CONDITION_NOT_MET = "conditionNotMet";
    /** It is being created or deleted. */
    static final String NOT_READY = "resourceNotReady";

    private static final FailureTable KINDS = new FailureTable(Map.of(
            OUT_OF_CAPACITY, List.of(
                    "ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "REGION_RESOURCE_POOL_EXHAUSTED",
                    "RESOURCE_POOL_EXHAUSTED", "RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "STOCKOUT", "INSUFFICIENT_CAPACITY",
                    "VM_MIN_COUNT_NOT_REACHED", "INVALID_RESERVATION", "RESERVATION_CAPACITY_EXCEEDED", "RESERVATION_INCOMPATIBLE",
                    // The type isn't sold in that zone, or the subnet has no address left: another offer may do.
                    "UNSUPPORTED_OPERATION", "IP_SPACE_EXHAUSTED", "IP_SPACE_EXHAUSTED_WITH_DETAILS"),
            QUOTA_EXCEEDED, List.of(
                    "quotaExceeded", "QUOTA_EXCEEDED", "QUOTA_EXCEEDED_WITH_DETAILS", "limitExceeded", "LIMIT_EXCEEDED"),
            THROTTLED, List.of("rateLimitExceeded", "userRateLimitExceeded", "RESOURCE_OPERATION_RATE_EXCEEDED", "concurrentLimitExceeded"),
            UNAVAILABLE, List.of("backendError", "internalError", "serviceUnavailable", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "BACKEND_ERROR",
                    CONDITION_NOT_MET, NOT_READY, "RESOURCE_NOT_READY", "resourceInUseByAnotherResource", "operationInProgress"),
            UNAUTHORIZED, List.of("forbidden", "insufficientPermissions", "authError", "accessNotConfigured", "accountDisabled",
                    "SERVICE_DISABLED", "PERMISSIONS_ERROR", "FORBIDDEN", "billingNotEnabled", "BILLING_DISABLED", "invalid_grant", "unauthorized_client",
                    "projectNotLinked"),
            INVALID_SPEC, List.of("invalid", "badRequest", "required_field", "invalidParameter", "parseError", "RESOURCE_NOT_FOUND", NOT_FOUND,
                    "resourceIncompatible", "conflict")));

    private GceFailures() {}

    /** Those that the table has. */
    static Set<String> codes() {
        return KINDS.codes();
    }

    /** @param status HTTP's; what the table lacks is sorted by it: Google's side, or a request that can't succeed as it is */
    static FailureKind kindOf(String code, int status) {
        return KINDS.kindOf(code, status);
    }

    /** One answer of Google's. @param status 0: there was none */
    private record Said(int status, String reason, String message) {}

    private static Said said(ApiException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof HttpResponseException answer) {
                return said(answer.getStatusCode(), answer.getContent());
            }
        }
        return new Said(0, "", "");
    }

    private static Said said(int status, String body) {
        JsonNode error;
        try {
            error = JSON.readTree(body == null || body.isEmpty() ? "{}" : body).path("error");
        } catch (JsonProcessingException noJson) {
            return new Said(status, "", "");
        }
        if (error.isTextual()) {
            // The token's server has a form of its own.
            return new Said(status, error.asText(), "");
        }
        var first = error.path("errors").path(0);
        var reason = first.path("reason").asText("");
        for (var detail : error.path("details")) {
            // A disabled API or billing account says so only here.
            if (KINDS.codes().contains(detail.path("reason").asText(""))) {
                reason = detail.path("reason").asText();
            }
        }
        return new Said(status, reason, error.path("message").asText(first.path("message").asText("")));
    }

    /** Empty where Google gave no answer, or one without a reason. */
    static String reasonOf(ApiException failure) {
        return said(failure).reason();
    }

    static boolean isNotFound(ApiException failure) {
        return said(failure).status() == 404;
    }

    static ProviderException translate(ApiException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof AccountCredentials.NoCredentialsException none) {
                return new ProviderException(UNAUTHORIZED, "NoCredentials", none.getMessage(), failure);
            }
        }
        var said = said(failure);
        if (said.status() == 0) {
            var tokens = refusedToken(failure);
            return tokens.orElseGet(() -> new ProviderException(UNAVAILABLE, failure.getStatusCode().getCode().name(), innermost(failure), failure));
        }
        var code = said.reason().isEmpty() ? "HTTP " + said.status() : said.reason();
        var kind = code.equals(NOT_FOUND) && isType(said.message()) ? OUT_OF_CAPACITY : kindOf(said.reason(), said.status());
        return new ProviderException(kind, code, said.message().isEmpty() ? "no message" : said.message(), failure);
    }

    /** A type that isn't sold in a zone is not found there: another zone may have it. */
    private static boolean isType(String message) {
        return message.contains("/machineTypes/") || message.contains("/acceleratorTypes/");
    }

    /** Google's library asks for a token before it calls, and says why it got none only in words. */
    private static Optional<ProviderException> refusedToken(ApiException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            var words = String.valueOf(cause.getMessage());
            for (var code : List.of("invalid_grant", "unauthorized_client")) {
                if (words.contains(code)) {
                    return Optional.of(new ProviderException(UNAUTHORIZED, code, "Google gives no token for the account's key: it was deleted or disabled,"
                            + " or this machine's clock is wrong", failure));
                }
            }
        }
        return Optional.empty();
    }

    private static String innermost(Throwable failure) {
        var cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + (cause.getMessage() == null ? "" : ": " + cause.getMessage());
    }

    /**
     * What operations that are done have failed with; empty if none did. Done is done: the same call would be answered with the same operation. So what
     * would be asked again of a call is here an offer that can't be had now. Of several failures, what people can do something about is told.
     */
    static Optional<ProviderException> of(List<Operation> operations) {
        return operations.stream().flatMap(GceFailures::all).max(Comparator.comparing(failure -> rank(failure.kind())));
    }

    private static Stream<ProviderException> all(Operation operation) {
        int status = operation.getHttpErrorStatusCode();
        if (operation.getError().getErrorsCount() == 0) {
            return status < 400 ? Stream.empty() : Stream.of(new ProviderException(lasting(kindOf("", status)), "HTTP " + status, operation.getHttpErrorMessage()));
        }
        return operation.getError().getErrorsList().stream().map(error -> of(error, status));
    }

    private static ProviderException of(Errors error, int status) {
        var kind = isType(error.getMessage()) && error.getCode().equals("RESOURCE_NOT_FOUND") ? OUT_OF_CAPACITY : lasting(kindOf(error.getCode(), status));
        var words = new ArrayList<String>();
        words.add(error.getMessage());
        elsewhere(error).ifPresent(zones -> words.add("Google says that these have it: " + zones));
        error.getErrorDetailsList().stream().filter(detail -> detail.hasQuotaInfo()).map(detail -> detail.getQuotaInfo()).findFirst()
                .ifPresent(quota -> words.add("quota " + quota.getMetricName() + " of " + quota.getDimensionsMap().values() + ", limit " + quota.getLimit()));
        return new ProviderException(kind, error.getCode(), String.join("; ", words));
    }

    /** Zones that a stock-out names as having what the zone has not. */
    static Optional<String> elsewhere(Errors error) {
        return error.getErrorDetailsList().stream().map(detail -> detail.getErrorInfo().getMetadatasOrDefault("zonesAvailable", "").trim())
                .filter(zones -> !zones.isEmpty()).findFirst().map(zones -> String.join(", ", zones.split("\\s*,\\s*")));
    }

    private static FailureKind lasting(FailureKind kind) {
        return kind.isRepeated() ? OUT_OF_CAPACITY : kind;
    }

    private static int rank(FailureKind kind) {
        return switch (kind) {
            case UNAUTHORIZED -> 4;
            case INVALID_SPEC -> 3;
            case QUOTA_EXCEEDED -> 2;
            case OUT_OF_CAPACITY -> 1;
            case THROTTLED, UNAVAILABLE, EXPIRED -> 0;
        };
    }
}
