package dev.muster.planner.foreign;

import java.util.Arrays;
import java.util.Optional;

/**
 * What ClearML's charts for Kubernetes can be told, as the import knows it: one constant a key. {@code docs/parity.md} has a row for each, with
 * the same field of ours, which a test holds.
 */
public enum ChartField {

    KEY(Place.CLEARML, "agentk8sglueKey", "", "is of a connection: put it into the file clearml-<connection>-access-key of the secrets folder, or leave it to muster init"),
    SECRET(Place.CLEARML, "agentk8sglueSecret", "", "is of a connection: put it into the file clearml-<connection>-secret-key of the secrets folder, or leave it to muster init"),
    EXISTING_KEYS(Place.CLEARML, "existingAgentk8sglueSecret", "", "has a connection's keys: put them into the files clearml-<connection>-access-key and clearml-<connection>-secret-key of the secrets folder"),
    CLEARML_CONF(Place.CLEARML, "clearmlConfig", "pools.<pool>.agent.extraConf", ""),

    PORT_MODE(Place.SESSIONS, "portModeEnabled", "", "is not offered: task pods get no ports from outside"),
    SERVICE_TYPE(Place.SESSIONS, "svcType", "", "is not offered: task pods get no ports from outside"),
    EXTERNAL_IP(Place.SESSIONS, "externalIP", "", "is not offered: task pods get no ports from outside"),
    STARTING_PORT(Place.SESSIONS, "startingPort", "", "is not offered: task pods get no ports from outside"),
    MAX_SERVICES(Place.SESSIONS, "maxServices", "", "is not offered: task pods get no ports from outside"),

    AGENT_IMAGE(Place.GLUE, "image", "", "is the glue's own image, and no glue runs here"),
    REPLICAS(Place.GLUE, "replicaCount", "", "is not needed: a fleet has one planner, wherever it runs"),
    QUEUE(Place.GLUE, "queue", "queues.<queue>.pools", ""),
    QUEUES(Place.GLUE, "queues", "queues.<queue>.pools", ""),
    CREATE_QUEUE(Place.GLUE, "createQueueIfNotExists", "createQueues", ""),
    CREATE_QUEUES(Place.GLUE, "createQueues", "createQueues", ""),
    DEFAULT_IMAGE(Place.GLUE, "defaultContainerImage", "pools.<pool>.image", ""),
    API_URL(Place.GLUE, "apiServerUrlReference", "", "is of a connection: write it as its api in muster.yaml"),
    WEB_URL(Place.GLUE, "webServerUrlReference", "", "is of a connection: write it as machineHosts.web in muster.yaml"),
    FILES_URL(Place.GLUE, "fileServerUrlReference", "", "is of a connection: write it as machineHosts.files in muster.yaml"),
    CHECK_CERTIFICATE(Place.GLUE, "clearmlcheckCertificate", "", "is not offered: certificates are always checked"),
    EXTRA_ENVS(Place.GLUE, "extraEnvs", "pools.<pool>.agent.environment", ""),
    BASE_POD(Place.GLUE, "basePodTemplate", "pools.<pool>.k8s.template", ""),
    MAX_PODS(Place.GLUE, "maxPods", "max", ""),
    COMPLETED_DELAY(Place.GLUE, "completedPodDeletionDelayMinutes", "pools.<pool>.k8s.completedDelay", ""),
    MONITORED(Place.GLUE, "monitoredResources", "limits.resources", ""),
    CUSTOM_SCRIPT(Place.GLUE, "customBashScript", "pools.<pool>.agent.initScript", ""),
    CONTAINER_SCRIPT(Place.GLUE, "containerCustomBashScript", "pools.<pool>.agent.initScript", ""),
    SERVICE_ACCOUNT(Place.GLUE, "serviceExistingAccountName", "", "is the glue's own account, which tasks do not get here: write k8s.serviceAccount of a pool if they need one"),
    CLUSTER_ACCESS(Place.GLUE, "serviceAccountClusterAccess", "", "is not needed: Muster's rights are of its namespaces alone"),
    ROLES(Place.GLUE, "additionalRoleBindings", "", "is not needed: no glue runs here, and tasks have no access to the cluster's API"),
    CLUSTER_ROLES(Place.GLUE, "additionalClusterRoleBindings", "", "is not needed: no glue runs here, and tasks have no access to the cluster's API"),
    GLUE_VOLUMES(Place.GLUE, "volumes", "", "is of the glue's own pod, and no glue runs here"),
    GLUE_MOUNTS(Place.GLUE, "volumeMounts", "", "is of the glue's own pod, and no glue runs here"),
    GLUE_FILES(Place.GLUE, "fileMounts", "", "is of the glue's own pod, and no glue runs here"),
    GLUE_POD_SECURITY(Place.GLUE, "podSecurityContext", "", "is of the glue's own pod, and no glue runs here"),
    GLUE_SECURITY(Place.GLUE, "containerSecurityContext", "", "is of the glue's own pod, and no glue runs here"),
    GLUE_NODES(Place.GLUE, "nodeSelector", "", "is of the glue's own pod, and no glue runs here"),
    GLUE_TOLERATIONS(Place.GLUE, "tolerations", "", "is of the glue's own pod, and no glue runs here"),
    GLUE_AFFINITY(Place.GLUE, "affinity", "", "is of the glue's own pod, and no glue runs here"),
    OWNER_TOKEN(Place.GLUE, "useOwnerToken", "", "is not offered: tokens of a task's owner are ClearML Enterprise's own"),
    VAULT(Place.GLUE, "applyVaultEnvVars", "", "is not offered: vaults are ClearML Enterprise's own"),
    WORKER_ID(Place.GLUE, "workerIdOverride", "", "is not offered: Muster tells its workers by the form of their ids"),
    TASK_WORKER_ID(Place.GLUE, "taskWorkerIdOverride", "", "is not offered: Muster tells its workers by the form of their ids"),
    REPORT_MAX(Place.GLUE, "reportMax", "", "is not offered: it is of ClearML Enterprise's dashboard"),
    SERVER_TASKS(Place.GLUE, "serverTasks", "", "is not offered: a pod runs one task, or its agent one after the other"),
    POLL(Place.GLUE, "queuePollFrequencySeconds", "", "is no field here: the queue-watcher's interval is a connection's, one second unless told otherwise"),
    REPORT(Place.GLUE, "statusReportFrequencySeconds", "", "is not needed: what becomes of a pod is said at once"),

    LABELS(Place.POD, "labels", "pools.<pool>.tags", ""),
    ANNOTATIONS(Place.POD, "annotations", "pools.<pool>.k8s.annotations", ""),
    RESOURCES(Place.POD, "resources", "pools.<pool>.k8s.requests", ""),
    PRIORITY(Place.POD, "priorityClassName", "pools.<pool>.k8s.priorityClass", ""),
    NODES(Place.POD, "nodeSelector", "pools.<pool>.k8s.nodeSelector", ""),
    TOLERATIONS(Place.POD, "tolerations", "pools.<pool>.k8s.tolerations[].key", ""),
    AFFINITY(Place.POD, "affinity", "pools.<pool>.k8s.template", ""),
    INIT_CONTAINERS(Place.POD, "initContainers", "pools.<pool>.k8s.template", ""),
    SCHEDULER(Place.POD, "schedulerName", "pools.<pool>.k8s.template", ""),
    HOST_ALIASES(Place.POD, "hostAliases", "pools.<pool>.k8s.template", ""),
    VOLUMES(Place.POD, "volumes", "pools.<pool>.k8s.template", ""),
    MOUNTS(Place.POD, "volumeMounts", "pools.<pool>.k8s.template", ""),
    EXTRA_VOLUMES(Place.POD, "extraVolumes", "pools.<pool>.k8s.template", ""),
    EXTRA_MOUNTS(Place.POD, "extraVolumeMounts", "pools.<pool>.k8s.template", ""),
    POD_SECURITY(Place.POD, "podSecurityContext", "pools.<pool>.k8s.template", ""),
    SECURITY(Place.POD, "containerSecurityContext", "pools.<pool>.k8s.template", ""),
    ENV(Place.POD, "env", "pools.<pool>.agent.environment", ""),
    FILES(Place.POD, "fileMounts", "", "is in the chart's values and in none of its templates: put the file into a ConfigMap or a Secret, and mount that with k8s.template"),

    QUEUE_MAX_PODS(Place.QUEUE, "maxPods", "pools.<pool>.max", ""),
    QUEUE_IMAGE(Place.QUEUE, "defaultImage", "pools.<pool>.image", ""),
    ENTRYPOINT(Place.QUEUE, "useImageEntrypoint", "pools.<pool>.k8s.imageEntrypoint", ""),
    CUSTOM_WORKER_ID(Place.QUEUE, "customWorkerIdTemplate", "", "is not offered: Muster tells its workers by the form of their ids"),
    MULTI_NODE(Place.QUEUE, "multiNode", "", "is not offered: a task runs in one pod"),

    ENV_QUEUE(Place.ENV, "K8S_GLUE_QUEUE", "queues.<queue>.pools", ""),
    ENV_MAX_PODS(Place.ENV, "K8S_GLUE_MAX_PODS", "pools.<pool>.max", ""),
    ENV_EXTRA_ARGS(Place.ENV, "K8S_GLUE_EXTRA_ARGS", "", "is a line of the glue's options: docs/parity.md has a row for each"),
    ENV_ENTRYPOINT(Place.ENV, "K8S_GLUE_POD_USE_IMAGE_ENTRYPOINT", "pools.<pool>.k8s.imageEntrypoint", ""),
    ENV_INSTALL(Place.ENV, "K8S_GLUE_POD_AGENT_INSTALL_ARGS", "pools.<pool>.agent.version", ""),
    ENV_EXECUTE(Place.ENV, "K8S_GLUE_DEF_EXEC_AGENT_ARGS", "", "is not offered: how the agent is called is Muster's"),
    ENV_COMPLETED(Place.ENV, "K8S_GLUE_COMPLETED_POD_DELETION_DELAY_MINUTES", "pools.<pool>.k8s.completedDelay", ""),
    ENV_EVICTION(Place.ENV, "K8S_GLUE_POD_MONITOR_EVICTION_REASONS", "", "is not needed: an image that can't be pulled fails its task at once"),
    ENV_PREEMPTED(Place.ENV, "K8S_GLUE_POD_MONITOR_DISABLE_ENQUEUE_ON_PREEMPTION", "pools.<pool>.onEnd", ""),
    ENV_PENDING_TAG(Place.ENV, "K8S_GLUE_DEFAULT_SCHEDULER_QUEUE_TAGS", "", "is not needed: a task waits in its own queue until its pod takes it"),
    ENV_KIND(Place.ENV, "CLEARML_K8S_GLUE_KIND", "", "is not needed: pods are bare, since a job that starts again would run its task twice"),
    ENV_MODULE(Place.ENV, "CLEARML_K8S_GLUE_TEMPLATE_MODULE", "", "is not offered: no code of others runs in Muster; pools differ by their fields"),
    ENV_CONDITION(Place.ENV, "CLEARML_K8S_GLUE_COND_CUST_TEMPLATE", "", "is not offered: write a pool and a queue for each case"),
    ENV_IMAGE(Place.ENV, "CLEARML_DOCKER_IMAGE", "pools.<pool>.image", ""),
    ENV_GIT_USER(Place.ENV, "CLEARML_AGENT_GIT_USER", "pools.<pool>.agent.environment", ""),
    ENV_GIT_PASSWORD(Place.ENV, "CLEARML_AGENT_GIT_PASS", "pools.<pool>.agent.environment", ""),
    ENV_NO_UPDATE(Place.ENV, "CLEARML_AGENT_NO_UPDATE", "", "is not needed: an image that has the agent is used as it is");

    /** Where a key stands. */
    public enum Place {
        /** Below {@code clearml}. */
        CLEARML,
        /** Below {@code sessions}. */
        SESSIONS,
        /** Below {@code agentk8sglue}. */
        GLUE,
        /** Below {@code agentk8sglue.basePodTemplate}, and in the overrides of a queue. */
        POD,
        /** Below {@code queueSettings} of a queue. */
        QUEUE,
        /** A variable among {@code agentk8sglue.extraEnvs}. */
        ENV
    }

    public final Place place;
    public final String key;
    /** Path in our spec; empty: we have none. */
    public final String ours;
    /** What is said where the file has it; empty where it is carried over. */
    public final String why;

    ChartField(Place place, String key, String ours, String why) {
        this.place = place;
        this.key = key;
        this.ours = ours;
        this.why = why;
    }

    public static Optional<ChartField> of(Place place, String key) {
        return Arrays.stream(values()).filter(field -> field.place == place && field.key.equals(key)).findFirst();
    }

    /** As the page of all fields has it. */
    public String path() {
        return switch (place) {
            case CLEARML -> "clearml." + key;
            case SESSIONS -> "sessions." + key;
            case GLUE -> "agentk8sglue." + key;
            case POD -> "agentk8sglue.basePodTemplate." + key;
            case QUEUE -> "queueSettings." + key;
            case ENV -> key;
        };
    }
}
