package dev.muster.sandbox.k8s;

import java.math.BigDecimal;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a node has.
 *
 * @param name of the machine type, such as {@code n1-standard-4}; nodes are named after it
 * @param capacity by resource, as Kubernetes writes quantities
 * @param labels beside those that every node has
 * @param taints of it from the start
 * @param dollarsPerHour of the whole node
 */
public record NodeShape(String name, SortedMap<String, String> capacity, SortedMap<String, String> labels, List<Taint> taints, BigDecimal dollarsPerHour) {

    /** Keeps off it what doesn't tolerate it. @param effect NoSchedule, PreferNoSchedule or NoExecute */
    public record Taint(String key, String value, String effect) {
    }

    /** Four processors and no GPU. */
    public static final NodeShape CPU = of("cpu-4", "4", "16Gi", 0, "0.192");
    /** Four processors and one GPU. */
    public static final NodeShape GPU = of("gpu-1", "4", "16Gi", 1, "0.526");

    public NodeShape {
        capacity = new TreeMap<>(capacity);
        labels = new TreeMap<>(labels);
        taints = List.copyOf(taints);
        Objects.requireNonNull(dollarsPerHour, "dollarsPerHour");
        if (!name.matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?")) {
            throw new IllegalArgumentException("name is " + name + "; it must be lower case letters, digits and hyphens");
        }
        capacity.forEach((resource, quantity) -> Requests.amount(quantity));
    }

    public static NodeShape of(String name, String cpu, String memory, int gpus, String dollarsPerHour) {
        var capacity = new TreeMap<String, String>();
        capacity.put("cpu", cpu);
        capacity.put("memory", memory);
        capacity.put("pods", "110");
        if (gpus > 0) {
            capacity.put("nvidia.com/gpu", Integer.toString(gpus));
        }
        return new NodeShape(name, capacity, new TreeMap<>(), List.of(), new BigDecimal(dollarsPerHour));
    }

    public NodeShape with(Taint taint) {
        return new NodeShape(name, capacity, labels, List.of(taint), dollarsPerHour);
    }

    public NodeShape withLabel(String key, String value) {
        var more = new TreeMap<>(labels);
        more.put(key, value);
        return new NodeShape(name, capacity, more, taints, dollarsPerHour);
    }
}
