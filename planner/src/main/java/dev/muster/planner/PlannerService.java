package dev.muster.planner;

import dev.muster.contracts.SpecSecrets;
import dev.muster.contracts.Times;
import dev.muster.planner.access.AccessSettings;
import dev.muster.planner.control.LogLevelWrites;
import dev.muster.planner.control.PoolBounds;
import dev.muster.planner.control.RequestPublisher;
import dev.muster.planner.control.SpecPreviews;
import dev.muster.planner.control.Writes;
import dev.muster.planner.notify.Notifications;
import dev.muster.planner.recorded.BudgetBook;
import dev.muster.planner.recorded.BudgetFigures;
import dev.muster.planner.recorded.ConsoleReader;
import dev.muster.planner.recorded.DecisionHistory;
import dev.muster.planner.recorded.HistoryRows;
import dev.muster.planner.recorded.MachineLives;
import dev.muster.planner.stream.OpenBounds;
import dev.muster.planner.stream.PlannerStreams;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.view.FleetViews;
import dev.muster.planner.view.FleetWatches;
import dev.muster.planner.view.ReadModel;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Metrics;
import dev.muster.telemetry.Traces;
import dev.muster.v1.NamedState;
import dev.muster.v1.ServiceReported;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.Config;
import org.jboss.logging.Logger;

/** The planner as a service: what runs, and what it says of itself. {@link Main} has seen to it that its settings and topics are right. */
@Singleton
public final class PlannerService {

    private static final Logger LOG = Logger.getLogger(PlannerService.class);
    private static final Duration REPORT_EVERY = Duration.ofMinutes(1);
    /** The folder may be on a network. */
    private static final Duration SECRETS_EVERY = Duration.ofSeconds(5);
    /** A planner has two cores, and its own work goes first. */
    private static final int READINGS = 4;
    private static final Duration LONGEST_READING = Duration.ofSeconds(30);
    /** Of a client that was away and watches on. */
    private static final Duration LONGEST_CATCH_UP = Duration.ofMinutes(1);

    private final Settings settings;
    private final AccessSettings access;
    private final ReadModel model;
    private final RequestPublisher publisher;
    private final Writes writes;
    private final ConsoleReader consoles;
    private final Notifications notifications;
    private final LogLevelWrites levels;
    /** For pages of history and money, which ask often and for much. */
    private final TopicReaders historyReaders;
    private final HistoryRows history;
    private final BudgetBook budgets;
    private final SpecPreviews previews;
    private final TopicReaders readers;
    private final DecisionHistory olderDecisions;
    private final MachineLives lives;
    private final FleetViews views;
    private final FleetWatches watches;
    private final Meters meters;
    private final Traces traces;
    private final BudgetFigures figures;
    private final ScheduledExecutorService reporter = Executors.newSingleThreadScheduledExecutor(task -> {
        var thread = new Thread(task, "service-reports");
        thread.setDaemon(true);
        return thread;
    });
    private volatile PlannerStreams streams;
    private ServiceReported reported = ServiceReported.getDefaultInstance();
    private Instant reportedAt = Instant.EPOCH;
    private List<NamedState> secrets = List.of();
    private Instant secretsSeenAt = Instant.EPOCH;

    PlannerService(PlannerConfig config, Config all, MeterRegistry registry) {
        settings = Settings.of(config);
        AccessSettings.requireShown(config, all);
        access = AccessSettings.of(config, all);
        meters = new Meters(registry);
        traces = Traces.of(Settings.SERVICE, settings.instance(), Settings.version(), config.traces().endpoint(), config.traces().ratio());
        model = new ReadModel(settings);
        publisher = new RequestPublisher(settings, model);
        writes = new Writes(settings, model, publisher);
        consoles = new ConsoleReader(settings, publisher::putAside);
        levels = new LogLevelWrites(settings, publisher);
        notifications = new Notifications(settings, model::notifications, model::isCurrent, meters);
        historyReaders = new TopicReaders(settings, "history-reader", READINGS, LONGEST_READING);
        history = new HistoryRows(settings, historyReaders);
        budgets = new BudgetBook(settings, historyReaders);
        figures = new BudgetFigures(model, budgets, meters);
        previews = new SpecPreviews(settings, model, writes);
        readers = new TopicReaders(settings, "topic-reader", READINGS, LONGEST_CATCH_UP);
        olderDecisions = new DecisionHistory(model, readers);
        lives = new MachineLives(model, olderDecisions, readers, settings.topics().demand());
        views = new FleetViews(model);
        watches = new FleetWatches(model, views);
    }

    void start(@Observes StartupEvent event) {
        model.start();
        budgets.start();
        watches.start();
        streams = new PlannerStreams(settings, meters, traces, why -> Quarkus.asyncExit(1));
        streams.start();
        notifications.start();
        levels.start();
        reporter.scheduleWithFixedDelay(levels::sweep, 10, 10, TimeUnit.SECONDS);
        reporter.scheduleWithFixedDelay(this::report, 0, 1, TimeUnit.SECONDS);
        reporter.scheduleWithFixedDelay(this::showBudgets, 5, 5, TimeUnit.SECONDS);
        meters.show(Metrics.SERVICE_READY, () -> notReadyBecause().isEmpty() ? 1 : 0, Settings.SERVICE);
    }

    void stop(@Observes ShutdownEvent event) {
        reporter.shutdownNow();
        // Webhooks may take their time to answer: meanwhile others take over the fleets.
        var told = CompletableFuture.runAsync(notifications::close);
        if (streams != null) {
            streams.close();
        }
        told.join();
        levels.close();
        consoles.close();
        previews.close();
        historyReaders.close();
        budgets.close();
        watches.close();
        readers.close();
        publisher.close();
        model.close();
        traces.close();
    }

    @Produces
    @Singleton
    ReadModel model() {
        return model;
    }

    @Produces
    @Singleton
    Writes writes() {
        return writes;
    }

    @Produces
    @Singleton
    ConsoleReader consoles() {
        return consoles;
    }

    @Produces
    @Singleton
    Notifications notifications() {
        return notifications;
    }

    @Produces
    @Singleton
    HistoryRows history() {
        return history;
    }

    @Produces
    @Singleton
    TopicReaders readers() {
        return readers;
    }

    @Produces
    @Singleton
    Settings settings() {
        return settings;
    }

    @Produces
    @Singleton
    BudgetBook budgets() {
        return budgets;
    }

    @Produces
    @Singleton
    DecisionHistory olderDecisions() {
        return olderDecisions;
    }

    @Produces
    @Singleton
    AccessSettings access() {
        return access;
    }

    @Produces
    @Singleton
    LogLevelWrites levels() {
        return levels;
    }

    @Produces
    @Singleton
    MachineLives lives() {
        return lives;
    }

    @Produces
    @Singleton
    SpecPreviews previews() {
        return previews;
    }

    @Produces
    @Singleton
    FleetViews views() {
        return views;
    }

    @Produces
    @Singleton
    FleetWatches watches() {
        return watches;
    }

    /** The API's answer by the rule that plans. */
    @Produces
    @Singleton
    PoolBounds bounds() {
        return (fleet, now) -> {
            var bounds = new HashMap<String, PoolBounds.Bounds>();
            OpenBounds.of(fleet, now).forEach((pool, open) -> bounds.put(pool, new PoolBounds.Bounds(open.limits().min(), open.limits().max(), open.warm(), open.paused())));
            return bounds;
        };
    }

    /** Why the planner can't do its work now; empty if it can. */
    Optional<String> notReadyBecause() {
        if (streams == null) {
            return Optional.of("it is starting");
        }
        var stream = streams.notReadyBecause();
        return stream.isPresent() || model.isCurrent() && budgets.isCurrent() ? stream : Optional.of("its read model is not current");
    }

    /** Partitions whose fleets this replica plans. */
    List<String> owned() {
        return streams == null ? List.of() : streams.owned();
    }

    /** Of these, fleets that are held because nobody says what waits. */
    Set<String> unseen() {
        return streams == null ? Set.of() : streams.unseen();
    }

    boolean isAlive() {
        return streams == null || streams.isAlive();
    }

    /** Each second a look, a record on a change and every minute. */
    private void report() {
        try {
            var because = notReadyBecause();
            var now = Instant.now();
            var report = ServiceReported.newBuilder().setService(Settings.SERVICE).setInstance(settings.instance()).setVersion(Settings.version())
                    .setReady(because.isEmpty()).setNotReadyBecause(because.orElse("")).addAllOwned(streams.owned()).addAllSecrets(secrets(now)).build();
            if (report.equals(reported) && now.isBefore(reportedAt.plus(REPORT_EVERY))) {
                return;
            }
            if (report.getReady() != reported.getReady()) {
                LOG.infof(report.getReady() ? "The planner is ready; partitions=%s" : "The planner is not ready; partitions=%s", report.getOwnedList());
            }
            reported = report;
            reportedAt = now;
            publisher.report(report.toBuilder().setAt(Times.timestamp(now)).build());
        } catch (RuntimeException passing) {
            // Reports say how the service is; that one failed must not end them.
            LOG.warn("A report of the service failed", passing);
        }
    }

    private void showBudgets() {
        try {
            var owned = Set.copyOf(streams.owned());
            figures.show(fleet -> owned.contains(String.valueOf(settings.topics().inputPartition(fleet))));
        } catch (RuntimeException passing) {
            // Thrown on, it would end the figures without a word.
            LOG.warn("How budgets stand could not be shown", passing);
        }
    }

    private List<NamedState> secrets(Instant now) {
        if (now.isAfter(secretsSeenAt.plus(SECRETS_EVERY))) {
            secrets = SpecSecrets.states(settings.secrets(), model.secretsWanted(SpecSecrets.PLANNER));
            secretsSeenAt = now;
        }
        return secrets;
    }
}
