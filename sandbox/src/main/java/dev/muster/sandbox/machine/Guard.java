package dev.muster.sandbox.machine;

import dev.muster.sandbox.machine.MachineMetadata.Page;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/** Reads the machine's mark and the cloud's interruption notice from the metadata service and tells the gate. */
final class Guard {

    private static final Duration LOOK = Duration.ofSeconds(1);
    /** However fast the machines live: what a mark starts takes the services, on the real clock, longer than this. */
    private static final Duration LOOK_FLOOR = Duration.ofMillis(100);
    /** Agents are killed this long before the machine ends, so that the system's own signals find none that could report. */
    private static final Duration BEFORE_THE_END = Duration.ofSeconds(20);

    private final SimulatedMachine machine;
    private final MachineMetadata metadata;
    private final Pace pace;
    private boolean noticed;
    private long looks;
    private String unreadable = "";
    private boolean unreachable;

    Guard(SimulatedMachine machine, MachineMetadata metadata, Pace pace) {
        this.machine = machine;
        this.metadata = metadata;
        this.pace = pace;
    }

    void start() {
        if (!machine.powered()) {
            return;
        }
        metadata.mark().compose(mark -> {
            heed(mark);
            boolean look = looks++ % metadata.noticeEvery() == 0;
            return noticed || !look ? Future.succeededFuture(Page.LOST) : metadata.notice();
        }).onComplete(notice -> {
            if (notice.succeeded() && notice.result().status() == 200 && !noticed) {
                heedNotice(notice.result().body());
            }
            var wait = pace.between(LOOK);
            machine.afterReal(pace.scaled() && wait.compareTo(LOOK_FLOOR) < 0 ? LOOK_FLOOR : wait, this::start);
        });
    }

    private void heed(Page page) {
        if (page.status() == 200) {
            unreachable = false;
            int colon = page.body().indexOf(':');
            var mark = switch (colon < 0 ? "" : page.body().substring(0, colon).trim()) {
                case "none" -> Optional.of(Gate.Mark.NONE);
                case "drain" -> Optional.of(Gate.Mark.DRAIN);
                case "drain-now" -> Optional.of(Gate.Mark.DRAIN_NOW);
                case "released" -> Optional.of(Gate.Mark.RELEASED);
                default -> Optional.<Gate.Mark>empty();
            };
            try {
                if (mark.isPresent()) {
                    machine.tell(Gate.Event.markSeen(mark.get(), Long.parseLong(page.body().substring(colon + 1).trim())));
                    return;
                }
            } catch (NumberFormatException notAnOrdinal) {
                // Said below.
            }
            if (!page.body().equals(unreadable)) {
                unreadable = page.body();
                machine.console("guard: the mark \"" + page.body() + "\" can't be read and changes nothing; it is kind:ordinal");
            }
        } else if (page.status() == 404) {
            unreachable = false;
        } else if (!unreachable) {
            unreachable = true;
            machine.console("guard: the mark can't be read (" + (page.status() == 0 ? "no answer" : page.status()) + "), looks again");
        }
    }

    private void heedNotice(String body) {
        Instant end;
        try {
            end = metadata.end(body);
        } catch (DateTimeParseException unreadableNotice) {
            machine.console("guard: an interruption notice can't be read, closes the gate at once");
            noticed = true;
            machine.tell(Gate.Event.noticeSeen());
            return;
        }
        noticed = true;
        machine.console("guard: interruption at " + end);
        machine.tell(Gate.Event.noticeSeen());
        var left = Duration.between(Instant.now(), end).minus(pace.length(BEFORE_THE_END));
        machine.afterReal(left.isNegative() ? Duration.ZERO : left, () -> machine.tell(Gate.Event.noticeDue()));
    }
}
