package dev.muster.planner.spec;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** How Kubernetes lets things be called, and which of its names Muster keeps for itself. */
final class KubernetesNames {

    /** "Object Names and IDs" of the Kubernetes documentation: RFC 1123. */
    static final Pattern LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    private static final Pattern SUBDOMAIN = Pattern.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*");
    private static final int LONGEST_SUBDOMAIN = 253;
    /** "Labels and Selectors": the part behind the slash, and a value that is not empty. */
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?");
    /** All annotations of an object together: "ValidateAnnotations" of the API server. */
    private static final int ANNOTATIONS = 256 * 1024;
    private static final String OURS = "muster.dev";
    /** Beside what is under {@link #OURS}. */
    private static final Map<String, String> OUR_LABELS = Map.of("app.kubernetes.io/managed-by", "it says that the pod is Muster's");
    private static final Map<String, String> OUR_ANNOTATIONS = Map.of(
            "karpenter.sh/do-not-disrupt", "it keeps Karpenter from ending a pod at work",
            "cluster-autoscaler.kubernetes.io/safe-to-evict", "it keeps the cluster's autoscaler from ending a pod at work");

    private KubernetesNames() {}

    static boolean isSubdomain(String text) {
        return text.length() <= LONGEST_SUBDOMAIN && SUBDOMAIN.matcher(text).matches();
    }

    /** The key of a label, an annotation or a taint. */
    static boolean isKey(String text) {
        var slash = text.indexOf('/');
        return PART.matcher(text.substring(slash + 1)).matches() && (slash < 0 || isSubdomain(text.substring(0, slash)));
    }

    static boolean isValue(String text) {
        return text.isEmpty() || PART.matcher(text).matches();
    }

    /** Reports what is wrong with labels, whose values may be {@code templated}: hold placeholders. */
    static void labels(Findings found, String at, Map<String, String> labels, boolean templated) {
        new TreeMap<>(labels).forEach((key, value) -> {
            var field = at + "." + key;
            if (isKeyOfTheirs(found, field, key, OUR_LABELS, "label") && !(templated && value.contains("${")) && !isValue(value)) {
                found.say(field, "'" + value + "' is no value of a label", "use at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends");
            }
        });
    }

    static void annotations(Findings found, String at, Map<String, String> annotations) {
        long all = 0;
        for (var entry : new TreeMap<>(annotations).entrySet()) {
            isKeyOfTheirs(found, at + "." + entry.getKey(), entry.getKey(), OUR_ANNOTATIONS, "annotation");
            all += entry.getKey().length() + entry.getValue().length();
        }
        if (all > ANNOTATIONS) {
            found.say(at, "have " + all + " characters in all", "use less than " + ANNOTATIONS);
        }
    }

    private static boolean isKeyOfTheirs(Findings found, String field, String key, Map<String, String> ours, String what) {
        if (ours.containsKey(key)) {
            found.say(field, "'" + key + "' is Muster's own: " + ours.get(key), "remove it");
        } else if (key.startsWith(OURS + "/") || key.contains("." + OURS + "/")) {
            found.say(field, "'" + key + "' is Muster's own", "choose another key");
        } else if (!isKey(key)) {
            found.say(field, "'" + key + "' is no key of " + (what.startsWith("a") ? "an " : "a ") + what,
                    "write a name of at most 63 letters, digits, '-', '_' and '.', maybe behind a domain and a slash, such as lab.example/team");
        } else {
            return true;
        }
        return false;
    }
}
