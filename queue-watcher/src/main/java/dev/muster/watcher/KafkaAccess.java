package dev.muster.watcher;

import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/**
 * Asks Kafka why nothing comes from it: whether it lets the watcher in, and allows it all that it must do. The clients themselves only try again.
 *
 * <p>Nothing is sent before it has been let in once: a producer that is refused at its first request is of no use afterwards, and the messaging channel
 * never makes another.
 */
@ApplicationScoped
public class KafkaAccess {

    private static final Logger LOG = Logger.getLogger(KafkaAccess.class);
    private static final Duration EVERY = Duration.ofSeconds(5);

    private final Settings settings;
    private final CountDownLatch admitted = new CountDownLatch(1);
    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile String problem = "";

    public KafkaAccess(Settings settings) {
        this.settings = settings;
    }

    /** @param works true: Kafka does what it should, and nobody needs to ask */
    void start(BooleanSupplier works) {
        var asker = new Thread(() -> ask(works), "kafka-access");
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

    /** @return false: it was not let in within that time */
    boolean awaitAdmitted(Duration patience) throws InterruptedException {
        return admitted.await(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void ask(BooleanSupplier works) {
        try {
            // Once in any case: a right that is needed only now and then is missed before it is needed.
            do {
                look();
            } while (!await(works));
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    /** @return true: the process ends */
    private boolean await(BooleanSupplier works) throws InterruptedException {
        do {
            if (closing.await(EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
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
            admitted.countDown();
        } catch (KafkaException wrong) {
            if (wrong instanceof KafkaRights.Missing) {
                admitted.countDown();
            }
            var why = settings.kafka().problem(wrong);
            if (!why.equals(problem)) {
                LOG.warnf("The watcher can't work with Kafka as it is. reason=%s", why);
            }
            problem = why;
        }
    }
}
