package dev.muster.aws;

import dev.muster.provisioner.spi.TokenBucket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * EC2's own request rates in one account and region, kept on our side. Sizes are those of "Request throttling for the Amazon EC2
 * API" in the EC2 developer guide; where launching and ending have a second bucket, each machine takes a token of it.
 */
final class Ec2Rates {

    /**
     * Whoever has to wait waits this much longer. EC2's bucket begins to refill when the first call reaches it and ours when it was made; a call
     * that is faster on its way than that first one, with its handshakes, would find less in it than we count. Where nothing waits it costs nothing.
     */
    private static final Duration ON_THE_WAY = Duration.ofSeconds(1);

    /** By how much a call may be faster on its way than the one before it. */
    private static final Duration OVERTAKING = Duration.ofMillis(100);

    private final TokenBucket runRequests;
    private final TokenBucket runMachines;
    /** As EC2's own stand by what was really sent, and when: places are taken ahead, and a process that was busy sends later, and more at once. */
    private final TokenBucket sentRequests;
    private final TokenBucket sentMachines;
    private final TokenBucket terminateRequests;
    private final TokenBucket terminateMachines;
    private final TokenBucket createTags;
    private final TokenBucket deleteTags;
    private final TokenBucket describe;

    /** @param nanoClock as {@link System#nanoTime} */
    Ec2Rates(LongSupplier nanoClock) {
        runRequests = new TokenBucket(5, 2, nanoClock);
        runMachines = new TokenBucket(1_000, 2, nanoClock);
        sentRequests = new TokenBucket(5, 2, nanoClock);
        sentMachines = new TokenBucket(1_000, 2, nanoClock);
        terminateRequests = new TokenBucket(100, 5, nanoClock);
        terminateMachines = new TokenBucket(1_000, 20, nanoClock);
        createTags = new TokenBucket(100, 10, nanoClock);
        deleteTags = new TokenBucket(100, 10, nanoClock);
        describe = new TokenBucket(100, 20, nanoClock);
    }

    /** How long a launch of so many has to wait. */
    Duration run(int machines) {
        return longer(runRequests.take(1), runMachines.take(machines));
    }

    /** Asked right before a launch of so many is sent: how long EC2 would still refuse it. Zero: it may go, and counts as sent. */
    synchronized Duration send(int machines) {
        var forRequest = sentRequests.takeOrWait(1);
        if (!forRequest.isZero()) {
            return forRequest.plus(OVERTAKING);
        }
        var forMachines = sentMachines.takeOrWait(machines);
        if (!forMachines.isZero()) {
            sentRequests.giveBack(1);
        }
        return late(forMachines);
    }

    /** A launch was answered, or will not be. */
    void answered() {
        sentRequests.answered();
        sentMachines.answered();
    }

    /** What was sent was refused, and none of its machines is counted. */
    void unsent(int machines) {
        sentMachines.giveBack(machines);
    }

    void awaitTerminate(int machines) {
        await(longer(terminateRequests.take(1), terminateMachines.take(machines)));
    }

    void awaitCreateTags() {
        await(late(createTags.take(1)));
    }

    void awaitDeleteTags() {
        await(late(deleteTags.take(1)));
    }

    void awaitDescribe() {
        await(late(describe.take(1)));
    }

    private static Duration longer(Duration one, Duration other) {
        return late(one.compareTo(other) > 0 ? one : other);
    }

    private static Duration late(Duration wait) {
        return wait.isZero() ? wait : wait.plus(ON_THE_WAY);
    }

    private static void await(Duration wait) {
        try {
            TimeUnit.NANOSECONDS.sleep(wait.toNanos());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
