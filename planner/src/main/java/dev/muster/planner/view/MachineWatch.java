package dev.muster.planner.view;

import dev.muster.contracts.Phases;
import dev.muster.v1.MachineChange;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.WatchMachinesRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.SortedMap;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** One client that watches machines: first what is there, or what has changed since it was last here, and then each change. */
public final class MachineWatch implements ReadModel.MachineWatcher {

    /** A client that was away for longer is sent everything: tombstones are not remembered for ever. */
    static final Duration RESUMED_WITHIN = Duration.ofMinutes(10);

    private final ReadModel model;
    private final WatchMachinesRequest request;
    private final Predicate<String> mayRead;
    private final Watch<MachineChange> watch;
    private volatile boolean synced;

    /** @param mayRead whether the client may read of a fleet */
    public MachineWatch(ReadModel model, WatchMachinesRequest request, Predicate<String> mayRead, Watch<MachineChange> watch) {
        this.model = model;
        this.request = request;
        this.mayRead = mayRead;
        this.watch = watch;
    }

    public void begin(Instant now) {
        // What is read from here on is told, and what was read before is in the tables: between them nothing is lost, and something may come twice.
        var positions = model.machinePositions();
        var since = resumed(request.getResumeToken(), model.machineTokens(), positions, now);
        watch.whenOver(model.watchMachines(this));
        model.machineKeys(since).forEach(key -> watch.offer(key, () -> model.machineAt(key)
                .filter(machine -> isOf(machine) && (since != null || request.getEndedToo() || !Phases.isEnded(machine.getPhase())))
                .map(machine -> MachineChange.newBuilder().setMachine(machine).build()).orElse(null)));
        if (since != null) {
            model.forgottenKeys(since).filter(key -> isOf(key.substring(0, Math.max(0, key.indexOf('/')))))
                    .forEach(key -> watch.offer(key, MachineChange.newBuilder().setForgotten(key.substring(key.indexOf('/') + 1)).build()));
        }
        watch.offer("synced", MachineChange.newBuilder().setSynced(true).setFull(since == null)
                .setResumeToken(new ResumeToken(now, positions).text(model.machineTokens())).build());
        synced = true;
    }

    /**
     * From where on changes are enough; null: everything must be sent.
     *
     * @param read how far this replica has read
     */
    static SortedMap<Integer, Long> resumed(String token, String topic, SortedMap<Integer, Long> read, Instant now) {
        return ResumeToken.parse(topic, token)
                .filter(known -> known.at().isAfter(now.minus(RESUMED_WITHIN)) && known.next().keySet().equals(read.keySet()))
                // Ahead of this replica: it is behind another one, or the topic is a new one.
                .filter(known -> known.next().entrySet().stream().allMatch(next -> next.getValue() <= read.get(next.getKey())))
                .map(ResumeToken::next).orElse(null);
    }

    @Override
    public void changed(String fleet, String machineId, MachineRecord machine, Supplier<MachineChange> change) {
        if (machine == null ? isOf(fleet) : isOf(machine)) {
            watch.offer(fleet + "/" + machineId, synced ? change.get() : change(machineId, machine).build());
        }
    }

    /** @param machine null: the books no longer know it */
    static MachineChange.Builder change(String machineId, MachineRecord machine) {
        return machine == null ? MachineChange.newBuilder().setForgotten(machineId) : MachineChange.newBuilder().setMachine(machine);
    }

    private boolean isOf(String fleet) {
        return (request.getFleet().isEmpty() || request.getFleet().equals(fleet)) && mayRead.test(fleet);
    }

    private boolean isOf(MachineRecord machine) {
        return isOf(machine.getFleet()) && (request.getPool().isEmpty() || request.getPool().equals(machine.getPool()));
    }
}
