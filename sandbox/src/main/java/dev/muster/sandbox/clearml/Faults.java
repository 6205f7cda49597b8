package dev.muster.sandbox.clearml;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** What goes wrong on request: faults that stand until they have struck often enough or are taken away. Thread-safe. */
public final class Faults {

    /** How a call goes wrong. */
    public enum Kind {
        /** The call is applied and answered, late. */
        SLOW,
        /** The call is not applied; the answer is the given error. */
        ERROR,
        /** The call is applied, but half of the answer's body arrives and then the connection ends: a lost answer. */
        CUT_BODY,
        /** The call is not applied, and no answer ever comes. */
        STALL
    }

    /**
     * One fault.
     *
     * @param endpoints which calls it strikes, such as {@code queues.get_next_task}, {@code queues.*} or {@code *}
     * @param times     how many calls it strikes, from 1; {@link Integer#MAX_VALUE} for all
     * @param delay     for {@link Kind#SLOW}, how late the answer comes; zero otherwise
     * @param status    for {@link Kind#ERROR}, the answer's HTTP status, from 400 to 599; zero otherwise
     * @param subcode   for {@link Kind#ERROR}, the server's own code; zero otherwise
     */
    public record Fault(String endpoints, Kind kind, int times, Duration delay, int status, int subcode) {

        public Fault {
            if (endpoints == null || endpoints.isBlank()) {
                throw new IllegalArgumentException("endpoints is empty; give a name such as queues.get_all, or a pattern such as queues.* or *");
            }
            if (times < 1) {
                throw new IllegalArgumentException("times is " + times + "; it must be at least 1");
            }
            if (kind == Kind.SLOW && (delay.isNegative() || delay.isZero())) {
                throw new IllegalArgumentException("ms is " + delay.toMillis() + "; a slow answer needs at least 1");
            }
            if (kind == Kind.ERROR && (status < 400 || status > 599)) {
                throw new IllegalArgumentException("status is " + status + "; an error's status is from 400 to 599");
            }
        }

        public static Fault slow(String endpoints, Duration delay) {
            return new Fault(endpoints, Kind.SLOW, Integer.MAX_VALUE, delay, 0, 0);
        }

        public static Fault error(String endpoints, int status, int subcode) {
            return new Fault(endpoints, Kind.ERROR, Integer.MAX_VALUE, Duration.ZERO, status, subcode);
        }

        /** As after a revoked key: 401 with the subcode of an invalid token. */
        public static Fault unauthorized(String endpoints) {
            return error(endpoints, 401, 30);
        }

        /** As when another caller changed the task's status between the server's read and its write. */
        public static Fault lostRace(String endpoints) {
            return error(endpoints, 400, 121);
        }

        public static Fault cutBody(String endpoints) {
            return new Fault(endpoints, Kind.CUT_BODY, Integer.MAX_VALUE, Duration.ZERO, 0, 0);
        }

        public static Fault stall(String endpoints) {
            return new Fault(endpoints, Kind.STALL, Integer.MAX_VALUE, Duration.ZERO, 0, 0);
        }

        public Fault times(int count) {
            return new Fault(endpoints, kind, count, delay, status, subcode);
        }
    }

    /** What happens to one call: first the delay, then the other fault if there is one. */
    record Strike(Duration delay, Optional<Fault> fault) {
        static final Strike NONE = new Strike(Duration.ZERO, Optional.empty());
    }

    private record Standing(Fault fault, Pattern endpoints, int left) {
    }

    private final Map<Long, Standing> standing = new LinkedHashMap<>();
    private long lastId;
    private long struck;

    /** Adds a fault; its id. */
    public synchronized long add(Fault fault) {
        var regex = Pattern.compile("\\Q" + fault.endpoints().replace("*", "\\E.*\\Q") + "\\E");
        standing.put(++lastId, new Standing(fault, regex, fault.times()));
        return lastId;
    }

    /** Takes one fault away; false if it no longer stands. */
    public synchronized boolean remove(long id) {
        return standing.remove(id) != null;
    }

    public synchronized void clear() {
        standing.clear();
    }

    /** The faults that stand, by id, each with the times that it still strikes. */
    public synchronized Map<Long, Fault> standing() {
        var left = new LinkedHashMap<Long, Fault>();
        standing.forEach((id, one) -> left.put(id, one.fault.times(one.left)));
        return left;
    }

    /** How many faults have struck since the server started. */
    public synchronized long struck() {
        return struck;
    }

    synchronized Strike strike(String endpoint) {
        if (standing.isEmpty()) {
            return Strike.NONE;
        }
        var delay = Duration.ZERO;
        Fault other = null;
        for (var id : List.copyOf(new ArrayList<>(standing.keySet()))) {
            var one = standing.get(id);
            boolean slow = one.fault.kind() == Kind.SLOW;
            if (!one.endpoints.matcher(endpoint).matches() || !slow && other != null) {
                continue;
            }
            if (slow) {
                delay = delay.plus(one.fault.delay());
            } else {
                other = one.fault;
            }
            struck++;
            if (one.left == 1) {
                standing.remove(id);
            } else if (one.left != Integer.MAX_VALUE) {
                standing.put(id, new Standing(one.fault, one.endpoints, one.left - 1));
            }
        }
        return new Strike(delay, Optional.ofNullable(other));
    }
}
