package dev.muster.k8s;

import static dev.muster.k8s.DoctorCheck.NODES;

import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSelectorRequirement;
import io.fabric8.kubernetes.api.model.NodeSelectorTerm;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.api.model.Toleration;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Which nodes could take a pool's pod if nothing ran on them. Used by one thread. */
final class NodeChecks {

    private final DoctorCalls calls;
    private final Findings findings;

    NodeChecks(DoctorCalls calls, Findings findings) {
        this.calls = calls;
        this.findings = findings;
    }

    void examine(List<Use> uses) {
        if (uses.isEmpty()) {
            return;
        }
        var answer = calls.all("/api/v1/nodes", "");
        if (!answer.succeeded()) {
            RightChecks.notSeen(findings, new About(NODES, ""), answer, "nodes list");
            return;
        }
        var nodes = new ArrayList<Node>();
        answer.body().path("items").forEach(node -> nodes.add(calls.read(node, Node.class)));
        uses.forEach(use -> examine(use, nodes));
    }

    private void examine(Use use, List<Node> nodes) {
        var about = new About(NODES, use.poolName());
        var refusals = new TreeMap<String, Integer>();
        for (var node : nodes) {
            refusal(use, node).ifPresent(reason -> refusals.merge(reason, 1, Integer::sum));
        }
        int refused = refusals.values().stream().mapToInt(Integer::intValue).sum();
        if (refused < nodes.size()) {
            findings.ok(about, (nodes.size() - refused) + " of " + nodes.size() + " could take it if they were empty");
        } else {
            findings.warning(about, "none of " + nodes.size() + " could take it"
                    + refusals.entrySet().stream().map(one -> one.getValue() + " " + one.getKey()).collect(Collectors.joining("; ", refusals.isEmpty() ? "" : ": ", "")),
                    "nothing, if an autoscaler of the cluster makes such nodes; else correct nodeSelector, tolerations or requests of the pool");
        }
    }

    /** The first thing that keeps the pod from the node, as the scheduler would see it; empty: nothing does. */
    static Optional<String> refusal(Use use, Node node) {
        var spec = use.pod().getSpec();
        Map<String, String> labels = Optional.ofNullable(node.getMetadata().getLabels()).orElse(Map.of());
        if (spec.getNodeSelector() != null) {
            for (var wanted : new TreeMap<>(spec.getNodeSelector()).entrySet()) {
                if (!wanted.getValue().equals(labels.get(wanted.getKey()))) {
                    return Optional.of("without the label " + wanted.getKey() + "=" + wanted.getValue());
                }
            }
        }
        var terms = required(spec);
        if (!terms.isEmpty() && terms.stream().noneMatch(term -> matches(term, node, labels))) {
            return Optional.of("outside of the template's node affinity");
        }
        for (var taint : node.getSpec().getTaints()) {
            if (!taint.getEffect().equals("PreferNoSchedule") && spec.getTolerations().stream().noneMatch(toleration -> tolerates(toleration, taint))) {
                return Optional.of("with the taint " + taint.getKey() + (taint.getValue() == null || taint.getValue().isEmpty() ? "" : "=" + taint.getValue()) + ":" + taint.getEffect());
            }
        }
        var has = Optional.ofNullable(node.getStatus().getAllocatable()).orElse(Map.of());
        for (var request : use.requests().entrySet()) {
            var room = Optional.ofNullable(has.get(request.getKey())).map(Quantity::getAmountInBytes).orElse(BigDecimal.ZERO);
            if (room.compareTo(request.getValue()) < 0) {
                return Optional.of("with too little " + request.getKey());
            }
        }
        return Optional.empty();
    }

    private static List<NodeSelectorTerm> required(PodSpec spec) {
        return Optional.ofNullable(spec.getAffinity()).map(affinity -> affinity.getNodeAffinity()).map(affinity -> affinity.getRequiredDuringSchedulingIgnoredDuringExecution())
                .map(selector -> selector.getNodeSelectorTerms()).orElse(List.of());
    }

    private static boolean matches(NodeSelectorTerm term, Node node, Map<String, String> labels) {
        // An empty term selects nothing.
        return !(term.getMatchExpressions().isEmpty() && term.getMatchFields().isEmpty()) && term.getMatchExpressions().stream().allMatch(one -> matches(one, labels))
                && term.getMatchFields().stream().allMatch(one -> matches(one, Map.of("metadata.name", node.getMetadata().getName())));
    }

    private static boolean matches(NodeSelectorRequirement wanted, Map<String, String> labels) {
        var value = labels.get(wanted.getKey());
        return switch (wanted.getOperator()) {
            case "In" -> value != null && wanted.getValues().contains(value);
            case "NotIn" -> value == null || !wanted.getValues().contains(value);
            case "Exists" -> value != null;
            case "DoesNotExist" -> value == null;
            case "Gt" -> value != null && value.matches("-?\\d+") && Long.parseLong(value) > Long.parseLong(wanted.getValues().get(0));
            case "Lt" -> value != null && value.matches("-?\\d+") && Long.parseLong(value) < Long.parseLong(wanted.getValues().get(0));
            default -> false;
        };
    }

    private static boolean tolerates(Toleration toleration, Taint taint) {
        var effect = toleration.getEffect();
        if (effect != null && !effect.isEmpty() && !effect.equals(taint.getEffect())) {
            return false;
        }
        var exists = "Exists".equals(toleration.getOperator());
        if (toleration.getKey() == null || toleration.getKey().isEmpty()) {
            return exists;
        }
        return toleration.getKey().equals(taint.getKey())
                && (exists || Optional.ofNullable(toleration.getValue()).orElse("").equals(Optional.ofNullable(taint.getValue()).orElse("")));
    }
}
