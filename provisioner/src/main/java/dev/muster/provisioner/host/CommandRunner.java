package dev.muster.provisioner.host;

import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.spi.AdoptWish;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Traces;
import dev.muster.v1.MachineReport;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jboss.logging.MDC;

/**
 * Carries commands out: each in its lane, launches at the cloud's own pace, unanswered calls again and again until there is an
 * answer. Waiting costs no thread, and launches and other commands have threads of their own: nothing waits behind a paced launch.
 */
final class CommandRunner implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(CommandRunner.class);
    private static final List<String> KEYS = List.of("fleet", "machine", "pool", "task");

    /** Where things are done and said. */
    record Surroundings(MachineProvider provider, BootTranslator boots, FleetBook fleets, Reports reports, ReportPublisher publisher,
            HostMetrics metrics, Traces traces, Clock clock, Backoff backoff, String clusterId) {}

    private final Surroundings with;
    private final Lanes lanes = new Lanes();
    private final ThreadPoolExecutor launches;
    private final ThreadPoolExecutor others;
    private final ScheduledExecutorService timer;
    private final LiveConsoles consoles;
    private final Map<Scope, Integer> underWay = new ConcurrentHashMap<>();
    private final java.util.function.Consumer<Scope> afterEach;

    /** @param afterEach told when a command of the scope has ended: something there is about to change */
    CommandRunner(Surroundings with, LiveConsoles consoles, int launchThreads, int otherThreads, ScheduledExecutorService timer,
            java.util.function.Consumer<Scope> afterEach) {
        this.with = with;
        this.launches = Threads.pool("launch", launchThreads);
        this.others = Threads.pool("command", otherThreads);
        this.timer = timer;
        this.consoles = consoles;
        this.afterEach = afterEach;
        with.metrics.queue("launches", launches.getQueue()::size);
        with.metrics.queue("others", others.getQueue()::size);
    }

    /** Takes a command over; returns at once. */
    void accept(Work work) {
        if (work.command() instanceof HostCommand.FetchConsole fetch) {
            with.metrics.read(fetch.verb());
            consoles.fetch(work.owner(), fetch);
            // Done as soon as it is taken over: one that a restart loses is asked for again by whoever wants it.
            with.publisher.finished(work.owner(), work.offset(), List.of(), null);
            with.metrics.done(fetch.verb());
            work.step().end();
            return;
        }
        underWay.merge(work.command().scope(), 1, Integer::sum);
        with.metrics.read(work.command().verb());
        if (lanes.add(work)) {
            start(work);
        }
    }

    boolean isBusy(Scope scope) {
        return underWay.getOrDefault(scope, 0) > 0;
    }

    private void start(Work work) {
        if (work.command() instanceof HostCommand.Launch) {
            launches.execute(() -> prepare(work));
        } else {
            others.execute(() -> attempt(work));
        }
    }

    /** A launch is resolved first and takes its place at the cloud's rate; then it waits without a thread. */
    private void prepare(Work work) {
        var launch = (HostCommand.Launch) work.command();
        if (!work.owner().isLive()) {
            dropped(work);
            return;
        }
        try {
            var wait = with.provider.reserve(batch(launch, boot(launch)));
            if (wait.isZero()) {
                attempt(work);
            } else {
                later(work, wait);
            }
        } catch (ProviderException | RuntimeException unresolved) {
            // The attempt finds the same, and answers it.
            attempt(work);
        }
    }

    private void later(Work work, Duration wait) {
        var pool = work.command() instanceof HostCommand.Launch ? launches : others;
        timer.schedule(() -> pool.execute(() -> attempt(work)), wait.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void attempt(Work work) {
        if (!work.owner().isLive()) {
            dropped(work);
            return;
        }
        var askedAt = with.clock.instant();
        var call = with.traces.begin("cloud " + work.command().verb(), work.step().context(), null);
        mark(work);
        try {
            List<MachineReport> reports;
            if (work.command() instanceof HostCommand.Launch launch) {
                reports = launch(work, launch, askedAt);
            } else {
                reports = ofMachine(work, (HostCommand.OfMachine) work.command(), askedAt);
            }
            call.end();
            finish(work, reports);
        } catch (ProviderException unanswered) {
            call.failed(Meters.word(unanswered.kind()));
            again(work, unanswered);
        } catch (RuntimeException ours) {
            call.failed("internal");
            // Nothing may be said of a call that may have been made, and a loop must not stop for one command.
            LOG.errorf(ours, "A command failed in our own code and is repeated: verb=%s machine=%s", work.command().verb(),
                    work.machineIds().get(0));
            again(work, new ProviderException(FailureKind.UNAVAILABLE, "Internal", String.valueOf(ours.getMessage())));
        } finally {
            KEYS.forEach(MDC::remove);
        }
    }

    /** What is logged from here on, by whomever, is about this machine. */
    private static void mark(Work work) {
        MDC.put("fleet", work.command().fleet());
        MDC.put("machine", work.machineIds().get(0));
        if (work.command() instanceof HostCommand.Launch launch) {
            MDC.put("pool", launch.pool());
            if (!launch.task().isEmpty()) {
                MDC.put("task", launch.task());
            }
        }
    }

    private void again(Work work, ProviderException why) {
        if (why.kind() == FailureKind.UNAVAILABLE) {
            work.maybeMade();
        }
        if (why.again().isPresent()) {
            LOG.debugf("A call is under way: verb=%s machine=%s scope=%s what=%s", work.command().verb(), work.machineIds().get(0),
                    work.command().scope(), why.getMessage());
            later(work, why.again().get());
            return;
        }
        work.attempted();
        var wait = with.backoff.after(work.attempts());
        LOG.infof("A call was not answered and is repeated: verb=%s machine=%s scope=%s reason=%s attempt=%d", work.command().verb(),
                work.machineIds().get(0), work.command().scope(), why, work.attempts());
        with.metrics.repeated(work.command().verb(), why.kind());
        later(work, wait);
    }

    /** @throws ProviderException if the call is to be repeated */
    private List<MachineReport> launch(Work work, HostCommand.Launch launch, Instant askedAt) throws ProviderException {
        long generation = work.owner().generation();
        boolean late = askedAt.isAfter(launch.expiresAt());
        if (late && !work.isMaybeMade()) {
            var expired = new ProviderException(FailureKind.EXPIRED, "Expired", "read or reached at " + askedAt + ", after it had expired at "
                    + launch.expiresAt() + "; the cloud was not asked");
            return refused(work, launch, generation, askedAt, expired);
        }
        if (late) {
            return found(launch, generation, askedAt);
        }
        MachineBatch batch;
        try {
            batch = batch(launch, boot(launch));
        } catch (ProviderException unresolved) {
            var earlier = work.isMaybeMade() ? found(launch, generation, askedAt) : List.<MachineReport>of();
            return earlier.isEmpty() ? refused(work, launch, generation, askedAt, unresolved) : earlier;
        }
        if (work.attempts() == 0) {
            with.metrics.launched(Duration.between(launch.issuedAt(), askedAt));
        }
        Delivery delivery;
        try {
            delivery = with.provider.launch(batch);
        } catch (ProviderException failure) {
            if (failure.kind().isRepeated()) {
                throw failure;
            }
            return refused(work, launch, generation, askedAt, failure);
        }
        LOG.infof("Launched: fleet=%s pool=%s batch=%s machines=%d type=%s scope=%s", launch.fleet(), launch.pool(), launch.batchId(),
                delivery.machines().size(), launch.offer().machineType(), launch.scope());
        var reports = new ArrayList<MachineReport>();
        reports.add(with.reports.accepted(launch.fleet(), launch.scope(), generation, askedAt, launch.batchId(), delivery));
        if (!delivery.undelivered().isEmpty()) {
            var ids = delivery.undelivered().stream().map(launch.machineIds()::get).toList();
            reports.add(with.reports.refused(launch, generation, askedAt, ids, delivery.why().orElseGet(() -> new ProviderException(
                    FailureKind.OUT_OF_CAPACITY, "PartialCapacity", "the cloud gave " + delivery.machines().size() + " of "
                    + launch.machineIds().size()))));
        }
        return reports;
    }

    /** A call that may have been made, and may not be made any more. What isn't found is not spoken of: absence ends it. */
    private List<MachineReport> found(HostCommand.Launch launch, long generation, Instant askedAt) throws ProviderException {
        Delivery delivery;
        try {
            delivery = with.provider.find(launch.scope(), launch.batchId(), launch.machineIds().size());
        } catch (ProviderException failure) {
            if (failure.kind().isRepeated()) {
                throw failure;
            }
            LOG.warnf("An expired launch can't be looked up: batch=%s reason=%s", launch.batchId(), failure);
            return List.of();
        }
        return delivery.isEmpty() ? List.of()
                : List.of(with.reports.accepted(launch.fleet(), launch.scope(), generation, askedAt, launch.batchId(), delivery));
    }

    private List<MachineReport> refused(Work work, HostCommand.Launch launch, long generation, Instant askedAt, ProviderException why) {
        LOG.infof("A launch was refused: fleet=%s pool=%s batch=%s type=%s zone=%s scope=%s reason=%s", launch.fleet(), launch.pool(),
                launch.batchId(), launch.offer().machineType(), launch.offer().zone(), launch.scope(), why);
        return List.of(with.reports.refused(launch, generation, askedAt, launch.machineIds(), why));
    }

    private BootPlan boot(HostCommand.Launch launch) throws ProviderException {
        return with.boots.translate(launch.workerPrefix(), launch.boot(), with.fleets.connectionOf(launch.fleet()));
    }

    private MachineBatch batch(HostCommand.Launch launch, BootPlan boot) {
        return new MachineBatch(launch.batchId(), launch.machineIds(), launch.fleet(), launch.pool(), launch.offer(), launch.maxPriceMicros(),
                launch.settings(), boot, KeepUntil.from(launch.issuedAt(), with.clusterId), new MachineBatch.Cause(launch.task(), launch.queue(),
                        launch.queueId(), launch.boot().getConnection().isEmpty() ? with.fleets.connectionOf(launch.fleet()) : launch.boot().getConnection()));
    }

    /** @throws ProviderException if the call is to be repeated */
    private List<MachineReport> ofMachine(Work work, HostCommand.OfMachine command, Instant askedAt) throws ProviderException {
        long generation = work.owner().generation();
        if (command instanceof HostCommand.Adopt adopt) {
            return adopt(adopt, generation, askedAt);
        }
        var reports = new ArrayList<MachineReport>();
        Optional<ProviderException> failure = Optional.empty();
        try {
            var status = carryOut(command);
            if (status != dev.muster.provisioner.spi.CloudStatus.UNKNOWN) {
                reports.add(with.reports.changed(command.fleet(), command.scope(), generation, askedAt, Reports.machine(command, status)));
            }
        } catch (ProviderException refused) {
            if (refused.kind().isRepeated()) {
                throw refused;
            }
            failure = Optional.of(refused);
            LOG.warnf("A command was refused: verb=%s machine=%s scope=%s reason=%s", command.verb(), command.machine().machineId(),
                    command.scope(), refused);
        }
        reports.add(with.reports.answered(command, generation, askedAt, failure));
        return reports;
    }

    private dev.muster.provisioner.spi.CloudStatus carryOut(HostCommand.OfMachine command) throws ProviderException {
        if (command instanceof HostCommand.MarkMachine mark) {
            return with.provider.mark(mark.machine(), mark.mark());
        }
        var terminate = (HostCommand.Terminate) command;
        LOG.infof("Terminating: fleet=%s machine=%s cloud_id=%s cause=%s", terminate.fleet(), terminate.machine().machineId(),
                terminate.machine().cloudId(), terminate.cause());
        return with.provider.terminate(terminate.machine());
    }

    /** @throws ProviderException if the call is to be repeated */
    private List<MachineReport> adopt(HostCommand.Adopt command, long generation, Instant askedAt) throws ProviderException {
        var wish = new AdoptWish(command.machine(), command.fleet(), command.pool(), command.offers(), KeepUntil.from(with.clock.instant(), with.clusterId));
        Adoption adoption;
        try {
            adoption = with.provider.adopt(wish);
        } catch (ProviderException refused) {
            if (refused.kind().isRepeated()) {
                throw refused;
            }
            LOG.warnf("A machine may not be adopted: fleet=%s cloud_id=%s scope=%s reason=%s", command.fleet(), command.machine().cloudId(), command.scope(),
                    refused);
            return List.of(with.reports.answered(command, generation, askedAt, Optional.of(refused)));
        }
        LOG.infof("%s: fleet=%s pool=%s cloud_id=%s scope=%s%s", adoption.machine().isPresent() ? "Adopted" : "Not adopted", command.fleet(), command.pool(),
                command.machine().cloudId(), command.scope(), adoption.machine().isPresent() ? "" : " reason=" + adoption.detail());
        var reports = new ArrayList<MachineReport>();
        adoption.machine().ifPresent(machine ->
                reports.add(with.reports.changed(command.fleet(), command.scope(), generation, askedAt, Reports.machine(machine))));
        reports.add(with.reports.answered(command, generation, askedAt, adoption));
        return reports;
    }

    private void finish(Work work, List<MachineReport> reports) {
        with.publisher.finished(work.owner(), work.offset(), reports, work.step().context());
        with.metrics.done(work.command().verb());
        work.step().end();
        ended(work);
    }

    private void dropped(Work work) {
        work.step().failed("another process owns it");
        ended(work);
    }

    private void ended(Work work) {
        var scope = work.command().scope();
        underWay.computeIfPresent(scope, (s, count) -> count == 1 ? null : count - 1);
        lanes.done(work).forEach(this::start);
        afterEach.accept(scope);
    }

    @Override
    public void close() {
        consoles.close();
        launches.shutdown();
        others.shutdown();
        try {
            // A call under way is let end, so that its answer is still committed.
            launches.awaitTermination(3, TimeUnit.SECONDS);
            others.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
