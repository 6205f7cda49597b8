package dev.muster.planner.notify;

import static dev.muster.planner.notify.Decisions.decision;
import static dev.muster.planner.notify.Decisions.hook;
import static dev.muster.planner.notify.Decisions.known;
import static dev.muster.planner.notify.Decisions.unknown;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.FleetYaml;
import dev.muster.planner.notify.Positions.Position;
import dev.muster.v1.NotificationKind;
import dev.muster.v1.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Keeps docs/notifications.md true: its spec is read, and its messages are made. */
class NotificationsPageTest {

    private static final Path PAGE = Path.of("../docs/notifications.md");

    private static List<String> blocks(String language) throws Exception {
        return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(PAGE)).results().map(match -> match.group(1)).toList();
    }

    @Test
    void itsSpecNamesTwoWebhooks() throws Exception {
        var spec = FleetYaml.read(blocks("yaml").get(0));
        assertThat(spec.getNotificationsList()).containsExactly(hook("ops-channel"), hook("finance-channel", NotificationKind.BUDGET));
    }

    @Test
    void itsMessagesAreAsTheyAreSent() throws Exception {
        var t = Instant.parse("2026-11-23T12:00:00Z");
        var book = new NoticeBook("lab", new Positions(new Position(0, t), Map.of()), fleet -> List.of(hook("ops-channel")));
        var said = new ArrayList<Notice>();
        for (int i = 1; i <= 3; i++) {
            said.addAll(book.on(i, decision("train", t, Reason.BOOT_FAILED, "gpu", List.of("mk3v9x2aq-" + i), List.of(),
                    "mk3v9x2aq-" + i + ": no worker registered within 600 s; drain it")));
        }
        said.addAll(book.tick(t.plusSeconds(60)));
        said.addAll(book.on(4, unknown("train", t, t, Reason.FACTS_STALE)));
        said.addAll(book.on(5, known("train", t.plus(Duration.ofMinutes(21)))));
        said.addAll(book.tick(t.plus(Duration.ofMinutes(23))));
        var sent = said.stream().map(notice -> Webhooks.json(notice.text())).toList();
        assertThat(sent).containsAll(blocks("json").stream().map(String::strip).toList());
    }

    @Test
    void itsNumbersAreThoseInForce() throws Exception {
        assertThat(Courier.Pace.USUAL).isEqualTo(new Courier.Pace(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofMinutes(5), Duration.ofHours(1)));
        assertThat(List.of(NoticeBook.UNKNOWN_FOR, NoticeBook.OVER_FOR, NoticeBook.REMINDER, NoticeBook.TOGETHER, NoticeBook.TOGETHER_NEXT)).containsExactly(
                Duration.ofMinutes(5), Duration.ofMinutes(2), Duration.ofHours(24), Duration.ofMinutes(1), Duration.ofMinutes(10));
    }
}
