package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.MachineList;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.FleetRecord;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import dev.muster.telemetry.Meters;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How often a scope that changes all the time is told of. */
class InventoryTest {

    private static final Scope SCOPE = new Scope("k8s", "lab", "ml");

    @TempDir
    private Path folder;
    private final AtomicInteger lists = new AtomicInteger();

    /** Each list shows other marks than the last. */
    private MachineList list(int machines) {
        int mark = lists.incrementAndGet();
        return MachineList.complete(IntStream.range(0, machines).mapToObj(i -> new MachineSeen("uid-" + i, "train", "gpu", "mk3v9x2aq-" + i, 0,
                new Offer(SCOPE, "", "", "pod", Offer.Market.ON_DEMAND), CloudStatus.RUNNING, EndedBy.UNKNOWN, Instant.EPOCH, new Mark(Mark.Word.NONE, mark),
                Optional.of(KeepUntil.from(Instant.now(), "q1Sh")), Optional.empty(), "")).toList());
    }

    /** How often something was said in ten lists, each asked for as soon as the one before it was made. */
    private int saidOf(int machines) {
        var provider = (MachineProvider) Proxy.newProxyInstance(MachineProvider.class.getClassLoader(), new Class<?>[] {MachineProvider.class},
                (proxy, method, given) -> method.getName().equals("list") ? list(machines) : method.getName().equals("renewedAtOnce") ? 0 : null);
        var topics = new Topics("muster.", 4);
        var book = new FleetBook("k8s", topics, scope -> { });
        book.on(new ConsumerRecord<>(topics.fleets(), 0, 0, "train".getBytes(StandardCharsets.UTF_8),
                FleetRecord.newBuilder().setFleet("train").addScopes(SCOPE.toString()).build().toByteArray()));
        var owner = new Ownership(new TopicPartition("commands", 0), 1, 0, new OffsetLedger(0, null));
        // Never started: what it is given, it keeps.
        var publisher = new ReportPublisher(() -> null, () -> null, topics, "/muster/test", Clock.systemUTC(), skew -> { });
        var timer = Executors.newSingleThreadScheduledExecutor();
        try (var inventory = new Inventory(provider, book, new SecretsFolder(folder), scope -> false, new Reports("test"), publisher, scope -> owner, Clock.systemUTC(),
                "q1Sh", new Inventory.Pace(Duration.ofHours(1), Duration.ofHours(1)),
                new HostMetrics(new Meters(new SimpleMeterRegistry()), "test"))) {
            inventory.start(timer);
            for (int i = 1; i <= 10; i++) {
                int made = i;
                Await.until(lists::get, listed -> listed >= made);
                inventory.ask(SCOPE);
            }
            return publisher.unpublished();
        } finally {
            timer.shutdownNow();
        }
    }

    @Test
    void aLargeFleetIsSaidWholeNoOftenerThanItIsListedWhereNobodyTellsOfChanges() {
        assertThat(saidOf(501)).isEqualTo(1);
    }

    @Test
    void aSmallOneIsSaidEachTime() {
        assertThat(saidOf(3)).isGreaterThanOrEqualTo(9);
    }
}
