package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceStatusRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceStatusResponse;
import software.amazon.awssdk.services.ec2.model.Ec2Exception;
import software.amazon.awssdk.services.ec2.model.InstanceStatus;
import software.amazon.awssdk.services.ec2.model.SummaryStatus;

/** How often EC2 is asked which instances fail its checks, and what is known in between. */
class Ec2ChecksTest {

    private final AtomicLong nanos = new AtomicLong();
    private final Ec2Checks checks = new Ec2Checks(Ec2StandIn.SCOPE, nanos::get);
    private final ArrayDeque<DescribeInstanceStatusResponse> answers = new ArrayDeque<>();
    private final List<DescribeInstanceStatusRequest> calls = new ArrayList<>();

    private DescribeInstanceStatusResponse answer(DescribeInstanceStatusRequest request) {
        calls.add(request);
        if (answers.isEmpty()) {
            throw Ec2Exception.builder().message("down").statusCode(503).awsErrorDetails(AwsErrorDetails.builder().errorCode("Unavailable").build()).build();
        }
        return answers.remove();
    }

    private void lists(int times, Duration apart) {
        for (int i = 0; i < times; i++) {
            checks.askIfDue(this::answer);
            nanos.addAndGet(apart.toNanos());
        }
    }

    private static DescribeInstanceStatusResponse failing(String nextToken, String... ids) {
        return DescribeInstanceStatusResponse.builder().nextToken(nextToken).instanceStatuses(List.of(ids).stream()
                .map(id -> InstanceStatus.builder().instanceId(id).instanceStatus(status -> status.status(SummaryStatus.IMPAIRED)).build()).toList()).build();
    }

    @Test
    void asksOnceAListAtRestAndTwiceAMinuteWhileSomethingMoves() {
        for (int i = 0; i < 20; i++) {
            answers.add(failing(""));
        }

        lists(5, Duration.ofMinutes(1));
        assertThat(calls).hasSize(5);

        calls.clear();
        lists(30, Duration.ofSeconds(2));
        assertThat(calls).hasSize(2);
    }

    private static String filter(DescribeInstanceStatusRequest call) {
        assertThat(call.includeAllInstances()).isFalse();
        return call.filters().get(0).name() + "=" + call.filters().get(0).values().get(0);
    }

    @Test
    void asksOnlyForThoseThatFailAndForAllOfThem() {
        answers.add(failing("more", "i-1"));
        answers.add(failing(null, "i-2"));

        lists(1, Duration.ZERO);

        assertThat(checks.impaired()).containsExactlyInAnyOrder("i-1", "i-2");
        assertThat(calls).extracting(DescribeInstanceStatusRequest::nextToken).containsExactly(null, "more");
        assertThat(calls).extracting(Ec2ChecksTest::filter).containsOnly("instance-status.status=impaired");
    }

    @Test
    void asksForEachOfTheTwoChecksInTurnAndOneThatFailsEitherFails() {
        answers.add(failing("", "i-1"));
        answers.add(failing("", "i-2"));
        answers.add(failing(""));

        lists(2, Ec2Checks.EVERY);
        assertThat(checks.impaired()).containsExactlyInAnyOrder("i-1", "i-2");

        lists(1, Ec2Checks.EVERY);
        assertThat(checks.impaired()).containsExactly("i-2");
        assertThat(calls).extracting(Ec2ChecksTest::filter)
                .containsExactly("instance-status.status=impaired", "system-status.status=impaired", "instance-status.status=impaired");
    }

    @Test
    void anAnswerThatDoesNotComeLeavesWhatWasKnown() {
        answers.add(failing("", "i-1"));
        answers.add(failing(""));
        lists(2, Ec2Checks.EVERY);

        answers.add(failing("more", "i-2"));
        lists(1, Ec2Checks.EVERY);
        assertThat(calls).as("the second page failed").hasSize(4);
        assertThat(checks.impaired()).containsExactly("i-1");

        answers.add(failing(""));
        answers.add(failing(""));
        lists(2, Ec2Checks.EVERY);
        assertThat(checks.impaired()).isEmpty();
    }
}
