package dev.muster.planner.spec;

import dev.muster.v1.K8sLaunch;
import dev.muster.v1.PodKind;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What may be wrong with a pod template that stands in a spec: that it has no pod's shape, takes out of Muster's hands what only Muster
 * may set, or asks for something by a name that nobody knows. Whether Kubernetes knows its other members is the cluster's to say.
 */
public final class PodTemplateValidator {

    /** What the provisioner puts in place of {@code ${name}}: of the task that a pod is made for, and of the pod itself. */
    private static final Set<String> OF_TASK = new TreeSet<>(Set.of("task.id", "task.name", "project.id", "project.name", "user.id"));
    private static final Set<String> OF_POD = new TreeSet<>(Set.of("queue.id", "queue.name", "fleet", "pool", "machine"));
    /** With a dollar sign before it, it is text. */
    private static final Pattern PLACEHOLDER = Pattern.compile("(\\$?)\\$\\{([^}]*)\\}?");
    private static final String OUR_NAMES = "muster-";
    private static final String OUR_FOLDER = "/muster";
    private static final Pattern OUR_VARIABLES = Pattern.compile("MUSTER_.*|CLEARML_WORKER_ID|CLEARML_TASK_ID");

    private static final String ITS_OWN = "remove it: Muster itself sets it";
    private static final String NOT_ASKED_FOR = "remove it: Kubernetes says it, and nobody asks for it";
    /** Members that a template may not have, by their path, with what to do instead. */
    public static final Map<String, String> OWNED = owned();
    /** The one value of such a member that Muster sets, too. */
    private static final Map<String, Object> SAME = Map.of("spec.restartPolicy", "Never", "spec.automountServiceAccountToken", Boolean.FALSE);

    private final Findings found;

    PodTemplateValidator(Findings found) {
        this.found = found;
    }

    private static Map<String, String> owned() {
        var owned = new LinkedHashMap<String, String>();
        owned.put("metadata.name", ITS_OWN + ", since a machine is found by it");
        owned.put("metadata.generateName", ITS_OWN + ", since a machine is found by its name");
        owned.put("metadata.namespace", "write it as the offer's namespace");
        owned.put("metadata.finalizers", "remove them: a pod that nobody lets go keeps its namespace from being deleted");
        owned.put("metadata.ownerReferences", "remove them: Muster must be the one that ends its machines");
        List.of("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields", "selfLink")
                .forEach(member -> owned.put("metadata." + member, NOT_ASKED_FOR));
        owned.put("spec.restartPolicy", ITS_OWN + ", since a pod that starts again would run its task twice");
        owned.put("spec.automountServiceAccountToken", "remove it: tasks have no access to the cluster's API");
        owned.put("spec.serviceAccountName", "write it as k8s.serviceAccount");
        owned.put("spec.serviceAccount", "write it as k8s.serviceAccount");
        owned.put("spec.nodeName", "write k8s.nodeSelector, so that the scheduler says whether there is room");
        owned.put("spec.ephemeralContainers", "remove them: a pod begins without");
        return Collections.unmodifiableMap(owned);
    }

    void judge(String at, K8sLaunch k8s) {
        var read = CloudTerms.read(found, at, k8s.getTemplate(), "metadata and spec of a pod", "spec: {hostIPC: true}");
        if (read.isEmpty()) {
            return;
        }
        var template = read.get();
        for (var member : template.keySet()) {
            if (!member.equals("metadata") && !member.equals("spec")) {
                found.say(at + "." + member, "is no member of a pod template, which has metadata and spec",
                        member.equals("template") ? "write what stands below it, without it" : "remove it");
            }
        }
        var metadata = object(at, template, "metadata");
        var spec = object(at, template, "spec");
        if (!template.containsKey("metadata") && !template.containsKey("spec")) {
            found.say(at, "has neither metadata nor spec", "write those of a pod, or remove the template");
        }
        OWNED.forEach((path, fix) -> {
            var value = CloudTerms.at(template, path);
            if (value != null && !value.equals(SAME.get(path))) {
                found.say(at + "." + path, "may not stand in a pod template", fix);
            }
        });
        KubernetesNames.labels(found, at + ".metadata.labels", texts(at + ".metadata", metadata, "labels"), true);
        KubernetesNames.annotations(found, at + ".metadata.annotations", texts(at + ".metadata", metadata, "annotations"));
        pod(at + ".spec", spec, k8s.getImageEntrypoint());
        placeholders(at, template, k8s.getPods() == PodKind.TASK_POD);
    }

    private void pod(String at, Map<?, ?> spec, boolean imageEntrypoint) {
        int i = 0;
        for (var volume : objects(at, spec, "volumes")) {
            ourName(at + ".volumes[" + i++ + "].name", volume.get("name"));
        }
        var names = new HashSet<Object>();
        i = 0;
        for (var container : objects(at, spec, "containers")) {
            var field = at + ".containers[" + i + "]";
            container(field, container, i > 0, names);
            if (i == 0 && !imageEntrypoint) {
                for (var member : List.of("command", "args")) {
                    if (container.containsKey(member)) {
                        found.say(field + "." + member, "is set, and the first container is the machine's, which runs the agent",
                                "remove it; in pods: task, k8s.imageEntrypoint runs the image's own entrypoint");
                    }
                }
            }
            i++;
        }
        if (spec.get("containers") instanceof List<?> containers && containers.isEmpty()) {
            found.say(at + ".containers", "there are none", "describe the machine's container first, or leave out containers");
        }
        i = 0;
        for (var container : objects(at, spec, "initContainers")) {
            container(at + ".initContainers[" + i++ + "]", container, true, names);
        }
    }

    /** @param isTheirs beside the machine's, of which Muster knows name and image */
    private void container(String at, Map<?, ?> container, boolean isTheirs, Set<Object> names) {
        var name = container.get("name");
        if (name == null && isTheirs) {
            found.say(at + ".name", "is missing", "write a name of small letters, digits and '-'");
        } else if (name != null && !KubernetesNames.LABEL.matcher(name.toString()).matches()) {
            found.say(at + ".name", "'" + name + "' is no DNS-1123 label", "use small letters, digits and '-', with a letter or digit at both ends");
        } else if (name != null && !names.add(name)) {
            found.say(at + ".name", "'" + name + "' is the name of another container", "give each a name of its own");
        }
        ourName(at + ".name", name);
        if (isTheirs && !container.containsKey("image")) {
            found.say(at + ".image", "is missing", "write the image that it runs");
        }
        int i = 0;
        for (var mount : objects(at, container, "volumeMounts")) {
            var field = at + ".volumeMounts[" + i++ + "]";
            ourName(field + ".name", mount.get("name"));
            var path = String.valueOf(mount.get("mountPath")).replaceAll("/+", "/");
            if (path.equals(OUR_FOLDER) || path.startsWith(OUR_FOLDER + "/")) {
                found.say(field + ".mountPath", "'" + path + "' is where Muster has its own", "mount it elsewhere");
            }
        }
        i = 0;
        for (var variable : objects(at, container, "env")) {
            var field = at + ".env[" + i++ + "].name";
            if (OUR_VARIABLES.matcher(String.valueOf(variable.get("name"))).matches()) {
                found.say(field, "'" + variable.get("name") + "' is Muster's own", "choose another name");
            }
        }
    }

    private void ourName(String field, Object name) {
        if (name != null && name.toString().startsWith(OUR_NAMES)) {
            found.say(field, "'" + name + "' begins as Muster's own names do", "choose one that does not begin with " + OUR_NAMES);
        }
    }

    private void placeholders(String at, Object value, boolean hasTask) {
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, of) -> {
                if (key.toString().contains("${")) {
                    found.say(at + "." + key, "a key holds a placeholder", "write it in the value");
                }
                placeholders(at + "." + key, of, hasTask);
            });
        } else if (value instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                placeholders(at + "[" + i + "]", list.get(i), hasTask);
            }
        } else if (value instanceof String text) {
            PLACEHOLDER.matcher(text).results().filter(match -> match.group(1).isEmpty()).forEach(match -> placeholder(at, match.group(), match.group(2), hasTask));
        }
    }

    private void placeholder(String field, String written, String name, boolean hasTask) {
        if (OF_TASK.contains(name) && written.endsWith("}")) {
            if (!hasTask) {
                found.say(field, "'" + written + "' is of a task, and an agent pod is made for none", "write k8s.pods: task, or remove it");
            }
        } else if (!OF_POD.contains(name) || !written.endsWith("}")) {
            found.say(field, "'" + written + "' is no placeholder", "use ${" + String.join("}, ${", OF_TASK) + "}, ${" + String.join("}, ${", OF_POD)
                    + "}, or write $" + written + " if it is meant as it stands");
        }
    }

    /** The member's object; empty where there is none. */
    private Map<?, ?> object(String at, Map<?, ?> within, String member) {
        var value = within.get(member);
        if (value != null && !(value instanceof Map<?, ?>)) {
            found.say(at + "." + member, "must be an object", "write its members below it, indented");
        }
        return value instanceof Map<?, ?> object ? object : Map.of();
    }

    private Map<String, String> texts(String at, Map<?, ?> within, String member) {
        var texts = new TreeMap<String, String>();
        object(at, within, member).forEach((key, value) -> {
            if (value instanceof String text) {
                texts.put(key.toString(), text);
            } else {
                found.say(at + "." + member + "." + key, "is no text, which Kubernetes asks for here", "put it in quotes");
            }
        });
        return texts;
    }

    private List<Map<?, ?>> objects(String at, Map<?, ?> within, String member) {
        var value = within.get(member);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> items) || !items.stream().allMatch(item -> item instanceof Map<?, ?>)) {
            found.say(at + "." + member, "must be a list of objects", "write each behind a dash");
            return List.of();
        }
        return items.stream().<Map<?, ?>>map(item -> (Map<?, ?>) item).toList();
    }
}
