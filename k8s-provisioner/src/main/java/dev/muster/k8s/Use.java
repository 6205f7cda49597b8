package dev.muster.k8s;

import dev.muster.provisioner.doctor.PlannedLaunches;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.PoolSpec;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.math.BigDecimal;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * One launch that a fleet may ask for, as the doctor looks at it.
 *
 * @param pod as it would be created; once the API server has looked at it, with what that has filled in
 */
record Use(FleetSpec fleet, PoolSpec pool, Pod pod) {

    String poolName() {
        return PlannedLaunches.name(fleet, pool);
    }

    Use seenAs(Pod answered) {
        return new Use(fleet, pool, answered);
    }

    /** Of a node and of a quota, by resource: containers together, or the greediest of those that run before them. */
    SortedMap<String, BigDecimal> requests() {
        var together = new TreeMap<String, BigDecimal>();
        pod.getSpec().getContainers().forEach(container -> of(container.getResources(), true).forEach((resource, amount) -> together.merge(resource, amount, BigDecimal::add)));
        pod.getSpec().getInitContainers().forEach(container -> of(container.getResources(), true).forEach((resource, amount) -> together.merge(resource, amount, BigDecimal::max)));
        return together;
    }

    SortedMap<String, BigDecimal> limits() {
        var together = new TreeMap<String, BigDecimal>();
        pod.getSpec().getContainers().forEach(container -> of(container.getResources(), false).forEach((resource, amount) -> together.merge(resource, amount, BigDecimal::add)));
        return together;
    }

    /** What isn't requested and is limited is requested as much: "Resource Management for Pods and Containers". */
    private static Map<String, BigDecimal> of(ResourceRequirements resources, boolean requests) {
        var amounts = new TreeMap<String, BigDecimal>();
        if (resources != null && resources.getLimits() != null) {
            resources.getLimits().forEach((resource, amount) -> amounts.put(resource, Quantity.getAmountInBytes(amount)));
        }
        if (requests && resources != null && resources.getRequests() != null) {
            resources.getRequests().forEach((resource, amount) -> amounts.put(resource, Quantity.getAmountInBytes(amount)));
        }
        return amounts;
    }

    /** Keys that the pod needs of the Secrets that it mounts; of one that is mounted whole, none is known. */
    SortedMap<String, SortedSet<String>> secretKeys() {
        var keys = new TreeMap<String, SortedSet<String>>();
        for (var volume : pod.getSpec().getVolumes()) {
            if (volume.getSecret() != null) {
                var needed = keys.computeIfAbsent(volume.getSecret().getSecretName(), none -> new TreeSet<>());
                volume.getSecret().getItems().forEach(item -> needed.add(item.getKey()));
            }
        }
        return keys;
    }
}
