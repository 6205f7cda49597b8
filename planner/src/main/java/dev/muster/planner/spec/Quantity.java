package dev.muster.planner.spec;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Pattern;

/** Kubernetes' way to write an amount of a resource: {@code 500m}, {@code 2}, {@code 1.5Gi}, {@code 2e3}. */
public final class Quantity {

    private static final Pattern WRITTEN = Pattern.compile("([0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE]-?[0-9]{1,2})?");
    /** Powers, of 1000 and of 1024. */
    private static final Map<String, Integer> DECIMAL = Map.of("k", 1, "M", 2, "G", 3, "T", 4, "P", 5, "E", 6);
    private static final Map<String, Integer> BINARY = Map.of("Ki", 1, "Mi", 2, "Gi", 3, "Ti", 4, "Pi", 5, "Ei", 6);

    private Quantity() {}

    /** Whether it is one, and none below zero. */
    static boolean isOne(String text) {
        return WRITTEN.matcher(text).matches();
    }

    /**
     * In thousandths of the resource's unit, rounded up as Kubernetes does; at most {@link Long#MAX_VALUE}.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static long thousandths(String text) {
        var written = WRITTEN.matcher(text);
        if (!written.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no quantity; write one as 500m, 2 or 16Gi");
        }
        var number = new BigDecimal(written.group(1).endsWith(".") ? written.group(1) + "0" : written.group(1));
        var unit = written.group(2) == null ? "" : written.group(2);
        var thousandths = unit.equals("m") ? number
                : DECIMAL.containsKey(unit) ? number.scaleByPowerOfTen(3 * DECIMAL.get(unit) + 3)
                : BINARY.containsKey(unit) ? number.multiply(BigDecimal.valueOf(1024).pow(BINARY.get(unit))).scaleByPowerOfTen(3)
                : number.scaleByPowerOfTen((unit.isEmpty() ? 0 : Integer.parseInt(unit.substring(1))) + 3);
        var whole = thousandths.setScale(0, RoundingMode.CEILING);
        return whole.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0 ? Long.MAX_VALUE : whole.longValueExact();
    }
}
