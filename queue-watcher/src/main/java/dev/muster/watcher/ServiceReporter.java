package dev.muster.watcher;

import com.google.protobuf.util.Durations;
import dev.muster.contracts.SpecSecrets;
import dev.muster.contracts.Times;
import dev.muster.v1.NamedState;
import dev.muster.v1.ServiceReported;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/** Says on the topic of services how this process is: at start, when that changes, and once a minute. */
@ApplicationScoped
public class ServiceReporter {

    private static final Duration CHECK_EVERY = Duration.ofSeconds(1);
    private static final Duration REPORT_EVERY = Duration.ofMinutes(1);
    /** The folder may be on a network. */
    private static final Duration SECRETS_EVERY = Duration.ofSeconds(5);

    private static final Logger LOG = Logger.getLogger(ServiceReporter.class);

    private final Settings settings;
    private final FleetTable fleets;
    private final Connections connections;
    private final WatcherReadiness readiness;
    private final DemandPublisher publisher;
    private final String version;
    private final Clock clock = Clock.systemUTC();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        var thread = new Thread(task, "service-reports");
        thread.setDaemon(true);
        return thread;
    });
    private ServiceReported reported = ServiceReported.getDefaultInstance();
    private Instant reportedAt = Instant.EPOCH;
    private List<NamedState> secrets = List.of();
    private Instant secretsSeenAt = Instant.EPOCH;

    public ServiceReporter(Settings settings, FleetTable fleets, Connections connections, WatcherReadiness readiness,
            DemandPublisher publisher, @ConfigProperty(name = "quarkus.application.version") String version) {
        this.settings = settings;
        this.fleets = fleets;
        this.connections = connections;
        this.readiness = readiness;
        this.publisher = publisher;
        this.version = version;
    }

    void start(@Observes @Priority(1) StartupEvent event) {
        fleets.start();
        // The channel that reports go through is set up after the start is announced.
        timer.scheduleWithFixedDelay(this::report, CHECK_EVERY.toMillis(), CHECK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        timer.shutdownNow();
        connections.close();
        fleets.stop();
    }

    private void report() {
        try {
            var now = clock.instant();
            var state = state();
            if (state.equals(reported) && now.isBefore(reportedAt.plus(REPORT_EVERY))) {
                return;
            }
            publisher.publish(state.toBuilder()
                    .setSkew(Durations.fromNanos(publisher.skew().toNanos()))
                    .setAt(Times.timestamp(now))
                    .build()).toCompletableFuture().get();
            reported = state;
            reportedAt = now;
        } catch (ExecutionException lost) {
            LOG.warnf("Kafka did not take a report of this service; it is sent again. reason=%s", String.valueOf(lost.getCause()));
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException ours) {
            // Thrown on, it would end the reports without a word.
            LOG.error("A report of this service failed by a defect.", ours);
        }
    }

    private ServiceReported state() {
        var problem = readiness.problem();
        var state = ServiceReported.newBuilder()
                .setService(Settings.SERVICE)
                .setInstance(settings.instance())
                .setVersion(version)
                .setReady(problem.isEmpty())
                .setNotReadyBecause(problem.orElse(""));
        connections.owned().forEach((name, health) -> state
                .addOwned(name)
                .addConnections(NamedState.newBuilder().setName(name).setOk(health.isReachable()).setDetail(health.detail())));
        return state.addAllSecrets(secrets()).build();
    }

    /** Specs want no secret of a watcher; those that it has are said, since whoever looks for one looks here, too. */
    private List<NamedState> secrets() {
        var now = clock.instant();
        if (now.isAfter(secretsSeenAt.plus(SECRETS_EVERY))) {
            secrets = SpecSecrets.states(settings.secrets(), Set.of());
            secretsSeenAt = now;
        }
        return secrets;
    }
}
