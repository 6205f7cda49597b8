package dev.muster.planner.notify;

import static dev.muster.planner.notify.Decisions.budget;
import static dev.muster.planner.notify.Decisions.circuit;
import static dev.muster.planner.notify.Decisions.constraint;
import static dev.muster.planner.notify.Decisions.decision;
import static dev.muster.planner.notify.Decisions.hook;
import static dev.muster.planner.notify.Decisions.known;
import static dev.muster.planner.notify.Decisions.noWarning;
import static dev.muster.planner.notify.Decisions.refused;
import static dev.muster.planner.notify.Decisions.served;
import static dev.muster.planner.notify.Decisions.unknown;
import static dev.muster.planner.notify.Decisions.warning;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.notify.Positions.Position;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.NotificationKind;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NoticeBookTest {

    private static final Instant T = Instant.parse("2026-11-23T12:00:00Z");

    private final List<DecisionEvent> topic = new ArrayList<>();
    private List<NotificationSpec> hooks = List.of(hook("slack"));
    private NoticeBook book;
    private Instant now = T;

    @BeforeEach
    void nothingWasToldOfYet() {
        book = new NoticeBook("lab", new Positions(new Position(0, T), Map.of()), fleet -> hooks);
    }

    /** Appends the event and takes it in. */
    private List<String> on(DecisionEvent event) {
        topic.add(event);
        return texts(book.on(topic.size() - 1, event));
    }

    private List<String> at(Duration sinceStart) {
        now = T.plus(sinceStart);
        return texts(book.tick(now));
    }

    /** Sent as soon as they are there. */
    private List<String> texts(List<Notice> notices) {
        notices.forEach(book::done);
        return notices.stream().map(Notice::text).toList();
    }

    /** As another process would go on with what was committed. */
    private void restart() {
        var committed = Positions.read(topic.size(), book.positions(topic.size()).text(), null);
        book = new NoticeBook("lab", committed, fleet -> hooks);
        for (int i = 0; i < topic.size(); i++) {
            assertThat(texts(book.on(i, topic.get(i)))).as("what is said again of event %d", i).isEmpty();
        }
    }

    private static Duration minutes(int minutes) {
        return Duration.ofMinutes(minutes);
    }

    @Test
    void clearmlIsUnknownAfterFiveMinutesOnce() {
        on(unknown("train", T, T, Reason.FACTS_STALE));
        assertThat(at(minutes(4))).isEmpty();
        // Another reason is the same trouble, also where its count begins anew.
        on(unknown("train", T.plus(minutes(4)), T.plus(minutes(4)), Reason.READ_FAILED));

        assertThat(at(minutes(5))).containsExactly("Muster lab, fleet train, ClearML: nothing is launched or released: nothing was heard of ClearML since "
                + T.plus(minutes(4)) + ". What ends it: a good look at ClearML.");
        on(unknown("train", T.plus(minutes(14)), T.plus(minutes(4)), Reason.READ_FAILED));
        assertThat(at(minutes(20))).isEmpty();

        assertThat(on(known("train", T.plus(minutes(21))))).isEmpty();
        assertThat(at(minutes(22))).isEmpty();
        assertThat(at(minutes(23))).singleElement().asString().startsWith("Muster lab, fleet train, ClearML: over after 21 min: nothing is launched");
        assertThat(at(minutes(60))).isEmpty();
    }

    @Test
    void aShortSilenceWakesNobody() {
        on(unknown("train", T, T, Reason.FACTS_STALE));
        on(known("train", T.plus(minutes(4))));
        assertThat(at(minutes(30))).isEmpty();
    }

    @Test
    void aBudgetIsSaidOnceHoweverManyQueuesMeetIt() {
        on(refused("train", T, "one", budget("fleet")));
        assertThat(at(Duration.ofSeconds(1))).singleElement().asString().startsWith("Muster lab, fleet train, budget: 2 wait in one");
        on(refused("train", T.plus(minutes(1)), "two", constraint(Reason.AT_POOL_LIMIT, Map.of("pool", "gpu")), budget("fleet")));
        on(refused("train", T.plus(minutes(10)), "one", budget("fleet")));
        assertThat(at(minutes(10))).isEmpty();

        on(served("train", T.plus(minutes(11)), "one"));
        assertThat(at(minutes(15))).isEmpty();
        on(served("train", T.plus(minutes(16)), "two"));
        assertThat(at(minutes(18))).singleElement().asString().startsWith("Muster lab, fleet train, budget: over after 16 min: ");
    }

    @Test
    void eachLimitOfABudgetIsAThingOfItsOwn() {
        on(warning("train", T, Reason.SOFT_BUDGET_REACHED, "soft pool/gpu", "pool/gpu"));
        on(warning("train", T.plusSeconds(1), Reason.OVER_BUDGET, "over pool/gpu", "pool/gpu"));
        assertThat(at(Duration.ofSeconds(2))).hasSize(1);
        on(noWarning("train", T.plus(minutes(5)), "over pool/gpu"));
        assertThat(at(minutes(7))).containsExactly("Muster lab, fleet train, budget: over after 4 min: pool/gpu has spent too much.");
    }

    @Test
    void whatComesBackAtOnceWasNeverOver() {
        on(refused("train", T, "one", circuit("gpu")));
        assertThat(at(Duration.ofSeconds(1))).singleElement().asString().contains("fleet train, circuit: ");
        for (int minute = 1; minute < 30; minute++) {
            on(served("train", T.plus(minutes(minute)), "one"));
            on(refused("train", T.plus(minutes(minute)).plusSeconds(30), "one", circuit("gpu")));
            assertThat(at(minutes(minute).plusSeconds(31))).isEmpty();
        }
        on(served("train", T.plus(minutes(30)), "one"));
        assertThat(at(minutes(32))).singleElement().asString().contains("circuit: over after 30 min");
    }

    @Test
    void whatLastsIsSaidAgainOnceADay() {
        on(refused("train", T, "one", circuit("gpu")));
        assertThat(at(Duration.ofSeconds(1))).hasSize(1);
        var said = new ArrayList<String>();
        for (int minute = 10; minute <= 60 * 49; minute += 10) {
            said.addAll(on(refused("train", T.plus(minutes(minute)), "one", circuit("gpu"))));
        }
        assertThat(said).hasSize(2).allSatisfy(text -> assertThat(text).contains("still so after"));
        assertThat(said.get(0)).contains("circuit: still so after 1 d: ");
    }

    @Test
    void bootsThatFailWithinAMinuteAreOneMessage() {
        for (int i = 0; i < 30; i++) {
            on(decision("train", T.plusSeconds(i), Reason.BOOT_FAILED, i % 2 == 0 ? "gpu" : "cpu", List.of("m-" + i), List.of(), "m-" + i + ": no worker registered"));
        }
        assertThat(at(Duration.ofSeconds(59))).isEmpty();
        assertThat(at(Duration.ofSeconds(60))).containsExactly("Muster lab, fleet train, boot failed: 30 machines within 1 min (cpu, gpu), the last: m-29: no worker registered.");
        // While it goes on, one message in ten minutes.
        for (int i = 0; i < 20; i++) {
            assertThat(on(decision("train", T.plusSeconds(70 + i * 29), Reason.BOOT_FAILED, "gpu", List.of("m"), List.of(), "m"))).isEmpty();
        }
        assertThat(at(minutes(12))).containsExactly("Muster lab, fleet train, boot failed: 20 machines within 10 min (gpu), the last: m.");
    }

    @Test
    void oneFailedBootIsSaidInItsOwnWords() {
        on(decision("train", T, Reason.BOOT_FAILED, "gpu", List.of("m-1"), List.of(), "m-1: its boot failed: no disk; terminate it"));
        assertThat(at(minutes(1))).containsExactly("Muster lab, fleet train, boot failed: m-1: its boot failed: no disk; terminate it.");
    }

    @Test
    void rescuedAndFailedTasksAreCounted() {
        on(decision("train", T, Reason.TASK_LOST_MACHINE, "", List.of("m-1"), List.of("t1"), "t1 ran on m-1"));
        on(decision("train", T.plusSeconds(1), Reason.TASK_FAILED_WITH_MACHINE, "", List.of("m-2"), List.of("t2"), "t2 was on m-2"));
        on(decision("train", T.plusSeconds(2), Reason.TASK_ADRIFT, "", List.of(), List.of("t3"), "t3 is adrift"));
        on(decision("train", T.plusSeconds(3), Reason.TASK_AT_FAULT, "gpu", List.of(), List.of("t4"), "t4 can't be run"));
        on(decision("train", T.plusSeconds(4), Reason.TASKS_WAIT, "gpu", List.of("m-3"), List.of(), "launch"));
        assertThat(at(minutes(1))).containsExactly("Muster lab, fleet train, tasks: 4 tasks within 1 min (gpu), the last: t4 can't be run.");
    }

    @Test
    void eachWebhookIsToldTheKindsThatItWants() {
        hooks = List.of(hook("all"), hook("money", NotificationKind.BUDGET), hook("boots", NotificationKind.BOOT_FAILURE, NotificationKind.CIRCUIT));
        topic.add(refused("train", T, "one", budget("fleet"), circuit("gpu")));
        book.on(0, topic.get(0));
        book.on(1, decision("train", T.plusSeconds(1), Reason.BOOT_FAILED, "gpu", List.of("m-1"), List.of(), "m-1"));
        assertThat(book.tick(T.plus(minutes(2)))).extracting(Notice::secret, Notice::kind).containsExactlyInAnyOrder(
                org.assertj.core.groups.Tuple.tuple("all", NotificationKind.BOOT_FAILURE), org.assertj.core.groups.Tuple.tuple("boots", NotificationKind.BOOT_FAILURE));
    }

    @Test
    void aRestartSaysNothingTwice() {
        on(unknown("train", T, T, Reason.FACTS_STALE));
        on(refused("train", T, "one", budget("fleet")));
        on(decision("train", T.plusSeconds(1), Reason.BOOT_FAILED, "gpu", List.of("m-1"), List.of(), "m-1"));
        assertThat(at(minutes(6))).hasSize(2);

        restart();
        assertThat(at(minutes(7))).isEmpty();
        on(known("train", T.plus(minutes(8))));
        on(served("train", T.plus(minutes(8)), "one"));
        assertThat(at(minutes(10))).hasSize(2).allSatisfy(text -> assertThat(text).contains("over after 8 min"));

        restart();
        assertThat(at(minutes(30))).isEmpty();
    }

    @Test
    void aRestartLosesNoTimer() {
        on(unknown("train", T, T, Reason.FACTS_STALE));
        assertThat(at(minutes(3))).isEmpty();
        restart();
        assertThat(at(minutes(5))).hasSize(1);
        on(known("train", T.plus(minutes(6))));
        assertThat(at(minutes(7))).isEmpty();
        restart();
        assertThat(at(minutes(8))).singleElement().asString().contains("over after 6 min");
    }

    @Test
    void aRestartLosesNoGroup() {
        on(decision("train", T, Reason.BOOT_FAILED, "gpu", List.of("m-1"), List.of(), "m-1"));
        assertThat(at(Duration.ofSeconds(30))).isEmpty();
        restart();
        on(decision("train", T.plusSeconds(40), Reason.BOOT_FAILED, "gpu", List.of("m-2"), List.of(), "m-2"));
        assertThat(at(minutes(1))).singleElement().asString().contains("2 machines within 1 min (gpu), the last: m-2.");
    }

    @Test
    void whatOneWebhookDidNotTakeIsSaidToItAloneAfterARestart() {
        hooks = List.of(hook("good"), hook("bad"));
        topic.add(refused("train", T, "one", budget("fleet")));
        topic.add(decision("train", T, Reason.BOOT_FAILED, "gpu", List.of("m-1"), List.of(), "m-1"));
        var notices = new ArrayList<>(book.on(0, topic.get(0)));
        notices.addAll(book.on(1, topic.get(1)));
        notices.addAll(book.tick(T.plus(minutes(1))));
        assertThat(notices).hasSize(4);
        notices.stream().filter(notice -> notice.secret().equals("good")).forEach(book::done);

        var committed = Positions.read(2, book.positions(2).text(), null);
        assertThat(committed.base()).isEqualTo(new Position(2, T.plus(minutes(1))));
        assertThat(committed.firstOffset()).isEqualTo(1);
        book = new NoticeBook("lab", committed, fleet -> hooks);
        var again = new ArrayList<>(book.on(0, topic.get(0)));
        again.addAll(book.on(1, topic.get(1)));
        again.addAll(book.tick(T.plus(minutes(2))));

        assertThat(again).extracting(Notice::secret, Notice::kind).containsExactlyInAnyOrder(
                org.assertj.core.groups.Tuple.tuple("bad", NotificationKind.BUDGET), org.assertj.core.groups.Tuple.tuple("bad", NotificationKind.BOOT_FAILURE));
    }

    @Test
    void whatIsCommittedIsShortAndNamesNoWebhook() {
        hooks = java.util.stream.IntStream.range(0, 200).mapToObj(i -> hook("webhook-" + i)).toList();
        book.on(0, decision("train", T, Reason.BOOT_FAILED, "gpu", List.of("m-1"), List.of(), "m-1"));
        assertThat(book.positions(Long.MAX_VALUE).text()).hasSizeLessThan(4096).doesNotContain("webhook").doesNotContain("train");
    }
}
