package dev.muster.aws;

import dev.muster.provisioner.spi.Scope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceStatusRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceStatusResponse;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.SummaryStatus;

/**
 * Which instances of a scope fail EC2's own checks, as EC2 last said. Until it says otherwise they stay what they were: an answer that does not
 * come makes none healthy and none impaired. Thread-safe.
 */
final class Ec2Checks {

    private static final Logger LOG = Logger.getLogger(Ec2Checks.class);

    /**
     * EC2 checks each instance once a minute, what is below it and the instance itself, and a filter on one of the two leaves out what fails the
     * other: they are asked for in turn. With lists a minute apart at rest, each brings one of these calls, and a scope has two calls a
     * minute, so that a failure shows after two; lists that are seconds apart bring a call in so long.
     */
    static final Duration EVERY = Duration.ofSeconds(30);
    private static final int MOST_ON_PAGE = 1_000;
    /** EC2 takes no tag here, so that these show every running instance of the account that fails, and no other. */
    private static final List<DescribeInstanceStatusRequest> FAILING = Stream.of("instance-status.status", "system-status.status")
            .map(check -> DescribeInstanceStatusRequest.builder().includeAllInstances(false).maxResults(MOST_ON_PAGE)
                    .filters(Filter.builder().name(check).values(SummaryStatus.IMPAIRED.toString()).build()).build()).toList();

    private final Scope scope;
    private final LongSupplier nanos;
    /** What each of them last showed. */
    private final List<Set<String>> shown = new ArrayList<>(Collections.nCopies(FAILING.size(), Set.of()));
    private volatile Set<String> impaired = Set.of();
    private volatile boolean failed;
    private int turn = -1;
    private long askedAt;

    Ec2Checks(Scope scope, LongSupplier nanos) {
        this.scope = scope;
        this.nanos = nanos;
    }

    /** Ids of instances, also of others than Muster's. */
    Set<String> impaired() {
        return impaired;
    }

    void askIfDue(Function<DescribeInstanceStatusRequest, DescribeInstanceStatusResponse> call) {
        int which;
        synchronized (this) {
            if (turn >= 0 && nanos.getAsLong() - askedAt < EVERY.toNanos()) {
                return;
            }
            turn++;
            which = turn % FAILING.size();
            askedAt = nanos.getAsLong();
        }
        var found = new HashSet<String>();
        var request = FAILING.get(which);
        try {
            while (true) {
                var page = call.apply(request);
                page.instanceStatuses().forEach(status -> found.add(status.instanceId()));
                if (page.nextToken() == null || page.nextToken().isEmpty()) {
                    break;
                }
                request = FAILING.get(which).toBuilder().nextToken(page.nextToken()).build();
            }
        } catch (SdkException unanswered) {
            if (!failed) {
                LOG.warnf("EC2 does not say which machines fail its checks; they stay as they were seen: scope=%s reason=%s", scope,
                        Ec2Failures.translate(unanswered));
            }
            failed = true;
            return;
        }
        failed = false;
        synchronized (this) {
            shown.set(which, found);
            var all = new HashSet<String>();
            shown.forEach(all::addAll);
            impaired = Set.copyOf(all);
        }
    }
}
