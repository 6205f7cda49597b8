package dev.muster.sandbox.ec2;

import dev.muster.sandbox.machine.MachineImage.RunningMachine;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** One instance, from its launch until the cloud forgets it. Guarded by the lock of {@link Ec2Cloud}, as is all it holds. */
final class Instance {

    static final String ROOT_DEVICE = "/dev/sda1";
    /** EC2 keeps the last 64 KB of a console. */
    private static final int CONSOLE_LIMIT = 64 * 1024;

    final long sequence;
    final String id;
    final Call.Scope scope;
    final LaunchSpec spec;
    final String reservation;
    final int launchIndex;
    final Geography.Zone zone;
    final String address;
    final int addressNumber;
    final BigDecimal price;
    final Instant launched;
    final String spotRequest;
    final List<String> volumeIds;
    final SortedMap<String, String> tags;
    /** What was written on it after its launch, for the books. */
    final List<Books.Tagging> taggings = new ArrayList<>();
    final SortedMap<String, SortedMap<String, String>> volumeTags = new TreeMap<>();

    InstanceState state = InstanceState.PENDING;
    Instant started;
    /** When it first reached running; null before. */
    Instant running;
    /** When it last did, while EC2 bills it; null otherwise. */
    private Instant billedSince;
    private Duration billed = Duration.ZERO;
    Instant ended;
    Instant forgotten;
    EndReason endReason;
    Instant endRequested;
    /** What the metadata service shows on types that don't refresh tags. */
    SortedMap<String, String> tagsAtStart;
    /** When the cloud takes it back; null without a notice. */
    Instant interruption;
    RunningMachine machine;
    /** Since when EC2's checks would find it broken; null: they would not. */
    Instant brokenSince;
    /** What is broken is the system below it. */
    boolean hasLostPower;
    /** Counts starts, so that a timer set for an earlier life finds out. */
    int life;

    private final Deque<String> console = new ArrayDeque<>();
    private int consoleLength;
    Instant consoleWritten;

    Instance(long sequence, String id, Call.Scope scope, LaunchSpec spec, String reservation, int launchIndex, Geography.Zone zone, int addressNumber,
            BigDecimal price, Instant launched) {
        this.sequence = sequence;
        this.id = id;
        this.scope = scope;
        this.spec = spec;
        this.reservation = reservation;
        this.launchIndex = launchIndex;
        this.zone = zone;
        this.addressNumber = addressNumber;
        this.address = zone.address(addressNumber);
        this.price = price;
        this.launched = launched;
        this.started = launched;
        this.spotRequest = spec.spot() ? "sir-" + id.substring(id.length() - 8) : null;
        this.volumeIds = spec.volumes().stream().map(volume -> Geography.id("vol", id + volume.device())).toList();
        this.tags = new TreeMap<>(spec.instanceTags());
        this.tagsAtStart = new TreeMap<>(tags);
        volumeIds.forEach(volume -> volumeTags.put(volume, new TreeMap<>(spec.volumeTags())));
    }

    String privateName() {
        return "ip-" + address.replace('.', '-') + (scope.region().equals("us-east-1") ? ".ec2.internal" : "." + scope.region() + ".compute.internal");
    }

    String subnet() {
        return zone.subnet();
    }

    /** The tags as the machine itself sees them. */
    SortedMap<String, String> tagsSeenFromInside() {
        return spec.type().tagsStayAsAtLaunch() ? tagsAtStart : tags;
    }

    void tagged(Instant now, SortedMap<String, String> written) {
        tags.putAll(written);
        written.forEach((key, value) -> taggings.add(new Books.Tagging(now, key, value, null)));
    }

    /** The machine asks its metadata service for one of its tags. Null if there is none. */
    String readTag(Instant now, String key) {
        var value = tagsSeenFromInside().get(key);
        for (int i = taggings.size() - 1; i >= 0; i--) {
            var tagging = taggings.get(i);
            if (tagging.key().equals(key)) {
                if (tagging.read() == null && tagging.value().equals(value)) {
                    taggings.set(i, new Books.Tagging(tagging.at(), key, value, now));
                }
                break;
            }
        }
        return value;
    }

    void startBilling(Instant now) {
        billedSince = now;
    }

    void stopBilling(Instant now) {
        billed = billed(now);
        billedSince = null;
    }

    /** How long EC2 has billed it so far: while it was running. */
    Duration billed(Instant now) {
        return billedSince == null ? billed : billed.plus(Duration.between(billedSince, now));
    }

    void writeConsole(Instant now, String line) {
        console.addLast(line);
        consoleLength += line.length() + 1;
        while (consoleLength > CONSOLE_LIMIT && console.size() > 1) {
            consoleLength -= console.removeFirst().length() + 1;
        }
        consoleWritten = now;
    }

    String console() {
        return console.isEmpty() ? "" : String.join("\n", console) + "\n";
    }
}
