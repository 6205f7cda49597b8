package dev.muster.cli;

import dev.muster.v1.RestoreLedgerRequest;
import java.math.BigDecimal;
import java.util.UUID;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster budget …}. */
@Command(name = "budget", mixinStandardHelpOptions = true, description = "What fleets have spent.", subcommands = BudgetCommand.Restore.class)
final class BudgetCommand {

    @Command(name = "restore", mixinStandardHelpOptions = true, sortOptions = false,
            description = "Says what a fleet had spent when its books were lost, so that budgets of a day or a month go on from there.")
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
