package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.spi.FailureKind;
import io.fabric8.kubernetes.api.model.StatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.ConnectException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an API server's refusals mean. The sentences are those of Kubernetes' own sources. */
class K8sFailuresTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "401 | Unauthorized | Unauthorized | UNAUTHORIZED | Unauthorized",
        "403 | Forbidden | pods is forbidden: User \"system:serviceaccount:muster:muster\" cannot create resource \"pods\" in API group \"\" in the namespace \"ml\" | UNAUTHORIZED | Forbidden",
        "403 | Forbidden | pods \"m-1\" is forbidden: User \"muster\" cannot delete resource \"pods\" in API group \"\" in the namespace \"ml\" | UNAUTHORIZED | Forbidden",
        "403 | Forbidden | pods \"m-1\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=8, limited: requests.nvidia.com/gpu=8 | QUOTA_EXCEEDED | ExceededQuota",
        "403 | Forbidden | pods \"m-1\" is forbidden: failed quota: compute: must specify limits.cpu for: machine | INVALID_SPEC | QuotaNeedsRequests",
        "403 | Forbidden | pods \"m-1\" is forbidden: maximum cpu usage per Container is 1, but limit is 4 | INVALID_SPEC | LimitRange",
        "403 | Forbidden | pods \"m-1\" is forbidden: [minimum memory usage per Container is 1Gi, but request is 1Mi, maximum cpu usage per Pod is 2, but limit is 4] | INVALID_SPEC | LimitRange",
        "403 | Forbidden | pods \"m-1\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false | INVALID_SPEC | PodSecurity",
        "403 | Forbidden | pods \"m-1\" is forbidden: error looking up service account ml/muster-machines: serviceaccount \"muster-machines\" not found | INVALID_SPEC | AdmissionDenied",
        "403 | Forbidden | pods \"m-1\" is forbidden: no PriorityClass with name urgent was found | INVALID_SPEC | AdmissionDenied",
        "403 | Forbidden | pods \"m-1\" is forbidden: unable to create new content in namespace ml because it is being terminated | INVALID_SPEC | NamespaceTerminating",
        "403 | Forbidden | admission webhook \"policy.example.com\" denied the request: images must come from our registry | INVALID_SPEC | AdmissionDenied",
        "400 | BadRequest | admission webhook \"policy.example.com\" denied the request: images must come from our registry | INVALID_SPEC | AdmissionDenied",
        "403 |  | no idea | UNAUTHORIZED | HTTP 403",
        "400 | BadRequest | Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular expression | INVALID_SPEC | BadRequest",
        "404 | NotFound | namespaces \"ml\" not found | INVALID_SPEC | NotFound",
        "409 | AlreadyExists | pods \"m-1\" already exists | INVALID_SPEC | AlreadyExists",
        "409 | Conflict | Operation cannot be fulfilled on resourcequotas \"gpus\": the object has been modified; please apply your changes to the latest version and try again | UNAVAILABLE | Conflict",
        "410 | Expired | The resourceVersion for the provided watch is too old. | UNAVAILABLE | Expired",
        "410 | Gone | too old resource version: 10 (20) | UNAVAILABLE | Gone",
        "413 | RequestEntityTooLarge | Request entity too large: limit is 3145728 | INVALID_SPEC | RequestEntityTooLarge",
        "422 | Invalid | Pod \"m-1\" is invalid: spec.containers[0].image: Required value | INVALID_SPEC | Invalid",
        "429 | TooManyRequests | Too many requests, please try again later. | THROTTLED | TooManyRequests",
        "500 | InternalError | Internal error occurred: failed calling webhook \"policy.example.com\": no endpoints available | UNAVAILABLE | InternalError",
        "500 | ServerTimeout | The POST operation against Pod could not be completed at this time, please try again. | UNAVAILABLE | ServerTimeout",
        "503 | ServiceUnavailable | apiserver is shutting down | UNAVAILABLE | ServiceUnavailable",
        "504 | Timeout | Timeout: request did not complete within requested timeout | UNAVAILABLE | Timeout",
        "409 |  | no body | UNAVAILABLE | Conflict",
        "404 |  | no body | INVALID_SPEC | NotFound",
        "410 |  | no body | UNAVAILABLE | Gone",
        "429 |  | Too many requests, please try again later. | THROTTLED | TooManyRequests",
        "502 |  | Bad Gateway | UNAVAILABLE | HTTP 502",
        "418 | SomethingNew | who knows | INVALID_SPEC | SomethingNew",
        "599 | SomethingNew | who knows | UNAVAILABLE | SomethingNew",
    })
    void aRefusalHasItsKind(int status, String reason, String message, FailureKind kind, String code) {
        var failure = K8sFailures.translate(new KubernetesClientException(message, status, new StatusBuilder().withCode(status).withReason(reason).withMessage(message).build()));

        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.code()).isEqualTo(code);
        assertThat(failure.getMessage()).isEqualTo(message);
    }

    @Test
    void noAnswerSaysWhy() {
        var refused = K8sFailures.translate(new KubernetesClientException("An error has occurred.", new ConnectException("Connection refused")));
        var late = K8sFailures.translate(new KubernetesClientException("An error has occurred.", new TimeoutException()));

        assertThat(refused.toString()).isEqualTo("UNAVAILABLE (NoAnswer): ConnectException: Connection refused");
        assertThat(late.toString()).isEqualTo("UNAVAILABLE (NoAnswer): TimeoutException");
    }

    @Test
    void anAnswerThatIsNotTheServersIsSortedByItsStatus() {
        assertThat(K8sFailures.translate(new KubernetesClientException("Forbidden by a proxy", 403, null)).toString())
                .isEqualTo("UNAUTHORIZED (HTTP 403): no message");
        assertThat(K8sFailures.translate(new KubernetesClientException("Bad gateway", 502, null)).kind()).isEqualTo(FailureKind.UNAVAILABLE);
    }
}
