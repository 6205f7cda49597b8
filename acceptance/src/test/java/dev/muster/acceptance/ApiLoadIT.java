package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.StolenTime;
import dev.muster.v1.MachineReported;
import dev.muster.v1.Mark;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measures one planner's API over HTTP: reads at a steady rate beside watches whose machines change, and how long a write takes to be readable. It
 * prints the figures and judges only that all was answered, and that every watch saw every change: machines are shared and noisy.
 */
@Tag("bench")
class ApiLoadIT {

    private static final int RATE = Integer.getInteger("muster.bench.reads", 500);
    private static final int WATCHES = Integer.getInteger("muster.bench.watches", 50);
    private static final int SECONDS = Integer.getInteger("muster.bench.seconds", 10);
    private static final int ROUNDS = Integer.getInteger("muster.bench.rounds", 18);
    /** As a round, with fewer reads each second. */
    private static final int WARM_UP_SECONDS = 60;
    private static final int WRITES = Integer.getInteger("muster.bench.writes", 100);
    /** Changes of machines a second. Each is an event of every watch. */
    private static final int CHANGES = Integer.getInteger("muster.bench.changes", 10);
    private static final String COMPILER = "-XX:TieredStopAtLevel=" + Integer.getInteger("muster.bench.compiler", 4);
    private static final int FLEETS = 20;
    private static final int MACHINES_EACH = 50;

    @TempDir
    Path folder;

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private Planners planners;
    private String address;

    @BeforeEach
    void start() throws Exception {
        planners = new Planners(folder, 4);
        planners.start("one", "512m", COMPILER);
        planners.await("the planner to be ready", () -> planners.isReady("one"));
        address = planners.address("one").orElseThrow();
        for (int i = 0; i < FLEETS; i++) {
            planners.declare("fleet-" + i, MACHINES_EACH + 10);
        }
        planners.await("the fleets to be declared", () -> text("/v1/fleets").split("\"incarnation\"").length > FLEETS);
        for (int i = 0; i < FLEETS; i++) {
            var fleet = "fleet-" + i;
            planners.looked(fleet, 0);
            planners.listed(fleet, IntStream.rangeClosed(1, MACHINES_EACH).mapToObj(number -> Planners.machine(fleet, number)).toList());
        }
        planners.await("the machines to be on the books", () -> text("/v1/machines?pageSize=1000").split("\"machineId\"").length > FLEETS * MACHINES_EACH);
    }

    @AfterEach
    void end() {
        planners.close();
    }

    private HttpRequest get(String path) {
        return HttpRequest.newBuilder(URI.create(address + path)).timeout(Duration.ofSeconds(20)).build();
    }

    private String text(String path) {
        try {
            return http.send(get(path), HttpResponse.BodyHandlers.ofString()).body();
        } catch (IOException notYet) {
            return "";
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    @Test
    void readsBesideWatches() throws Exception {
        var watches = new ArrayList<Watch>();
        for (int i = 0; i < WATCHES; i++) {
            watches.add(new Watch());
        }
        planners.await("all watches to be open", () -> watches.stream().allMatch(watch -> watch.synced));
        try {
            // The first round warms up.
            round(0, watches);
            var rounds = new ArrayList<Round>();
            for (int round = 1; round <= ROUNDS; round++) {
                rounds.add(round(round, watches));
            }
            show("all rounds", rounds);
            show("rounds of which less than 1 % was stolen", rounds.stream().filter(round -> round.stolenPercent < 1).toList());
        } finally {
            watches.forEach(Watch::close);
        }
    }

    private static void show(String which, List<Round> rounds) {
        System.out.printf("BENCH %s: %d%n", which, rounds.size());
        if (rounds.isEmpty()) {
            return;
        }
        var tails = rounds.stream().map(round -> percentile(sorted(round.all()), 99)).sorted().toList();
        System.out.printf("BENCH   a round's p99: median %.1f, from %.1f to %.1f ms%n", tails.get(tails.size() / 2), tails.get(0), tails.get(tails.size() - 1));
        rounds.get(0).took.keySet().stream().sorted().forEach(path -> System.out.printf("BENCH   %s: %s ms%n", path,
                percentiles(rounds.stream().flatMap(round -> round.took.get(path).stream()).toList())));
        System.out.printf("BENCH   together: %s ms%n", percentiles(rounds.stream().flatMap(round -> round.all().stream()).toList()));
    }

    private Round round(int round, List<Watch> watches) throws Exception {
        var paths = List.of("/v1/fleets/fleet-%d", "/v1/machines?fleet=fleet-%d&pageSize=20", "/v1/queues?fleet=fleet-%d", "/v1/decisions?fleet=fleet-%d&pageSize=20",
                "/v1/fleets?pageSize=10", "/v1/machines/mMACHINE-7");
        var took = paths.stream().collect(Collectors.toMap(Function.identity(), path -> new ConcurrentLinkedQueue<Long>()));
        var failed = new ConcurrentLinkedQueue<String>();
        var seen = watches.stream().mapToLong(watch -> watch.events.get()).sum();
        var busy = busy();
        var stolen = new StolenTime();
        var underWay = new Semaphore(0);
        // A planner that has compiled nothing yet would only be buried.
        var rate = round == 0 ? Math.max(1, RATE / 4) : RATE;
        var seconds = round == 0 ? WARM_UP_SECONDS : SECONDS;
        var reads = rate * seconds;
        var began = System.nanoTime();
        var changes = 0;
        for (int i = 0; i < reads; i++) {
            var due = began + TimeUnit.SECONDS.toNanos(1) * i / rate;
            if (due > System.nanoTime()) {
                TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
            }
            if (i % Math.max(1, rate / Math.max(1, CHANGES)) == 0 && changes < CHANGES * seconds) {
                change(round, changes++);
            }
            var fleet = i % FLEETS;
            var kind = paths.get(i % paths.size());
            var path = kind.formatted(fleet).replace("MACHINE", Planners.incarnation("fleet-" + fleet));
            // From when it was due: a client that falls behind must not hide it.
            http.sendAsync(get(path), HttpResponse.BodyHandlers.ofByteArray()).whenComplete((answer, failure) -> {
                took.get(kind).add(System.nanoTime() - due);
                if (failure != null || answer.statusCode() != 200) {
                    failed.add(path + ": " + (failure == null ? answer.statusCode() : failure));
                }
                underWay.release();
            });
        }
        assertThat(underWay.tryAcquire(reads, 60, TimeUnit.SECONDS)).as("all reads are answered").isTrue();
        var elapsed = System.nanoTime() - began;
        planners.flush();
        var until = busy();
        var stolenPercent = stolen.percent();
        assertThat(failed).isEmpty();
        var expected = seen + (long) changes * watches.size();
        planners.await("every watch to see every change", () -> watches.stream().mapToLong(watch -> watch.events.get()).sum() >= expected);
        assertThat(watches).allMatch(Watch::isOpen);
        var result = new Round(stolenPercent, took);
        System.out.printf("BENCH %s, %d reads at %d a second beside %d watches, %d changes each: %s ms; planner %.0f %% of one processor; %.1f %% stolen; resident %d MiB%n",
                round == 0 ? "warm-up" : "round " + round, reads, reads * TimeUnit.SECONDS.toNanos(1) / elapsed, watches.size(), changes, percentiles(result.all()),
                100.0 * until.minus(busy).toNanos() / elapsed, stolenPercent, planners.residentMib("one"));
        return result;
    }

    /** Its mark is shown, or shown to be gone. */
    private void change(int round, int number) {
        var fleet = "fleet-" + number % FLEETS;
        MachineReported machine = Planners.machine(fleet, number / FLEETS % MACHINES_EACH + 1).toBuilder()
                .setMark((round + number / FLEETS / MACHINES_EACH) % 2 == 0 ? Mark.DRAIN : Mark.NO_MARK).build();
        planners.report(fleet, machine);
    }

    @Test
    void aWriteIsReadableWhenItIsAnswered() throws Exception {
        for (int round = 0; round <= ROUNDS; round++) {
            var took = new ConcurrentLinkedQueue<Long>();
            var stolen = new StolenTime();
            for (int i = 0; i < WRITES; i++) {
                var verb = i % 2 == 0 ? "pause" : "resume";
                var began = System.nanoTime();
                var answer = http.send(HttpRequest.newBuilder(URI.create(address + "/v1/fleets/fleet-0:" + verb)).POST(HttpRequest.BodyPublishers.noBody()).build(),
                        HttpResponse.BodyHandlers.ofString());
                var read = text("/v1/fleets/fleet-0");
                took.add(System.nanoTime() - began);
                assertThat(answer.statusCode()).isEqualTo(200);
                assertThat(read).contains("\"state\":\"" + (i % 2 == 0 ? "PAUSED" : "ACTIVE") + "\"");
            }
            System.out.printf("BENCH %s, a write and the read that shows it, %d times: %s ms; %.1f %% stolen%n", round == 0 ? "warm-up" : "round " + round, WRITES,
                    percentiles(took), stolen.percent());
        }
    }

    private Duration busy() {
        return planners.process("one").toHandle().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    private static String percentiles(Collection<Long> nanos) {
        var sorted = sorted(nanos);
        return "p50 %.1f, p90 %.1f, p99 %.1f, max %.1f".formatted(percentile(sorted, 50), percentile(sorted, 90), percentile(sorted, 99), percentile(sorted, 100));
    }

    private static List<Long> sorted(Collection<Long> nanos) {
        return nanos.stream().sorted().toList();
    }

    /** In milliseconds. */
    private static double percentile(List<Long> sorted, int percent) {
        return sorted.get((int) Math.ceil(sorted.size() * percent / 100.0) - 1) / 1e6;
    }

    /** What its reads took, in nanoseconds, by kind. */
    private record Round(double stolenPercent, Map<String, ? extends Queue<Long>> took) {

        List<Long> all() {
            return took.values().stream().flatMap(Queue::stream).toList();
        }
    }

    /** A page that watches all machines. */
    private final class Watch {

        private final AtomicLong events = new AtomicLong();
        private final HttpResponse<InputStream> answer;
        private final Thread reader;
        private volatile boolean synced;
        private volatile boolean ended;

        Watch() throws Exception {
            answer = http.send(HttpRequest.newBuilder(URI.create(address + "/v1/machines:watch")).build(), HttpResponse.BodyHandlers.ofInputStream());
            reader = new Thread(this::read, "watch");
            reader.setDaemon(true);
            reader.start();
        }

        private void read() {
            try (var lines = new BufferedReader(new InputStreamReader(answer.body()))) {
                for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.startsWith("data: ") && synced) {
                        events.incrementAndGet();
                    }
                    synced |= line.contains("\"synced\":true");
                }
            } catch (IOException closed) {
                // It was closed below, or the test finds it ended.
            }
            ended = true;
        }

        boolean isOpen() {
            return !ended;
        }

        void close() {
            try {
                answer.body().close();
            } catch (IOException closed) {
                // Then it is.
            }
        }
    }
}
