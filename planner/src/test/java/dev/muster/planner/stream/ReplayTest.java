package dev.muster.planner.stream;

import static dev.muster.planner.stream.RandomHistory.TOPICS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.core.Plan;
import dev.muster.planner.core.PlanRecord;
import dev.muster.planner.core.Planner;
import dev.muster.planner.replay.Replay;
import dev.muster.v1.DecisionEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReplayTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aHistoryIsDecidedAgainBitForBit(long seed) {
        var history = new RandomHistory(seed, 3, Planner::plan).declareAll().play(3_000);
        // When
        var report = Replay.of(TOPICS, history.recording(), fleet -> true);
        // Then
        assertThat(report.differences()).as("seed " + seed).isEmpty();
        assertThat(report.fleets()).hasSize(3).allSatisfy(fleet -> {
            assertThat(fleet.from()).isEqualTo("creation");
            assertThat(fleet.notCompared()).isEmpty();
            assertThat(fleet.plans()).isGreaterThan(20);
            assertThat(fleet.decisions()).isGreaterThan(20);
            assertThat(fleet.commands()).isPositive();
            assertThat(fleet.answers()).isPositive();
            assertThat(fleet.snapshots()).isPositive();
            assertThat(fleet.rows()).isPositive();
        });
    }

    @Test
    void aPlannerWithAnotherRuleIsCaught() {
        var history = new RandomHistory(11, 2, Planner::plan).declareAll().play(1_000);
        // When a planner decides that ignores who waits.
        var report = Replay.of(TOPICS, history.recording(), fleet -> true, (fleet, now) -> {
            var plan = Planner.plan(fleet, now);
            var without = plan.records().stream().filter(record -> !(record instanceof PlanRecord.Decided decided
                    && decided.rule().equals("WantEnoughForDemand"))).toList();
            return new Plan(without, plan.due());
        });
        // Then each fleet's first such decision is told, with both texts.
        assertThat(report.fleets()).allSatisfy(fleet -> {
            assertThat(fleet.differences()).isNotEmpty();
            assertThat(fleet.notCompared()).isEqualTo("What follows from the difference is not compared.");
            assertThat(fleet.differences().get(0).recorded()).contains("WantEnoughForDemand");
            assertThat(fleet.differences().get(0).id()).isNotEmpty();
        });
    }

    @Test
    void whatSomebodyChangedInHistoryIsCaught() throws Exception {
        var recording = new RandomHistory(12, 1, Planner::plan).declareAll().play(600).recording();
        var index = 0;
        while (!DecisionEvent.parseFrom(recording.decided().get(index)).hasDecision()) {
            index++;
        }
        var decision = DecisionEvent.parseFrom(recording.decided().get(index)).toBuilder();
        decision.getDecisionBuilder().setText("something else");
        recording.replaceDecision(index, decision.build().toByteArray());
        // When
        var differences = Replay.of(TOPICS, recording, fleet -> true).differences();
        // Then
        assertThat(differences).singleElement().satisfies(difference -> {
            assertThat(difference.id()).isEqualTo(decision.getDecisionId());
            assertThat(difference.recorded()).contains("something else");
            assertThat(difference.replayed()).contains(decision.getDecision().getRule()).doesNotContain("something else");
        });
    }

    @Test
    void aCommandThatIsNotInHistoryIsCaught() {
        var recording = new RandomHistory(13, 1, Planner::plan).declareAll().play(600).recording();
        recording.dropCommand(2);
        var differences = Replay.of(TOPICS, recording, fleet -> true).differences();
        assertThat(differences).singleElement().satisfies(difference -> {
            assertThat(difference.topic()).startsWith("commands.");
            assertThat(difference.recorded()).isEmpty();
            assertThat(difference.replayed()).contains("command_id");
        });
    }

    @Test
    void aSnapshotIsWhereAReplayBeginsOnceTheCreationIsDeleted() {
        var history = new RandomHistory(14, 2, Planner::plan).declareAll();
        var recording = history.play(6_000).recording();
        recording.compact();
        var whole = Replay.of(TOPICS, recording, fleet -> true);
        recording.delete(TOPICS.demand(), 100);
        // When
        var report = Replay.of(TOPICS, recording, fleet -> true);
        // Then
        assertThat(report.differences()).isEmpty();
        assertThat(report.fleets()).allSatisfy(fleet -> {
            assertThat(fleet.from()).startsWith("2026-03-0");
            assertThat(fleet.plans()).isPositive();
            assertThat(fleet.snapshots()).isPositive();
        });
        assertThat(report.plans()).isLessThan(whole.plans());
    }

    @Test
    void withoutCreationAndSnapshotNothingIsReplayedAndItSaysSo() {
        var recording = new RandomHistory(15, 1, Planner::plan).declareAll().play(300).recording();
        recording.delete(TOPICS.demand(), 100_000);
        var report = Replay.of(TOPICS, recording, fleet -> true);
        assertThat(report.plans()).isZero();
        assertThat(report.fleets()).singleElement().satisfies(fleet -> assertThat(fleet.notCompared()).contains("Neither its creation nor a whole snapshot"));
    }

    @Test
    void aLostStateIsGoneOnFrom() {
        var history = new RandomHistory(16, 2, Planner::plan).declareAll().play(1_000);
        var before = Replay.of(TOPICS, history.recording(), fleet -> true);
        // When
        history.loseState(history.published());
        history.play(1_000);
        var report = Replay.of(TOPICS, history.recording(), fleet -> true);
        // Then
        assertThat(report.differences()).isEmpty();
        assertThat(report.plans()).isGreaterThan(before.plans() + 20);
        assertThat(report.fleets()).allSatisfy(fleet -> assertThat(fleet.notCompared()).contains("Its state was lost"));
    }

    /** It has stored what it begins with, and has not said so. */
    @Test
    void aLostStateIsGoneOnFromWhenTheProcessThatBeganWithItEndsAtOnce() {
        var history = new RandomHistory(17, 2, Planner::plan).declareAll().play(1_000);
        // When
        history.loseState(history.published());
        history.restart();
        history.play(1_000);
        var report = Replay.of(TOPICS, history.recording(), fleet -> true);
        // Then
        assertThat(report.differences()).isEmpty();
        assertThat(report.fleets()).allSatisfy(fleet -> assertThat(fleet.notCompared()).contains("Its state was lost"));
    }
}
