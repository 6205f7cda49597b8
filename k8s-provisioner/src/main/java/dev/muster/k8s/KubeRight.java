package dev.muster.k8s;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A verb on a resource, as roles grant it: the one list of what Muster calls that roles, the doctor and tests share.
 *
 * @param group empty: the core
 * @param resource with its subresource, as roles write it: {@code pods/log}
 * @param namespaced else of the cluster
 */
record KubeRight(String verb, String group, String resource, boolean namespaced) implements Comparable<KubeRight> {

    static final KubeRight CREATE_PODS = of("create", "pods");
    /** Only where a pool's template is in a ConfigMap. */
    static final KubeRight TEMPLATES = of("get", "configmaps");

    /** The provisioner's, in each namespace that pods are in. */
    static final List<KubeRight> PROVISIONER = Stream.concat(
            Stream.of("delete", "get", "list", "patch", "watch").map(verb -> of(verb, "pods")),
            Stream.of(CREATE_PODS, of("get", "pods/log"), TEMPLATES)).sorted().toList();

    /** Of the cluster, for prices by node; it works without. */
    static final List<KubeRight> NODES = List.of(new KubeRight("list", "", "nodes", false));

    /** What the doctor alone reads. */
    static final List<KubeRight> DOCTOR = Stream.of(of("list", "events"), of("list", "resourcequotas"), of("get", "serviceaccounts"), new KubeRight("get", "", "namespaces", false),
            new KubeRight("list", "", "nodes", false), new KubeRight("get", "scheduling.k8s.io", "priorityclasses", false)).sorted().toList();

    /** What whoever can't read secrets must not have. */
    static final List<KubeRight> SECRETS = List.of(of("get", "secrets"), of("list", "secrets"), of("watch", "secrets"));

    private static KubeRight of(String verb, String resource) {
        return new KubeRight(verb, "", resource, true);
    }

    String name() {
        return resource.split("/")[0];
    }

    /** Empty: the resource itself. */
    String subresource() {
        return resource.contains("/") ? resource.split("/")[1] : "";
    }

    /** As people say it: {@code pods create}. */
    @Override
    public String toString() {
        return resource + " " + verb;
    }

    static String words(List<KubeRight> rights) {
        return rights.stream().map(KubeRight::toString).collect(Collectors.joining(", "));
    }

    @Override
    public int compareTo(KubeRight other) {
        return (group + " " + this).compareTo(other.group + " " + other);
    }
}
