package dev.muster.planner.core;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;

/**
 * What a pool's machine costs beside its offer's price.
 *
 * @param factor times everything
 * @param besides disks and public address, micro-units an hour, before the factor
 */
public record Costs(double factor, long besides) {

    public static final Costs NONE = new Costs(1, 0);
    private static final long HOUR_MS = 3_600_000;

    public Costs {
        if (!(factor > 0) || factor > 1000 || besides < 0) {
            throw new IllegalArgumentException("need 0 < factor <= 1000 and besides >= 0, got " + factor + " and " + besides);
        }
    }

    /** Micro-units an hour in all, for a machine whose offer costs this. */
    public long of(long offerPerHour) {
        var sum = Math.addExact(offerPerHour, besides);
        return factor == 1 ? sum : (long) Math.ceil(sum * factor);
    }

    /** Micro-units as people write them: two decimals, more where an amount has them. */
    public static String text(long micros) {
        var amount = BigDecimal.valueOf(micros, 6).stripTrailingZeros();
        return (amount.scale() < 2 ? amount.setScale(2, RoundingMode.UNNECESSARY) : amount).toPlainString();
    }

    /** What a time costs at a price an hour: rounded up, so that parts add up to no less than the whole. Zero for a negative time. */
    public static long during(long perHour, long milliseconds) {
        if (milliseconds <= 0) {
            return 0;
        }
        // In two parts, since the product of both would not fit for months at thousands an hour.
        var hours = milliseconds / HOUR_MS;
        var rest = milliseconds % HOUR_MS;
        return Math.addExact(Math.multiplyExact(perHour, hours), (Math.multiplyExact(perHour, rest) + HOUR_MS - 1) / HOUR_MS);
    }

    public static long during(long perHour, Duration time) {
        return during(perHour, time.toMillis());
    }
}
