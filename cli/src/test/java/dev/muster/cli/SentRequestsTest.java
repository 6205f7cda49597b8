package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Message;
import dev.muster.contracts.GoldenFiles;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Keeps what the command line of each release sends, where the planner's tests find it: {@code StoredRequestsTest} answers it. It is a line for
 * each call that a command makes, with the command, the call and the bytes.
 */
class SentRequestsTest {

    private static final GoldenFiles FILES = GoldenFiles.of("planner");
    private static final String SENT = "cli-requests.txt";
    /** Beside the command of each call: the flags that say more. */
    private static final List<String> MORE = List.of("fleet apply -f FILE --expected-version 1 --managed-by argo", "fleet versions demo --last 2", "fleet diff demo --from 1",
            "fleet export demo --at 1", "machine list --fleet demo --pool cpu --phase booting,draining --no-busy --type m6i.large --task t1", "machine terminate m-1 --busy",
            "decision list demo --kind refused,audited --reason at_budget --pool cpu --task t1 --since 2026-11-28T12:00:00Z --last 5", "why task t1",
            "spend demo --since 2026-11-28T12:00:00Z --until 2026-11-28T13:00:00Z --by pool,user --step 1h", "log-level set planner dev.muster DEBUG --for 10m",
            "history demo --series hour --label pool=cpu --since 2026-11-28T12:00:00Z");
    private static final String LAST = "DeleteFleet";

    @TempDir
    static Path folder;

    @BeforeAll
    static void writeThisVersions() throws IOException {
        if (!GoldenFiles.isToWrite()) {
            return;
        }
        var file = Files.writeString(folder.resolve("fleet.yaml"), ApiCommandsTest.FLEET).toString();
        var lines = new StringBuilder();
        for (var one : ApiCommandsTest.commands().entrySet()) {
            if (!one.getKey().equals(LAST)) {
                sent(one.getValue(), List.of(one.getKey()), file).forEach(lines::append);
            }
        }
        for (var command : MORE) {
            sent(command, ApiCommandsTest.commands().keySet(), file).forEach(lines::append);
        }
        // What the others are about is then gone.
        sent(ApiCommandsTest.commands().get(LAST), List.of(LAST), file).forEach(lines::append);
        FILES.write(SENT, lines.toString());
    }

    /** @param refused the calls that are kept; with the first of them the command ends */
    private static List<String> sent(String command, Collection<String> refused, String file) throws IOException {
        try (var control = new FakeControl()) {
            refused.forEach(call -> control.answer(call, request -> {
                throw Status.PERMISSION_DENIED.withDescription("only the question counts").asRuntimeException();
            }));
            var words = new ArrayList<>(List.of(command.replace("FILE", file).split(" ")));
            words.addAll(List.of("--server", control.address()));
            Ran.until(() -> false, words.toArray(String[]::new));
            var lines = new ArrayList<String>();
            for (var call : ApiCommandsTest.calls()) {
                control.asked(call.getName()).forEach(asked -> lines.add(line(command, call, asked)));
            }
            assertThat(lines).as(command).isNotEmpty();
            return lines;
        }
    }

    private static String line(String command, MethodDescriptor call, Message asked) {
        return command + "\t" + call.getService().getFullName() + "/" + call.getName() + "\t" + Base64.getEncoder().encodeToString(asked.toByteArray()) + "\n";
    }

    @Test
    void thisVersionHasOneOfEachCall() {
        assertThat(FILES.text(GoldenFiles.version(), SENT).lines().map(line -> line.split("\t")[1]).map(call -> call.substring(call.indexOf('/') + 1)).collect(Collectors.toSet()))
                .as("-Dgolden.write=" + GoldenFiles.version() + " writes them").isEqualTo(ApiCommandsTest.commands().keySet());
    }
}
