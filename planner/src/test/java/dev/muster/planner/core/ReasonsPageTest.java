package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Every form of every reason has a sentence, and the table of docs/planning.md is made of them. */
class ReasonsPageTest {

    private static final Path PAGE = Path.of("../docs/planning.md");
    private static final String BEGIN = "<!-- reasons: made by ReasonsPageTest, which writes them with -Ddocs.write=true -->\n";
    private static final String END = "<!-- end of reasons -->\n";
    private static final Instant T = Instant.parse("2026-11-23T12:00:00Z");
    private static final Map<String, String> WORDS = Map.ofEntries(
            Map.entry("offer", "g4dn.xlarge us-east-1a spot"), Map.entry("replaced", "mk3v9x2aq-12"), Map.entry("ending", "BY_CLOUD"),
            Map.entry("listed", "aws/main/us-east-1"), Map.entry("cloudId", "i-0abc"), Map.entry("known", "mk3v9x2aq-3"),
            Map.entry("knownCloudId", "i-0def"), Map.entry("phase", "GONE"), Map.entry("status", "IN_PROGRESS"), Map.entry("work", "mk3v9x2aq-17/t1, mk3v9x2aq-17/t2"),
            Map.entry("failure", "connection refused"), Map.entry("detail", "no disk"), Map.entry("cluster", "q1Sh9kTz"), Map.entry("pool", "gpu"),
            Map.entry("queue", "train"), Map.entry("state", "paused"), Map.entry("fleet", "old"), Map.entry("ignored", "-1"),
            Map.entry("worker", "dynamic_worker:gpu:g4dn.xlarge:i-0abc"), Map.entry("type", "g4dn.xlarge"), Map.entry("task", "t1"), Map.entry("first", "ml:gpu:g4dn.xlarge:i-0abc"), Map.entry("second", "ml:gpu:g4dn.xlarge:i-0def"));

    @Test
    void everyFormHasASentenceOfItsOwnWithAllItsValues() {
        for (var reason : Reason.values()) {
            assertThat(reason.forms()).as(reason.name()).isNotEmpty();
            for (var form : reason.forms()) {
                var numbers = numbers(form);
                var words = words(form);
                reason.check(form.use(), numbers, words);
                var text = text(reason, form);
                // Where no sentence is known, the values show in braces; a value that was not found as a question mark.
                assertThat(text).as(reason + " " + form.how()).isNotBlank().doesNotContain("{").doesNotContain("?");
                if (form.use() != Form.Use.DECISION) {
                    assertThat(Wording.unblockedBy(refused(reason, form, numbers, words))).as(reason + " " + form.how()).isNotBlank();
                }
            }
            assertThat(reason.forms().stream().map(form -> form.use() + form.how())).as(reason.name()).doesNotHaveDuplicates();
        }
    }

    @Test
    void aValueThatIsMissingOrOneTooManyIsAnError() {
        for (var reason : Reason.values()) {
            for (var form : reason.forms()) {
                for (var parameter : form.parameters()) {
                    if (!parameter.isOptional()) {
                        var numbers = numbers(form);
                        var words = words(form);
                        numbers.remove(parameter.name());
                        words.remove(parameter.name());
                        assertThatThrownBy(() -> reason.check(form.use(), numbers, words)).isInstanceOf(IllegalStateException.class)
                                .hasMessageContaining("missing [" + parameter.name() + "]");
                    }
                }
                var more = numbers(form);
                more.put("nonsense", 1L);
                assertThatThrownBy(() -> reason.check(form.use(), more, words(form))).hasMessageContaining("superfluous [nonsense]");
                var other = words(form);
                other.put("how", "never");
                assertThatThrownBy(() -> reason.check(form.use(), numbers(form), other)).hasMessageContaining("how='never'");
            }
        }
    }

    @Test
    void aRefusalSaysAllItsConstraintsAndThatItIsOver() {
        var full = new Constraint("StayWithinLimits", Reason.AT_POOL_LIMIT, new TreeMap<>(Map.of("limit", 2L)), new TreeMap<>(Map.of("pool", "gpu")));
        var held = List.of(held("a", T.plusSeconds(60)), held("b", T));
        var why = List.of(full, held.get(0), held.get(1));
        var refused = new PlanRecord.Refused("", "StayWithinLimits", Reason.AT_POOL_LIMIT, "", "train", "", 1, T, T, new TreeMap<>(Map.of("uncovered", 1L)),
                new TreeMap<>(), why);
        var text = "1 waits in train with no machine to come; gpu is at its limit of 2 machines; a is out of capacity until 2026-11-23T12:01:00Z; "
                + "b is out of capacity until 2026-11-23T12:00:00Z";
        assertThat(refused.text()).isEqualTo(text);
        assertThat(refused.unblockedBy()).isEqualTo("a machine of the pool going, or a higher max; or a probe (at 2026-11-23T12:00:00Z)");
        var over = new PlanRecord.Refused("", "StayWithinLimits", null, "", "train", "", 0, T, T, refused.numbers(),
                new TreeMap<>(Map.of(Wording.WAS, "AT_POOL_LIMIT")), why);
        assertThat(over.text()).isEqualTo("no longer: " + text);
        assertThat(over.unblockedBy()).isEmpty();
    }

    @Test
    void pageHasThemAll() throws IOException {
        var page = Files.readString(PAGE);
        int begin = page.indexOf(BEGIN) + BEGIN.length();
        int end = page.indexOf(END);
        assertThat(end).as("the marks of the table in " + PAGE).isGreaterThanOrEqualTo(begin);
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, page.substring(0, begin) + table() + page.substring(end));
        } else {
            assertThat(page.substring(begin, end)).as("run this test with -Ddocs.write=true").isEqualTo(table());
        }
    }

    private static Constraint held(String offer, Instant until) {
        return new Constraint("AvoidExhaustedOffers", Reason.OFFERS_EXHAUSTED, new TreeMap<>(Map.of("until", until.toEpochMilli())),
                new TreeMap<>(Map.of("how", "held", "offer", offer)));
    }

    private static String table() {
        var table = new StringBuilder();
        for (var kind : Parameter.Kind.values()) {
            table.append("- ").append(word(kind)).append(": ").append(kind.meaning()).append('\n');
        }
        table.append("\n| reason | record | how | values | for example |\n| --- | --- | --- | --- | --- |\n");
        for (var reason : Reason.values()) {
            for (var form : reason.forms()) {
                table.append("| ").append(reason).append(" | ").append(form.use().name().toLowerCase(Locale.ROOT)).append(" | ").append(form.how()).append(" | ")
                        .append(form.parameters().stream().map(each -> each.name() + (each.isOptional() ? "?" : "") + " (" + word(each.kind()) + ")")
                                .collect(Collectors.joining(", ")))
                        .append(" | ").append(text(reason, form)).append(" |\n");
            }
        }
        return table.toString();
    }

    private static String word(Parameter.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static String text(Reason reason, Form form) {
        return form.use() == Form.Use.DECISION
                ? new PlanRecord.Decided("", "", reason, "gpu", "train", List.of("mk3v9x2aq-17"), List.of("t1"), numbers(form), words(form), List.of(), List.of(), List.of()).text()
                : refused(reason, form, numbers(form), words(form)).text();
    }

    private static PlanRecord.Refused refused(Reason reason, Form form, TreeMap<String, Long> numbers, TreeMap<String, String> words) {
        return new PlanRecord.Refused("", "", reason, "", form.use() == Form.Use.WARNING ? "" : "train", "", 1, T, T, numbers, words, List.of());
    }

    private static TreeMap<String, Long> numbers(Form form) {
        var numbers = new TreeMap<String, Long>();
        long next = 2;
        for (var parameter : form.parameters()) {
            if (parameter.kind().isNumber()) {
                numbers.put(parameter.name(), switch (parameter.kind()) {
                    case MICROS, MICROS_PER_HOUR -> next * 1_250_000;
                    case SECONDS -> next * 300;
                    case INSTANT -> T.plusSeconds(next * 60).toEpochMilli();
                    default -> next;
                });
                next++;
            }
        }
        return numbers;
    }

    private static TreeMap<String, String> words(Form form) {
        var words = new TreeMap<String, String>();
        if (!form.how().isEmpty()) {
            words.put("how", form.how());
        }
        for (var parameter : form.parameters()) {
            if (!parameter.kind().isNumber()) {
                words.put(parameter.name(), switch (parameter.kind()) {
                    case SCOPE -> "pool/gpu";
                    case PERIOD -> "day";
                    default -> WORDS.get(parameter.name());
                });
            }
        }
        return words;
    }
}
