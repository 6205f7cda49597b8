package dev.muster.sandbox.ec2;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * EC2's request throttling as Amazon publishes it: a bucket of request tokens per account, region and API, and for launching,
 * starting, stopping and terminating a second bucket that each instance takes one token from.
 *
 * <p>Sizes and refills are those of "Request throttling for the Amazon EC2 API" in the EC2 developer guide. Not thread-safe.
 */
final class Throttle {

    /** @param perSecond tokens that come back in a second */
    record Size(int most, double perSecond) {
    }

    private static final Size READ = new Size(100, 20);
    private static final Size WIDE_READ = new Size(50, 10);
    /** Reads that have a smaller bucket beside the usual one, for calls with neither filter nor page size. Ids are no filter. */
    private static final Set<String> WIDE_READS = Set.of("DescribeInstances", "DescribeInstanceStatus", "DescribeSecurityGroups");
    private static final Size OTHER_WRITE = new Size(50, 5);
    private static final Map<String, Size> REQUESTS = Map.of("RunInstances", new Size(5, 2), "StartInstances", new Size(5, 2),
            "TerminateInstances", new Size(100, 5), "CreateTags", new Size(100, 10), "DeleteTags", new Size(100, 10));
    private static final Map<String, Size> RESOURCES = Map.of("RunInstances", new Size(1000, 2), "StartInstances", new Size(1000, 2),
            "StopInstances", new Size(1000, 20), "TerminateInstances", new Size(1000, 20));

    private final Map<Key, Bucket> buckets = new HashMap<>();

    private record Key(Call.Scope scope, String action, boolean resources, boolean wide) {
    }

    private static final class Bucket {
        private final Size size;
        private double tokens;
        private Instant filled;

        Bucket(Size size, Instant now) {
            this.size = size;
            this.tokens = size.most();
            this.filled = now;
        }

        boolean take(int count, Instant now) {
            if (now.isAfter(filled)) {
                tokens = Math.min(size.most(), tokens + Duration.between(filled, now).toNanos() / 1e9 * size.perSecond());
                filled = now;
            }
            if (tokens < count) {
                return false;
            }
            tokens -= count;
            return true;
        }
    }

    /** Takes one request token. */
    void request(Call call, Instant now) {
        var action = call.action();
        boolean read = action.startsWith("Describe") || action.startsWith("Get");
        boolean wide = WIDE_READS.contains(action) && !call.has("Filter") && !call.has("MaxResults") && !call.has("NextToken");
        var size = wide ? WIDE_READ : read ? READ : REQUESTS.getOrDefault(action, OTHER_WRITE);
        take(new Key(call.scope(), action, false, wide), size, 1, now);
    }

    /** Takes {@code count} resource tokens, all or none, if the action has such a bucket. */
    void resources(Call.Scope scope, String action, int count, Instant now) {
        var size = RESOURCES.get(action);
        if (size != null) {
            take(new Key(scope, action, true, false), size, count, now);
        }
    }

    private void take(Key key, Size size, int count, Instant now) {
        if (!buckets.computeIfAbsent(key, fresh -> new Bucket(size, now)).take(count, now)) {
            throw Refusal.throttled();
        }
    }
}
