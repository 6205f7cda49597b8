package dev.muster.provisioner.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Findings.State;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every cloud's doctor must do: each fault of its stand-in makes exactly its check fail, and its page lists the checks. A doctor's
 * test extends this and says what the faults are.
 *
 * @param <A> what a doctor is asked; a fault may change it
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class DoctorContract<A> {

    protected abstract Check[] checks();

    protected abstract Path page();

    /** About a fleet with which all is in order. */
    protected abstract A asked();

    protected abstract JsonNode answer(A asked) throws IOException;

    protected abstract Stream<Fault<A>> faults();

    /** @param seen what is said of it */
    protected record Fault<A>(String name, Consumer<A> made, Check check, State state, String seen) {
        @Override
        public String toString() {
            return name;
        }
    }

    protected final Fault<A> fails(String name, Check check, String seen, Consumer<A> made) {
        return new Fault<>(name, made, check, State.FAILED, seen);
    }

    protected final Fault<A> warns(String name, Check check, String seen, Consumer<A> made) {
        return new Fault<>(name, made, check, State.WARNING, seen);
    }

    protected record Said(String check, String of, String state, String seen, String fix) {}

    protected final List<Said> examine(A asked) throws IOException {
        var said = new ArrayList<Said>();
        for (var scope : answer(asked).path("accounts")) {
            for (var check : scope.path("checks")) {
                said.add(new Said(check.path("check").asText(), check.path("of").asText(), check.path("state").asText(), check.path("seen").asText(), check.path("fix").asText()));
            }
        }
        return said;
    }

    protected static TreeSet<String> inState(List<Said> said, State... states) {
        var words = Arrays.stream(states).map(state -> state.name().toLowerCase()).toList();
        return said.stream().filter(one -> words.contains(one.state())).map(Said::check).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void isContentWhereAllIsInOrder() throws IOException {
        var said = examine(asked());
        assertThat(said).allSatisfy(one -> {
            assertThat(one.state()).as(one.toString()).isEqualTo("ok");
            assertThat(one.seen()).isNotEmpty();
            assertThat(one.fix()).isEmpty();
        });
        assertThat(said).extracting(Said::check).as("every check was made").contains(Arrays.stream(checks()).map(Check::word).toArray(String[]::new));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void eachFaultIsExactlyItsChecks(Fault<A> fault) throws IOException {
        var asked = asked();
        fault.made.accept(asked);
        var said = examine(asked);
        assertThat(inState(said, State.FAILED, State.WARNING)).as(said.toString()).containsExactly(fault.check.word());
        assertThat(inState(said, fault.state)).containsExactly(fault.check.word());
        assertThat(said).filteredOn(one -> one.check().equals(fault.check.word()) && one.state().equals(fault.state.name().toLowerCase())).allSatisfy(one ->
                assertThat(one.fix()).isNotEmpty()).anySatisfy(one -> assertThat(one.of() + " " + one.seen()).contains(fault.seen));
        assertThat(said).filteredOn(one -> one.state().equals("skipped")).allSatisfy(one -> assertThat(one.seen()).contains(" before "));
    }

    @Test
    void everyCheckHasAFault() {
        assertThat(faults().map(Fault::check)).contains(checks());
    }

    @Test
    void thePageListsTheChecks() throws IOException {
        var table = new StringBuilder("| check | what must be so | permissions that looking needs |\n| --- | --- | --- |\n");
        for (var check : checks()) {
            // What isn't one permission is words.
            table.append("| `").append(check.word()).append("` | ").append(check.asks()).append(" | ")
                    .append(check.permissions().stream().map(one -> one.contains(" ") ? one : "`" + one + "`").collect(Collectors.joining(", "))).append(" |\n");
        }
        var page = Files.readString(page());
        var from = page.indexOf("| check |");
        var until = page.indexOf("\n\n", from) + 1;
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(page(), page.substring(0, from) + table + page.substring(until));
        } else {
            assertThat(page.substring(from, until)).as("-Ddocs.write=true writes it").isEqualTo(table.toString());
        }
    }

    protected static int freePort() {
        try (var nobody = new ServerSocket(0)) {
            return nobody.getLocalPort();
        } catch (IOException none) {
            throw new UncheckedIOException(none);
        }
    }

    /** Nothing makes this shorter. */
    protected static String noise(int length) {
        return new Random(7).ints(length, '!', '~').filter(c -> c != '"' && c != '\\').collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }
}
