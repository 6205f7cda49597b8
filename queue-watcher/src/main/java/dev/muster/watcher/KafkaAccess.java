package dev.muster.watcher;

import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/** Asks Kafka why nothing comes from it: whether it lets the watcher in, and allows it all that it must do. The clients themselves only try again. */
final class KafkaAccess {

    private static final Logger LOG = Logger.getLogger(KafkaAccess.class);
    /** Who is refused is refused again until a person has done something. */
    private static final Duration EVERY = Duration.ofSeconds(5);

    private final Settings settings;
    private final BooleanSupplier works;
    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile String problem = "";

    /** @param works true: Kafka does what it should, and nobody needs to ask */
    KafkaAccess(Settings settings, BooleanSupplier works) {
        this.settings = settings;
        this.works = works;
    }

    void start() {
        var asker = new Thread(this::ask, "kafka-access");
        asker.setDaemon(true);
        asker.start();
    }

    void stop() {
        closing.countDown();
    }

    /** What is wrong, in one sentence; empty if nothing is known to be. */
    Optional<String> problem() {
        return Optional.of(problem).filter(why -> !why.isEmpty());
    }

    private void ask() {
        try {
            // Once in any case: a right that is needed only now and then is missed before it is needed.
            do {
                look();
            } while (!await(EVERY));
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    /** @return true: the process ends */
    private boolean await(Duration pause) throws InterruptedException {
        do {
            if (closing.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                return true;
            }
        } while (problem.isEmpty() && works.getAsBoolean());
        return false;
    }

    private void look() throws InterruptedException {
        var config = KafkaSettings.client(settings.kafka());
        config.put("request.timeout.ms", 5_000);
        config.put("default.api.timeout.ms", 10_000);
        try (var admin = Admin.create(config)) {
            KafkaRights.require(admin, settings.topics(), Settings.SERVICE, settings.kafka());
            problem = "";
        } catch (KafkaException wrong) {
            var why = settings.kafka().problem(wrong);
            if (!why.equals(problem)) {
                LOG.warnf("The watcher can't work with Kafka as it is. reason=%s", why);
            }
            problem = why;
        }
    }
}
