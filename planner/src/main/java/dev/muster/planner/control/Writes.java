package dev.muster.planner.control;

import com.google.protobuf.Message;
import dev.muster.contracts.KeysInClear;
import dev.muster.planner.Settings;
import dev.muster.planner.access.Caller;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.AnswerCode;
import dev.muster.v1.Facts;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.NamedState;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.ServiceReported;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * How the API writes: a request goes to the fleet's owner with what this replica knows of the rest of the world, and the call
 * ends with the owner's answer. Thread-safe; never blocks.
 */
public final class Writes {

    private static final Logger LOG = Logger.getLogger(Writes.class);
    private static final char[] BASE_32 = "abcdefghijklmnopqrstuvwxyz234567".toCharArray();
    private static final int INCARNATION_LENGTH = 8;

    private final Settings settings;
    private final ReadModel model;
    private final RequestPublisher publisher;
    private final SecureRandom random = new SecureRandom();

    public Writes(Settings settings, ReadModel model, RequestPublisher publisher) {
        this.settings = settings;
        this.model = model;
        this.publisher = publisher;
    }

    /** A request about a fleet, of the call that this thread serves. @param requestId as the caller chose it; empty: one is made */
    Request.Builder request(String fleet, String requestId) {
        if (fleet.isBlank() || fleet.startsWith("~") || fleet.contains("/")) {
            throw ApiErrors.invalid("name", fleet.isBlank() ? "is missing" : "'" + fleet + "' is no name of a fleet",
                    "use small letters, digits and '-', with a letter or digit at both ends");
        }
        var caller = Caller.current();
        return Request.newBuilder().setFleet(fleet).setCaller(caller.name()).setRole(caller.roleName(fleet))
                .setRequestId(requestId.isEmpty() ? UUID.randomUUID().toString() : requestId);
    }

    /** Sends it and completes the call with what {@code result} makes of an accepting answer, once this replica shows the fleet as accepted. */
    <R extends Message> void send(Request request, StreamObserver<R> call, Function<RequestAnswered, R> result) {
        send(request, call, answer -> shows(request, answer), result);
    }

    /** A dry run changes nothing that could be shown. */
    private boolean shows(Request request, RequestAnswered answer) {
        return request.getDryRun() || model.fleet(request.getFleet())
                .filter(fleet -> Long.compareUnsigned(fleet.getVersion(), answer.getVersion()) >= 0).isPresent();
    }

    /**
     * As above.
     *
     * @param shown whether this replica shows what was accepted; asked again as it reads of the fleet
     */
    <R extends Message> void send(Request request, StreamObserver<R> call, Predicate<RequestAnswered> shown, Function<RequestAnswered, R> result) {
        if (isTooLate()) {
            call.onError(ApiErrors.tooLate());
            return;
        }
        // The owner judges the rest of a spec. What the topic of requests holds, all its readers have.
        var keys = KeysInClear.in(request.getApply().getSpec());
        if (!keys.isEmpty()) {
            call.onError(ApiErrors.invalid("The spec holds secrets in clear, and was stored nowhere.", keys, Map.of(ApiErrors.REQUEST_ID, request.getRequestId())));
            return;
        }
        if (!model.isCurrent()) {
            call.onError(ApiErrors.stillReading());
            return;
        }
        var patience = patience();
        var until = System.nanoTime() + patience.toNanos();
        publisher.ask(request, patience).whenComplete((answer, failure) -> {
            if (failure != null) {
                call.onError(failed(request, failure));
            } else if (answer.getCode() != AnswerCode.ACCEPTED) {
                call.onError(ApiErrors.of(answer, "fleets/" + request.getFleet()));
            } else {
                // Topics of one transaction are read one after the other. What was accepted stays so, even if it is not shown in time.
                model.once(request.getFleet(), () -> shown.test(answer)).completeOnTimeout(null, Math.max(1, until - System.nanoTime()), TimeUnit.NANOSECONDS)
                        .thenRun(() -> Calls.answer(call, () -> result.apply(answer)));
            }
        });
    }

    /** Sends it. @return fails with what a caller is told; else the request was accepted */
    CompletableFuture<RequestAnswered> ask(Request request, Duration within) {
        return publisher.ask(request, within).handle((answer, failure) -> {
            if (failure != null) {
                throw failed(request, failure);
            } else if (answer.getCode() != AnswerCode.ACCEPTED) {
                throw ApiErrors.of(answer, "fleets/" + request.getFleet());
            }
            return answer;
        });
    }

    /** Four fifths of what is left until the caller's deadline, so that there is time to say why; at most {@code longest}. */
    static Duration untilDeadline(Duration usual, Duration longest) {
        var deadline = Context.current().getDeadline();
        if (deadline == null) {
            return usual;
        }
        var left = Duration.ofMillis(Math.max(100, deadline.timeRemaining(TimeUnit.MILLISECONDS) * 4 / 5));
        return left.compareTo(longest) < 0 ? left : longest;
    }

    private static boolean isTooLate() {
        var deadline = Context.current().getDeadline();
        return deadline != null && deadline.isExpired();
    }

    private static RuntimeException failed(Request request, Throwable failure) {
        var cause = Calls.cause(failure);
        if (cause instanceof TimeoutException) {
            return ApiErrors.unanswered(request.getRequestId(), "The fleet's owner did not answer in time.");
        }
        LOG.warnf("A request could not be sent; fleet=%s request=%s reason=%s", request.getFleet(), request.getRequestId(), cause);
        return ApiErrors.unanswered(request.getRequestId(), "Kafka did not take the request.");
    }

    /** As long as the caller waits, and no longer than this service does. */
    private Duration patience() {
        var deadline = Context.current().getDeadline();
        if (deadline == null) {
            return settings.answerTimeout();
        }
        var left = Duration.ofMillis(Math.max(1, deadline.timeRemaining(TimeUnit.MILLISECONDS)));
        return left.compareTo(settings.answerTimeout()) < 0 ? left : settings.answerTimeout();
    }

    String newIncarnation() {
        var text = new StringBuilder(INCARNATION_LENGTH);
        for (int i = 0; i < INCARNATION_LENGTH; i++) {
            text.append(BASE_32[random.nextInt(BASE_32.length)]);
        }
        return text.toString();
    }

    /** What only a reader of all fleets and services can say about a spec. */
    Facts facts(FleetSpec spec) {
        var facts = Facts.newBuilder().setInstallation(settings.installation());
        var connection = spec.getConnection().isEmpty() ? "default" : spec.getConnection();
        var prefix = spec.getWorkersPrefix().isEmpty() ? settings.installation() + "-" + spec.getName() : spec.getWorkersPrefix();
        var mine = model.fleet(spec.getName());
        for (var other : model.fleets().values()) {
            if (other.getFleet().equals(spec.getName()) || other.getState() == FleetState.DELETED
                    || !other.getSpec().getConnection().equals(connection)) {
                continue;
            }
            if (other.getSpec().getWorkersPrefix().equals(prefix)) {
                facts.setPrefixOwner(other.getFleet());
            }
            var older = mine.isEmpty() || mine.get().getState() == FleetState.DELETED || isOlder(other, mine.get());
            var names = spec.getQueuesList().stream().map(queue -> queue.getName()).collect(Collectors.toSet());
            other.getSpec().getQueuesList().stream().map(queue -> queue.getName()).filter(queue -> older && names.contains(queue))
                    .forEach(queue -> facts.putQueueOwner(queue, other.getFleet()));
        }
        unknownNames(spec, connection, model.services()).forEach(facts::addUnknownNames);
        return facts.build();
    }

    /** What the spec names and no service has, as facts say it. Accounts of two clouds may have one name: each service's are of its own cloud. */
    static List<String> unknownNames(FleetSpec spec, String connection, List<ServiceReported> services) {
        var accounts = new TreeSet<String>();
        spec.getPoolsList().forEach(pool -> pool.getOffersList().stream().map(offer -> offer.getKey()).filter(key -> !key.getAccount().isEmpty())
                .forEach(key -> accounts.add(key.getProvider() + "/" + key.getAccount())));
        var connections = new TreeSet<>(List.of(connection));
        spec.getPoolsList().stream().map(pool -> pool.getLaunch().getBoot().getConnection()).filter(name -> !name.isEmpty()).forEach(connections::add);
        return Stream.concat(
                unknown("account", accounts, services, service -> service.getAccountsList().stream().map(account -> provider(service) + "/" + account.getName())),
                unknown("connection", connections, services, service -> service.getConnectionsList().stream().map(NamedState::getName))).toList();
    }

    /** {@code aws} of {@code aws-provisioner}. */
    private static String provider(ServiceReported service) {
        return service.getService().replaceFirst("-provisioner$", "");
    }

    private static boolean isOlder(dev.muster.v1.FleetRecord other, dev.muster.v1.FleetRecord mine) {
        var order = com.google.protobuf.util.Timestamps.compare(other.getCreatedAt(), mine.getCreatedAt());
        return order < 0 || order == 0 && other.getFleet().compareTo(mine.getFleet()) < 0;
    }

    /** Where no service has reported any name of the kind, none can be called unknown: the services may be starting. */
    private static Stream<String> unknown(String kind, TreeSet<String> named, List<ServiceReported> services, Function<ServiceReported, Stream<String>> of) {
        var known = services.stream().flatMap(of).collect(Collectors.toSet());
        return known.isEmpty() ? Stream.empty() : named.stream().filter(name -> !known.contains(name)).map(name -> kind + ":" + name);
    }
}
