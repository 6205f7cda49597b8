package dev.muster.provisioner.host;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Times;
import dev.muster.provisioner.boot.BootFailure;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.ConsoleReported;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/**
 * Reads the consoles of one scope's machines that went, keeps their end on the topic {@code consoles} without what is secret, and finds in it why a
 * boot failed. Clouds show a console late, so that each is looked at some times. Not thread-safe: lists use it, one at a time.
 */
final class Consoles {

    private static final Logger LOG = Logger.getLogger(Consoles.class);

    /** Consoles read for one list: what machines said must not hold up what the others show. */
    private static final int A_LIST = 5;
    /** One that went by itself may be a boot that failed, which the planner waits to hear: as many lists read it until it tells. */
    private static final int SOON = 3;
    /** After its end was first seen. EC2 posts a console "shortly after" an end, which is some minutes. */
    private static final List<Duration> LATER = List.of(Duration.ZERO, Duration.ofMinutes(3), Duration.ofMinutes(10));
    /** As much as EC2 keeps. Bytes. */
    private static final int MOST = 64 * 1024;

    /** Where what is read goes. */
    interface Keeper {
        void keep(String fleet, ConsoleReported console);
    }

    /**
     * One machine that went.
     *
     * @param since when its end was first seen
     * @param soon looks so far for why it went
     * @param later looks so far of those that are to keep it
     * @param failure null: none was found so far
     * @param kept null: nothing was kept so far
     */
    private record Looks(Instant since, int soon, int later, BootFailure failure, String kept) {}

    private final MachineProvider provider;
    private final Scope scope;
    private final SecretsFolder secrets;
    private final Keeper keeper;
    /** By cloud id. Machines that the cloud shows no more are forgotten. */
    private Map<String, Looks> known = Map.of();

    Consoles(MachineProvider provider, Scope scope, SecretsFolder secrets, Keeper keeper) {
        this.provider = provider;
        this.scope = scope;
        this.secrets = secrets;
        this.keeper = keeper;
    }

    /** Why a machine that went by itself did, as far as it is known. */
    Optional<BootFailure> failure(String cloudId) {
        return Optional.ofNullable(known.get(cloudId)).map(Looks::failure);
    }

    /**
     * Reads what is due.
     *
     * @param endedLongAgo whether the books have had a machine as ended since before a process of now would have looked: what was to be kept is
     */
    void read(List<MachineSeen> machines, Instant now, Predicate<MachineSeen> endedLongAgo) {
        var next = new HashMap<String, Looks>();
        var went = new ArrayList<MachineSeen>();
        for (var machine : machines) {
            if (!machine.fleet().isEmpty() && (machine.status().isGone() || isByItself(machine))) {
                var looks = known.get(machine.cloudId());
                if (looks == null) {
                    looks = endedLongAgo.test(machine) ? new Looks(now, SOON, LATER.size(), null, null) : new Looks(now, 0, 0, null, null);
                }
                next.put(machine.cloudId(), looks);
                went.add(machine);
            }
        }
        // Those that the planner waits for come first, then those that have waited for longest.
        went.sort(Comparator.comparing((MachineSeen machine) -> !isDueSoon(machine, next.get(machine.cloudId())))
                .thenComparing(machine -> next.get(machine.cloudId()).since()).thenComparing(MachineSeen::cloudId));
        int left = A_LIST;
        for (var machine : went) {
            if (left == 0) {
                break;
            }
            var looks = next.get(machine.cloudId());
            if (isDueSoon(machine, looks) || isDueLater(machine, looks, now)) {
                left--;
                next.put(machine.cloudId(), look(machine, looks, now));
            }
        }
        known = next;
    }

    /** Shut down from inside without being asked to: a boot script that gives up says so on the console and powers off. */
    private static boolean isByItself(MachineSeen machine) {
        return machine.endedBy() == EndedBy.INSIDE && machine.mark().word() == Mark.Word.NONE;
    }

    private static boolean isDueSoon(MachineSeen machine, Looks looks) {
        return isByItself(machine) && looks.failure == null && looks.soon < SOON;
    }

    private static boolean isDueLater(MachineSeen machine, Looks looks, Instant now) {
        return machine.status().isGone() && looks.later < LATER.size() && !now.isBefore(looks.since.plus(LATER.get(looks.later)));
    }

    private Looks look(MachineSeen machine, Looks before, Instant now) {
        int soon = before.soon + (isDueSoon(machine, before) ? 1 : 0);
        int later = before.later + (isDueLater(machine, before, now) ? 1 : 0);
        String console;
        try {
            console = provider.console(machine.ref());
        } catch (ProviderException unreadable) {
            LOG.infof("A console can't be read: machine=%s cloud_id=%s scope=%s reason=%s", machine.machineId(), machine.cloudId(), scope, unreadable);
            return new Looks(before.since, soon, later, before.failure, before.kept);
        }
        var failure = before.failure;
        if (failure == null && isByItself(machine)) {
            failure = BootFailure.last(console).orElse(null);
            if (failure != null) {
                LOG.warnf("A machine could not become a worker and has ended itself: machine=%s cloud_id=%s scope=%s step=%s reason=%s",
                        machine.machineId(), machine.cloudId(), scope, failure.step(), failure.reason());
            }
        }
        return new Looks(before.since, soon, later, failure, keep(machine, console, now, before.kept));
    }

    /** Answers what is kept of it now. */
    private String keep(MachineSeen machine, String console, Instant now, String before) {
        if (console.isBlank()) {
            return before;
        }
        ConsoleReported said;
        try {
            said = reported(machine.machineId(), console, now, secrets);
        } catch (IllegalStateException unreadable) {
            LOG.warnf("A console is not kept, since what is secret in it can't be told: machine=%s reason=%s", machine.machineId(), unreadable.getMessage());
            return before;
        }
        var text = said.getText();
        // A digest would do, and 64 KB of each machine that went in the last hour would not.
        var kept = Integer.toHexString(text.hashCode()) + ":" + text.length();
        if (!kept.equals(before)) {
            keeper.keep(machine.fleet(), said);
        }
        return kept;
    }

    /** As it may be shown. @throws IllegalStateException if the secrets can't be read that must not be */
    static ConsoleReported reported(String machineId, String console, Instant now, SecretsFolder secrets) {
        var said = ConsoleReported.newBuilder().setMachineId(machineId).setCapturedAt(Times.timestamp(now));
        return said.setText(Redaction.of(secrets).apply(whole(console, said))).build();
    }

    /** The last of it. What a cut leaves of a line may be half a secret, which nothing would find. */
    private static String whole(String console, ConsoleReported.Builder said) {
        var bytes = console.getBytes(UTF_8);
        if (bytes.length < MOST) {
            return console;
        }
        said.setTruncated(true);
        var end = new String(bytes, bytes.length - MOST, MOST, UTF_8);
        return end.substring(end.indexOf('\n') + 1);
    }
}
