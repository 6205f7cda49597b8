package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.foreign.ChartImport;
import dev.muster.planner.foreign.ClearmlImport;
import dev.muster.planner.stream.SpecTrial;
import dev.muster.sandbox.suite.SuiteSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The glue's charts: what their values become, and what is said of those that become nothing. */
class ChartImportTest {

    private static final Path PAGE = Path.of("..", "docs", "import.md");
    private static final ChartImport.Options OPTIONS = new ChartImport.Options("moved", "lab", "ml");

    @TempDir
    Path folder;

    private Ran run(String text, String... more) throws IOException {
        var file = Files.writeString(folder.resolve("values.yaml"), text);
        var arguments = new ArrayList<>(List.of("import", "clearml-agent-chart", file.toString(), "--secrets", folder.resolve("secrets").toString()));
        arguments.addAll(List.of(more));
        return Ran.of(arguments.toArray(String[]::new));
    }

    private static ClearmlImport read(String text) throws InvalidYamlException {
        var imported = ChartImport.read(text, OPTIONS);
        assertThat(SpecTrial.of(imported.spec(), Instant.EPOCH).violations()).isEmpty();
        assertThat(FleetYaml.read(FleetYaml.write(imported.spec()))).isEqualTo(imported.spec());
        return imported;
    }

    private static List<String> lines(ClearmlImport imported) {
        return imported.notes().stream().map(note -> note.field() + ": " + note.text()).toList();
    }

    /** The blocks of the page's part on charts, in order. */
    private static List<String> blocks() throws IOException {
        var page = Files.readString(PAGE);
        return Pattern.compile("^```(?:yaml)?\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE).matcher(page.substring(page.indexOf("## From the glue's chart"))).results()
                .map(match -> match.group(1)).toList();
    }

    @Test
    void doesWhatItsPageShows() throws Exception {
        var spec = folder.resolve("fleet.yaml");
        var ran = run(blocks().get(1), "-o", spec.toString(), "--namespace", "ml", "--name", "cluster");
        assertThat(ran.err()).isEqualTo(blocks().get(3));
        assertThat(ran.exitCode()).isZero();
        assertThat(spec).hasContent(blocks().get(2));
        assertThat(folder.resolve("secrets/cluster-clearml-agent-git-pass")).hasContent("not-a-real-password");
    }

    @Test
    void theAccountOnItsPageIsOne() throws Exception {
        var yaml = MusterYaml.parse("installation: lab\nconnections: {default: {api: \"http://x:8008\"}}\n" + blocks().get(5), folder);
        assertThat(yaml.accounts()).isEqualTo(Map.of("default", SuiteSettings.Account.kubernetes(
                new SuiteSettings.Cluster(folder.resolve("kube/lab").toString(), "lab", null, null, "muster-machines", "muster-machines"), List.of("ml"), "python:3.11-slim-bookworm")));
    }

    @Test
    void readsTheOpenSourceChart() throws Exception {
        var imported = read("""
                clearml: {agentk8sglueKey: CANARY, agentk8sglueSecret: CANARY}
                agentk8sglue:
                  image: {repository: allegroai/clearml-agent-k8s-base, tag: 1.24-21}
                  replicaCount: 1
                  queue: urgent, gpu
                  createQueueIfNotExists: true
                  defaultContainerImage: ubuntu:18.04
                  apiServerUrlReference: http://api
                  clearmlcheckCertificate: true
                  extraEnvs:
                    - {name: K8S_GLUE_MAX_PODS, value: "6"}
                    - {name: K8S_GLUE_COMPLETED_POD_DELETION_DELAY_MINUTES, value: 5}
                    - {name: K8S_GLUE_POD_AGENT_INSTALL_ARGS, value: "==3.0.3"}
                    - {name: K8S_GLUE_POD_MONITOR_DISABLE_ENQUEUE_ON_PREEMPTION, value: "1"}
                    - {name: CLEARML_K8S_GLUE_KIND, value: job}
                    - {name: CLEARML_AGENT_GIT_USER, value: bot}
                    - {name: CLEARML_AGENT_GIT_PASS, valueFrom: {secretKeyRef: {name: git, key: CANARY}}}
                    - {name: HTTP_PROXY, value: CANARY}
                  nodeSelector: {a: b}
                  basePodTemplate:
                    labels: {team: vision, queue: "${QUEUE_NAME}"}
                    annotations: {note: "task ${CLEARML_TASK.id}"}
                    initContainers: [{name: warm, image: busybox, command: [sh, -c, 'echo ${HOME}']}]
                    schedulerName: mine
                    volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
                    volumeMounts: [{name: data, mountPath: /data}]
                    fileMounts: [{name: a, folderPath: /b, fileContent: CANARY}]
                    env:
                      - {name: MODE, value: fast}
                      - {name: DB_PASSWORD, value: CANARY}
                      - {name: TOKEN, valueFrom: {secretKeyRef: {name: db, key: token}}}
                    resources: {requests: {cpu: 2, nvidia.com/gpu: 1}, limits: {memory: 8Gi, nvidia.com/gpu: 1}}
                    priorityClassName: batch
                    nodeSelector: {gpu: t4}
                    tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}, {key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 9}]
                    podSecurityContext: {fsGroup: 1000}
                    containerSecurityContext: {}
                    runtimeClassName: nvidia
                sessions: {portModeEnabled: false, svcType: NodePort}
                imageCredentials: {password: CANARY}
                """);
        assertThat(FleetYaml.write(imported.spec())).isEqualTo("""
                name: moved
                queues:
                  urgent:
                    pools:
                    - pods
                    priority: 1
                  gpu:
                  - pods
                pools:
                  pods:
                    provider: k8s
                    account: lab
                    namespace: ml
                    type: pods
                    max: 6
                    onEnd:
                      Preempted: fail
                    image: ubuntu:18.04
                    tags:
                      team: vision
                    agent:
                      version: 3.0.3
                      environment:
                        CLEARML_AGENT_GIT_PASS:
                          secretRef: moved-clearml-agent-git-pass
                        CLEARML_AGENT_GIT_USER:
                          secretRef: moved-clearml-agent-git-user
                        DB_PASSWORD:
                          secretRef: moved-db-password
                        MODE: fast
                    k8s:
                      pods: task
                      template:
                        metadata:
                          labels:
                            queue: ${queue.name}
                          annotations:
                            note: task ${task.id}
                        spec:
                          initContainers:
                          - name: warm
                            image: busybox
                            command:
                            - sh
                            - -c
                            - echo $${HOME}
                          securityContext:
                            fsGroup: 1000
                          schedulerName: mine
                          volumes:
                          - name: data
                            persistentVolumeClaim:
                              claimName: data
                          containers:
                          - env:
                            - name: TOKEN
                              valueFrom:
                                secretKeyRef:
                                  name: db
                                  key: token
                            volumeMounts:
                            - name: data
                              mountPath: /data
                      requests:
                        cpu: '2'
                      limits:
                        memory: 8Gi
                        nvidia.com/gpu: '1'
                      nodeSelector:
                        gpu: t4
                      tolerations:
                      - key: nvidia.com/gpu
                        operator: Exists
                        effect: NoSchedule
                      - key: a
                        operator: Exists
                        effect: NoExecute
                        seconds: 9
                      priorityClass: batch
                      completedDelay: 5m
                createQueues: true
                """);
        assertThat(imported.secrets()).isEqualTo(Map.of("moved-clearml-agent-git-user", "bot", "moved-db-password", "CANARY"));
        assertThat(imported.notes().toString() + imported.spec()).doesNotContain("CANARY");
        assertThat(imported.notes()).extracting(ClearmlImport.Note::field).containsExactly("clearml.agentk8sglueKey", "clearml.agentk8sglueSecret", "agentk8sglue.image", "agentk8sglue.replicaCount",
                "agentk8sglue.apiServerUrlReference", "agentk8sglue.clearmlcheckCertificate", "agentk8sglue.nodeSelector", "sessions.portModeEnabled", "sessions.svcType", "imageCredentials",
                "agentk8sglue.extraEnvs[4] CLEARML_K8S_GLUE_KIND", "agentk8sglue.extraEnvs[5] CLEARML_AGENT_GIT_USER", "agentk8sglue.extraEnvs[6] CLEARML_AGENT_GIT_PASS",
                "agentk8sglue.extraEnvs[7] HTTP_PROXY", "agentk8sglue.basePodTemplate.fileMounts", "agentk8sglue.basePodTemplate.runtimeClassName",
                "agentk8sglue.basePodTemplate.env[1] DB_PASSWORD", "agentk8sglue.basePodTemplate.initContainers", "agentk8sglue.basePodTemplate.schedulerName");
        assertThat(lines(imported)).contains("imageCredentials: (an object) is no documented field of the chart, and is left out",
                "sessions.portModeEnabled: (a flag) is not offered: task pods get no ports from outside");
    }

    @Test
    void readsTheQueuesOfTheEnterpriseChart() throws Exception {
        var imported = read("""
                agentk8sglue:
                  createQueues: true
                  defaultContainerImage: python:3.11
                  maxPods: 12
                  completedPodDeletionDelayMinutes: 0
                  useOwnerToken: true
                  monitoredResources: {maxResourcesFieldName: "resources|limits|nvidia.com/gpu", maxResources: 8}
                  basePodTemplate:
                    labels: {team: vision}
                    resources: {limits: {cpu: 4}}
                  queues:
                    Big GPU:
                      templateOverrides:
                        resources: {limits: {nvidia.com/gpu: 4}}
                        extraVolumes: [{name: shm, emptyDir: {medium: Memory}}]
                        extraVolumeMounts: [{name: shm, mountPath: /dev/shm}]
                      queueSettings: {maxPods: 2, defaultImage: nvidia/cuda:12.4.1-runtime-ubuntu22.04, useImageEntrypoint: true, multiNode: true, customWorkerIdTemplate: "x"}
                    big-gpu: {}
                """);
        var spec = imported.spec();
        assertThat(spec.getCreateQueues()).isTrue();
        assertThat(spec.getLimits().getMax()).isEqualTo(12);
        assertThat(spec.getLimits().getResourcesMap()).isEqualTo(Map.of("nvidia.com/gpu", "8"));
        assertThat(spec.getQueuesList()).extracting(queue -> queue.getName() + " " + queue.getPoolsList() + " " + queue.getPriority()).containsExactly("Big GPU [big-gpu] 1", "big-gpu [big-gpu-2] 0");
        assertThat(spec.getPoolsList()).extracting(pool -> pool.getLimits().getMax() + " " + pool.getLaunch().getImage() + " " + pool.getLaunch().getK8S().getLimitsMap() + " " + pool.getLaunch().getK8S().getImageEntrypoint())
                .containsExactly("2 nvidia/cuda:12.4.1-runtime-ubuntu22.04 {nvidia.com/gpu=4} true", "12 python:3.11 {cpu=4} false");
        assertThat(spec.getPools(0).getLaunch().getK8S().getTemplate()).isEqualTo(
                "{\"spec\":{\"volumes\":[{\"name\":\"shm\",\"emptyDir\":{\"medium\":\"Memory\"}}],\"containers\":[{\"volumeMounts\":[{\"name\":\"shm\",\"mountPath\":\"/dev/shm\"}]}]}}");
        assertThat(spec.getPoolsList()).extracting(pool -> pool.getLaunch().getTagsMap()).containsOnly(Map.of("team", "vision"));
        assertThat(imported.notes()).extracting(ClearmlImport.Note::field).containsExactly("agentk8sglue.useOwnerToken", "agentk8sglue.queues.Big GPU",
                "agentk8sglue.queues.Big GPU.queueSettings.multiNode", "agentk8sglue.queues.Big GPU.queueSettings.customWorkerIdTemplate", "agentk8sglue.queues.big-gpu");
    }

    @Test
    void saysWhatAFileLeavesOpenAndKeepsScriptsApart() throws Exception {
        var imported = read("""
                agentk8sglue:
                  customBashScript: pip install x
                  containerCustomBashScript: |
                    export A_TOKEN=CANARY
                  monitoredResources: {maxResourcesFieldName: "metadata|labels|gpus", maxResources: 8}
                """);
        assertThat(imported.spec().getQueuesList()).extracting(queue -> queue.getName()).containsExactly("default");
        assertThat(imported.spec().getPools(0).getLimits().getMax()).isEqualTo(ChartImport.MOST_PODS);
        assertThat(imported.spec().getPools(0).getLaunch().getBoot().getInitScript().getText()).isEqualTo("pip install x");
        assertThat(lines(imported)).satisfiesExactly(
                script -> assertThat(script).startsWith("agentk8sglue.customBashScript: (a text) runs before the agent here"),
                other -> assertThat(other).startsWith("agentk8sglue.containerCustomBashScript: (a text) stands beside"),
                most -> assertThat(most).isEqualTo("agentk8sglue: says no most number of pods, which a pool must: it is 10 here"),
                cap -> assertThat(cap).startsWith("agentk8sglue.monitoredResources: (an object) counts no resource"));
        assertThat(imported.notes().toString() + imported.spec()).doesNotContain("CANARY");
    }

    @Test
    void refusesWhatIsWrongWithTheFieldAndTheFix() {
        refused("a: b: c", "line 1: is neither YAML nor JSON");
        refused("queue: default", "is no file of values of the chart clearml-agent; give one with agentk8sglue");
        refused("agentk8sglue: {maxPods: many}", "agentk8sglue.maxPods: is no whole number from 1 on");
        refused("agentk8sglue: {queues: [a]}", "agentk8sglue.queues: must be an object by queue");
        refused("agentk8sglue: {basePodTemplate: [a]}", "agentk8sglue.basePodTemplate: must be an object");
        refused("agentk8sglue: {basePodTemplate: {labels: a}}", "agentk8sglue.basePodTemplate.labels: must be an object");
        refused("agentk8sglue: {basePodTemplate: {env: [{value: CANARY}]}}", "agentk8sglue.basePodTemplate.env[0]: names no variable");
        refused("agentk8sglue: {basePodTemplate: {volumes: {name: a}}}", "agentk8sglue.basePodTemplate.volumes: must be a list");
        refused("agentk8sglue: {createQueues: maybe}", "agentk8sglue.createQueues: is neither true nor false");
    }

    private static void refused(String text, String line) {
        assertThatThrownBy(() -> ChartImport.read(text, OPTIONS)).isInstanceOfSatisfying(InvalidYamlException.class, invalid -> {
            var lines = invalid.violations().stream().map(InvalidYamlException::line).toList();
            assertThat(lines).as(text).hasSize(1);
            assertThat(lines.get(0)).startsWith(line).contains("; ").doesNotContain("CANARY");
        });
    }

    @Test
    void whatAPlannerWouldRefuseIsFoundBeforeAnythingIsWritten() throws Exception {
        var ran = run("agentk8sglue: {basePodTemplate: {volumes: [{name: muster-work}], env: [{name: A_KEY, value: CANARY}]}}");
        assertThat(ran.exitCode()).isEqualTo(CliFailure.FAILED);
        assertThat(ran.err()).contains("would be refused:", "pools.pods.k8s.template.spec.volumes[0].name: 'muster-work' begins as Muster's own names do").doesNotContain("CANARY");
        assertThat(folder.resolve("secrets")).doesNotExist();
    }
}
