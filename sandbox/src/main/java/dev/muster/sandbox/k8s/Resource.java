package dev.muster.sandbox.k8s;

import java.util.List;
import java.util.Optional;

/**
 * A kind of object that the stand-in keeps, by the names that the API has for it.
 *
 * @param group empty for the core's
 * @param shortNames as kubectl takes them
 */
record Resource(String group, String version, String plural, String kind, boolean namespaced, List<String> shortNames) {

    static final Resource PODS = core("pods", "Pod", true, "po");
    static final Resource NODES = core("nodes", "Node", false, "no");
    static final Resource NAMESPACES = core("namespaces", "Namespace", false, "ns");
    static final Resource EVENTS = core("events", "Event", true, "ev");
    static final Resource QUOTAS = core("resourcequotas", "ResourceQuota", true, "quota");
    static final Resource SERVICE_ACCOUNTS = core("serviceaccounts", "ServiceAccount", true, "sa");
    static final Resource SECRETS = core("secrets", "Secret", true);
    static final Resource LEASES = new Resource("coordination.k8s.io", "v1", "leases", "Lease", true, List.of());
    static final Resource PRIORITY_CLASSES = new Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false, List.of("pc"));
    /** Nothing that is kept: questions about the caller's rights. */
    static final Resource ACCESS_REVIEWS = new Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, List.of());

    static final List<Resource> ALL = List.of(PODS, NODES, NAMESPACES, EVENTS, QUOTAS, SERVICE_ACCOUNTS, SECRETS, LEASES, PRIORITY_CLASSES, ACCESS_REVIEWS,
            core("configmaps", "ConfigMap", true, "cm"), core("limitranges", "LimitRange", true, "limits"), core("services", "Service", true, "svc"),
            core("persistentvolumeclaims", "PersistentVolumeClaim", true, "pvc"),
            new Resource("batch", "v1", "jobs", "Job", true, List.of()),
            new Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, List.of("netpol")),
            new Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, List.of("pdb")),
            new Resource("rbac.authorization.k8s.io", "v1", "roles", "Role", true, List.of()),
            new Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true, List.of()));

    Resource {
        shortNames = List.copyOf(shortNames);
    }

    private static Resource core(String plural, String kind, boolean namespaced, String... shortNames) {
        return new Resource("", "v1", plural, kind, namespaced, List.of(shortNames));
    }

    static Optional<Resource> find(String group, String version, String plural) {
        return ALL.stream().filter(one -> one.group.equals(group) && one.version.equals(version) && one.plural.equals(plural)).findFirst();
    }

    /** As objects say it in {@code apiVersion}. */
    String apiVersion() {
        return group.isEmpty() ? version : group + "/" + version;
    }

    /** As errors name it. */
    String qualified() {
        return group.isEmpty() ? plural : plural + "." + group;
    }

    /** The last word of its kind, without the group, as {@code kubectl get} shows it. */
    String singular() {
        return kind.toLowerCase(java.util.Locale.ROOT);
    }
}
