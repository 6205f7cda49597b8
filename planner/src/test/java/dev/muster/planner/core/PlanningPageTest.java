package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Keeps docs/planning.md true. */
class PlanningPageTest {

    private static final Path PAGE = Path.of("../docs/planning.md");

    @Test
    void listsTheRulesInTheirOrder() throws IOException {
        var planner = Files.readString(Path.of("src/main/java/dev/muster/planner/core/Planner.java"));
        var rules = names("new (\\w+)\\(", planner).stream().filter(name -> !List.of("Launches", "Planning").contains(name)).toList();
        var launchRules = rules.subList(0, 9);
        var table = names("(?m)^\\| ([A-Z]\\w+) \\|", Files.readString(PAGE)).stream().filter(rules::contains).toList();

        assertThat(table.subList(table.size() - 9, table.size())).containsExactlyElementsOf(launchRules);
        assertThat(table.subList(0, table.size() - 9)).containsExactlyElementsOf(rules.subList(9, rules.size()));
    }

    @Test
    void showsWhereEachPhaseCanGo() throws IOException {
        var page = Files.readString(PAGE);
        for (var from : Phase.values()) {
            var next = Arrays.stream(Phase.values()).filter(to -> to != from && from.canBecome(to)).map(Enum::name).sorted()
                    .collect(Collectors.joining(", "));
            var row = names("(?m)^\\| " + from + " \\| ([A-Z, ]+) \\|", page);
            assertThat(row).as(from.name()).singleElement()
                    .satisfies(shown -> assertThat(Arrays.stream(shown.split(", ")).sorted().collect(Collectors.joining(", "))).isEqualTo(next));
        }
    }

    @Test
    void namesEveryRememberedFailure() throws IOException {
        var page = Files.readString(PAGE);
        assertThat(List.of(FailureKind.OUT_OF_CAPACITY, FailureKind.QUOTA_EXCEEDED, FailureKind.UNAUTHORIZED, FailureKind.INVALID_SPEC,
                FailureKind.EXPIRED)).allSatisfy(kind -> assertThat(page).contains("| " + kind + " |"));
    }

    private static List<String> names(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map(match -> match.group(1)).toList();
    }
}
