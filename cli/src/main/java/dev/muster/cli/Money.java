package dev.muster.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Amounts as people read them. */
final class Money {

    private Money() {}

    /** Micro-units an hour, such as {@code $0.096/h}. */
    static String perHour(long micros, String currency) {
        return amount(BigDecimal.valueOf(micros, 6), currency) + "/h";
    }

    /** Such as {@code $1.20}, {@code $0.0032} or {@code EUR 1.20}: at least two decimals, and two that aren't zero. */
    static String amount(BigDecimal amount, String currency) {
        var leadingZeros = amount.signum() == 0 ? 0 : Math.max(0, amount.scale() - amount.precision());
        var rounded = amount.setScale(Math.max(2, Math.min(6, leadingZeros + 3)), RoundingMode.HALF_UP).stripTrailingZeros();
        var text = (rounded.scale() < 2 ? rounded.setScale(2) : rounded).toPlainString();
        return currency.isEmpty() || currency.equals("USD") ? "$" + text : currency + " " + text;
    }
}
