package dev.muster.aws;

import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.KeepUntil;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.Offer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** Batches of one machine that differ in what they ask EC2 for. */
final class Batches {

    private static final AtomicInteger COUNT = new AtomicInteger();
    static final BootPlan BOOT = new BootPlan("lab-train:gpu:any", 1, List.of("0123456789abcdef0123456789abcdef"),
            new BootPlan.Hosts("http://api", "http://web", "http://files"), new BootPlan.Keys(Given.text("access"), Given.text("s3cret")), false, "", "3.0.3", false,
            new TreeMap<>(), Given.NOTHING, Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty());

    private Batches() {}

    static MachineBatch of(Offer offer, LaunchSettings settings) {
        var id = "mabcdefgh-" + COUNT.incrementAndGet();
        return new MachineBatch(id, List.of(id), "train", "gpu", offer, offer.market() == Offer.Market.SPOT ? 96_000 : 0, settings, BOOT,
                new KeepUntil(Instant.parse("2026-11-28T16:00:00Z"), "q1Sh-9_kTzOmUQ"));
    }

    static MachineBatch of(LaunchSettings settings) {
        return of(Ec2StandIn.OFFER, settings);
    }

    static LaunchSettings image(String image) {
        return new LaunchSettings(image, List.of(), Map.of(), Optional.empty());
    }

    static LaunchSettings disks(LaunchSettings.Disk... disks) {
        return new LaunchSettings("", List.of(disks), Map.of(), Optional.empty());
    }

    static LaunchSettings spec(String launchSpec) {
        return with(aws -> new LaunchSettings.Aws(aws.keyName(), aws.securityGroups(), aws.instanceProfile(), aws.publicIp(), aws.template(), aws.templateVersion(),
                aws.detailedMonitoring(), launchSpec, aws.tagResources()));
    }

    static LaunchSettings template(String template, String version) {
        return with(aws -> new LaunchSettings.Aws(aws.keyName(), aws.securityGroups(), aws.instanceProfile(), aws.publicIp(), template, version,
                aws.detailedMonitoring(), aws.launchSpec(), aws.tagResources()));
    }

    static LaunchSettings tagging(String... resources) {
        return with(aws -> new LaunchSettings.Aws(aws.keyName(), aws.securityGroups(), aws.instanceProfile(), aws.publicIp(), aws.template(), aws.templateVersion(),
                aws.detailedMonitoring(), aws.launchSpec(), List.of(resources)));
    }

    private static LaunchSettings with(UnaryOperator<LaunchSettings.Aws> change) {
        return new LaunchSettings("", List.of(), Map.of(), Optional.of(change.apply(LaunchSettings.Aws.DEFAULTS)));
    }
}
