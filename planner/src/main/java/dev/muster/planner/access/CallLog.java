package dev.muster.planner.access;

import io.github.bucket4j.Bucket;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/**
 * A line for each call that was refused to its caller, and for each that changes something, with how it ended. Never with what the caller showed.
 * Refusals are as many as anybody likes to make: so many lines a second are written, and the rest counted.
 */
final class CallLog {

    private static final Logger LOG = Logger.getLogger("dev.muster.audit");
    private static final int DENIED_A_SECOND = 5;
    private static final int DENIED_AT_ONCE = 50;
    private static final int LONGEST_SUBJECT = 64;

    private final Bucket denied = Bucket.builder().addLimit(limit -> limit.capacity(DENIED_AT_ONCE).refillGreedy(DENIED_A_SECOND, Duration.ofSeconds(1))).build();
    private final AtomicLong unwritten = new AtomicLong();

    void denied(String caller, String from, MethodDescriptor<?, ?> method, String subject, Status why) {
        if (!denied.tryConsume(1)) {
            unwritten.incrementAndGet();
            return;
        }
        var more = unwritten.getAndSet(0);
        LOG.warnf("A call was refused; caller=%s from=%s method=%s about=%s code=%s reason=%s%s", caller, from, name(method), safe(subject), why.getCode(),
                safe(String.valueOf(why.getDescription()).lines().findFirst().orElse("")), more == 0 ? "" : " unwritten=" + more);
    }

    void changed(Caller caller, String fleet, String from, MethodDescriptor<?, ?> method, String subject, Status how) {
        LOG.infof("A change was asked for; caller=%s role=%s from=%s method=%s about=%s code=%s", caller.name(), caller.roleName(fleet), from, name(method), safe(subject), how.getCode());
    }

    private static String name(MethodDescriptor<?, ?> method) {
        return method.getFullMethodName();
    }

    /** A caller's own words begin no new line. */
    private static String safe(String text) {
        var line = text.replaceAll("\\p{Cntrl}", "?");
        return line.length() <= 4 * LONGEST_SUBJECT ? line : line.substring(0, 4 * LONGEST_SUBJECT) + "…";
    }
}
