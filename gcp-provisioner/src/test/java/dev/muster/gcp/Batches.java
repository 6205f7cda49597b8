package dev.muster.gcp;

import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineIds;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Batches that differ in what they ask Google for. */
final class Batches {

    static final Scope SCOPE = new Scope(GcpAccounts.PROVIDER, "research", "us-central1");
    static final Offer OFFER = new Offer(SCOPE, "us-central1-a", "", "n1-standard-8", Offer.Market.ON_DEMAND);
    static final Offer SPOT = new Offer(SCOPE, "us-central1-a", "", "n1-standard-8", Offer.Market.SPOT);

    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final BootPlan BOOT = new BootPlan("lab-train:gpu:any", 1, List.of("0123456789abcdef0123456789abcdef"),
            new BootPlan.Hosts("http://api", "http://web", "http://files"), new BootPlan.Keys(Given.text("access"), Given.text("s3cret")), false, "", "3.0.3", false,
            new TreeMap<>(), Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());

    private Batches() {}

    static MachineBatch of(Offer offer, int size, LaunchSettings settings) {
        var id = "mabcdefgh-" + COUNT.addAndGet(100);
        return new MachineBatch(id, IntStream.range(0, size).mapToObj(i -> MachineIds.of(id, i)).toList(), "train", "gpu", offer, 0, settings, BOOT,
                new KeepUntil(Instant.parse("2026-11-28T16:00:00Z"), "q1Sh-9_kTzOmUQ"));
    }

    static MachineBatch of(LaunchSettings settings) {
        return of(OFFER, 1, settings);
    }

    /** Settings whose Google part is as {@code change} makes it. */
    static LaunchSettings gcp(UnaryOperator<LaunchSettings.Gcp> change) {
        return new LaunchSettings("", List.of(), Map.of(), Optional.empty(), Optional.of(change.apply(LaunchSettings.Gcp.DEFAULTS)));
    }
}
