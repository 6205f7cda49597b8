package dev.muster.k8s;

import static dev.muster.provisioner.spi.FailureKind.INVALID_SPEC;
import static dev.muster.provisioner.spi.FailureKind.QUOTA_EXCEEDED;
import static dev.muster.provisioner.spi.FailureKind.THROTTLED;
import static dev.muster.provisioner.spi.FailureKind.UNAUTHORIZED;
import static dev.muster.provisioner.spi.FailureKind.UNAVAILABLE;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.FailureTable;
import dev.muster.provisioner.spi.ProviderException;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a refusal of Kubernetes' API server means: the one table. It answers with HTTP's status and a reason, those of "metav1.StatusReason" in its
 * API; who may not call and what may not be made are both Forbidden, and only the message says which.
 */
final class K8sFailures {

    static final String NOT_FOUND = "NotFound";
    static final String ALREADY_EXISTS = "AlreadyExists";
    static final String CONFLICT = "Conflict";
    static final String GONE = "Gone";
    static final String EXPIRED = "Expired";

    private static final FailureTable KINDS = new FailureTable(Map.of(
            QUOTA_EXCEEDED, List.of("ExceededQuota"),
            THROTTLED, List.of("TooManyRequests"),
            UNAUTHORIZED, List.of("Unauthorized", "Forbidden"),
            INVALID_SPEC, List.of("Invalid", "BadRequest", NOT_FOUND, ALREADY_EXISTS, "MethodNotAllowed", "NotAcceptable", "UnsupportedMediaType",
                    "RequestEntityTooLarge", "QuotaNeedsRequests", "LimitRange", "PodSecurity", "AdmissionDenied", "NamespaceTerminating"),
            // What somebody else has changed meanwhile, a quota's own books included, is looked at again.
            UNAVAILABLE, List.of(CONFLICT, GONE, EXPIRED, "ServerTimeout", "Timeout", "InternalError", "ServiceUnavailable", "StoreReadError")));

    /** A refused watch has no body, and a busy server's is text. */
    private static final Map<Integer, String> WITHOUT_REASON = Map.of(404, NOT_FOUND, 409, CONFLICT, 410, GONE, 429, "TooManyRequests");

    /** Of a message of Forbidden or of a refusal with whatever status a webhook chose: the first that is found in it. */
    private record Said(Pattern words, String code) {
        private Said(String words, String code) {
            this(Pattern.compile(words), code);
        }
    }

    private static final List<Said> SAID = List.of(
            // The authorizer's own sentence, also where it asks a webhook.
            new Said("User \"[^\"]*\" cannot [a-z]+ resource", "Forbidden"),
            new Said("exceeded quota: ", "ExceededQuota"),
            new Said("failed quota: .*must specify ", "QuotaNeedsRequests"),
            new Said("admission webhook \"[^\"]*\" denied the request", "AdmissionDenied"),
            new Said("violates PodSecurity|unable to validate against any (pod security policy|security context constraint)", "PodSecurity"),
            new Said("(maximum|minimum) [^ ]+ usage per (Container|Pod) is|max limit to request ratio per", "LimitRange"),
            new Said("because it is being terminated", "NamespaceTerminating"),
            // Admission has the last word on what may be made: a priority class or a service account that isn't there, a policy.
            new Said("^(pods|persistentvolumeclaims|jobs\\.batch) \"[^\"]*\" is forbidden: (?!User )", "AdmissionDenied"));

    private K8sFailures() {}

    static FailureKind kindOf(String code, int status) {
        return KINDS.kindOf(code, status);
    }

    static ProviderException translate(KubernetesClientException failure) {
        var answer = failure.getStatus();
        int status = failure.getCode();
        if (status <= 0) {
            return new ProviderException(UNAVAILABLE, "NoAnswer", innermost(failure), failure);
        }
        var message = answer == null || answer.getMessage() == null ? "no message" : answer.getMessage();
        var reason = answer == null || answer.getReason() == null ? "" : answer.getReason();
        var code = said(status, message).orElse(reason.isEmpty() || reason.equals("Unknown") ? WITHOUT_REASON.getOrDefault(status, "HTTP " + status) : reason);
        return new ProviderException(kindOf(code, status), code, message, failure);
    }

    private static Optional<String> said(int status, String message) {
        return status < 400 || status >= 500 || status == 401 || status == 404 || status == 409 || status == 429 ? Optional.empty()
                : SAID.stream().filter(one -> (status == 403 || one.code().equals("AdmissionDenied") && message.startsWith("admission webhook "))
                        && one.words().matcher(message).find()).map(Said::code).findFirst();
    }

    private static String innermost(Throwable failure) {
        var cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + (cause.getMessage() == null ? "" : ": " + cause.getMessage());
    }
}
