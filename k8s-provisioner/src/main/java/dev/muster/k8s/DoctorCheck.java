package dev.muster.k8s;

import dev.muster.provisioner.doctor.Check;
import java.util.List;

/** What {@code muster doctor k8s} looks at, in the order in which it is shown: the one list that the answer, docs/k8s-doctor.md and the tests share. */
enum DoctorCheck implements Check {

    ENDPOINT("The API server's address answers.", List.of()),
    CERTIFICATE("Its certificate is of the CA that the account names, is for that address and in date; a week left or less is a warning.", List.of()),
    CLOCK("This computer's clock is the API server's: five seconds apart is a warning, five minutes a failure, since pods judge by their own clock how long they may run.",
            List.of()),
    CREDENTIALS("The account is configured, and the API server knows its credentials. Shown: whose they are, from Kubernetes 1.28.", List.of()),
    VERSION("Kubernetes is 1.20 to 1.33; a newer one is a warning.", List.of()),
    NAMESPACE("The namespace is there, and stays.", List.of("namespaces get")),
    PERMISSIONS("Every call that Muster makes is allowed in the namespace. Prices by node need nodes, too: without, it is said and nothing else.", List.of()),
    NO_SECRETS("The account may not read Secrets there: Muster has no use for it.", List.of()),
    BOOT("Connection, keys and secrets that the pool's pods are given have names that can be told.", List.of()),
    MACHINE_HOSTS("ClearML's address for machines is none that each pod takes for its own.", List.of()),
    TEMPLATE("The ConfigMap with the pod template is there, and is one.", List.of("configmaps get")),
    POD("The pool's launch can be written as a pod.", List.of()),
    SERVICE_ACCOUNT("The pods' service account is there, and isn't Muster's own.", List.of("serviceaccounts get")),
    SECRET("No pod of the last hour lacked the Secret or one of its keys. Shown: the keys that pods need, since Muster can't look.", List.of("events list")),
    PULL_SECRETS("No pod of the last hour lacked a Secret to pull its image with.", List.of("events list")),
    PRIORITY_CLASS("The priority class is there.", List.of("priorityclasses get")),
    QUOTA("ResourceQuotas without scopes leave room for one pod beyond what others use; less than for all that the fleets' limits allow is a warning.",
            List.of("resourcequotas list", "pods list")),
    DRY_RUN("The API server takes that pod, asked not to keep it: fields, quotas, LimitRanges, PodSecurity and other admission.", List.of("pods create")),
    NODES("Some node could take the pod if it were empty: labels, taints, what it has. None is a warning, since an autoscaler may make one.", List.of("nodes list"));

    private final String asks;
    private final List<String> permissions;

    DoctorCheck(String asks, List<String> permissions) {
        this.asks = asks;
        this.permissions = permissions;
    }

    @Override
    public String asks() {
        return asks;
    }

    @Override
    public List<String> permissions() {
        return permissions;
    }
}
