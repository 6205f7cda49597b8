package dev.muster.planner.notify;

import dev.muster.contracts.Json;
import dev.muster.contracts.SecretsFolder;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * Posts messages to webhooks. An address is a key: nothing of it is ever in an answer, an error or a log, and what libraries say of a failure
 * is not passed on, since it may hold the address. The file is read each time. Thread-safe.
 */
final class Webhooks {

    private static final Duration CONNECT_WITHIN = Duration.ofSeconds(5);
    private static final Duration ANSWER_WITHIN = Duration.ofSeconds(10);

    private final SecretsFolder secrets;
    /** A redirect could lead a key anywhere. */
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(CONNECT_WITHIN).followRedirects(HttpClient.Redirect.NEVER)
            .version(HttpClient.Version.HTTP_1_1).build();

    Webhooks(SecretsFolder secrets) {
        this.secrets = secrets;
    }

    /**
     * @param detail what is wrong, for people; empty when ok
     * @param retryAfter how long the server wants to be left alone
     */
    record Answer(boolean ok, String detail, Optional<Duration> retryAfter) {

        static Answer failed(String detail) {
            return new Answer(false, detail, Optional.empty());
        }
    }

    /** Judged anew at each call. Its text is never shown. */
    private record Address(URI uri) {
        @Override
        public String toString() {
            return "Address[…]";
        }
    }

    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String detail) {
            super(detail);
        }
    }

    /** Posts it once. Looks a name up, and so may block for some seconds; never fails. */
    CompletableFuture<Answer> post(String secret, String text) {
        HttpRequest request;
        try {
            request = HttpRequest.newBuilder(address(secret).uri()).timeout(ANSWER_WITHIN).header("Content-Type", "application/json; charset=utf-8")
                    .header("User-Agent", "muster").POST(HttpRequest.BodyPublishers.ofString(json(text))).build();
        } catch (Refused refused) {
            return CompletableFuture.completedFuture(Answer.failed(refused.getMessage()));
        } catch (IllegalArgumentException unfit) {
            return CompletableFuture.completedFuture(Answer.failed(noAddress(secret)));
        }
        return http.sendAsync(request, answer -> new Unread()).handle((answer, failure) -> failure == null ? judge(answer) : Answer.failed(reason(failure)));
    }

    /** {@code text} alone is what Slack, Mattermost and Rocket.Chat all take; what else a key would mean differs between them. */
    static String json(String text) {
        return Json.write(Map.of("text", plain(text)));
    }

    /** A name of a task or what a cloud says must not become a link, or call everybody. */
    private static String plain(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replaceAll("@(?=(channel|here|all|everyone)\\b)", "@\u200b");
    }

    private Address address(String secret) throws Refused {
        Optional<SecretsFolder.Secret> found;
        try {
            found = secrets.find(secret);
        } catch (IllegalArgumentException | IllegalStateException unreadable) {
            throw new Refused("the file " + secret + " of the planner's secrets folder can't be read");
        }
        var text = found.orElseThrow(() -> new Refused("the planner's secrets folder has no file " + secret)).value().strip();
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException none) {
            throw new Refused(noAddress(secret));
        }
        if (uri.getHost() == null || uri.getScheme() == null || uri.getUserInfo() != null) {
            throw new Refused(noAddress(secret));
        }
        List<InetAddress> addresses;
        try {
            addresses = List.of(InetAddress.getAllByName(uri.getHost()));
        } catch (UnknownHostException unknown) {
            throw new Refused("the host of the address in the file " + secret + " is not known");
        }
        if (addresses.stream().anyMatch(Webhooks::isForbidden)) {
            throw new Refused("the address in the file " + secret + " leads to a place where no webhook is, such as a cloud's metadata server");
        }
        var isHere = addresses.stream().allMatch(InetAddress::isLoopbackAddress);
        if (!uri.getScheme().equalsIgnoreCase("https") && !(uri.getScheme().equalsIgnoreCase("http") && isHere)) {
            throw new Refused(noAddress(secret));
        }
        return new Address(uri);
    }

    private static String noAddress(String secret) {
        return "the file " + secret + " of the planner's secrets folder holds no https address";
    }

    /** Link-local is where clouds' metadata servers are, which hand out keys of the machine. */
    static boolean isForbidden(InetAddress address) {
        var bytes = address.getAddress();
        // fd00:ec2::254 and its neighbours: the same server of EC2 by IPv6.
        var isEc2 = bytes.length == 16 && bytes[0] == (byte) 0xfd && bytes[1] == 0 && bytes[2] == 0x0e && bytes[3] == (byte) 0xc2;
        return address.isLinkLocalAddress() || address.isAnyLocalAddress() || address.isMulticastAddress() || isEc2;
    }

    private static Answer judge(HttpResponse<Void> answer) {
        int status = answer.statusCode();
        if (status >= 200 && status < 300) {
            return new Answer(true, "", Optional.empty());
        }
        var why = switch (status) {
            case 400 -> "it does not take the message";
            case 401, 403 -> "it does not allow it";
            case 404, 410 -> "there is no such webhook, or no longer";
            case 429 -> "it has had too many messages";
            default -> status < 400 ? "it points elsewhere, which is not followed" : status < 500 ? "it refuses" : "it has failed";
        };
        return new Answer(false, status + ": " + why, answer.headers().firstValue("Retry-After").flatMap(Webhooks::span));
    }

    /** Seconds or a date. */
    private static Optional<Duration> span(String retryAfter) {
        try {
            var span = retryAfter.strip().matches("\\d{1,6}") ? Duration.ofSeconds(Long.parseLong(retryAfter.strip()))
                    : Duration.between(Instant.now(), ZonedDateTime.parse(retryAfter.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
            return span.isNegative() ? Optional.empty() : Optional.of(span);
        } catch (DateTimeParseException neither) {
            return Optional.empty();
        }
    }

    private static String reason(Throwable failure) {
        var cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (cause instanceof HttpTimeoutException) {
            return "no answer within " + ANSWER_WITHIN.toSeconds() + " s";
        }
        if (cause instanceof javax.net.ssl.SSLException) {
            return "its certificate is not trusted, or it speaks no TLS";
        }
        return "no connection (" + cause.getClass().getSimpleName() + ")";
    }

    /** What a webhook answers beside its status is nothing that we want, and may be without end. */
    private static final class Unread implements HttpResponse.BodySubscriber<Void> {

        @Override
        public CompletionStage<Void> getBody() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.cancel();
        }

        @Override
        public void onNext(List<ByteBuffer> unwanted) {}

        @Override
        public void onError(Throwable unwanted) {}

        @Override
        public void onComplete() {}
    }
}
