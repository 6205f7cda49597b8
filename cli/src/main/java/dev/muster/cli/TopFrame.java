package dev.muster.cli;

import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetState;
import dev.muster.v1.BudgetView;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.FleetView;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.QueueView;
import dev.muster.v1.Refusal;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One picture of {@code muster top}: what is now, fitted into a screen. What is shown of each part shrinks before any part is left out.
 *
 * @param selected fleet whose queues, machines and decisions are shown; empty: all
 * @param problem why this may be old; empty: it is not
 */
record TopFrame(Instant now, String server, List<FleetView> fleets, List<BudgetView> budgets, List<QueueView> queues, List<MachineRecord> machines, List<DecisionEvent> decisions,
        String selected, String problem) {

    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneId.systemDefault());
    /** Lines that a part keeps on the smallest screen: with five titles, the head and the keys they are 24. */
    private static final List<Integer> LEAST = List.of(3, 2, 4, 5, 3);
    /** Who gets what is left: machines first, then decisions, queues, budgets, fleets. */
    private static final List<Integer> BY_NEED = List.of(3, 4, 2, 1, 0);
    private static final int BAR = 10;

    /** How a line looks on a terminal. */
    enum Look { PLAIN, TITLE, CHOSEN, WARNING }

    record Line(String text, Look look) {}

    /** A title, and lines of which the first ones are shown. */
    private record Part(String title, List<Line> lines) {}

    /** As many lines as the screen has rows at most, none wider than it. */
    List<Line> lines(Terminal.Size size) {
        var parts = List.of(fleetPart(), budgetPart(), queuePart(), machinePart(), decisionPart());
        var shown = shares(parts, size.rows() - 2);
        var lines = new ArrayList<Line>();
        var head = "muster top  " + server + (selected.isEmpty() ? "" : "  fleet " + selected);
        lines.add(new Line(head + " ".repeat(Math.max(2, size.columns() - 8 - head.length())) + CLOCK.format(now), Look.TITLE));
        for (var i = 0; i < parts.size(); i++) {
            var part = parts.get(i);
            if (part.lines().isEmpty() || shown[i] == 0) {
                continue;
            }
            lines.add(new Line(part.title(), Look.TITLE));
            if (part.lines().size() <= shown[i]) {
                lines.addAll(part.lines());
            } else {
                lines.addAll(part.lines().subList(0, shown[i] - 1));
                lines.add(new Line("  … and " + (part.lines().size() - shown[i] + 1) + " more", Look.PLAIN));
            }
        }
        lines.add(problem.isEmpty() ? new Line("q quit   up, down or 1-9 choose a fleet   a all fleets", Look.PLAIN) : new Line(problem, Look.WARNING));
        return lines.stream().limit(size.rows()).map(line -> new Line(WatchOption.cut(line.text(), size.columns()).stripTrailing(), line.look())).toList();
    }

    /** How many lines each part gets. */
    private static int[] shares(List<Part> parts, int rows) {
        var shown = new int[parts.size()];
        var left = rows;
        for (var i = 0; i < parts.size(); i++) {
            if (!parts.get(i).lines().isEmpty()) {
                shown[i] = Math.min(LEAST.get(i), parts.get(i).lines().size());
                left -= shown[i] + 1;
            }
        }
        // A screen smaller than that loses budgets first, then fleets, then queues.
        for (var i : List.of(1, 0, 2)) {
            if (left < 0 && shown[i] > 0) {
                left += shown[i] + 1;
                shown[i] = 0;
            }
        }
        for (var i : BY_NEED) {
            var more = Math.max(0, Math.min(left, parts.get(i).lines().size() - shown[i]));
            if (shown[i] > 0) {
                shown[i] += more;
                left -= more;
            }
        }
        return shown;
    }

    private boolean isShown(String fleet) {
        return selected.isEmpty() || selected.equals(fleet);
    }

    private Part fleetPart() {
        var rows = new ArrayList<List<String>>();
        for (var i = 0; i < fleets.size(); i++) {
            var fleet = fleets.get(i);
            var record = fleet.getRecord();
            rows.add(List.of((record.getFleet().equals(selected) ? ">" : " ") + (i < 9 ? " " + (i + 1) : "  "), record.getFleet(), FleetCommand.word(record.getState()), Integer.toString(fleet.getWaiting()),
                    Integer.toString(fleet.getBusy()), Integer.toString(fleet.getIdle()), FleetCommand.cost(fleet.getMicrosPerHour(), fleet.getUnpriced(), record.getSpec().getCurrency()),
                    FleetCommand.byPhase(fleet.getMachinesMap())));
        }
        var table = Output.format(List.of("", "FLEET", "STATE", "WAITING", "BUSY", "IDLE", "RATE", "MACHINES"), rows);
        return fleets.isEmpty() ? new Part("FLEETS", List.of(new Line("  no fleets yet: ./muster fleet apply -f FILE", Look.PLAIN)))
                : new Part(table.get(0), IntStream.range(0, fleets.size()).mapToObj(i -> new Line(table.get(i + 1), fleets.get(i).getRecord().getFleet().equals(selected) ? Look.CHOSEN : Look.PLAIN)).toList());
    }

    private Part budgetPart() {
        var of = budgets.stream().filter(budget -> isShown(budget.getFleet())).toList();
        var table = Output.format(List.of("    BUDGET", "", "SPENT", "OF", "RESERVED", "EXPECTED", "STATE"), of.stream().map(TopFrame::row).toList());
        return new Part(table.get(0), IntStream.range(0, of.size()).mapToObj(i -> new Line(table.get(i + 1), of.get(i).getState() == BudgetState.WITHIN ? Look.PLAIN : Look.WARNING)).toList());
    }

    private static List<String> row(BudgetView budget) {
        var limit = budget.getBudget().hasHardMicros() ? budget.getBudget().getHardMicros() : budget.getBudget().getSoftMicros();
        var isRate = budget.getBudget().getPeriod() == BudgetPeriod.PER_HOUR;
        return List.of("    " + budget.getFleet() + (!budget.getPool().isEmpty() ? "/" + budget.getPool() : !budget.getQueue().isEmpty() ? " queue " + budget.getQueue() : "") + " " + BudgetCommand.period(budget), bar(budget.getSpentMicros(), limit),
                BudgetCommand.amount(budget.getSpentMicros(), budget), BudgetCommand.amount(limit, budget), isRate ? "-" : BudgetCommand.amount(budget.getReservedMicros(), budget),
                isRate ? "-" : BudgetCommand.amount(budget.getForecastMicros(), budget), FleetCommand.word(budget.getState()));
    }

    /** How much of a limit is used. */
    static String bar(long used, long limit) {
        var filled = limit <= 0 ? BAR : (int) Math.max(0, Math.min(BAR, Math.ceil((double) used * BAR / limit)));
        return "[" + "#".repeat(filled) + "-".repeat(BAR - filled) + "]";
    }

    private Part queuePart() {
        var of = queues.stream().filter(queue -> isShown(queue.getFleet())).sorted(Comparator.comparing((QueueView queue) -> queue.getWaiting() == 0)).toList();
        var table = Output.format(List.of("    QUEUE", "WAITING", "OLDEST", "OURS", "OTHERS", "WHY"), of.stream().map(queue -> List.of(
                "    " + (selected.isEmpty() && fleets.size() > 1 ? queue.getFleet() + "/" : "") + queue.getName(), Integer.toString(queue.getWaiting()), queue.hasOldestWait() ? Times.span(queue.getOldestWait()) : "-",
                Integer.toString(queue.getOurWorkers()), Integer.toString(queue.getOtherWorkers()), why(queue))).toList());
        return new Part(table.get(0), IntStream.range(0, of.size()).mapToObj(i -> new Line(table.get(i + 1), of.get(i).getProblem().isEmpty() ? Look.PLAIN : Look.WARNING)).toList());
    }

    /** What keeps it from being served, or its tasks from machines. */
    private String why(QueueView queue) {
        return !queue.getProblem().isEmpty() ? queue.getProblem() : fleets.stream().filter(fleet -> fleet.getRecord().getFleet().equals(queue.getFleet()))
                .flatMap(fleet -> fleet.getRefusalsList().stream()).filter(refusal -> refusal.getQueue().equals(queue.getName())).map(Refusal::getText).findFirst().orElse("");
    }

    private Part machinePart() {
        var of = machines.stream().filter(MachineRecord::getCounted).filter(machine -> isShown(machine.getFleet()))
                .sorted(Comparator.comparingInt(TopFrame::rank).thenComparing(machine -> Times.instant(machine.getIdleSince())).thenComparing(MachineRecord::getMachineId)).toList();
        var table = Output.format(List.of("    MACHINE", "POOL", "NOW", "", "TYPE", "ZONE", "COST"), of.stream().map(machine -> List.of("    " + machine.getMachineId(), machine.getPool(),
                MachineCommand.phase(machine), next(machine), machine.getOffer().getMachineType(), machine.getOffer().getZone(),
                machine.hasCommittedMicrosPerHour() ? Money.perHour(machine.getCommittedMicrosPerHour(), "") : "-")).toList());
        return new Part(table.get(0), table.stream().skip(1).map(text -> new Line(text, Look.PLAIN)).toList());
    }

    /** What comes and goes first: it is what a person waits for. */
    private static int rank(MachineRecord machine) {
        return switch (machine.getPhase()) {
            case REQUESTED, LAUNCHING, BOOTING -> 0;
            case DRAINING, TERMINATING -> 1;
            case READY -> machine.getTasksCount() == 0 ? 2 : 3;
            case GONE, FAILED, LOST, PHASE_UNSPECIFIED, UNRECOGNIZED -> 4;
        };
    }

    /** What it works on, since when it boots, or when it goes for idleness. */
    private String next(MachineRecord machine) {
        if (machine.getPhase() == Phase.READY && machine.getTasksCount() > 0) {
            return String.join(",", machine.getTasksList());
        }
        if (machine.getPhase() == Phase.READY && machine.hasIdleSince()) {
            var idle = Duration.between(Times.instant(machine.getIdleSince()), now);
            var left = timeout(machine).minus(idle);
            return machine.getProtected() ? "protected" : left.isNegative() ? "idle for " + Times.span(idle) : "goes in " + Times.span(left);
        }
        return machine.hasRequestedAt() && rank(machine) == 0 ? "for " + Times.span(Duration.between(Times.instant(machine.getRequestedAt()), now)) : "";
    }

    private Duration timeout(MachineRecord machine) {
        return fleets.stream().filter(fleet -> fleet.getRecord().getFleet().equals(machine.getFleet())).flatMap(fleet -> fleet.getRecord().getSpec().getPoolsList().stream())
                .filter(pool -> pool.getName().equals(machine.getPool()) && pool.hasIdleTimeout()).map(pool -> Times.duration(pool.getIdleTimeout()))
                .findFirst().orElse(Duration.ZERO);
    }

    /** Newest first: what is cut off is the oldest. */
    private Part decisionPart() {
        var of = decisions.stream().filter(event -> isShown(event.getFleet()) && !DecisionCommand.text(event).isEmpty())
                .sorted(Comparator.comparing((DecisionEvent event) -> Times.instant(event.getAt())).reversed()).toList();
        return new Part("    DECISIONS", of.stream().map(event -> new Line("    " + CLOCK.format(Times.instant(event.getAt())) + "  "
                + (selected.isEmpty() && fleets.size() > 1 ? event.getFleet() + ": " : "") + DecisionCommand.text(event), Look.PLAIN)).toList());
    }
}
