package dev.muster.aws;

import dev.muster.provisioner.spi.TokenBucket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * EC2's own request rates in one account and region, kept on our side. Sizes are those of "Request throttling for the Amazon EC2
 * API" in the EC2 developer guide; where launching and ending have a second bucket, each machine takes a token of it.
 */
final class Ec2Rates {

    private final TokenBucket runRequests = new TokenBucket(5, 2);
    private final TokenBucket runMachines = new TokenBucket(1_000, 2);
    private final TokenBucket terminateRequests = new TokenBucket(100, 5);
    private final TokenBucket terminateMachines = new TokenBucket(1_000, 20);
    private final TokenBucket createTags = new TokenBucket(100, 10);
    private final TokenBucket deleteTags = new TokenBucket(100, 10);
    private final TokenBucket describe = new TokenBucket(100, 20);

    /** How long a launch of so many has to wait. */
    Duration run(int machines) {
        var request = runRequests.take(1);
        var each = runMachines.take(machines);
        return request.compareTo(each) > 0 ? request : each;
    }

    void awaitTerminate(int machines) {
        var request = terminateRequests.take(1);
        var each = terminateMachines.take(machines);
        await(request.compareTo(each) > 0 ? request : each);
    }

    void awaitCreateTags() {
        await(createTags.take(1));
    }

    void awaitDeleteTags() {
        await(deleteTags.take(1));
    }

    void awaitDescribe() {
        await(describe.take(1));
    }

    private static void await(Duration wait) {
        try {
            TimeUnit.NANOSECONDS.sleep(wait.toNanos());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
