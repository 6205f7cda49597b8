package dev.muster.cli;

import com.google.protobuf.Timestamp;
import dev.muster.v1.MachineEvent;
import dev.muster.v1.MachineLife;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.TaskRun;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One machine for people: what it is, and what became of it. */
final class MachineLifeLines {

    private MachineLifeLines() {}

    static List<String> of(MachineRecord machine) {
        var rows = new ArrayList<List<String>>();
        var offer = machine.getOffer();
        add(rows, "fleet", machine.getFleet() + (machine.getPool().isEmpty() ? "" : ", pool " + machine.getPool()));
        add(rows, "launched for queue", machine.getQueue());
        add(rows, "type", Stream.of(offer.getMachineType(), FleetCommand.word(offer.getMarket()).startsWith("market") ? "" : FleetCommand.word(offer.getMarket()),
                offer.getZone().isEmpty() ? offer.getRegion() : offer.getZone(), offer.getProvider() + "/" + offer.getAccount()).filter(text -> !text.isEmpty() && !text.equals("/"))
                .collect(Collectors.joining(", ")));
        add(rows, "cloud id", machine.getCloudId());
        add(rows, "cost", machine.hasCommittedMicrosPerHour() ? Money.perHour(machine.getCommittedMicrosPerHour(), "") : "unknown");
        add(rows, "tasks", String.join(", ", machine.getTasksList()));
        add(rows, "made for task", machine.getTask());
        add(rows, "workers", String.join(", ", machine.getWorkerIdsList()));
        add(rows, "stands in for", machine.getReplaces());
        add(rows, "protected", machine.getProtected() ? "neither idleness nor age lets it go" : "");
        add(rows, "its cloud says", Stream.of(machine.getReason(), machine.getMessage()).filter(text -> !text.isEmpty()).collect(Collectors.joining(": ")));
        add(rows, "why it goes", Stream.of(machine.getCause(), machine.getCauseDetail()).filter(text -> !text.isEmpty()).collect(Collectors.joining(": ")));
        add(rows, "requested", machine.hasRequestedAt(), machine.getRequestedAt());
        add(rows, "accepted", machine.hasAcceptedAt(), machine.getAcceptedAt());
        add(rows, "running", machine.hasBootedAt(), machine.getBootedAt());
        add(rows, "ready", machine.hasReadyAt(), machine.getReadyAt());
        add(rows, "idle since", machine.hasIdleSince(), machine.getIdleSince());
        add(rows, "marked", machine.hasMarkedAt(), machine.getMarkedAt());
        add(rows, "ended", machine.hasEndedAt(), machine.getEndedAt());
        return Stream.concat(Stream.of("machine " + machine.getMachineId() + " is " + MachineCommand.phase(machine)), columns(rows)).toList();
    }

    static List<String> of(MachineLife life) {
        var lines = new ArrayList<>(of(life.getMachine()));
        lines.add("");
        if (!life.getComplete()) {
            lines.add("(decisions that are older than what can be read are missing)");
        }
        life.getEventsList().forEach(event -> lines.add(Times.second(event.getAt()) + "  " + text(event)));
        if (life.getTasksCount() > 0) {
            lines.add("");
            lines.addAll(Output.format(List.of("TASK", "QUEUE", "PROJECT", "USER", "STARTED", "TOOK", "STATE", "COST"), life.getTasksList().stream().map(MachineLifeLines::row).toList()));
        }
        return lines;
    }

    private static String text(MachineEvent event) {
        var phase = event.getPhase() == Phase.PHASE_UNSPECIFIED ? "" : FleetCommand.word(event.getPhase());
        return Stream.of(phase, event.getText()).filter(text -> !text.isEmpty()).collect(Collectors.joining(": "));
    }

    private static List<String> row(TaskRun task) {
        return List.of(task.getTask(), task.getQueue(), task.getProject(), task.getUser(), task.hasStarted() ? Times.local(task.getStarted()) : "-",
                task.hasStarted() && task.hasEnded() ? Times.span(Duration.between(Times.instant(task.getStarted()), Times.instant(task.getEnded()))) : "-",
                task.getStatus().getNumber() == 0 ? "-" : FleetCommand.word(task.getStatus()),
                task.hasSpentMicros() ? Money.amount(BigDecimal.valueOf(task.getSpentMicros(), 6), "") : "-");
    }

    private static void add(List<List<String>> rows, String what, String value) {
        if (!value.isEmpty()) {
            rows.add(List.of("  " + what, value));
        }
    }

    private static void add(List<List<String>> rows, String what, boolean isThere, Timestamp at) {
        if (isThere) {
            add(rows, what, Times.second(at));
        }
    }

    /** Without a head. */
    private static Stream<String> columns(List<List<String>> rows) {
        return Output.format(List.of("", ""), rows).stream().skip(1);
    }
}
