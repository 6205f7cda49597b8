package dev.muster.planner.spec;

import dev.muster.v1.K8sLaunch;
import dev.muster.v1.Limits;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.PodKind;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.ScheduleSpec;
import dev.muster.v1.Toleration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What may be wrong with the parts of a pool that only Kubernetes knows, as far as its rules are the same in every cluster. Whether a
 * namespace has a service account, or a node a label, is the cluster's to say.
 */
final class K8sLaunchValidator {

    /** Words with which a pod's end is reported. Others are possible: the cluster's own words are passed on. */
    static final List<String> REASONS = List.of("OOMKilled", "Evicted", "NodeLost", "NodeShutdown", "Preempted", "DeadlineExceeded", "Error", "BootFailed");
    private static final Pattern REASON = Pattern.compile("[A-Z][A-Za-z0-9]{0,63}");
    /** Resources without a domain that a container may ask for: "Resource Management for Pods and Containers". */
    private static final Set<String> PLAIN_RESOURCES = Set.of("cpu", "memory", "ephemeral-storage");
    private static final String HUGE_PAGES = "hugepages-";
    private static final Set<String> EFFECTS = Set.of("NoSchedule", "PreferNoSchedule", "NoExecute");
    /** The grammar of "github.com/distribution/reference": registry, path, tag, digest. */
    private static final Pattern IMAGE = Pattern.compile("([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\\d{1,5})?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*"
            + "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9]+([+._-][a-z0-9]+)*:[0-9a-f]{32,})?");
    private static final String NAMES = "use small letters, digits, '-' and '.', with a letter or digit at both ends";

    private final Findings found;

    K8sLaunchValidator(Findings found) {
        this.found = found;
    }

    void offer(String at, OfferKey key) {
        if (!key.getRegion().isEmpty() && !KubernetesNames.LABEL.matcher(key.getRegion()).matches()) {
            found.say(at + ".namespace", "'" + key.getRegion() + "' is no name of a namespace", "use small letters, digits and '-', with a letter or digit at both ends, at most 63");
        }
        if (!key.getZone().isEmpty()) {
            found.say(at + ".zone", "is set, and a namespace has no zones", "remove it, and write k8s.nodeSelector: {topology.kubernetes.io/zone: " + key.getZone() + "}");
        }
        if (!key.getSubnet().isEmpty()) {
            found.say(at + ".subnet", "is set, and pods have the cluster's network", "remove it");
        }
        if (key.getMarket() == Market.SPOT) {
            found.say(at + ".market", "is spot, and a cluster sells nothing: its nodes are spot or not", "remove it, and choose such nodes by their label in k8s.nodeSelector");
        }
    }

    void judge(String at, PoolSpec pool) {
        var launch = pool.getLaunch();
        image(at + ".image", launch.getImage());
        image(at + ".agent.defaultImage", launch.getBoot().getDefaultImage());
        if (launch.getDisksCount() > 0) {
            found.say(at + ".disks", "are of machines that have disks of their own, and pods have volumes", "write volumes in k8s.template, or ask for ephemeral-storage in k8s.requests");
        }
        if (launch.getBoot().getDocker()) {
            found.say(at + ".agent.docker", "is true, and agents in pods run tasks without containers of their own", "remove it: what a task runs in is the pod's image");
        }
        placeholderFree(at + ".tags", launch.getTagsMap());
        KubernetesNames.labels(found, at + ".tags", launch.getTagsMap(), true);
        k8s(at + ".k8s", launch.getK8S());
        if (launch.getK8S().getPods() == PodKind.TASK_POD) {
            taskPods(at, pool);
        }
        new TreeMap<>(pool.getOnEndMap()).keySet().forEach(reason -> reason(at + ".onEnd." + reason, reason));
    }

    private void k8s(String at, K8sLaunch k8s) {
        if (k8s.getPods() == PodKind.UNRECOGNIZED) {
            found.say(at + ".pods", "are of a kind that this release doesn't know", "use agent or task");
        }
        if (!k8s.getTemplate().isEmpty()) {
            new PodTemplateValidator(found).judge(at + ".template", k8s);
            if (!k8s.getTemplateConfigMap().isEmpty()) {
                found.say(at + ".templateConfigMap", "is set, and so is template", "keep one of them");
            }
        }
        name(at + ".templateConfigMap", k8s.getTemplateConfigMap());
        name(at + ".priorityClass", k8s.getPriorityClass());
        name(at + ".serviceAccount", k8s.getServiceAccount());
        name(at + ".secret", k8s.getSecret());
        for (int i = 0; i < k8s.getPullSecretsCount(); i++) {
            name(at + ".pullSecrets[" + i + "]", k8s.getPullSecrets(i));
            if (k8s.getPullSecretsList().indexOf(k8s.getPullSecrets(i)) < i) {
                found.say(at + ".pullSecrets[" + i + "]", "'" + k8s.getPullSecrets(i) + "' is named twice", "name each once");
            }
        }
        resources(at, k8s);
        placeholderFree(at + ".nodeSelector", k8s.getNodeSelectorMap());
        new TreeMap<>(k8s.getNodeSelectorMap()).forEach((key, value) -> selector(at + ".nodeSelector." + key, key, value));
        for (int i = 0; i < k8s.getTolerationsCount(); i++) {
            toleration(at + ".tolerations[" + i + "]", k8s.getTolerations(i));
        }
        placeholderFree(at + ".annotations", k8s.getAnnotationsMap());
        KubernetesNames.annotations(found, at + ".annotations", k8s.getAnnotationsMap());
        found.notNegative(at + ".completedDelay", k8s.getCompletedDelay(), k8s.hasCompletedDelay(), Findings.LONGEST_MONTH);
        var isTask = k8s.getPods() == PodKind.TASK_POD;
        if (k8s.getImageEntrypoint() && !isTask) {
            found.say(at + ".imageEntrypoint", "is set, and agent pods run an agent", "write pods: task, or remove it");
        }
        if (!k8s.getClaimImage().isEmpty() && !(k8s.getImageEntrypoint() && isTask)) {
            found.say(at + ".claimImage", "is set, and the pod's own image claims the task", "remove it, or set pods: task and imageEntrypoint: true");
        }
        image(at + ".claimImage", k8s.getClaimImage());
    }

    private void taskPods(String at, PoolSpec pool) {
        var why = ", and a task pod is made for a waiting task";
        if (pool.getLimits().getMin() != 0) {
            found.say(at + ".min", "is " + Findings.number(pool.getLimits().getMin()) + why, "remove it, or write k8s.pods: agent");
        }
        if (pool.getWarm() != 0) {
            found.say(at + ".warm", "is " + Findings.number(pool.getWarm()) + why, "remove it, or write k8s.pods: agent");
        }
        if (Integer.compareUnsigned(pool.getSlots(), 1) > 0) {
            found.say(at + ".slots", "is " + Findings.number(pool.getSlots()) + ", and a task pod runs one task", "remove it, or write k8s.pods: agent");
        }
        for (int i = 0; i < pool.getSchedulesCount(); i++) {
            ScheduleSpec window = pool.getSchedules(i);
            var field = at + ".schedules[" + i + "]";
            if (window.getMin() != 0) {
                found.say(field + ".min", "is " + Findings.number(window.getMin()) + why, "remove it");
            }
            if (window.getWarm() != 0) {
                found.say(field + ".warm", "is " + Findings.number(window.getWarm()) + why, "remove it");
            }
        }
    }

    private void reason(String field, String reason) {
        var meant = REASONS.stream().filter(known -> known.equalsIgnoreCase(reason) && !known.equals(reason)).findFirst();
        if (meant.isPresent()) {
            found.say(field, "'" + reason + "' is no reason of a pod's end", "write " + meant.get());
        } else if (!REASON.matcher(reason).matches()) {
            found.say(field, "'" + reason + "' is no reason of a pod's end", "write one as Kubernetes words it: " + String.join(", ", REASONS));
        }
    }

    /** A fleet's caps, by resource. */
    void caps(String at, Limits limits) {
        new TreeMap<>(limits.getResourcesMap()).forEach((resource, text) -> {
            if (resourceName(at + "." + resource, resource)) {
                quantity(at + "." + resource, resource, text);
            }
        });
    }

    private void resources(String at, K8sLaunch k8s) {
        var limits = quantities(at + ".limits", k8s.getLimitsMap());
        quantities(at + ".requests", k8s.getRequestsMap()).forEach((resource, request) -> {
            var field = at + ".requests." + resource;
            var limit = limits.get(resource);
            if (limit != null && request > limit) {
                found.say(field, "is " + k8s.getRequestsOrThrow(resource) + ", above limits." + resource + ", which is " + k8s.getLimitsOrThrow(resource), "lower it, or raise the limit");
            } else if (!PLAIN_RESOURCES.contains(resource) && (limit == null && !k8s.containsLimits(resource) || limit != null && !request.equals(limit))) {
                found.say(field, "is not what limits." + resource + " is, and Kubernetes shares out no part of it", "write it under limits alone");
            }
        });
    }

    /** In thousandths, those that are good. */
    private Map<String, Long> quantities(String at, Map<String, String> texts) {
        var quantities = new TreeMap<String, Long>();
        new TreeMap<>(texts).forEach((resource, text) -> {
            var field = at + "." + resource;
            if (resourceName(field, resource) && quantity(field, resource, text)) {
                quantities.put(resource, Quantity.thousandths(text));
            }
        });
        return quantities;
    }

    private boolean resourceName(String field, String resource) {
        var isHugePages = resource.startsWith(HUGE_PAGES) && Quantity.isOne(resource.substring(HUGE_PAGES.length()));
        if (PLAIN_RESOURCES.contains(resource) || isHugePages || resource.indexOf('/') > 0 && KubernetesNames.isKey(resource)) {
            return true;
        }
        found.say(field, "'" + resource + "' is no resource that a container can ask for",
                resource.contains("gpu") ? "write its full name, such as nvidia.com/gpu" : "use cpu, memory, ephemeral-storage, or a full name such as nvidia.com/gpu");
        return false;
    }

    private boolean quantity(String field, String resource, String text) {
        if (!Quantity.isOne(text)) {
            found.say(field, "'" + text + "' is no quantity", "write one such as 2, 500m or 8Gi: a number, and one of m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei behind it");
        } else if (Quantity.thousandths(text) == 0) {
            found.say(field, "is " + text, "write more than 0, or leave it out");
        } else if (resource.indexOf('/') > 0 && Quantity.thousandths(text) % 1000 != 0) {
            found.say(field, "is " + text + ", and " + resource + " is given out whole", "write a whole number");
        } else {
            return true;
        }
        return false;
    }

    private void selector(String field, String key, String value) {
        if (!KubernetesNames.isKey(key)) {
            found.say(field, "'" + key + "' is no key of a label", "write it as the nodes have it, such as node.kubernetes.io/instance-type");
        } else if (!value.contains("${") && !KubernetesNames.isValue(value)) {
            found.say(field, "'" + value + "' is no value of a label", "write it as the nodes have it: at most 63 letters, digits, '-', '_' and '.'");
        }
    }

    private void toleration(String at, Toleration toleration) {
        var operator = toleration.getOperator();
        if (!operator.isEmpty() && !operator.equals("Equal") && !operator.equals("Exists")) {
            found.say(at + ".operator", "'" + operator + "' is no operator", "use Equal or Exists");
        } else if (operator.equals("Exists") && !toleration.getValue().isEmpty()) {
            found.say(at + ".value", "is set, and the operator Exists asks for none", "remove it, or write operator: Equal");
        }
        if (!toleration.getKey().isEmpty() && !KubernetesNames.isKey(toleration.getKey())) {
            found.say(at + ".key", "'" + toleration.getKey() + "' is no key of a taint", "write it as the nodes have it, such as nvidia.com/gpu");
        } else if (toleration.getKey().isEmpty() && (operator.equals("Equal") || !toleration.getValue().isEmpty())) {
            found.say(at + ".key", "is missing", "write the taint's key; to tolerate every taint, write operator: Exists alone");
        }
        if (!KubernetesNames.isValue(toleration.getValue())) {
            found.say(at + ".value", "'" + toleration.getValue() + "' is no value of a taint", "write it as the nodes have it: at most 63 letters, digits, '-', '_' and '.'");
        }
        if (!toleration.getEffect().isEmpty() && !EFFECTS.contains(toleration.getEffect())) {
            found.say(at + ".effect", "'" + toleration.getEffect() + "' is no effect of a taint", "use NoSchedule, PreferNoSchedule or NoExecute, or leave it out for all");
        }
        if (toleration.hasSeconds() && !toleration.getEffect().equals("NoExecute")) {
            found.say(at + ".seconds", "is set, and only NoExecute ends pods that run", "write effect: NoExecute, or remove it");
        } else if (toleration.getSeconds() < 0) {
            found.say(at + ".seconds", "is " + toleration.getSeconds(), "use 0 or more");
        }
    }

    /** A template alone is filled in: elsewhere a placeholder would reach the cluster as it is written. */
    private void placeholderFree(String at, Map<String, String> texts) {
        new TreeMap<>(texts).forEach((key, value) -> {
            if (value.contains("${")) {
                found.say(at + "." + key, "'" + value + "' looks like a placeholder, and they stand in k8s.template alone", "write it there");
            }
        });
    }

    private void name(String field, String name) {
        if (!name.isEmpty() && !KubernetesNames.isSubdomain(name)) {
            found.say(field, "'" + name + "' is no name of a Kubernetes object", NAMES);
        }
    }

    private void image(String field, String image) {
        if (!image.isEmpty() && !IMAGE.matcher(image).matches()) {
            found.say(field, "'" + image + "' is no container image", "write one such as python:3.11-slim or registry.example/team/image@sha256:…");
        }
    }

    /** As far as a spec says it: what a template asks for besides is the provisioner's to read. @return thousandths by resource */
    static Map<String, Long> requested(LaunchParameters launch) {
        var requested = new TreeMap<String, Long>();
        // A limit without a request is a request, too.
        launch.getK8S().getLimitsMap().forEach((resource, text) -> requested.put(resource, Quantity.thousandths(text)));
        launch.getK8S().getRequestsMap().forEach((resource, text) -> requested.put(resource, Quantity.thousandths(text)));
        return requested;
    }
}
