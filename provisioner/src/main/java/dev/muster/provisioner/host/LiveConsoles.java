package dev.muster.provisioner.host;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.ProviderException;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Reads consoles of machines that live, when somebody asks. On threads of its own and once: whoever asked waits for it no longer than a minute, and
 * asks again; no drain and no termination waits for it.
 */
final class LiveConsoles implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(LiveConsoles.class);
    private static final int THREADS = 2;
    /** People ask, not programs: more at once are dropped, and asked again. */
    private static final int MOST_WAITING = 50;
    /** Nobody waits for one that was asked for before it, as after an outage. Clocks may differ. */
    private static final Duration NEWS_FOR = Duration.ofMinutes(2);

    private final MachineProvider provider;
    private final SecretsFolder secrets;
    private final ReportPublisher publisher;
    private final Clock clock;
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(THREADS, THREADS, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(MOST_WAITING),
            Threads.named("console"));

    LiveConsoles(MachineProvider provider, SecretsFolder secrets, ReportPublisher publisher, Clock clock) {
        this.provider = provider;
        this.secrets = secrets;
        this.publisher = publisher;
        this.clock = clock;
        threads.allowCoreThreadTimeOut(true);
    }

    /** Returns at once. */
    void fetch(Ownership owner, HostCommand.FetchConsole command) {
        if (clock.instant().isAfter(command.issuedAt().plus(NEWS_FOR))) {
            LOG.debugf("A console was asked for too long ago: machine=%s scope=%s", command.machine().machineId(), command.scope());
            return;
        }
        try {
            threads.execute(() -> read(owner, command));
        } catch (RejectedExecutionException tooMany) {
            LOG.infof("A console is not read, since too many are asked for: machine=%s scope=%s", command.machine().machineId(), command.scope());
        }
    }

    private void read(Ownership owner, HostCommand.FetchConsole command) {
        var machine = command.machine();
        try {
            var console = provider.console(machine);
            // One that is blank is an answer, too: the cloud shows none yet.
            publisher.console(owner, command.fleet(), Consoles.reported(machine.machineId(), console.isBlank() ? "" : console, clock.instant(), secrets));
        } catch (ProviderException unreadable) {
            LOG.infof("A console can't be read: machine=%s cloud_id=%s scope=%s reason=%s", machine.machineId(), machine.cloudId(), command.scope(), unreadable);
        } catch (IllegalStateException unreadable) {
            LOG.warnf("A console is not shown, since what is secret in it can't be told: machine=%s reason=%s", machine.machineId(), unreadable.getMessage());
        } catch (RuntimeException ours) {
            LOG.errorf(ours, "Reading a console failed in our own code: machine=%s scope=%s", machine.machineId(), command.scope());
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
