package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.ec2.Faults.ApiFault;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ClientTokenTest {

    private final Cloud cloud = new Cloud();

    @Test
    void sameRequestAgainAnswersTheSameInstancesInLaunchOrder() {
        // Given
        var first = cloud.run("m5.large", 1, 3, "ClientToken", "batch-1");

        // When
        var again = cloud.run("m5.large", 1, 3, "ClientToken", "batch-1");

        // Then
        assertThat(again.all("//instanceId")).isEqualTo(first.all("//instanceId")).hasSize(3);
        assertThat(again.all("//amiLaunchIndex")).containsExactly("0", "1", "2");
        assertThat(again.one("//reservationId")).isEqualTo(first.one("//reservationId"));
        assertThat(cloud.ec2.books().peak()).isEqualTo(3);
        assertThat(cloud.ec2.books().launchCalls()).extracting(Books.LaunchCall::repeated).containsExactly(false, true);
    }

    @Test
    void anyOtherParameterUnderTheSameTokenIsAMismatch() {
        // Given
        cloud.run("m5.large", 1, 1, "ClientToken", "batch-1", "UserData", "YQ==");

        // When
        var other = cloud.run("m5.large", 1, 1, "ClientToken", "batch-1", "UserData", "Yg==");

        // Then
        assertThat(other.status).isEqualTo(400);
        assertThat(other.code()).isEqualTo("IdempotentParameterMismatch");
        assertThat(cloud.ec2.books().live()).isEqualTo(1);
    }

    @Test
    void holdsForADayAfterTheLastInstanceEndedAlsoWhenTheyAreNoLongerShown() {
        // Given
        var ids = cloud.run("m5.large", 2, 2, "ClientToken", "batch-1").all("//instanceId");
        cloud.untilRunning();
        cloud.call("TerminateInstances", "InstanceId.1", ids.get(0));
        cloud.time.pass(Duration.ofHours(10));
        cloud.call("TerminateInstances", "InstanceId.1", ids.get(1));
        cloud.untilTerminated();

        // When
        cloud.time.pass(Duration.ofHours(23));
        var withinADay = cloud.run("m5.large", 2, 2, "ClientToken", "batch-1");
        cloud.time.pass(Duration.ofHours(2));
        var later = cloud.run("m5.large", 2, 2, "ClientToken", "batch-1");

        // Then
        assertThat(withinADay.all("//instanceId")).isEqualTo(ids);
        assertThat(withinADay.all("//instanceState/name")).containsOnly("terminated");
        assertThat(cloud.call("DescribeInstances", "InstanceId.1", ids.get(0)).code()).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(later.all("//instanceId")).hasSize(2).doesNotContainAnyElementsOf(ids);
    }

    @Test
    void inAnotherRegionIsAnotherRequest() {
        // Given
        var ids = cloud.run("m5.large", 1, 1, "ClientToken", "batch-1").all("//instanceId");

        // When
        var elsewhere = cloud.call(new Call.Scope(Ec2Config.ACCOUNT, "eu-west-1"), "RunInstances", "ImageId", Ec2Config.UBUNTU.id(), "InstanceType", "m5.large",
                "MinCount", "1", "MaxCount", "1", "ClientToken", "batch-1");

        // Then
        assertThat(elsewhere.code()).isEqualTo("Success");
        assertThat(elsewhere.all("//instanceId")).doesNotContainAnyElementsOf(ids);
    }

    @Test
    void ofARefusedRequestIsFree() {
        // Given
        cloud.ec2.capacity().none(OfferFilter.type("m5.large"));
        assertThat(cloud.run("m5.large", 1, 1, "ClientToken", "batch-1").code()).isEqualTo("InsufficientInstanceCapacity");

        // When
        cloud.ec2.capacity().reset();
        var other = cloud.run("c5.large", 1, 1, "ClientToken", "batch-1");

        // Then
        assertThat(other.code()).isEqualTo("Success");
    }

    @Test
    void findsWhatALostAnswerStarted() {
        // Given
        cloud.ec2.faults().onCall("RunInstances", 1, new ApiFault.LoseAnswer(false));

        // When
        var lost = cloud.run("m5.large", 2, 2, "ClientToken", "batch-1");
        var again = cloud.run("m5.large", 2, 2, "ClientToken", "batch-1");

        // Then
        assertThat(lost.status).isEqualTo(500);
        assertThat(lost.code()).isEqualTo("InternalError");
        assertThat(again.all("//instanceId")).hasSize(2);
        assertThat(cloud.ec2.books().peak()).isEqualTo(2);
        assertThat(cloud.ec2.books().launchCalls()).extracting(Books.LaunchCall::answerLost).containsExactly(true, false);
    }

    @Test
    void isFoundByItsFilter() {
        // Given
        var ids = cloud.launch(2, "ClientToken", "batch-1");
        cloud.launch(1, "ClientToken", "batch-2");
        cloud.untilRunning();

        // When
        var found = cloud.call("DescribeInstances", "Filter.1.Name", "client-token", "Filter.1.Value.1", "batch-1");

        // Then
        assertThat(found.all("//instanceId")).isEqualTo(ids);
    }
}
