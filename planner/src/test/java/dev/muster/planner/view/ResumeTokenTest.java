package dev.muster.planner.view;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ResumeTokenTest {

    private static final Instant AT = Instant.parse("2026-03-01T12:00:00Z");
    private static final ResumeToken TOKEN = new ResumeToken(AT, new TreeMap<>(Map.of(0, 17L, 1, 0L, 31, 9_000_000_000L)));

    @Test
    void saysWhatItWasMadeOf() {
        assertThat(ResumeToken.parse("lab decisions", TOKEN.text("lab decisions"))).contains(TOKEN);
    }

    @Test
    void isOneOfItsTopicOnly() {
        assertThat(ResumeToken.parse("lab machines", TOKEN.text("lab decisions"))).isEmpty();
    }

    @Test
    void anyOtherTextIsNone() {
        var random = new Random(1);
        var text = TOKEN.text("lab decisions");
        for (int i = 0; i < 2_000; i++) {
            var changed = new StringBuilder(text);
            for (int edits = random.nextInt(3); edits >= 0; edits--) {
                changed.setCharAt(random.nextInt(changed.length()), (char) (32 + random.nextInt(95)));
            }
            // Never throws; what is still a token has partitions and offsets that can be.
            ResumeToken.parse("lab decisions", changed.substring(0, 1 + random.nextInt(changed.length()))).ifPresent(token ->
                    assertThat(token.next().values()).allSatisfy(offset -> assertThat(offset).isNotNegative()));
        }
        assertThat(ResumeToken.parse("lab decisions", "")).isEmpty();
        assertThat(ResumeToken.parse("lab decisions", "§")).isEmpty();
    }

    @Test
    void aWatchOfMachinesGoesOnOnlyWhereChangesAreEnough() {
        var now = AT.plusSeconds(60);
        var text = TOKEN.text("lab machines");
        assertThat(MachineWatch.resumed(text, "lab machines", TOKEN.next(), now)).isEqualTo(TOKEN.next());
        assertThat(MachineWatch.resumed(text, "lab machines", new TreeMap<>(Map.of(0, 18L, 1, 4L, 31, 9_000_000_001L)), now)).isEqualTo(TOKEN.next());
        assertThat(MachineWatch.resumed(text, "lab machines", TOKEN.next(), AT.plus(MachineWatch.RESUMED_WITHIN))).as("too old").isNull();
        assertThat(MachineWatch.resumed(text, "lab machines", new TreeMap<>(Map.of(0, 17L, 1, 0L)), now)).as("other partitions").isNull();
        assertThat(MachineWatch.resumed(text, "lab machines", new TreeMap<>(Map.of(0, 16L, 1, 0L, 31, 9_000_000_000L)), now)).as("ahead of this replica").isNull();
        assertThat(MachineWatch.resumed("", "lab machines", TOKEN.next(), now)).as("none").isNull();
    }
}
