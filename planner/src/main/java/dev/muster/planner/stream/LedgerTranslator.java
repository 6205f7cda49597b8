package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.planner.core.Budget;
import dev.muster.planner.core.BudgetStanding;
import dev.muster.planner.core.HistoryRow;
import dev.muster.planner.core.Ledger;
import dev.muster.planner.core.Paid;
import dev.muster.planner.core.PaidKind;
import dev.muster.v1.BudgetLine;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.LedgerState;
import dev.muster.v1.MachinePaid;
import dev.muster.v1.PaidLine;
import dev.muster.v1.SpentOn;
import dev.muster.v1.TaskShare;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Map;
import java.util.OptionalLong;

/** What machines cost, between the core, the store and the topics {@code machines} and {@code history}. */
final class LedgerTranslator {

    private LedgerTranslator() {}

    static MachinePaid paid(Paid paid) {
        var message = MachinePaid.newBuilder().setSince(Times.timestamp(paid.since())).setKind(kind(paid.kind()))
                .setKindSince(Times.timestamp(paid.kindSince())).setSpentMicros(paid.spent()).setUsefulMs(paid.useful().toMillis())
                .setIdleMs(paid.idle().toMillis()).setBootMs(paid.boot().toMillis()).setWasteMs(paid.waste().toMillis());
        paid.perHour().ifPresent(message::setMicrosPerHour);
        paid.tasks().forEach(task -> message.addTasks(TaskShare.newBuilder().setTask(task.task()).setQueue(task.queueId()).setProject(task.project())
                .setUser(task.user())));
        return message.build();
    }

    static Paid paid(MachinePaid message) {
        return new Paid(Times.instant(message.getSince()),
                message.hasMicrosPerHour() ? OptionalLong.of(message.getMicrosPerHour()) : OptionalLong.empty(), kind(message.getKind()),
                Times.instant(message.getKindSince()), message.getSpentMicros(), Duration.ofMillis(message.getUsefulMs()),
                Duration.ofMillis(message.getIdleMs()), Duration.ofMillis(message.getBootMs()), Duration.ofMillis(message.getWasteMs()),
                message.getTasksList().stream().map(task -> new Paid.Share(task.getTask(), task.getQueue(), task.getProject(), task.getUser())).toList());
    }

    private static dev.muster.v1.PaidKind kind(PaidKind kind) {
        if (kind == null) {
            return dev.muster.v1.PaidKind.PAID_KIND_UNSPECIFIED;
        }
        return switch (kind) {
            case USEFUL -> dev.muster.v1.PaidKind.USEFUL;
            case IDLE -> dev.muster.v1.PaidKind.IDLE_PAID;
            case BOOT -> dev.muster.v1.PaidKind.BOOT;
            case WASTE -> dev.muster.v1.PaidKind.WASTE;
        };
    }

    private static PaidKind kind(dev.muster.v1.PaidKind kind) {
        return switch (kind) {
            case USEFUL -> PaidKind.USEFUL;
            case IDLE_PAID -> PaidKind.IDLE;
            case BOOT -> PaidKind.BOOT;
            // What a newer planner means by its own word was paid for in any case.
            case WASTE, UNRECOGNIZED -> PaidKind.WASTE;
            case PAID_KIND_UNSPECIFIED -> null;
        };
    }

    static LedgerState ledger(Ledger.Book book) {
        var message = LedgerState.newBuilder().addAllWaits(book.waits()).setUntold(book.untold());
        book.spent().forEach(spent -> message.addSpent(SpentOn.newBuilder().setDay(spent.day().toString()).setPool(spent.pool())
                .setQueue(spent.queue()).setMicros(spent.micros())));
        book.lines().forEach(line -> message.addLines(PaidLine.newBuilder().setHour(Times.timestamp(line.hour())).setPool(line.payer().pool())
                .setQueue(line.payer().queue()).setProject(line.payer().project()).setUser(line.payer().user())
                .setUsefulMs(line.amounts().useful().toMillis()).setIdleMs(line.amounts().idle().toMillis())
                .setBootMs(line.amounts().boot().toMillis()).setWasteMs(line.amounts().waste().toMillis()).setMicros(line.amounts().micros())));
        if (!book.hoursUntil().equals(Instant.EPOCH)) {
            message.setHoursUntil(Times.timestamp(book.hoursUntil()));
        }
        if (!book.minutesUntil().equals(Instant.EPOCH)) {
            message.setMinutesUntil(Times.timestamp(book.minutesUntil()));
        }
        if (book.lostAt() != null) {
            message.setLostAt(Times.timestamp(book.lostAt()));
        }
        return message.build();
    }

    static Ledger.Book ledger(LedgerState message) {
        return new Ledger.Book(
                message.getSpentList().stream().map(spent -> new Ledger.Spent(LocalDate.parse(spent.getDay()), spent.getPool(), spent.getQueue(),
                        spent.getMicros())).toList(),
                message.getLinesList().stream().map(line -> new Ledger.Line(Times.instant(line.getHour()),
                        new Ledger.Payer(line.getPool(), line.getQueue(), line.getProject(), line.getUser()),
                        new Ledger.Amounts(Duration.ofMillis(line.getUsefulMs()), Duration.ofMillis(line.getIdleMs()), Duration.ofMillis(line.getBootMs()),
                                Duration.ofMillis(line.getWasteMs()), line.getMicros()))).toList(),
                Times.instantOrEpoch(message.hasHoursUntil(), message.getHoursUntil()),
                Times.instantOrEpoch(message.hasMinutesUntil(), message.getMinutesUntil()),
                Times.instantOrNull(message.hasLostAt(), message.getLostAt()), message.getWaitsList(), message.getUntold());
    }

    static dev.muster.v1.HistoryRow row(String fleet, HistoryRow row) {
        var message = dev.muster.v1.HistoryRow.newBuilder().setFleet(fleet).setSeries(row.series()).setStart(Times.timestamp(row.start()))
                .setLength(Times.duration(row.length())).putAllLabels(row.labels()).setWaiting(row.waiting()).setRunning(row.running())
                .addAllWaits(row.waits()).setSpentMicros(row.amounts().micros()).setComplete(row.complete());
        row.machines().forEach((phase, count) -> message.putMachines(phase.name(), count));
        row.budgets().forEach(standing -> message.addBudgets(line(standing)));
        if (!row.amounts().paid().isZero()) {
            message.putAllPaidMs(Map.of("useful", row.amounts().useful().toMillis(), "idle", row.amounts().idle().toMillis(),
                    "boot", row.amounts().boot().toMillis(), "waste", row.amounts().waste().toMillis()));
        }
        return message.build();
    }

    private static BudgetLine line(BudgetStanding standing) {
        var scope = standing.scope();
        var message = BudgetLine.newBuilder().setPool(scope.kind() == Budget.Scope.Kind.POOL ? scope.name() : "")
                .setQueue(scope.kind() == Budget.Scope.Kind.QUEUE ? scope.name() : "").setPeriod(period(standing.period()))
                .setSpentMicros(standing.spent()).setReservedMicros(standing.reserved()).setMicrosPerHour(standing.perHour()).setKnown(standing.known());
        if (standing.begin() != null) {
            message.setPeriodStart(Times.timestamp(standing.begin())).setPeriodEnd(Times.timestamp(standing.end()));
        }
        return message.build();
    }

    private static BudgetPeriod period(Budget.Period period) {
        return switch (period) {
            case HOUR -> BudgetPeriod.PER_HOUR;
            case DAY -> BudgetPeriod.PER_DAY;
            case MONTH -> BudgetPeriod.PER_MONTH;
        };
    }
}
