package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.v1.MachineReported;
import dev.muster.v1.Mark;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
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
    private static final int RATE = Integer.getInteger("muster.bench.rate", 20_000);
    /** The default of servers; the sandbox's processes stop at level 1, which starts faster, needs less memory, and runs slower. */
    private static final String COMPILER = "-XX:TieredStopAtLevel=" + Integer.getInteger("muster.bench.compiler", 4);
    private static final int FLEETS = 32;
    private static final int MACHINES_CHANGED = 500;

    @TempDir
    Path folder;

    private Planners planners;
    private List<String> fleets;
    private int waiting;
    private long looked;
    private Admin admin;
    private KafkaConsumer<byte[], byte[]> commands;
    private final List<Launch> launches = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        planners = new Planners(folder, 4);
        admin = Admin.create(Map.<String, Object>of("bootstrap.servers", planners.broker.bootstrapServers()));
    }

    @AfterEach
    void end() {
        if (commands != null) {
            commands.close();
        }
        admin.close(Duration.ZERO);
        planners.close();
    }

    @Test
    void eventsASecond() throws Exception {
        planners.start("one", "512m", COMPILER);
        declare(8, 4_000);
        var rates = new ArrayList<Long>();
        for (var round = 1; round <= ROUNDS; round++) {
            planners.kill("one");
            for (var i = 0; i < EVENTS; i++) {
                event(i);
            }
            planners.flush();
            var before = read();
            planners.start("one", "512m", COMPILER);
            awaitRead(before + EVENTS / 10);
            var window = new Window(read());
            awaitRead(before + EVENTS * 9L / 10);
            rates.add(window.end("reading up what waits", round));
            awaitRead(before + EVENTS);
            planners.await("the planner to be ready", () -> planners.isReady("one"));
        }
        print("events a second, reading up what waits", rates, "");
    }

    @Test
    void eventsASecondAsTheyCome() throws Exception {
        planners.start("one", "512m", COMPILER);
        declare(8, 4_000);
        var rates = new ArrayList<Long>();
        var delays = new ArrayList<Long>();
        // The first round warms up.
        for (var round = 0; round <= ROUNDS; round++) {
            var before = read();
            var window = new Window(before);
            var began = System.nanoTime();
            for (var i = 0; i < EVENTS; i++) {
                event(i);
                // In steps of a hundredth of a second, as long as the sender keeps up with the rate.
                if (i % (RATE / 100) == 0) {
                    TimeUnit.NANOSECONDS.sleep(began + TimeUnit.SECONDS.toNanos(1) * i / RATE - System.nanoTime());
                    look();
                }
            }
            planners.flush();
            var sent = System.nanoTime();
            awaitRead(before + EVENTS);
            var behind = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - sent);
            var rate = window.end("sent at " + EVENTS * TimeUnit.SECONDS.toNanos(1) / (sent - began) + " a second, " + behind + " ms behind at the end", round);
            if (round > 0) {
                rates.add(rate);
                delays.add(behind);
            }
        }
        print("events a second, as they come at " + RATE, rates, "");
        print("last event committed after it was sent", delays, " ms");
    }

    /** Each event changes a machine: its mark is shown, or shown to be gone. */
    private void event(int number) {
        var fleet = fleets.get(number % fleets.size());
        var machine = number / fleets.size() % MACHINES_CHANGED;
        planners.report(fleet, Planners.machine(fleet, machine + 1).toBuilder()
                .setMark(number / fleets.size() / MACHINES_CHANGED % 2 == 0 ? Mark.DRAIN : Mark.NO_MARK).build());
    }

    private void awaitRead(long events) throws InterruptedException {
        planners.await("what was sent to be read", () -> {
            look();
            return read() >= events;
        });
    }

    /** A fleet that hears nothing of its queues for long holds, and is then planned for less than it would be. */
    private void look() {
        if (System.nanoTime() - looked > TimeUnit.SECONDS.toNanos(1)) {
            looked = System.nanoTime();
            fleets.forEach(fleet -> planners.looked(fleet, waiting));
        }
    }

    /** What was done in a while, and what it cost whom. */
    private final class Window {

        private final long events;
        private final long began = System.nanoTime();
        private final List<Duration> busy = busy();

        Window(long events) {
            this.events = events;
        }

        /** Events a second. */
        long end(String what, int round) throws IOException {
            var took = System.nanoTime() - began;
            var rate = (read() - events) * TimeUnit.SECONDS.toNanos(1) / took;
            var until = busy();
            System.out.printf("BENCH round %d, %s: %d events a second; of one processor: planner %.0f %%, broker %.0f %%, sender %.0f %%; load %.1f; resident %d MiB%n",
                    round, what, rate, share(until, 0, took), share(until, 1, took), share(until, 2, took),
                    ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(), planners.residentMib("one"));
            return rate;
        }

        private double share(List<Duration> until, int process, long took) {
            return 100.0 * until.get(process).minus(busy.get(process)).toNanos() / took;
        }

        private List<Duration> busy() {
            return Stream.of(planners.process("one").toHandle(), planners.brokerProcess(), ProcessHandle.current())
                    .map(process -> process.info().totalCpuDuration().orElse(Duration.ZERO)).toList();
        }
    }

    /** All fleets wait for one more machine when their owner dies: how long until each has been asked for by the other. */
    @Test
    void takeOverWithManyMachines() throws Exception {
        planners.start("one", "768m");
        declare(FLEETS, MACHINES / FLEETS);
        // One that comes later gets copies first, and fleets of its own only once it has them, at the next round of the group.
        planners.start("two", "768m");
        planners.await("the other to be ready", () -> {
            look();
            return planners.isReady("two");
        });
        System.out.println("BENCH " + MACHINES + " machines on the books; resident " + planners.residentMib("one") + " and " + planners.residentMib("two") + " MiB");
        // What waits is served by machines that boot, as many as there are: only one more task makes a launch.
        waiting = MACHINES / FLEETS;
        var took = new ArrayList<Long>();
        var owner = "one";
        for (var round = 1; round <= ROUNDS; round++) {
            var heir = owner.equals("one") ? "two" : "one";
            settle();
            launches.clear();
            readLaunches();
            launches.clear();
            planners.kill(owner);
            var killed = System.nanoTime();
            var busy = cpu(heir);
            waiting++;
            looked = 0;
            planners.await(heir + " to plan all fleets", () -> {
                look();
                readLaunches();
                return launches.stream().filter(launch -> launch.instance().equals(heir)).map(Launch::fleet).distinct().count() == fleets.size();
            });
            took.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - killed));
            System.out.printf("BENCH take-over, round %d: %d ms, of which the heir computed %d ms; load %.1f; resident %d MiB%n", round,
                    took.get(round - 1), cpu(heir).minus(busy).toMillis(), ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(), planners.residentMib(heir));
            planners.start(owner, "768m");
            var back = owner;
            planners.await(owner + " to be ready again", () -> {
                look();
                return planners.isReady(back);
            });
            owner = heir;
        }
        print("take-over after kill -9 with " + MACHINES + " machines", took, " ms");
    }

    /** What a planner has computed so far, in all threads. */
    private Duration cpu(String instance) {
        return planners.process(instance).toHandle().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** Copies need a while to be read; looks go on, since a fleet that hears nothing holds. */
    private void settle() throws InterruptedException {
        fleets.forEach(fleet -> planners.listed(fleet, machines(fleet, MACHINES / FLEETS)));
        for (var i = 0; i < 20; i++) {
            look();
            TimeUnit.SECONDS.sleep(1);
        }
    }

    private record Launch(String fleet, String instance) {}

    /** Takes in the launches that were asked for since the last call. */
    private void readLaunches() {
        if (commands == null) {
            commands = planners.consumer(planners.topics.commands("aws"));
        }
        for (var read = commands.poll(Duration.ofMillis(50)); !read.isEmpty(); read = commands.poll(Duration.ofMillis(50))) {
            read.forEach(record -> {
                try {
                    var command = dev.muster.v1.Command.parseFrom(record.value());
                    if (command.hasLaunch()) {
                        launches.add(new Launch(command.getFleet(), Planners.instance(record)));
                    }
                } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
                    throw new IllegalStateException(unreadable);
                }
            });
        }
    }

    /** Fleets whose machines are taken into the books from what their cloud lists. */
    private void declare(int count, int machinesEach) throws InterruptedException {
        fleets = IntStream.range(0, count).mapToObj(i -> "fleet-" + i).toList();
        fleets.forEach(fleet -> planners.declare(fleet, machinesEach + 10_000));
        // What is told of a fleet that isn't declared yet is nobody's, and requests and lists come by two topics.
        planners.await("the fleets to be declared", () -> planners.records(planners.topics.fleets()).stream().map(ConsumerRecord::key)
                .map(key -> new String(key, UTF_8)).distinct().count() == count);
        for (var fleet : fleets) {
            planners.listed(fleet, machines(fleet, machinesEach));
            planners.await("the machines of " + fleet, () -> {
                look();
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
        private KafkaConsumer<byte[], byte[]> consumer;

        void read(Planners planners) {
            if (consumer == null) {
                consumer = planners.consumer(planners.topics.machines());
            }
            for (var read = consumer.poll(Duration.ofMillis(200)); !read.isEmpty(); read = consumer.poll(Duration.ofMillis(50))) {
                read.forEach(record -> {
                    var key = new String(record.key(), UTF_8);
                    if (keys.add(key)) {
                        seen.merge(key.substring(0, key.indexOf('/')), 1L, Long::sum);
                    }
                });
            }
        }
    }

    private static List<MachineReported> machines(String fleet, int count) {
        return IntStream.rangeClosed(1, count).mapToObj(number -> Planners.machine(fleet, number)).toList();
    }

    /** Machine reports whose offsets the planner has committed. */
    private long read() {
        try {
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
