package dev.muster.planner.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.MachineChange;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonMessagesTest {

    private static Message read(String json, Message.Builder into) {
        var found = new Violations();
        JsonMessages.read(json, into, found);
        found.throwIfAny();
        return into.build();
    }

    private static List<String> problems(String json, Message.Builder into) {
        var refused = catchThrowableOfType(HttpFailure.class, () -> read(json, into));
        assertThat(refused).as(json).isNotNull();
        assertThat(refused.code()).isEqualTo(400);
        try {
            return refused.status().getDetails(1).unpack(BadRequest.class).getFieldViolationsList().stream()
                    .map(violation -> violation.getField() + " " + violation.getDescription()).toList();
        } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    @Test
    void readsWhateverProtobufsOwnPrinterWrites() throws Exception {
        var seed = System.nanoTime();
        var messages = new RandomMessages(new Random(seed));
        for (var binding : new Bindings().all()) {
            for (int i = 0; i < 40; i++) {
                var message = messages.fill(binding.newRequest(), 6);
                for (var printer : List.of(JsonFormat.printer(), JsonFormat.printer().preservingProtoFieldNames().printingEnumsAsInts(),
                        JsonFormat.printer().alwaysPrintFieldsWithNoPresence().omittingInsignificantWhitespace())) {
                    assertThat(read(printer.print(message), binding.newRequest())).as("seed %d", seed).isEqualTo(message);
                }
            }
        }
    }

    @Test
    void saysOfEverythingThatIsWrongWhereItIs() {
        var json = """
                {"spec": {"name": 7, "colour": "red", "pools": [{"limits": {"max": -1}}, null, {"offers": {}}], "queues": [{"name": "q", "weight": "x"}]},
                 "expectedVersion": 1.5, "requestId": ["a"], "adopt_prefix": true}""";
        assertThat(problems(json, ApplyFleetRequest.newBuilder())).containsExactly(
                "spec.name is no text",
                "spec.colour is no field of FleetSpec",
                "spec.pools[0].limits.max is '-1'; write a whole number from 0 to 4294967295",
                "spec.pools[1] is null",
                "spec.pools[2].offers is no list",
                "spec.queues[0].weight is 'x'; write a whole number from 0 to 4294967295",
                "expectedVersion is '1.5'; write a whole number from 0 to 18446744073709551615",
                "requestId is no text",
                "adopt_prefix is no text");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "{\"fleet\": \"a\", \"fleet\": \"b\"} | fleet is there twice",
            "{\"machineId\": \"a\", \"machine_id\": \"b\"} | machine_id is there twice",
            "{\"since\": \"yesterday\"} | since is 'yesterday'; write a moment as RFC 3339 has it, such as 2026-11-01T12:00:00Z",
            "{\"kinds\": [\"DONE\"]} | kinds[0] is 'DONE'; write a name of DecisionKind, such as DECISION_DONE",
            "{\"kinds\": [99]} | kinds[0] is '99'; write a name of DecisionKind, such as DECISION_DONE",
            "{\"pageSize\": 1e999999999} | pageSize is '1e999999999'; write a whole number from -2147483648 to 2147483647",
            "{\"pageSize\": \"9999999999\"} | pageSize is '9999999999'; write a whole number from -2147483648 to 2147483647",
            "{\"queue\": \"\\ud800\"} | queue is '?'; it holds half a character (a lone surrogate), which no UTF-8 can",
    })
    void refuses(String json, String problem) {
        assertThat(problems(json, ListDecisionsRequest.newBuilder())).containsExactly(problem);
    }

    @Test
    void onlyOneOfAOneofIsThere() {
        assertThat(problems("{\"synced\": true, \"forgotten\": \"m-1\"}", MachineChange.newBuilder()))
                .containsExactly("forgotten can't be beside synced: only one of them is");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{", "[]", "null", "7", "{\"fleet\"}", "{\"fleet\": 'a'}", "{fleet: \"a\"}", "{\"fleet\": \"a\",}", "{} {}", "{\"fleet\": \"\u0001\"}", "\u0000"})
    void refusesWhatIsNoJson(String text) {
        assertThat(problems(text, ListDecisionsRequest.newBuilder())).singleElement().asString().startsWith("body ");
    }

    @Test
    void endsReadingWhatIsNestedWithoutEnd() {
        assertThat(problems("{\"x\":" + "[".repeat(100_000), ListDecisionsRequest.newBuilder())).singleElement().asString().startsWith("body is no JSON: ");
    }

    @Test
    void takesWholeNumbersThatAreWrittenOtherwise() {
        assertThat(read("{\"pageSize\": 1e2}", ListDecisionsRequest.newBuilder())).isEqualTo(ListDecisionsRequest.newBuilder().setPageSize(100).build());
        assertThat(read("{\"pageSize\": \"7\"}", ListDecisionsRequest.newBuilder())).isEqualTo(ListDecisionsRequest.newBuilder().setPageSize(7).build());
    }
}
