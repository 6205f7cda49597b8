package dev.muster.sandbox.k8s;

import io.fabric8.kubernetes.api.model.Quantity;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** How much of a node, or of a quota, a pod takes: by the name of each resource, in cores, bytes or pieces. */
final class Requests {

    private Requests() {
    }

    /** What the scheduler counts: all containers together or the largest that starts before them, whichever is more, and the pod's own overhead. */
    static SortedMap<String, BigDecimal> of(JsonObject pod) {
        var spec = Json.child(pod, "spec");
        var all = sum(Json.objects(spec, "containers"), "requests");
        for (var first : Json.objects(spec, "initContainers")) {
            sum(List.of(first), "requests").forEach((resource, amount) -> all.merge(resource, amount, BigDecimal::max));
        }
        amounts(Json.child(spec, "overhead")).forEach((resource, amount) -> all.merge(resource, amount, BigDecimal::add));
        return all;
    }

    /** @param what {@code requests} or {@code limits} */
    static SortedMap<String, BigDecimal> sum(List<JsonObject> containers, String what) {
        var sum = new TreeMap<String, BigDecimal>();
        for (var container : containers) {
            amounts(Json.child(Json.child(container, "resources"), what)).forEach((resource, amount) -> sum.merge(resource, amount, BigDecimal::add));
        }
        return sum;
    }

    /** @throws IllegalArgumentException if one is no quantity */
    static SortedMap<String, BigDecimal> amounts(JsonObject quantities) {
        var amounts = new TreeMap<String, BigDecimal>();
        Json.strings(quantities).forEach((resource, quantity) -> amounts.put(resource, amount(quantity)));
        return amounts;
    }

    static BigDecimal amount(String quantity) {
        return new Quantity(quantity).getNumericalAmount();
    }

    /** As the API writes it. */
    static String text(String resource, BigDecimal amount) {
        if (resource.endsWith("memory") || resource.endsWith("storage")) {
            var units = List.of("Ti", "Gi", "Mi", "Ki");
            for (int i = 0; i < units.size() && amount.signum() != 0; i++) {
                var unit = BigDecimal.valueOf(1024).pow(units.size() - i);
                if (amount.remainder(unit).signum() == 0) {
                    return amount.divide(unit).toBigInteger() + units.get(i);
                }
            }
        }
        return amount.stripTrailingZeros().scale() <= 0 ? amount.toBigInteger().toString()
                : amount.multiply(BigDecimal.valueOf(1000)).setScale(0, RoundingMode.UP) + "m";
    }
}
