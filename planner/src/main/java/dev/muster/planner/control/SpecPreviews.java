package dev.muster.planner.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.muster.contracts.Times;
import dev.muster.planner.Settings;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Span;
import dev.muster.planner.recorded.RecordedTasks;
import dev.muster.planner.replay.SpecRun;
import dev.muster.planner.simulate.Conditions;
import dev.muster.planner.simulate.SimulatedTask;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.topic.TopicReading;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.Course;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.PreviewFleetOnRecordRequest;
import dev.muster.v1.PreviewFleetOnRecordResponse;
import dev.muster.v1.PreviewFleetRequest;
import dev.muster.v1.PreviewFleetResponse;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jboss.logging.Logger;

/** What a spec that is not applied would do: at once, as its fleet's owner plans it, and on recorded demand, as a simulation has it. */
public final class SpecPreviews implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(SpecPreviews.class);
    /** Each takes the fleet's owner up to some hundred milliseconds, in which it plans nobody else. */
    private static final int OWNERS_ASKED_AT_ONCE = 2;
    private static final Duration USUAL_RECORD = Duration.ofDays(1);
    private static final Duration LONGEST_RECORD = Duration.ofDays(7);
    /** Nobody waits longer, and so long a processor is kept busy. */
    private static final Duration LONGEST = Duration.ofMinutes(2);
    /** A run of a task that came in time may end later: so much of what follows is read for it. */
    private static final Duration ENDS_WITHIN = Duration.ofDays(1);
    /** Both specs meet the same chances. */
    private static final long SEED = 1;

    private final Settings settings;
    private final ReadModel model;
    private final Writes writes;
    private final Semaphore owners = new Semaphore(OWNERS_ASKED_AT_ONCE);
    /** One at a time: each keeps a processor busy. */
    private final TopicReaders record;

    public SpecPreviews(Settings settings, ReadModel model, Writes writes) {
        this.settings = settings;
        this.model = model;
        this.writes = writes;
        record = new TopicReaders(settings, "preview-on-record", 1, LONGEST);
    }

    // At once.

    void now(PreviewFleetRequest request, StreamObserver<PreviewFleetResponse> call) {
        if (!owners.tryAcquire()) {
            call.onError(ApiErrors.busy("Other previews are under way."));
            return;
        }
        var released = new Released<>(call, owners);
        Request made;
        try {
            var spec = request.getSpec();
            FleetsService.requireNoAddress(spec);
            var managedBy = model.fleet(spec.getName()).map(FleetRecord::getManagedBy).orElse("");
            made = writes.request(spec.getName(), "").setDryRun(true).setPreview(true).setFacts(writes.facts(spec))
                    .setApply(ApplyFleet.newBuilder().setSpec(spec).setNewIncarnation(writes.newIncarnation()).setManagedBy(managedBy)).build();
        } catch (StatusRuntimeException refused) {
            released.onError(refused);
            return;
        }
        writes.send(made, released, SpecPreviews::response);
    }

    private static PreviewFleetResponse response(RequestAnswered answer) {
        var preview = answer.getPreview();
        return PreviewFleetResponse.newBuilder().setRecord(FleetsService.accepted(answer)).addAllDecisions(preview.getDecisionsList())
                .addAllRefusals(preview.getRefusalsList()).setMicrosPerHourCurrent(preview.getMicrosPerHourCurrent())
                .setMicrosPerHourProposed(preview.getMicrosPerHourProposed()).setTruncated(preview.getTruncated()).build();
    }

    /** A call whose answer lets another begin, also where nobody takes it any more. */
    private static final class Released<R> implements StreamObserver<R> {
        private final StreamObserver<R> call;
        private final Semaphore held;
        private final AtomicBoolean answered = new AtomicBoolean();

        private Released(StreamObserver<R> call, Semaphore held) {
            this.call = call;
            this.held = held;
        }

        private void release() {
            if (answered.compareAndSet(false, true)) {
                held.release();
            }
        }

        @Override
        public void onNext(R value) {
            release();
            call.onNext(value);
        }

        @Override
        public void onError(Throwable failure) {
            release();
            call.onError(failure);
        }

        @Override
        public void onCompleted() {
            release();
            call.onCompleted();
        }
    }

    // On record.

    void onRecord(PreviewFleetOnRecordRequest request, StreamObserver<PreviewFleetOnRecordResponse> call) {
        Calls.answerLater(call, () -> {
            var name = request.getSpec().getName();
            var now = Instant.now();
            var fleet = Lookup.standing(model, "spec.name", name);
            var asked = Span.of(request.hasSince(), request.getSince(), request.hasUntil(), request.getUntil(), USUAL_RECORD, LONGEST_RECORD, now);
            var span = asked.until().isAfter(now) ? new Span(asked.since(), now) : asked;
            if (!span.since().isBefore(span.until())) {
                throw ApiErrors.invalid("since", "is " + span.since() + ", which is not past", "ask for a time that was");
            }
            var costs = costs(name);
            var proposed = SpecRun.of(request.getSpec(), span.since(), costs);
            if (!proposed.violations().isEmpty()) {
                throw ApiErrors.invalid(proposed.violations().size() == 1 ? "The spec has a problem." : "The spec has " + proposed.violations().size() + " problems.",
                        proposed.violations(), Map.of());
            }
            return record.read(reading -> compare(reading, fleet.getFleet(), SpecRun.of(fleet.getSpec(), span.since(), costs), proposed, span));
        });
    }

    /** What machines of an offer cost last, by their records. */
    private Function<OfferKey, OptionalLong> costs(String fleet) {
        var machines = model.machinesOf(fleet).stream().filter(machine -> machine.hasPaid() && machine.getPaid().hasMicrosPerHour())
                .sorted(Comparator.comparingLong((MachineRecord machine) -> machine.getPaid().getSince().getSeconds()).reversed()).toList();
        return offer -> machines.stream().filter(machine -> isOf(machine.getOffer(), offer)).mapToLong(machine -> machine.getPaid().getMicrosPerHour()).findFirst();
    }

    private static boolean isOf(OfferKey machine, OfferKey offer) {
        return machine.getProvider().equals(offer.getProvider()) && machine.getAccount().equals(offer.getAccount()) && machine.getRegion().equals(offer.getRegion())
                && machine.getMachineType().equals(offer.getMachineType()) && (machine.getMarket() == Market.SPOT) == (offer.getMarket() == Market.SPOT)
                && (offer.getZone().isEmpty() || offer.getZone().equals(machine.getZone()));
    }

    private PreviewFleetOnRecordResponse compare(TopicReading reading, String fleet, SpecRun current, SpecRun proposed, Span span) {
        var notes = new ArrayList<String>();
        var workload = recorded(reading, fleet, span, notes);
        var answer = PreviewFleetOnRecordResponse.newBuilder().setSince(Times.timestamp(span.since())).setUntil(Times.timestamp(span.until()));
        if (!current.violations().isEmpty()) {
            throw ApiErrors.notYet("The fleet's own spec can't be simulated: " + current.violations().get(0).getField() + " " + current.violations().get(0).getProblem() + ".");
        }
        var both = current.queues();
        both.retainAll(proposed.queues());
        var tasks = workload.stream().filter(task -> both.contains(task.queue())).toList();
        if (tasks.size() < workload.size()) {
            notes.add((workload.size() - tasks.size()) + " tasks came into queues that only one of the two specs serves, and are left out.");
        }
        if (tasks.isEmpty()) {
            notes.add("No task came in that time.");
            return answer.setCurrent(Course.getDefaultInstance()).setProposed(Course.getDefaultInstance()).addAllNotes(notes).build();
        }
        var conditions = Conditions.QUIET.withBegin(span.since());
        if (current.pricedByCost() + proposed.pricedByCost() > 0) {
            notes.add("Offers without a price in the spec are taken at what a machine of theirs cost last.");
        }
        var unpriced = new TreeMap<String, Long>();
        answer.setCurrent(course("today's spec", current, tasks, conditions, reading, unpriced)).setProposed(course("the proposed one", proposed, tasks, conditions, reading, unpriced));
        unpriced.forEach((whose, seconds) -> notes.add(seconds / 3600 + " machine-hours of " + whose + " have no price in the spec, and are in no sum."));
        notes.add("Both begin without machines and go on until the last task has ended; what a minimum keeps before the first task and after the last is not counted.");
        notes.add("Machines boot in about " + conditions.boot().toSeconds() + " s, no launch is refused, no machine is taken away, and tasks run as long as they did.");
        return answer.addAllNotes(notes).build();
    }

    private List<SimulatedTask> recorded(TopicReading reading, String fleet, Span span, List<String> notes) {
        var tasks = new RecordedTasks(span.since(), span.until());
        var last = span.until().plus(ENDS_WITHIN);
        var partition = reading.partition(settings.topics().demand(), fleet);
        reading.forEach(reading.since(List.of(partition), span.since()), kafka -> {
            if (kafka.timestamp() > last.toEpochMilli()) {
                return false;
            }
            if (kafka.key() == null || kafka.value() == null || !fleet.equals(new String(kafka.key(), UTF_8))) {
                return true;
            }
            try {
                if (!tasks.add(DemandEvent.parseFrom(kafka.value()), Instant.ofEpochMilli(kafka.timestamp()))) {
                    throw ApiErrors.invalid("since", "begins a time in which more than " + RecordedTasks.MOST + " tasks came", "ask for less time");
                }
            } catch (InvalidProtocolBufferException unreadable) {
                LOG.warnf("Recorded demand was passed over; topic=%s partition=%d offset=%d reason=%s", kafka.topic(), kafka.partition(), kafka.offset(),
                        unreadable.getMessage());
            }
            return true;
        });
        var workload = tasks.workload();
        if (workload.first() == null || workload.first().isAfter(span.since().plus(Duration.ofMinutes(5)))) {
            notes.add(workload.first() == null ? "No look at the fleet's queues is recorded in that time." : "The first look at the fleet's queues in that time is of "
                    + workload.first() + ": what came before is not known.");
        }
        if (workload.assumed() > 0) {
            notes.add("How long " + workload.assumed() + " of " + workload.tasks().size() + " tasks ran is not known yet: taken for as long as half of the others, or as they have run so far.");
        }
        if (workload.withdrawn() > 0) {
            notes.add(workload.withdrawn() + " tasks left their queue without a start, and are left out.");
        }
        if (workload.longQueue()) {
            notes.add("More tasks waited in a queue than a look names; those that never were among its first 500 are missing.");
        }
        return workload.tasks();
    }

    private static Course course(String whose, SpecRun run, List<SimulatedTask> tasks, Conditions conditions, TopicReading reading, Map<String, Long> unpriced) {
        SpecRun.Played played;
        try {
            played = run.play(tasks, SEED, conditions, reading::isOver);
        } catch (CancellationException unwanted) {
            throw new TopicReaders.TooLong();
        }
        var figures = played.figures();
        if (figures.unpricedSeconds() > 0) {
            unpriced.put(whose, figures.unpricedSeconds());
        }
        var course = Course.newBuilder().setSpentMicros(figures.cost().movePointRight(6).longValueExact()).setMachines(figures.machines())
                .setMostMachines(played.mostMachines()).setStarted(figures.waits().count())
                .putPaidMs("useful", figures.seconds().useful() * 1000).putPaidMs("idle", figures.seconds().idle() * 1000)
                .putPaidMs("boot", figures.seconds().boot() * 1000).putPaidMs("waste", figures.seconds().waste() * 1000);
        if (figures.waits().count() > 0) {
            course.setWaitP50(seconds(figures.waits().p50())).setWaitP90(seconds(figures.waits().p90())).setWaitMax(seconds(figures.waits().max()));
        }
        return course.build();
    }

    private static com.google.protobuf.Duration seconds(long seconds) {
        return com.google.protobuf.Duration.newBuilder().setSeconds(seconds).build();
    }

    @Override
    public void close() {
        record.close();
    }
}
