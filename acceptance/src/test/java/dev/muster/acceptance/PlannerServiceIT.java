package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.v1.MachineReported;
import dev.muster.v1.Mark;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measures the planner as a process on a real broker: events a second, exactly once, and how long a take-over takes with many machines. It
 * prints the figures and judges only that the work was done: machines are shared and noisy.
 */
@Tag("bench")
class PlannerServiceIT {

    private static final int EVENTS = Integer.getInteger("muster.bench.events", 400_000);
    private static final int MACHINES = Integer.getInteger("muster.bench.machines", 100_000);
    private static final int ROUNDS = Integer.getInteger("muster.bench.rounds", 3);
    private static final int FLEETS = 32;

    @TempDir
    Path folder;

    private Planners planners;
    private List<String> fleets;
    private int waiting;

    @BeforeEach
    void start() throws Exception {
        planners = new Planners(folder, 4);
    }

    @AfterEach
    void end() {
        planners.close();
    }

    @Test
    void eventsASecond() throws Exception {
        planners.start("one", "512m");
        declare(8, 4_000);
        var machines = fleets.stream().collect(Collectors.toMap(fleet -> fleet, fleet -> machines(fleet, 500)));
        var rates = new ArrayList<Long>();
        for (var round = 0; round < ROUNDS; round++) {
            planners.kill("one");
            // Each event changes a machine: its mark is shown, or shown to be gone.
            for (var i = 0; i < EVENTS; i++) {
                var fleet = fleets.get(i % fleets.size());
                var of = machines.get(fleet);
                var machine = of.get(i / fleets.size() % of.size());
                planners.report(fleet, machine.toBuilder().setMark(i / fleets.size() / of.size() % 2 == 0 ? Mark.DRAIN : Mark.NO_MARK).build());
            }
            planners.flush();
            var before = read();
            planners.start("one", "512m");
            planners.await("the first tenth", () -> read() - before >= EVENTS / 10);
            var from = read();
            var started = System.nanoTime();
            planners.await("the rest", () -> read() - before >= EVENTS * 9L / 10);
            rates.add((read() - from) * TimeUnit.SECONDS.toNanos(1) / (System.nanoTime() - started));
            System.out.println("BENCH events a second, round " + (round + 1) + ": " + rates.get(round) + ", resident " + planners.residentMib("one") + " MiB");
            planners.await("the planner to be ready", () -> planners.isReady("one"));
        }
        print("events a second through Kafka, exactly once", rates, "");
    }

    @Test
    void takeOverWithManyMachines() throws Exception {
        planners.start("one", "768m");
        planners.start("two", "768m");
        planners.await("both to be ready", () -> planners.isReady("one") && planners.isReady("two"));
        declare(FLEETS, MACHINES / FLEETS);
        System.out.println("BENCH " + MACHINES + " machines on the books; resident " + planners.residentMib("one") + " and " + planners.residentMib("two") + " MiB");
        var took = new ArrayList<Long>();
        var owner = "one";
        for (var round = 0; round < ROUNDS; round++) {
            var other = owner.equals("one") ? "two" : "one";
            settle();
            planners.kill(owner);
            var killed = Instant.now();
            var from = launches().size();
            var heir = other;
            planners.await(other + " to plan all fleets", () -> {
                moreWaits();
                return launches().stream().skip(from).filter(launch -> launch.instance().equals(heir)).map(Launch::fleet).distinct().count() == fleets.size();
            });
            took.add(Duration.between(killed, Instant.now()).toMillis());
            System.out.println("BENCH take-over, round " + (round + 1) + ": " + took.get(round) + " ms; resident " + planners.residentMib(other) + " MiB");
            planners.start(owner, "768m");
            var back = owner;
            planners.await(owner + " to be ready again", () -> planners.isReady(back));
            owner = other;
        }
        print("take-over after kill -9 with " + MACHINES + " machines", took, "ms");
    }

    /** Copies need a while to be read; looks go on, since a fleet that hears nothing holds. */
    private void settle() throws InterruptedException {
        for (var i = 0; i < 20; i++) {
            fleets.forEach(fleet -> planners.looked(fleet, waiting));
            planners.flush();
            TimeUnit.SECONDS.sleep(1);
        }
    }

    private void moreWaits() {
        waiting++;
        fleets.forEach(fleet -> planners.looked(fleet, waiting));
        planners.flush();
    }

    private record Launch(String fleet, String instance) {}

    private List<Launch> launches() {
        return planners.records(planners.topics.commands("aws")).stream().map(record -> {
            try {
                var command = dev.muster.v1.Command.parseFrom(record.value());
                return new Launch(command.hasLaunch() ? command.getFleet() : "", Planners.instance(record));
            } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
                throw new IllegalStateException(unreadable);
            }
        }).filter(launch -> !launch.fleet().isEmpty()).toList();
    }

    /** Fleets whose machines are taken into the books from what their cloud lists. */
    private void declare(int count, int machinesEach) throws InterruptedException {
        fleets = IntStream.range(0, count).mapToObj(i -> "fleet-" + i).toList();
        for (var fleet : fleets) {
            planners.declare(fleet, machinesEach + 10_000);
            planners.looked(fleet, 0);
            planners.listed(fleet, machines(fleet, machinesEach));
            planners.flush();
            planners.await("the machines of " + fleet, () -> {
                planners.looked(fleet, 0);
                planners.flush();
                return adopted(fleet) >= machinesEach;
            });
        }
    }

    /** Machines of one fleet that the planner publishes. */
    private long adopted(String fleet) {
        tail.read(planners);
        return tail.seen.getOrDefault(fleet, 0L);
    }

    private final Tail tail = new Tail();

    /** Counts machines by fleet, reading on from where it was. */
    private static final class Tail {
        private final Map<String, Long> seen = new HashMap<>();
        private final java.util.Set<String> keys = new java.util.HashSet<>();
        private org.apache.kafka.clients.consumer.KafkaConsumer<byte[], byte[]> consumer;

        void read(Planners planners) {
            if (consumer == null) {
                consumer = planners.consumer(planners.topics.machines());
            }
            for (var record : consumer.poll(Duration.ofMillis(200))) {
                var key = new String(record.key(), UTF_8);
                if (keys.add(key)) {
                    seen.merge(key.substring(0, key.indexOf('/')), 1L, Long::sum);
                }
            }
        }
    }

    private static List<MachineReported> machines(String fleet, int count) {
        return IntStream.rangeClosed(1, count).mapToObj(number -> Planners.machine(fleet, number)).toList();
    }

    /** Machine reports whose offsets the planner has committed. */
    private long read() {
        try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", planners.broker.bootstrapServers()))) {
            return admin.listConsumerGroupOffsets(planners.topics.prefix() + "planner").partitionsToOffsetAndMetadata().get().entrySet().stream()
                    .filter(entry -> entry.getKey().topic().equals(planners.topics.machineReports()) && entry.getValue() != null)
                    .mapToLong(entry -> entry.getValue().offset()).sum();
        } catch (ExecutionException | InterruptedException failed) {
            throw new IllegalStateException(failed);
        }
    }

    private static void print(String what, List<Long> values, String unit) {
        var sorted = values.stream().sorted().toList();
        System.out.println("BENCH " + what + ": median " + sorted.get(sorted.size() / 2) + unit + ", from " + sorted.get(0) + " to "
                + sorted.get(sorted.size() - 1) + unit + ", " + sorted.size() + " rounds; " + Runtime.getRuntime().availableProcessors() + " processors, Java "
                + System.getProperty("java.version"));
    }
}
