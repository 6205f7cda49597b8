package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A storm's judge finds each thing that must not be, in books that a test wrote. */
class StormJudgeTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Instant BEGIN = Instant.parse("2026-11-28T00:00:00Z");
    private static final String DESK = "desk-1:cpu:0";

    private final ArrayNode tasks = JSON.createArrayNode();
    private final ArrayNode machines = JSON.createArrayNode();
    private final ArrayNode calls = JSON.createArrayNode();
    private final Map<String, Instant> killed = new LinkedHashMap<>();

    @Test
    void nothingIsWrongWithOneRunOnAMachineThatIsDrainedAfterwards() {
        task("completed", "0 added", "2 popped", "2 in_progress", "3 reported lab:cpu:t:i-1", "9 completed");
        machine("i-1", 1, 20, "Client.InstanceInitiatedShutdown", "8 drain:1 8.5");

        assertThat(judge().tasks()).isEmpty();
        assertThat(judge().drains()).isEmpty();
        assertThat(judge().rescues()).isEmpty();
        assertThat(books().drained()).hasSize(1);
    }

    @Test
    void aTaskThatIsNotCompletedIsLost() {
        task("queued", "0 added", "2 popped");

        assertThat(judge().tasks()).singleElement().asString().startsWith("lost");
    }

    @Test
    void aTaskMayBeginAgainOnlyWhenItsMachineLostItsPowerAndIsGone() {
        task("completed", "0 added", "2 popped", "2 in_progress", "3 reported lab:cpu:t:i-1", "5 stopped", "5 added", "6 popped", "7 in_progress",
                "8 reported lab:cpu:t:i-2", "9 completed");
        machine("i-1", 1, 4, "Client.UserInitiatedShutdown");
        machine("i-2", 1, 20, "Client.InstanceInitiatedShutdown", "12 drain:1 12.5");

        assertThat(judge().tasks()).singleElement().asString().startsWith("ended with its machine, whose power nobody cut");
        killed.put("i-1", at("3"));
        assertThat(judge().tasks()).isEmpty();
        machines.removeAll();
        machine("i-1", 1, 8, "Client.UserInitiatedShutdown");
        assertThat(judge().tasks()).singleElement().asString().startsWith("began again before its machine was gone");
        assertThat(judge().rescues()).singleElement().asString().startsWith("put back before its machine was gone");
    }

    @Test
    void aTaskThatItsDeskLostHadNoMachineToLose() {
        task("completed", "0 added", "2 popped", "2 in_progress", "3 reported " + DESK, "5 stopped", "5 added", "6 popped", "7 in_progress", "8 reported " + DESK,
                "9 completed");

        assertThat(judge().tasks()).singleElement().asString().startsWith("began again, and its machine had its power");
    }

    @Test
    void aRescueTakesTenSecondsAtMost() {
        task("completed", "0 added", "2 popped", "2 in_progress", "3 reported lab:cpu:t:i-1", "16 stopped", "16 added", "17 popped", "18 in_progress",
                "19 reported " + DESK, "25 completed");
        machine("i-1", 1, 5, "Client.UserInitiatedShutdown");
        killed.put("i-1", at("4"));

        assertThat(judge().tasks()).isEmpty();
        assertThat(judge().rescues()).containsExactly("a task was back in its queue only after PT11S");
    }

    @Test
    void nothingBeginsUnderAMarkThatWasRead() {
        task("completed", "0 added", "8 popped", "8 in_progress", "9 reported lab:cpu:t:i-1", "12 completed");
        machine("i-1", 1, 20, "Client.InstanceInitiatedShutdown", "4 drain:1 4.5");

        assertThat(judge().drains()).singleElement().asString().startsWith("began under a mark");
        machines.removeAll();
        machine("i-1", 1, 20, "Client.InstanceInitiatedShutdown", "4 drain:1 4.5", "6 none:2 6.5", "11 drain:3 11.5");
        assertThat(judge().drains()).isEmpty();
        machines.removeAll();
        machine("i-1", 1, 20, "Client.InstanceInitiatedShutdown", "4 drain:1 never");
        assertThat(judge().drains()).singleElement().asString().startsWith("began under a mark");
    }

    @Test
    void whatBeginsUnderAMarkThatNobodyCouldReadYetIsNoFault() {
        task("completed", "0 added", "8 popped", "8 in_progress", "9 reported lab:cpu:t:i-1", "12 completed");
        machine("i-1", 1, 20, "Client.InstanceInitiatedShutdown", "7.5 drain:1 never", "8.3 none:2 8.4", "14 drain:3 14.5");

        assertThat(judge().drains()).isEmpty();
    }

    @Test
    void noMachineIsLaunchedForWhatAnIdleDeskCanTake() {
        task("completed", "4 added", "8 popped", "8 in_progress", "9 reported " + DESK, "12 completed");
        machine("i-1", 5, 20, "Client.InstanceInitiatedShutdown", "18 drain:1 18.5");
        call("5", "i-1");

        assertThat(launches()).singleElement().asString().contains("at most 0 tasks needed one");
        task("completed", "4 added", "9 popped", "9 in_progress", "9 reported lab:cpu:t:i-1", "12 completed");
        assertThat(launches()).isEmpty();
        assertThat(judge().launches(List.of(DESK), List.of(new StormJudge.Span(at("3"), at("15"))))).hasSize(1);
    }

    @Test
    void aMachineThatWasAskedForBeforeCounts() {
        task("completed", "4 added", "9 popped", "9 in_progress", "9 reported lab:cpu:t:i-1", "12 completed");
        task("completed", "1 added", "2 popped", "2 in_progress", "2 reported " + DESK, "12 completed");
        machine("i-1", 5, 20, "Client.InstanceInitiatedShutdown", "18 drain:1 18.5");
        machine("i-2", 6, 20, "Client.InstanceInitiatedShutdown", "18 drain:1 18.5");
        call("5", "i-1");

        assertThat(launches()).isEmpty();
        call("6", "i-2");
        assertThat(launches()).singleElement().asString().contains("at most 0 tasks needed one");
    }

    // Books.

    private StormBooks books() {
        return StormBooks.of(JSON.createObjectNode().set("tasks", tasks), JSON.createObjectNode().<ObjectNode>set("instances", machines).set("launchCalls", calls));
    }

    private StormJudge judge() {
        return new StormJudge(books(), killed, Map.of(), new PrintStream(OutputStream.nullOutputStream()));
    }

    private List<String> launches() {
        return judge().launches(List.of(DESK), List.of());
    }

    private static Instant at(String seconds) {
        return BEGIN.plusMillis(Math.round(Double.parseDouble(seconds) * 1000));
    }

    /** @param steps second, what, and of a report the worker */
    private void task(String status, String... steps) {
        var task = tasks.addObject().put("id", "t" + tasks.size()).put("status", status);
        var list = task.putArray("steps");
        for (var step : steps) {
            var words = step.split(" ");
            var node = list.addObject().put("at", at(words[0]).toString()).put("what", words[1]);
            if (words.length > 2) {
                node.put("worker", words[2]);
            }
        }
    }

    /** @param marks second, word with its ordinal, and the second in which it was read, or never */
    private void machine(String id, int launched, int ended, String endReason, String... marks) {
        var machine = machines.addObject().put("id", id).put("launchIndex", 0).put("launched", at("" + launched).toString()).put("running", at("" + launched).toString())
                .put("ending", at("" + ended).toString()).put("ended", at("" + ended).toString()).put("state", "terminated").put("endReason", endReason);
        machine.putObject("tags").put("muster-batch", "mabc-" + machines.size());
        var list = machine.putArray("taggings");
        for (var mark : marks) {
            var words = mark.split(" ");
            var read = words[2].equals("never") ? null : at(words[2]).toString();
            list.addObject().put("at", at(words[0]).toString()).put("key", "muster-mark").put("value", words[1]).put("read", read);
        }
    }

    private void call(String at, String machine) {
        calls.addObject().put("at", at(at).toString()).put("answer", "Success").put("repeated", false).putArray("instances").add(machine);
    }
}
