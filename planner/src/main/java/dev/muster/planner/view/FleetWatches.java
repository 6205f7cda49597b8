package dev.muster.planner.view;

import dev.muster.v1.FleetChange;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/**
 * Clients that watch fleets: a record is told at once, and what is counted of its machines, queues and refusals once a second. One thread of its own
 * puts the views together, once for all clients. Thread-safe.
 */
public final class FleetWatches implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(FleetWatches.class);

    private final ReadModel model;
    private final FleetViews views;
    private final List<Client> clients = new CopyOnWriteArrayList<>();
    /** As last told; of the one thread. */
    private final Map<String, FleetView> told = new HashMap<>();
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        var one = new Thread(task, "fleet-watches");
        one.setDaemon(true);
        return one;
    });

    private record Client(Watch<FleetChange> watch, Predicate<String> mayRead) {}

    public FleetWatches(ReadModel model, FleetViews views) {
        this.model = model;
        this.views = views;
    }

    public void start() {
        model.watchFleets(fleet -> {
            if (!clients.isEmpty()) {
                run(() -> tellRecord(fleet));
            }
        });
        thread.scheduleWithFixedDelay(guarded(this::tellCounts), 1, 1, TimeUnit.SECONDS);
    }

    /** @param mayRead whether the client may read of a fleet */
    public void begin(Watch<FleetChange> watch, Predicate<String> mayRead) {
        run(() -> {
            var client = new Client(watch, mayRead);
            clients.add(client);
            watch.whenOver(() -> clients.remove(client));
            model.fleets().values().stream().filter(fleet -> fleet.getState() != FleetState.DELETED && mayRead.test(fleet.getFleet()))
                    .forEach(fleet -> offer(client, fleet.getFleet(), views.of(fleet)));
            watch.offer("synced", FleetChange.newBuilder().setSynced(true).build());
        });
    }

    private void tellCounts() {
        var changed = model.takeChanged();
        if (clients.isEmpty()) {
            told.clear();
        } else {
            changed.forEach(this::tell);
        }
    }

    private void tellRecord(String name) {
        if (model.fleet(name).isPresent()) {
            tell(name);
            return;
        }
        told.remove(name);
        clients.stream().filter(client -> client.mayRead().test(name))
                .forEach(client -> client.watch().offer(name, FleetChange.newBuilder().setForgotten(name).build()));
    }

    /** What is heard of a fleet that is not declared is nobody's. */
    private void tell(String name) {
        model.fleet(name).map(views::of).filter(view -> !view.equals(told.put(name, view)))
                .ifPresent(view -> clients.stream().filter(client -> client.mayRead().test(name)).forEach(client -> offer(client, name, view)));
    }

    private static void offer(Client client, String name, FleetView view) {
        client.watch().offer(name, FleetChange.newBuilder().setFleet(view).build());
    }

    private void run(Runnable task) {
        try {
            thread.execute(guarded(task));
        } catch (RejectedExecutionException closed) {
            // The service ends, and its calls with it.
        }
    }

    private static Runnable guarded(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (RuntimeException bug) {
                // One fleet that can't be shown must not end the watching of the others.
                LOG.error("Watchers of fleets were not told", bug);
            }
        };
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
