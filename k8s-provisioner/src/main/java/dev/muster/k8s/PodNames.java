package dev.muster.k8s;

import java.util.regex.Pattern;

/** The labels, annotations and names by which the cluster knows whose a pod is, and by which a pod learns what it is to do. */
final class PodNames {

    /** Labels, which lists and watches are filtered by. */
    static final String INSTALLATION = "muster.dev/installation";
    static final String FLEET = "muster.dev/fleet";
    static final String POOL = "muster.dev/pool";
    static final String BATCH = "muster.dev/batch";
    static final String INDEX = "muster.dev/index";
    static final String TASK = "muster.dev/task";
    static final String MANAGED_BY = "app.kubernetes.io/managed-by";
    static final String MUSTER = "muster";

    /** Annotations that the pod's guard reads, and that change. */
    static final String MARK = "muster.dev/mark";
    static final String KEEP_UNTIL = "muster.dev/keep-until";

    /** Annotations that say later what it was launched with. */
    static final String MACHINE_TYPE = "muster.dev/machine-type";
    static final String MARKET = "muster.dev/market";
    static final String QUEUE = "muster.dev/queue";
    static final String QUEUE_ID = "muster.dev/queue-id";
    static final String CONNECTION = "muster.dev/connection";
    static final String COMPLETED_DELAY = "muster.dev/completed-delay";
    /** Says that the image is the task's own, and so is the fault if there is none such. */
    static final String IMAGE_OF = "muster.dev/image-of";
    static final String OF_TASK = "task";

    /** Karpenter and the cluster autoscaler leave a node alone that has a pod with these. */
    static final String KARPENTER_STAYS = "karpenter.sh/do-not-disrupt";
    static final String AUTOSCALER_STAYS = "cluster-autoscaler.kubernetes.io/safe-to-evict";

    /** Begins what is Muster's own among labels and annotations. */
    static final String OURS = "muster.dev/";

    /** Of a container, where the template names none. */
    static final String CONTAINER = "machine";
    /** Before it and beside it, where the image's own entrypoint runs. */
    static final String CLAIM = "muster-claim";
    static final String ATTEND = "muster-attend";
    static final String USUAL_TYPE = "pod";

    static final String WORK = "muster-work";
    static final String POD = "muster-pod";
    static final String SECRETS = "muster-secrets";
    static final String SHARED_MEMORY = "muster-shm";
    static final String HOST_PATH = "muster-host-";

    /** Of a label's value: "Syntax and character set" of Kubernetes' page on labels. Characters. */
    private static final int LONGEST_LABEL = 63;
    private static final Pattern NOT_IN_LABEL = Pattern.compile("[^A-Za-z0-9._-]+");
    private static final Pattern NOT_AT_END = Pattern.compile("^[^A-Za-z0-9]+|[^A-Za-z0-9]+$");

    private PodNames() {}

    /** The text as a label's value can hold it; its ends are letters or digits also where it had to be cut. May be empty. */
    static String labelValue(String text) {
        var plain = NOT_AT_END.matcher(NOT_IN_LABEL.matcher(text).replaceAll("-")).replaceAll("");
        return plain.length() <= LONGEST_LABEL ? plain : NOT_AT_END.matcher(plain.substring(0, LONGEST_LABEL)).replaceAll("");
    }
}
