package dev.muster.cli;

import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetView;
import dev.muster.v1.ListBudgetsRequest;
import dev.muster.v1.ListBudgetsResponse;
import dev.muster.v1.RestoreLedgerRequest;
import java.math.BigDecimal;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster budget …}. */
@Command(name = "budget", mixinStandardHelpOptions = true, description = "What fleets may spend, and have spent.", subcommands = {BudgetCommand.List_.class, BudgetCommand.Restore.class})
final class BudgetCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "Every budget, with what is spent, bound, and to be expected.",
            footer = {"./muster budget list", "./muster budget list --fleet demo --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        WatchOption watch;

        @Option(names = "--fleet", paramLabel = "FLEET", description = "Only of this fleet.")
        String fleet = "";

        @Override
        public void run() {
            try (var control = common.control()) {
                watch.show(common.output(), () -> control.call(() -> control.budgets().listBudgets(ListBudgetsRequest.newBuilder().setFleet(fleet).build())), BudgetCommand::lines);
            }
        }
    }

    private static List<String> lines(ListBudgetsResponse budgets) {
        return budgets.getBudgetsCount() == 0 ? List.of("no budgets") : Output.format(List.of("FLEET", "POOL", "PERIOD", "SOFT", "HARD", "SPENT", "RESERVED", "EXPECTED", "ENDS", "STATE"),
                budgets.getBudgetsList().stream().map(BudgetCommand::row).toList());
    }

    private static List<String> row(BudgetView budget) {
        var isRate = budget.getBudget().getPeriod() == BudgetPeriod.PER_HOUR;
        return List.of(budget.getFleet(), scope(budget), period(budget),
                budget.getBudget().hasSoftMicros() ? amount(budget.getBudget().getSoftMicros(), budget) : "-", budget.getBudget().hasHardMicros() ? amount(budget.getBudget().getHardMicros(), budget) : "-",
                budget.hasAsOf() ? amount(budget.getSpentMicros(), budget) : "-", isRate ? "-" : amount(budget.getReservedMicros(), budget),
                isRate ? "-" : amount(budget.getForecastMicros(), budget), budget.hasPeriodEnd() ? Times.local(budget.getPeriodEnd()) : "-", FleetCommand.word(budget.getState()));
    }

    private static String scope(BudgetView budget) {
        return !budget.getPool().isEmpty() ? budget.getPool() : !budget.getQueue().isEmpty() ? "queue " + budget.getQueue() : "all";
    }

    /** hour, day or month. */
    static String period(BudgetView budget) {
        return FleetCommand.word(budget.getBudget().getPeriod()).replace("per ", "");
    }

    static String amount(long micros, BudgetView budget) {
        return Money.amount(BigDecimal.valueOf(micros, 6), budget.getCurrency());
    }

    @Command(name = "restore", mixinStandardHelpOptions = true, sortOptions = false,
            description = "Says what a fleet had spent when its books were lost, so that budgets of a day or a month go on from there.",
            footer = "./muster budget restore demo --day 12.50 --month 130")
    static final class Restore implements Runnable {

        private static final Pattern AMOUNT = Pattern.compile("\\d{1,9}(\\.\\d{1,6})?");

        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "FLEET")
        String name;

        @Option(names = "--day", required = true, paramLabel = "AMOUNT", description = "Spent today, in the fleet's currency and time zone, such as 12.50.")
        String day;

        @Option(names = "--month", required = true, paramLabel = "AMOUNT", description = "Spent this month, today included.")
        String month;

        @Override
        public void run() {
            var request = RestoreLedgerRequest.newBuilder().setName(name).setDayMicros(micros("--day", day)).setMonthMicros(micros("--month", month))
                    .setRequestId(UUID.randomUUID().toString()).build();
            var output = common.output();
            try (var control = common.control()) {
                var record = control.write(() -> control.fleets().restoreLedger(request));
                if (output.isJson()) {
                    output.resource(record);
                } else {
                    var currency = record.getSpec().getCurrency();
                    output.line("fleet " + name + " goes on from " + Money.amount(new BigDecimal(day), currency) + " spent today and "
                            + Money.amount(new BigDecimal(month), currency) + " this month");
                }
            }
        }

        private static long micros(String option, String amount) {
            if (!AMOUNT.matcher(amount).matches()) {
                throw CliFailure.usage(option + " is '" + amount + "': write an amount such as 12.50, with at most six decimals");
            }
            return new BigDecimal(amount).movePointRight(6).longValueExact();
        }
    }
}
