package dev.muster.sandbox.k8s;

import dev.muster.sandbox.PlannedFaults;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What is to befall pods on their nodes, on request. Thread-safe. Times are machine time, which the time scale divides. */
public final class PodFaults {

    private final PlannedFaults<PodFilter, PodFault> pods = new PlannedFaults<>();
    private final Map<String, ImageFault> images = new TreeMap<>();

    /** Which pods a fault is to meet. @param pool as {@code muster.dev/pool} says; null: any. @param name how the name begins; null: any */
    public record PodFilter(String pool, String name) {

        public static final PodFilter ANY = new PodFilter(null, null);

        boolean matches(String of, String called) {
            return (pool == null || pool.equals(of)) && (name == null || called.startsWith(name));
        }
    }

    /** What can happen to a pod. */
    public sealed interface PodFault {

        /** The kernel kills its container for the memory that it takes. */
        record OutOfMemory(Duration after) implements PodFault {
        }

        /** Its container ends by itself. */
        record Exits(int code, Duration after) implements PodFault {
        }

        /** Its node runs out of memory and throws it out. */
        record Evicted(Duration after) implements PodFault {
        }

        /** Its container is never made: the network has no address for it. */
        record NeverStarts() implements PodFault {
        }

        /** It takes this much longer to start. */
        record SlowStart(Duration by) implements PodFault {
        }
    }

    /** What can happen to whoever pulls an image. */
    public sealed interface ImageFault {

        /** There is none of that name. */
        record Missing() implements ImageFault {
        }

        /** The registry wants credentials, and the pod has none. */
        record Denied() implements ImageFault {
        }

        /** It is there, and takes this much longer. */
        record Slow(Duration by) implements ImageFault {
        }
    }

    /** The next {@code times} pods that match meet {@code fault} on their node. */
    public synchronized void onPod(PodFilter which, int times, PodFault fault) {
        pods.add(which, times, fault);
    }

    /** From now on, until {@link #reset}, or until {@code fault} is null. */
    public synchronized void onImage(String image, ImageFault fault) {
        if (fault == null) {
            images.remove(image);
        } else {
            images.put(image, fault);
        }
    }

    /** Forgets all of it. */
    public synchronized void reset() {
        pods.clear();
        images.clear();
    }

    synchronized Optional<PodFault> ofPod(String pool, String name) {
        return pods.take(filter -> filter.matches(pool, name), fault -> true);
    }

    synchronized Optional<ImageFault> ofImage(String image) {
        return Optional.ofNullable(images.get(image));
    }
}
