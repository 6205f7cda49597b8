package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.v1.Facts;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Limits;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PodKind;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.TaskAction;
import dev.muster.v1.Violation;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a spec may say of pods, what it means, and what people should know. */
class KubernetesSpecTest {

    private static FleetSpec spec(String pool) throws InvalidYamlException {
        return FleetYaml.read("name: train\nqueues: {default: [pods]}\npools:\n  pods:\n    max: 4\n" + pool.indent(4));
    }

    private static FleetSpec pods(String more) throws InvalidYamlException {
        return spec("provider: k8s\n" + (more.startsWith("namespace: ") ? "" : "namespace: ml\n") + more);
    }

    private static FleetSpec filled(String text) throws InvalidYamlException {
        var spec = FleetYaml.read("name: train\n" + text);
        assertThat(SpecValidator.violations(spec, Specs.FACTS)).isEmpty();
        var filled = Defaults.fill(spec, "lab");
        assertThat(SpecValidator.violations(filled, Specs.FACTS)).as("what is filled in is good").isEmpty();
        assertThat(Defaults.fill(filled, "lab")).isEqualTo(filled);
        return filled;
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "account: lab\ntype: gpu-small",
        "image: registry.lab:5000/ml/train:2",
        "image: python@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "min: 1\nwarm: 1\nslots: 2\nagent: {docker: false, version: 3.0.3}",
        "agent: {environment: {A: {secretRef: git-password}, B: {secretRef: 'kubernetes:git.user'}}, storage: {s3: [{key: {secretRef: s3-key}, secret: {secretRef: s3-secret}}]}}",
        "patience: 90s\nonEnd: {OOMKilled: retry, StartError: fail}",
        "tags: {team: vision, lab.example/cost: a_b, empty: ''}",
        "k8s: {requests: {cpu: 500m, memory: 1.5Gi}, limits: {cpu: 2, nvidia.com/gpu: 1, hugepages-2Mi: 64Mi}}",
        "k8s: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 1}}",
        "k8s: {tolerations: [{operator: Exists}, {key: a/b, value: c}, {key: a, operator: Exists, effect: NoExecute, seconds: 0}]}",
        "k8s: {pods: task, imageEntrypoint: true, claimImage: 'python:3.11-slim', completedDelay: 0s, templateConfigMap: gpu.pods}",
        "k8s: {template: {metadata: {labels: {task: '${task.id}', queue: '${queue.name}'}}, spec: {restartPolicy: Never, automountServiceAccountToken: false}}, pods: task}",
        "k8s: {template: {spec: {containers: [{name: main, env: [{name: A, value: '$HOME $(B) $${HOME} ${fleet}/${pool}/${machine}'}]}, {name: side, image: a, command: [b]}]}}}",
        "k8s: {template: {spec: {containers: [{args: [--fast]}]}}, pods: task, imageEntrypoint: true}"})
    void findsNothingInGoodPods(String pool) throws Exception {
        var spec = pods(pool);
        assertThat(SpecValidator.violations(spec, Specs.FACTS)).isEmpty();
        assertThat(SpecValidator.violations(Defaults.fill(spec, "lab"), Specs.FACTS)).isEmpty();
        assertThat(FleetYaml.read(FleetYaml.write(Defaults.fill(spec, "lab")))).isEqualTo(Defaults.fill(spec, "lab"));
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("mistakes")
    void saysWhatIsWrongAndWhatToDo(String field, String pool, String problem, String fix) throws Exception {
        assertThat(SpecValidator.violations(pods(pool), Specs.FACTS)).singleElement().satisfies(violation -> {
            assertThat(violation.getField()).isEqualTo("pools.pods." + field);
            assertThat(violation.getProblem()).contains(problem);
            assertThat(violation.getFix()).contains(fix).isNotBlank();
        });
    }

    private static Arguments wrong(String field, String pool, String problem, String fix) {
        return Arguments.of(field, pool, problem, fix);
    }

    private static Arguments k8s(String field, String k8s, String problem, String fix) {
        return wrong("k8s." + field, "k8s: {" + k8s + "}", problem, fix);
    }

    private static Arguments template(String field, String template, String problem, String fix) {
        return k8s("template" + field, "template: {" + template + "}", problem, fix);
    }

    private static Arguments container(String field, String container, String problem, String fix) {
        return template(".spec.containers[0]." + field, "spec: {containers: [{" + container + "}]}", problem, fix);
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                wrong("namespace", "namespace: ML", "'ML' is no name of a namespace", "small letters"),
                wrong("zone", "zone: a", "a namespace has no zones", "topology.kubernetes.io/zone: a"),
                wrong("subnet", "subnet: s", "the cluster's network", "remove it"),
                wrong("market", "market: spot", "its nodes are spot or not", "k8s.nodeSelector"),
                wrong("disks", "disks: [{size: 20}]", "pods have volumes", "k8s.template"),
                wrong("image", "image: Ubuntu", "'Ubuntu' is no container image", "python:3.11-slim"),
                wrong("agent.defaultImage", "agent: {defaultImage: 'a b'}", "'a b' is no container image", "python"),
                wrong("agent.docker", "agent: {docker: true}", "without containers of their own", "remove it"),
                wrong("agent.environment.A.secretRef", "agent: {environment: {A: {secretRef: 'ssm:/a'}}}", "in a secret store of AWS, which pods can't read", "Kubernetes Secret"),
                wrong("agent.environment.A.secretRef", "agent: {environment: {A: {secretRef: '../a'}}}", "'../a' is no name of a secret", "a key of the pool's Kubernetes Secret"),
                wrong("agent.environment.A", "agent: {environment: {A: AKIA" + "IOSFODNN7EXAMPLE}}", "looks like a key", "Kubernetes Secret, and write secretRef"),
                wrong("agent.storage.s3[0].secret", "agent: {storage: {s3: [{key: {secretRef: k}, secret: s}]}}", "may not stand in a spec", "its key there"),
                wrong("patience", "patience: 0s", "is 0s", "more than zero"),
                wrong("onEnd.OOMkilled", "onEnd: {OOMkilled: fail}", "'OOMkilled' is no reason", "write OOMKilled"),
                wrong("onEnd.exit 1", "onEnd: {exit 1: fail}", "'exit 1' is no reason", "Error"),
                wrong("limits.resources", "limits: {resources: {cpu: 4}}", "is of a fleet", "top"),
                wrong("aws", "aws: {keyName: ops}", "is for machines on AWS, and the pool's are on Kubernetes", "write k8s instead"),
                wrong("gcp", "gcp: {localSsds: 1}", "is for machines on Google Cloud, and the pool's are on Kubernetes", "provider: gcp"),
                wrong("tags.a b", "tags: {a b: c}", "'a b' is no key of a label", "at most 63"),
                wrong("tags.a", "tags: {a: 'b c'}", "'b c' is no value of a label", "at most 63"),
                wrong("tags.a", "tags: {a: '${task.id}'}", "placeholder", "write it there"),
                wrong("tags.muster.dev/pool", "tags: {muster.dev/pool: x}", "Muster's own", "choose another"),
                wrong("tags.app.kubernetes.io/managed-by", "tags: {app.kubernetes.io/managed-by: helm}", "it says that the pod is Muster's", "remove it"),
                wrong("min", "min: 1\nk8s: {pods: task}", "is 1, and a task pod is made for a waiting task", "pods: agent"),
                wrong("warm", "warm: 1\nk8s: {pods: task}", "is 1, and a task pod", "pods: agent"),
                wrong("slots", "slots: 2\nk8s: {pods: task}", "is 2, and a task pod runs one task", "pods: agent"),
                wrong("schedules[0].min", "schedules: [{cron: '0 8 * * *', lasts: 1h, min: 1}]\nk8s: {pods: task}", "is 1, and a task pod", "remove it"),
                k8s("templateConfigMap", "template: {spec: {hostIPC: true}}, templateConfigMap: t", "so is template", "keep one"),
                k8s("templateConfigMap", "templateConfigMap: T", "'T' is no name", "small letters"),
                k8s("priorityClass", "priorityClass: a_b", "'a_b' is no name", "small letters"),
                k8s("serviceAccount", "serviceAccount: a/b", "'a/b' is no name", "small letters"),
                k8s("secret", "secret: -a", "'-a' is no name", "small letters"),
                k8s("pullSecrets[1]", "pullSecrets: [a, a]", "named twice", "once"),
                k8s("requests.cpu", "requests: {cpu: two}", "'two' is no quantity", "500m"),
                k8s("requests.memory", "requests: {memory: 8GB}", "'8GB' is no quantity", "Gi"),
                k8s("limits.memory", "limits: {memory: 0}", "is 0", "more than 0"),
                k8s("limits.nvidia.com/gpu", "limits: {nvidia.com/gpu: 0.5}", "given out whole", "whole number"),
                k8s("limits.gpu", "limits: {gpu: 1}", "'gpu' is no resource", "nvidia.com/gpu"),
                k8s("requests.cpu", "requests: {cpu: 2}, limits: {cpu: 1500m}", "is 2, above limits.cpu, which is 1500m", "raise the limit"),
                k8s("requests.nvidia.com/gpu", "requests: {nvidia.com/gpu: 1}", "is not what limits.nvidia.com/gpu is", "under limits alone"),
                k8s("nodeSelector.a b", "nodeSelector: {a b: c}", "'a b' is no key of a label", "as the nodes have it"),
                k8s("nodeSelector.a", "nodeSelector: {a: c d}", "'c d' is no value", "as the nodes have it"),
                k8s("tolerations[0].operator", "tolerations: [{key: a, operator: In}]", "'In' is no operator", "Equal or Exists"),
                k8s("tolerations[0].value", "tolerations: [{key: a, operator: Exists, value: b}]", "Exists asks for none", "Equal"),
                k8s("tolerations[0].key", "tolerations: [{value: b}]", "is missing", "Exists alone"),
                k8s("tolerations[0].key", "tolerations: [{key: a b}]", "'a b' is no key of a taint", "nvidia.com/gpu"),
                k8s("tolerations[0].effect", "tolerations: [{key: a, effect: Never}]", "'Never' is no effect", "NoSchedule"),
                k8s("tolerations[0].seconds", "tolerations: [{key: a, seconds: 3}]", "only NoExecute", "NoExecute"),
                k8s("annotations.muster.dev/mark", "annotations: {muster.dev/mark: 'drain:9'}", "Muster's own", "choose another"),
                k8s("annotations.karpenter.sh/do-not-disrupt", "annotations: {karpenter.sh/do-not-disrupt: 'false'}", "Karpenter", "remove it"),
                k8s("annotations.a", "annotations: {a: '${task.id}'}", "looks like a placeholder", "write it there"),
                k8s("annotations.a", "annotations: {a: AKIA" + "IOSFODNN7EXAMPLE}", "looks like a key", "remove it"),
                k8s("imageEntrypoint", "imageEntrypoint: true", "agent pods run an agent", "pods: task"),
                k8s("claimImage", "pods: task, claimImage: python", "own image claims", "imageEntrypoint: true"),
                k8s("completedDelay", "completedDelay: 32d", "longer than makes sense", "31d"),
                k8s("template", "template: nothing", "is no JSON", "metadata and spec"),
                k8s("template", "template: '[]'", "is no JSON object", "metadata and spec"),
                template("", "", "has neither metadata nor spec", "of a pod"),
                template(".kind", "kind: Pod, spec: {hostIPC: true}", "is no member of a pod template", "remove it"),
                template(".spec", "spec: 3", "must be an object", "indented"),
                template(".spec.containers", "spec: {containers: {name: a}}", "must be a list of objects", "dash"),
                template(".spec.containers", "spec: {containers: []}", "there are none", "leave out"),
                template(".spec.containers[1].name", "spec: {containers: [{name: a}, {image: b}]}", "is missing", "name"),
                template(".spec.containers[1].name", "spec: {containers: [{name: a}, {name: a, image: b}]}", "name of another container", "of its own"),
                template(".spec.containers[1].image", "spec: {containers: [{}, {name: a}]}", "is missing", "image"),
                template(".spec.initContainers[0].name", "spec: {initContainers: [{name: muster-claim, image: a}]}", "begins as Muster's own", "muster-"),
                template(".spec.restartPolicy", "spec: {restartPolicy: Always}", "may not stand", "run its task twice"),
                template(".spec.serviceAccountName", "spec: {serviceAccountName: a}", "may not stand", "k8s.serviceAccount"),
                template(".spec.nodeName", "spec: {nodeName: a}", "may not stand", "k8s.nodeSelector"),
                template(".metadata.name", "metadata: {name: a}", "may not stand", "remove it"),
                template(".metadata.namespace", "metadata: {namespace: a}", "may not stand", "offer's namespace"),
                template(".metadata.finalizers", "metadata: {finalizers: [a]}", "may not stand", "remove them"),
                template(".metadata.labels.muster.dev/fleet", "metadata: {labels: {muster.dev/fleet: a}}", "Muster's own", "choose another"),
                template(".metadata.annotations.x.muster.dev/a", "metadata: {annotations: {x.muster.dev/a: b}}", "Muster's own", "choose another"),
                template(".metadata.annotations.a", "metadata: {annotations: {a: true}}", "is no text", "quotes"),
                template(".spec.volumes[0].name", "spec: {volumes: [{name: muster-work}]}", "begins as Muster's own", "muster-"),
                template(".metadata.labels.a", "metadata: {labels: {a: '${task.owner}'}}", "'${task.owner}' is no placeholder", "${task.id}"),
                template(".metadata.annotations.a", "metadata: {annotations: {a: 'x ${user.id}'}}", "an agent pod is made for none", "pods: task"),
                template(".spec.hostname", "spec: {hostname: '${fleet'}", "'${fleet' is no placeholder", "${fleet}"),
                template("", "spec: {containers: [{env: [{name: A, value: AKIA" + "IOSFODNN7EXAMPLE}]}]}", "looks like a key", "valueFrom"),
                container("command", "command: [bash]", "runs the agent", "imageEntrypoint"),
                container("volumeMounts[0].mountPath", "volumeMounts: [{name: a, mountPath: /muster/work}]", "where Muster has its own", "elsewhere"),
                container("volumeMounts[0].name", "volumeMounts: [{name: muster-secrets, mountPath: /a}]", "begins as Muster's own", "muster-"),
                container("env[0].name", "env: [{name: MUSTER_BOOT, value: a}]", "Muster's own", "another name"),
                container("volumeMounts", "volumeMounts: a", "must be a list of objects", "dash"));
    }

    @Test
    void aPoolIsOfPodsOrOfMachines() throws Exception {
        var both = spec("account: a\noffers: [{provider: aws, region: eu-west-1, type: m5.large}, {provider: k8s, namespace: ml}]");
        assertThat(SpecValidator.violations(both, Specs.FACTS)).singleElement().satisfies(violation -> {
            assertThat(violation.getField()).isEqualTo("pools.pods.offers");
            assertThat(violation.getProblem()).isEqualTo("are of Kubernetes and of AWS, and a pool is of pods or of machines");
        });
    }

    @Test
    void whatIsOfPodsIsRefusedElsewhere() throws Exception {
        var machines = spec("provider: aws\nregion: eu-west-1\ntype: m5.large\npatience: 5m\nonEnd: {OOMKilled: fail}\nagent: {environment: {A: {secretRef: 'kubernetes:a'}}}\nk8s: {pods: task}");
        assertThat(SpecValidator.violations(machines, Specs.FACTS)).extracting(Violation::getField)
                .containsExactly("pools.pods.patience", "pools.pods.onEnd", "pools.pods.k8s", "pools.pods.agent.environment.A.secretRef");
    }

    @Test
    void aMissingNamespaceOrAccountIsSaidInWordsOfKubernetes() {
        var spec = FleetSpec.newBuilder(Specs.fleet("train").build());
        spec.getPoolsBuilder(0).clearOffers().addOffers(OfferSpec.newBuilder().setKey(OfferKey.newBuilder().setProvider("k8s").setMachineType("pod")));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).extracting(Violation::getField).containsExactly("pools.cpu.account", "pools.cpu.namespace");
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS).get(0).getFix()).contains("muster.k8s.accounts.<name>");
        spec.getPoolsBuilder(0).getOffersBuilder(0).getKeyBuilder().setAccount("lab").setRegion("ml");
        assertThat(SpecValidator.violations(spec.build(), Facts.newBuilder().setInstallation("lab").addUnknownNames("account:k8s/lab").build())).singleElement()
                .satisfies(violation -> assertThat(violation.getFix()).contains("muster.k8s.accounts.lab"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"limits: {resources: {gpu: 4}}", "limits: {resources: {cpu: lots}}", "limits: {resources: {nvidia.com/gpu: 1.5}}", "limits: {resources: {cpu: 0}}"})
    void capsAreQuantitiesOfResources(String caps) throws Exception {
        var spec = FleetYaml.read("name: train\n" + caps + "\nqueues: {q: [p]}\npools: {p: {provider: k8s, namespace: ml, max: 4}}\n");
        assertThat(SpecValidator.violations(spec, Specs.FACTS)).singleElement().satisfies(violation -> assertThat(violation.getField()).startsWith("limits.resources."));
    }

    @Test
    void podsWaitForEverUnlessThereIsAPoolToGoTo() throws Exception {
        var filled = filled("""
                queues: {a: [last, first], b: [first, last], c: {pools: [cheap, last], order: cheapest}, d: [alone]}
                pools:
                  first: {provider: k8s, namespace: ml, max: 4}
                  last: {provider: k8s, namespace: ml, type: big, max: 4, patience: 1h}
                  cheap: {provider: k8s, namespace: ml, max: 4}
                  alone: {provider: k8s, namespace: ml, max: 4}
                  vm: {provider: aws, region: eu-west-1, type: m5.large, max: 4}
                """);
        assertThat(filled.getPoolsList()).extracting(pool -> pool.hasPatience() ? pool.getPatience().getSeconds() : -1).containsExactly(300L, 3600L, 300L, -1L, -1L);
    }

    @Test
    void podsHaveDefaultsOfTheirOwn() throws Exception {
        var pool = filled("queues: {a: [p]}\npools: {p: {provider: k8s, namespace: ml, max: 4, onEnd: {Error: retry}}}\n").getPools(0);
        assertThat(pool.getLaunch().getK8S().getPods()).isEqualTo(PodKind.AGENT_POD);
        assertThat(pool.getLaunch().getBoot().hasDocker()).isTrue();
        assertThat(pool.getLaunch().getBoot().getDocker()).isFalse();
        assertThat(pool.getOnEndMap()).isEqualTo(Map.of("OOMKilled", TaskAction.FAIL_TASK, "Error", TaskAction.RETRY_TASK, "DeadlineExceeded", TaskAction.FAIL_TASK));
        assertThat(pool.getCost().hasPublicIpv4MicrosPerHour()).isFalse();
        var machines = filled("queues: {a: [p]}\npools: {p: {provider: aws, region: eu-west-1, type: m5.large, max: 4}}\n").getPools(0);
        assertThat(machines.getOnEndMap()).isEmpty();
        assertThat(machines.getLaunch().hasK8S()).isFalse();
    }

    @Test
    void aPodHasNoPublicAddressToPayFor() throws Exception {
        var pool = filled("cost: {publicIpv4PerHour: 0.005, diskPerGibMonth: 0.1}\nqueues: {a: [p]}\npools: {p: {provider: k8s, namespace: ml, max: 4, price: 0.5}}\n").getPools(0);
        assertThat(CostTable.of(pool).of(500_000)).isEqualTo(500_000);
    }

    @Test
    void aLimitOfMoneyNeedsThePriceOfAPod() throws Exception {
        var spec = pods("budgets: {hour: 5}");
        assertThat(SpecValidator.violations(spec.toBuilder().setCurrency("USD").build(), Specs.FACTS)).extracting(Violation::getField).containsExactly("pools.pods.price");
        assertThat(SpecValidator.violations(pods("budgets: {hour: 5}\nprice: 0.5").toBuilder().setCurrency("USD").build(), Specs.FACTS)).isEmpty();
    }

    private static List<String> notes(String text) throws InvalidYamlException {
        return SpecNotes.of(filled(text));
    }

    @Test
    void saysWhatCapsOnResourcesDoNotCount() throws Exception {
        assertThat(notes("""
                limits: {resources: {nvidia.com/gpu: 4, amd.com/gpu: 1}}
                queues: {a: [small, big, mapped]}
                pools:
                  small: {provider: k8s, namespace: ml, max: 4, k8s: {limits: {nvidia.com/gpu: 1}}}
                  big: {provider: k8s, namespace: ml, type: big, max: 4, k8s: {limits: {nvidia.com/gpu: 8}}}
                  mapped: {provider: k8s, namespace: ml, type: mapped, max: 4, k8s: {templateConfigMap: gpu}}
                """)).containsExactly("limits.resources.amd.com/gpu limits nothing: no pool asks for it in k8s.requests or k8s.limits.",
                "limits.resources.amd.com/gpu does not count what only the template of pool mapped asks for: write it in k8s.requests, too.",
                "limits.resources.nvidia.com/gpu leaves no room for a pod of pool big, which asks for more.",
                "limits.resources.nvidia.com/gpu does not count what only the template of pool mapped asks for: write it in k8s.requests, too.");
        assertThat(notes("queues: {a: [p]}\npools: {p: {provider: k8s, namespace: ml, max: 4}}\n")).isEmpty();
    }

    @Test
    void saysWhatDoesNothingInAPod() throws Exception {
        assertThat(notes("queues: {a: [p]}\npools: {p: {provider: k8s, namespace: ml, max: 4, agent: {initScript: a}, k8s: {pods: task, imageEntrypoint: true}, onEnd: {StartError: fail}}}\n"))
                .satisfiesExactly(reason -> assertThat(reason).startsWith("pools.p.onEnd.StartError: a pod's end has that reason only if the cluster words it so"),
                        script -> assertThat(script).startsWith("pools.p.k8s.imageEntrypoint: the image's own entrypoint runs and no agent"));
    }

    @Test
    void aNumberOfMachinesThatACarelessClientSentIsRefusedForTaskPods() throws Exception {
        var spec = pods("k8s: {pods: task}").toBuilder();
        spec.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMin(-1).setMax(4));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).extracting(Violation::getField).containsOnly("pools.pods.min");
        assertThat(Defaults.fill(pods("k8s: {pods: task}"), "lab").getPools(0)).extracting(PoolSpec::getSlots, PoolSpec::hasPatience, PoolSpec::getIdleTimeout)
                .containsExactly(1, false, Duration.newBuilder().setSeconds(900).build());
    }
}
