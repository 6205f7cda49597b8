package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Duration;
import dev.muster.v1.AwsLaunch;
import dev.muster.v1.BootSpec;
import dev.muster.v1.BudgetAction;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.CostSpec;
import dev.muster.v1.Disk;
import dev.muster.v1.DisruptionSpec;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.GcpLaunch;
import dev.muster.v1.HostMaintenance;
import dev.muster.v1.K8sLaunch;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Limits;
import dev.muster.v1.Market;
import dev.muster.v1.NotificationKind;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Order;
import dev.muster.v1.Pace;
import dev.muster.v1.PodKind;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.RescueSpec;
import dev.muster.v1.ScheduleSpec;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.TaskAction;
import dev.muster.v1.Toleration;
import dev.muster.v1.Value;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FleetYamlTest {

    @Test
    void readsTheShortForms() throws Exception {
        var fleet = FleetYaml.read("""
                name: demo
                queues: {cpu: [cpu], gpu: gpu}
                pools:
                  cpu: {provider: aws, region: us-east-1, type: m6i.large, max: 10, price: 0.096}
                  gpu:
                    provider: aws
                    account: research
                    region: us-east-1
                    offers:
                      - {type: g4dn.xlarge, zone: us-east-1a, market: spot, ceiling: 0.30}
                      - {type: g4dn.xlarge}
                    idle: 1h30m
                    limits: {min: 1, max: 4}
                """);

        assertThat(fleet).isEqualTo(FleetSpec.newBuilder()
                .setName("demo")
                .addQueues(QueueSpec.newBuilder().setName("cpu").addPools("cpu"))
                .addQueues(QueueSpec.newBuilder().setName("gpu").addPools("gpu"))
                .addPools(PoolSpec.newBuilder().setName("cpu").setLimits(Limits.newBuilder().setMax(10))
                        .addOffers(OfferSpec.newBuilder().setPriceMicrosPerHour(96_000).setKey(OfferKey.newBuilder()
                                .setProvider("aws").setAccount("default").setRegion("us-east-1").setMachineType("m6i.large"))))
                .addPools(PoolSpec.newBuilder().setName("gpu").setLimits(Limits.newBuilder().setMin(1).setMax(4))
                        .setIdleTimeout(Duration.newBuilder().setSeconds(5400))
                        .addOffers(OfferSpec.newBuilder().setPriceCeilingMicrosPerHour(300_000).setKey(OfferKey.newBuilder()
                                .setProvider("aws").setAccount("research").setRegion("us-east-1").setMachineType("g4dn.xlarge")
                                .setZone("us-east-1a").setMarket(Market.SPOT)))
                        .addOffers(OfferSpec.newBuilder().setKey(OfferKey.newBuilder()
                                .setProvider("aws").setAccount("research").setRegion("us-east-1").setMachineType("g4dn.xlarge"))))
                .build());
    }

    @Test
    void readsListsOfNamedObjectsToo() throws Exception {
        var fleet = FleetYaml.read("""
                name: demo
                queues:
                  - {name: cpu, pools: [small], priority: -2, order: cheapest}
                  - gpu
                pools:
                  - {name: small, provider: aws, region: eu-west-1, type: c5.large, max: 1}
                """);

        assertThat(fleet.getQueuesList()).containsExactly(
                QueueSpec.newBuilder().setName("cpu").addPools("small").setPriority(-2).setOrder(Order.CHEAPEST).build(),
                QueueSpec.newBuilder().setName("gpu").build());
        assertThat(fleet.getPools(0).getName()).isEqualTo("small");
    }

    @Test
    void reportsEverythingWrongAtOnceWithItsPathLineAndFix() {
        assertThatThrownBy(() -> FleetYaml.read("""
                queus: {cpu: [cpu]}
                pools:
                  cpu:
                    provider: aws
                    regon: us-east-1
                    price: 0.0000001
                    idle: 15 minutes
                    slots: -1
                    market: cheap
                    type:
                    max: 1
                    max: 2
                """)).isInstanceOf(InvalidYamlException.class).hasMessage("""
                name: line 1: is missing; write name: <fleet>
                pools.cpu.max: line 12: is there twice; keep one of them
                pools.cpu.type: line 10: has no value; write one, or leave out the key
                pools.cpu.market: line 9: is 'cheap'; write one of on-demand, spot
                pools.cpu.price: line 6: is 0.0000001, finer than a millionth; write at most six decimals
                pools.cpu.slots: line 8: is '-1'; write a whole number from 0 to 2147483647
                pools.cpu.idle: line 7: is '15 minutes'; write a time span with its units, such as 90s, 15m, 1h30m or 7d
                pools.cpu.regon: line 5: there is no such key; write 'region'
                queus: line 1: there is no such key; write 'queues'""");
    }

    @Test
    void readsMoneySchedulesAndLeaving() throws Exception {
        var fleet = FleetYaml.read("""
                name: demo
                currency: USD
                timeZone: Europe/Berlin
                budgets: {hour: 40, day: {limit: 300, soft: 250, onSoft: cheap, cheap: 0.5}, month: {limit: 5000, onLimit: stop-busy}}
                schedules: [{cron: "0 20 * * *", lasts: 12h, max: 2}]
                cost: {factor: 0.85, diskPerGibMonth: 0.08, publicIpv4PerHour: 0.005}
                queues: {gpu: {pools: [gpu], weight: 3, budgets: [{period: day, limit: 20, soft: 10, onSoft: high-priority, minPriority: 2}]}}
                pools:
                  gpu:
                    warm: 1
                    maxAge: 7d
                    leastPaid: 10m
                    scaleOutDelay: 30s
                    scaleInDelay: 5m
                    disruption: {draining: 2}
                    spot: {rollbackAfter: 10m, blackout: 1h}
                    schedules:
                      - {cron: "0 8 * * 1-5", lasts: 10h, timeZone: America/New_York, min: 2, max: 4, warm: 1, paused: false}
                    cost: {factor: 1}
                """);

        assertThat(fleet.getCurrency() + fleet.getTimeZone()).isEqualTo("USDEurope/Berlin");
        assertThat(fleet.getBudgetsList()).containsExactly(
                BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_HOUR).setHardMicros(40_000_000).build(),
                BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_DAY).setHardMicros(300_000_000).setSoftMicros(250_000_000)
                        .setSoftAction(BudgetAction.CHEAP_OFFERS_ONLY).setCheapMicrosPerHour(500_000).build(),
                BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_MONTH).setHardMicros(5_000_000_000L).setHardAction(BudgetAction.STOP_BUSY).build());
        assertThat(fleet.getSchedulesList()).containsExactly(ScheduleSpec.newBuilder().setCron("0 20 * * *").setLasts(seconds(43_200)).setMax(2).build());
        assertThat(fleet.getCost()).isEqualTo(CostSpec.newBuilder().setPriceFactor(0.85).setDiskMicrosPerGibMonth(80_000).setPublicIpv4MicrosPerHour(5_000).build());
        assertThat(fleet.getQueues(0).getBudgetsList()).containsExactly(BudgetSpec.newBuilder().setPeriod(BudgetPeriod.PER_DAY).setHardMicros(20_000_000)
                .setSoftMicros(10_000_000).setSoftAction(BudgetAction.HIGH_PRIORITY_ONLY).setMinPriority(2).build());
        assertThat(fleet.getPools(0)).isEqualTo(PoolSpec.newBuilder().setName("gpu").addOffers(OfferSpec.newBuilder().setKey(OfferKey.newBuilder().setAccount("default")))
                .setWarm(1).setMaxAge(seconds(604_800)).setLeastPaid(seconds(600)).setScaleOutDelay(seconds(30)).setScaleInDelay(seconds(300))
                .setDisruption(DisruptionSpec.newBuilder().setDraining(2)).setSpotRollbackAfter(seconds(600)).setSpotBlackout(seconds(3600))
                .addSchedules(ScheduleSpec.newBuilder().setCron("0 8 * * 1-5").setLasts(seconds(36_000)).setTimeZone("America/New_York").setMin(2).setMax(4)
                        .setWarm(1).setPaused(false))
                .setCost(CostSpec.newBuilder().setPriceFactor(1)).build());
    }

    @Test
    void namesWebhooksByTheirSecretsAndNeverRepeatsAnAddress() throws Exception {
        var fleet = FleetYaml.read("""
                name: demo
                notifications:
                  - everything
                  - {secret: money, kinds: [budget, circuit]}
                  - {secret: one, kinds: clearml-unknown}
                """);

        assertThat(fleet.getNotificationsList()).containsExactly(
                NotificationSpec.newBuilder().setWebhookSecret("everything").build(),
                NotificationSpec.newBuilder().setWebhookSecret("money").addKinds(NotificationKind.BUDGET).addKinds(NotificationKind.CIRCUIT).build(),
                NotificationSpec.newBuilder().setWebhookSecret("one").addKinds(NotificationKind.CLEARML_UNKNOWN).build());
        assertThat(FleetYaml.write(fleet)).endsWith("""
                notifications:
                - everything
                - secret: money
                  kinds:
                  - budget
                  - circuit
                - secret: one
                  kinds:
                  - clearml-unknown
                """);
        assertThatThrownBy(() -> FleetYaml.read("""
                name: demo
                notifications:
                  - https://hooks.example.org/services/T0/planted
                  - {secret: "https://hooks.example.org/services/T0/planted", kinds: [money]}
                """)).isInstanceOf(InvalidYamlException.class).hasMessageNotContaining("planted").hasMessageNotContaining("hooks.example").hasMessage("""
                notifications[0]: line 3: is an address, and whoever has a webhook's address can write there; put it into a file of the planner's secrets folder, and write the file's name
                notifications[1].secret: line 4: is an address, and whoever has a webhook's address can write there; put it into a file of the planner's secrets folder, and write the file's name
                notifications[1].kinds[0]: line 4: is 'money'; write one of boot-failure, budget, circuit, clearml-unknown, rescue""");
    }

    @Test
    void refusesBrokenAmountsFactorsPeriodsAndActions() {
        assertThatThrownBy(() -> FleetYaml.read("""
                name: demo
                budgets: {hour: -1, week: 3, day: {limit: NaN, onSoft: cheep}}
                cost: {factor: .nan, diskPerGibMonth: 1e3}
                pools:
                  a: {cost: {factor: -0.5}, budgets: 3}
                  b: {cost: {factor: .inf}, budgets: [{period: year, limit: 3}], schedules: [nightly]}
                  c: {maxAge: -1d}
                """)).isInstanceOf(InvalidYamlException.class).hasMessage("""
                pools.a.budgets: line 5: must be an object by period, or a list; write {hour: 40, day: {limit: 300, soft: 250}}
                pools.a.cost.factor: line 5: is '-0.5'; write a number such as 0.85
                pools.b.budgets[0].period: line 6: is 'year'; write one of day, hour, month
                pools.b.schedules[0]: line 6: must be an object; write {cron: "0 8 * * 1-5", lasts: 10h, min: 2}
                pools.b.cost.factor: line 6: is '.inf'; write a number such as 0.85
                pools.c.maxAge: line 7: is '-1d'; write a time span with its units, such as 90s, 15m, 1h30m or 7d
                budgets.hour: line 2: is '-1'; write an amount such as 0.096
                budgets.day.limit: line 2: is 'NaN'; write an amount such as 0.096
                budgets.day.onSoft: line 2: is 'cheep'; write one of cheap, drain, high-priority, stop-busy, stop-launching, warn
                budgets.week: line 2: there is no such key; there are day, hour, month
                cost.factor: line 3: is '.nan'; write a number such as 0.85
                cost.diskPerGibMonth: line 3: is '1e3'; write an amount such as 0.096""");
    }

    @Test
    void saysWhereTextIsNoYaml() {
        assertThatThrownBy(() -> FleetYaml.read("name: demo\n\tpools: x\n"))
                .isInstanceOf(InvalidYamlException.class).hasMessageContaining("line 2: is no YAML");
        assertThatThrownBy(() -> FleetYaml.read("")).isInstanceOf(InvalidYamlException.class).hasMessageContaining("empty");
        assertThatThrownBy(() -> FleetYaml.read("- a\n- b\n")).isInstanceOf(InvalidYamlException.class).hasMessageContaining("is no fleet");
        assertThatThrownBy(() -> FleetYaml.read("name: a\n---\nname: b\n")).isInstanceOf(InvalidYamlException.class).hasMessageContaining("2 fleets");
    }

    @Test
    void writesTheCanonicalForm() throws Exception {
        var text = """
                name: demo
                queues:
                  cpu:
                  - cpu
                pools:
                  cpu:
                    provider: aws
                    account: default
                    region: us-east-1
                    type: m6i.large
                    price: 0.096
                    max: 10
                    idle: 15m
                """;

        assertThat(FleetYaml.write(FleetYaml.read(text))).isEqualTo(text);
    }

    /** What an export shows is what is there; an import says what is wrong with it. */
    @Test
    void aFactorThatIsNoNumberIsWrittenAsYamlHasIt() {
        var text = FleetYaml.write(FleetSpec.newBuilder().setName("odd").setCost(CostSpec.newBuilder().setPriceFactor(Double.NaN)).build());
        assertThat(text).contains("factor: .NaN");
        assertThatThrownBy(() -> FleetYaml.read(text)).isInstanceOf(InvalidYamlException.class).hasMessageContaining("cost.factor").hasMessageContaining("is '.NaN'");
    }

    @Test
    void wholeNumbersAreWrittenAsPeopleWriteThem() throws Exception {
        var text = """
                name: demo
                pools:
                  cpu:
                    provider: aws
                    account: default
                    price: 3
                    cost:
                      factor: 2
                    aws:
                      launchSpec:
                        CpuOptions:
                          CoreCount: 4
                budgets:
                  hour: 40
                """;
        assertThat(FleetYaml.write(FleetYaml.read(text))).isEqualTo(text);
    }

    @Test
    void aLaunchSpecIsJsonWithTheTypesThatItIsWrittenWith() throws Exception {
        assertThat(launchSpec("""
                launchSpec:
                  CpuOptions: {CoreCount: 4, ThreadsPerCore: "1"}
                  EnclaveOptions: {Enabled: true}
                  Placement: {GroupName: on, PartitionNumber: 0x1f}
                  LicenseSpecifications:
                  - LicenseConfigurationArn: a"b
                  NetworkInterfaces: []
                """)).isEqualTo("""
                {"CpuOptions":{"CoreCount":4,"ThreadsPerCore":"1"},"EnclaveOptions":{"Enabled":true},"Placement":{"GroupName":"on","PartitionNumber":"0x1f"},\
                "LicenseSpecifications":[{"LicenseConfigurationArn":"a\\"b"}],"NetworkInterfaces":[]}""");
        assertThat(launchSpec("launchSpec: '{ \"EbsOptimized\": true }'")).isEqualTo("{ \"EbsOptimized\": true }");
    }

    @Test
    void aLaunchSpecWithoutEndOrValueIsReported() {
        assertThatThrownBy(() -> launchSpec("launchSpec: &all\n  Placement: *all\n")).isInstanceOfSatisfying(InvalidYamlException.class,
                broken -> assertThat(broken.violations()).singleElement().satisfies(violation -> assertThat(violation.getProblem()).contains("longer than")));
        assertThatThrownBy(() -> launchSpec("launchSpec: {Placement: {GroupName: }}")).isInstanceOfSatisfying(InvalidYamlException.class,
                broken -> assertThat(broken.violations()).singleElement()
                        .satisfies(violation -> assertThat(violation.getField()).isEqualTo("pools.cpu.aws.launchSpec.Placement.GroupName")));
    }

    private static String launchSpec(String yaml) throws InvalidYamlException {
        return FleetYaml.read("name: demo\npools:\n  cpu:\n    aws:\n" + yaml.indent(6)).getPools(0).getLaunch().getAws().getLaunchSpec();
    }

    @Test
    void readsAPoolOnGoogleCloud() throws Exception {
        var spec = FleetYaml.read("""
                name: demo
                queues: {gpu: [t4]}
                pools:
                  t4:
                    provider: gcp
                    account: google
                    region: us-central1
                    type: n1-standard-8
                    offers:
                      - {zone: us-central1-a, market: spot}
                      - {zone: us-central1-b, subnet: projects/host-net/regions/us-central1/subnetworks/ml}
                    max: 4
                    image: projects/ml-images/global/images/family/gpu
                    disks: [{size: 200, type: pd-ssd}, {device: data, snapshot: corpus}]
                    tags: {team: vision}
                    gcp:
                      gpuType: nvidia-tesla-t4
                      gpuCount: 2
                      preemptible: true
                      serviceAccount: machines@my-project.iam.gserviceaccount.com
                      scopes: [cloud-platform, "https://www.googleapis.com/auth/logging.write"]
                      networkTags: [ml, no-ingress]
                      metadata: {enable-oslogin: "TRUE"}
                      publicIp: false
                      localSsds: 1
                      hostMaintenance: terminate
                      minCpuPlatform: Intel Skylake
                      instanceTemplate: gpu-base
                      maxRunDuration: 3d
                      instanceSpec: {canIpForward: true, shieldedInstanceConfig: {enableSecureBoot: true}}
                """);

        var key = OfferKey.newBuilder().setProvider("gcp").setAccount("google").setRegion("us-central1").setMachineType("n1-standard-8");
        assertThat(spec.getPools(0).getOffersList()).containsExactly(
                OfferSpec.newBuilder().setKey(key.clone().setZone("us-central1-a").setMarket(Market.SPOT)).build(),
                OfferSpec.newBuilder().setKey(key.clone().setZone("us-central1-b").setSubnet("projects/host-net/regions/us-central1/subnetworks/ml")).build());
        assertThat(spec.getPools(0).getLaunch()).isEqualTo(LaunchParameters.newBuilder().setImage("projects/ml-images/global/images/family/gpu")
                .addDisks(Disk.newBuilder().setSizeGib(200).setType("pd-ssd")).addDisks(Disk.newBuilder().setDevice("data").setSnapshot("corpus")).putTags("team", "vision")
                .setGcp(GcpLaunch.newBuilder().setGpuType("nvidia-tesla-t4").setGpuCount(2).setPreemptible(true)
                        .setServiceAccount("machines@my-project.iam.gserviceaccount.com").addScopes("cloud-platform")
                        .addScopes("https://www.googleapis.com/auth/logging.write").addNetworkTags("ml").addNetworkTags("no-ingress")
                        .putMetadata("enable-oslogin", "TRUE").setPublicIp(false).setLocalSsds(1).setHostMaintenance(HostMaintenance.TERMINATE)
                        .setMinCpuPlatform("Intel Skylake").setInstanceTemplate("gpu-base").setMaxRunDuration(seconds(3 * 86_400))
                        .setInstanceSpec("{\"canIpForward\":true,\"shieldedInstanceConfig\":{\"enableSecureBoot\":true}}")).build());
    }

    @Test
    void readsAPoolOfPods() throws Exception {
        var spec = FleetYaml.read("""
                name: demo
                limits: {resources: {nvidia.com/gpu: 8, cpu: 500m}}
                queues: {gpu: [pods]}
                pools:
                  pods:
                    provider: k8s
                    account: lab
                    namespace: ml
                    max: 20
                    patience: 5m
                    onEnd: {OOMKilled: fail, NodeLost: retry}
                    image: registry.lab:5000/ml/train:2
                    tags: {team: vision}
                    k8s:
                      pods: task
                      template:
                        metadata: {annotations: {task: "${task.id}"}}
                        spec: {containers: [{name: main, resources: {limits: {cpu: 4}}}], hostIPC: true}
                      requests: {cpu: 2, memory: 8Gi}
                      limits: {nvidia.com/gpu: 1}
                      nodeSelector: {gpu: t4}
                      tolerations:
                        - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
                        - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, seconds: 30}
                        - {key: team, value: vision}
                      priorityClass: batch
                      serviceAccount: tasks
                      pullSecrets: [registry]
                      annotations: {cost: research}
                      secret: ml-secrets
                      completedDelay: 10m
                      imageEntrypoint: true
                      forcePull: true
                      claimImage: python:3.12-slim
                """);

        assertThat(spec.getLimits()).isEqualTo(Limits.newBuilder().putResources("nvidia.com/gpu", "8").putResources("cpu", "500m").build());
        var pool = spec.getPools(0);
        assertThat(pool.getOffersList()).containsExactly(
                OfferSpec.newBuilder().setKey(OfferKey.newBuilder().setProvider("k8s").setAccount("lab").setRegion("ml").setMachineType("pods")).build());
        assertThat(pool.getPatience()).isEqualTo(seconds(300));
        assertThat(pool.getOnEndMap()).isEqualTo(Map.of("OOMKilled", TaskAction.FAIL_TASK, "NodeLost", TaskAction.RETRY_TASK));
        assertThat(pool.getLaunch()).isEqualTo(LaunchParameters.newBuilder().setImage("registry.lab:5000/ml/train:2").putTags("team", "vision")
                .setK8S(K8sLaunch.newBuilder().setPods(PodKind.TASK_POD)
                        .setTemplate("{\"metadata\":{\"annotations\":{\"task\":\"${task.id}\"}},\"spec\":{\"containers\":[{\"name\":\"main\",\"resources\":{\"limits\":{\"cpu\":4}}}],\"hostIPC\":true}}")
                        .putRequests("cpu", "2").putRequests("memory", "8Gi").putLimits("nvidia.com/gpu", "1").putNodeSelector("gpu", "t4")
                        .addTolerations(Toleration.newBuilder().setKey("nvidia.com/gpu").setOperator("Exists").setEffect("NoSchedule"))
                        .addTolerations(Toleration.newBuilder().setKey("node.kubernetes.io/not-ready").setOperator("Exists").setEffect("NoExecute").setSeconds(30))
                        .addTolerations(Toleration.newBuilder().setKey("team").setValue("vision"))
                        .setPriorityClass("batch").setServiceAccount("tasks").addPullSecrets("registry").putAnnotations("cost", "research").setSecret("ml-secrets")
                        .setCompletedDelay(seconds(600)).setImageEntrypoint(true).setForcePull(true).setClaimImage("python:3.12-slim")).build());
    }

    @Test
    void whatIsARegionElsewhereIsANamespaceOnKubernetes() throws Exception {
        var text = """
                name: demo
                pools:
                  pods:
                    provider: k8s
                    account: lab
                    namespace: ml
                    offers:
                    - type: pod
                    - type: big
                  one:
                    provider: k8s
                    account: default
                    namespace: trial
                    type: pod
                    max: 3
                limits:
                  resources:
                    nvidia.com/gpu: '8'
                """;
        assertThat(FleetYaml.write(FleetYaml.read(text))).isEqualTo(text);
        assertThatThrownBy(() -> FleetYaml.read("name: demo\npools:\n  a: {provider: k8s, region: ml}\n  b: {provider: aws, namespace: ml}\n")).hasMessage("""
                pools.a.region: line 3: is of a cloud with regions, and this is on Kubernetes; write namespace
                pools.b.namespace: line 4: is of Kubernetes, and this is not; write region, or provider: k8s""");
    }

    @Test
    void aPoolHasTheSettingsOfOneCloud() {
        assertThatThrownBy(() -> FleetYaml.read("name: demo\npools:\n  cpu:\n    aws: {keyName: ops}\n    gcp: {localSsds: 1, hostMaintenance: move}\n"))
                .isInstanceOfSatisfying(InvalidYamlException.class, broken -> assertThat(broken.violations()).satisfiesExactly(
                        both -> {
                            assertThat(both.getField()).isEqualTo("pools.cpu.gcp");
                            assertThat(both.getFix()).isEqualTo("make two pools, and name both in the queue");
                        },
                        word -> assertThat(word.getField()).isEqualTo("pools.cpu.gcp.hostMaintenance")));
        assertThatThrownBy(() -> FleetYaml.read("name: demo\npools:\n  cpu:\n    gcp: {localSsds: 1}\n    k8s: {pods: job}\n")).hasMessage("""
                pools.cpu.k8s: line 5: stands beside gcp, and a pool's machines are all of one cloud; make two pools, and name both in the queue
                pools.cpu.k8s.pods: line 5: is 'job'; write one of agent, task""");
    }

    @Test
    void jsonIsReadStrictly() {
        for (var wrong : List.of("", "{", "{} {}", "{\"a\":1,\"a\":2}", "{a:1}", "{\"a\":null}", "[1,]", "NaN", "1e5", "'a'", "[".repeat(40) + "]".repeat(40))) {
            assertThatThrownBy(() -> Json.read(wrong)).as(wrong).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(Json.read(" {\"a\": [1, -2.50, \"\\u00e4\", true]} ")).isEqualTo(Map.of("a", List.of(new java.math.BigDecimal("1"), new java.math.BigDecimal("-2.50"), "ä", true)));
    }

    @Test
    void timeSpansAreExact() {
        assertThat(YamlValue.parseDuration("1d1h1m1.5s250ms")).contains(Duration.newBuilder().setSeconds(86_400 + 3_600 + 60 + 1).setNanos(750_000_000).build());
        assertThat(YamlValue.parseDuration("0s")).contains(Duration.getDefaultInstance());
        for (var wrong : List.of("", "15", "-1s", "1.5m", "s", "1h 30m", "1m1h")) {
            assertThat(YamlValue.parseDuration(wrong)).as(wrong).isEmpty();
        }
    }

    @Test
    void whatIsWrittenReadsTheSame() throws Exception {
        for (var seed = 1L; seed <= 500; seed++) {
            var fleet = new Fleets(seed).fleet();
            var text = FleetYaml.write(fleet);
            assertThat(FleetYaml.read(text)).as("seed %d:\n%s", seed, text).isEqualTo(fleet);
            assertThat(FleetYaml.write(FleetYaml.read(text))).as("seed %d", seed).isEqualTo(text);
        }
    }

    private static Duration seconds(long seconds) {
        return Duration.newBuilder().setSeconds(seconds).build();
    }

    /** Random fleets, also ones that no planner would accept: the form must carry them all. */
    private record Fleets(Random random) {

        Fleets(long seed) {
            this(new Random(seed));
        }

        FleetSpec fleet() {
            var fleet = FleetSpec.newBuilder().setName(text()).setConnection(maybe(this::text, "")).setCurrency(maybe(this::text, ""))
                    .setWorkersPrefix(maybe(this::text, "")).setShutdown(pick(ShutdownAction.values()));
            IntStream.range(0, random.nextInt(4)).forEach(i -> fleet.addQueues(queue("queue " + i)));
            IntStream.range(0, random.nextInt(4)).forEach(i -> fleet.addPools(pool(random.nextInt(9) == 0 ? "same" : "pool-" + i)));
            if (random.nextBoolean()) {
                fleet.setLimits(limits());
            }
            if (random.nextBoolean()) {
                var rescue = RescueSpec.newBuilder().setOptOutTag(maybe(this::text, ""));
                if (random.nextBoolean()) {
                    rescue.setEnabled(random.nextBoolean()).setAttempts(random.nextInt(10)).setRescueAfter(span());
                }
                fleet.setRescue(rescue);
            }
            if (random.nextBoolean()) {
                fleet.setCountOtherWorkers(random.nextBoolean());
            }
            if (random.nextBoolean()) {
                fleet.setTimeZone(text()).setCost(cost());
                budgets().forEach(fleet::addBudgets);
                schedules().forEach(fleet::addSchedules);
            }
            IntStream.range(0, random.nextInt(3)).forEach(i -> fleet.addNotifications(notification("hook-" + i)));
            return fleet.build();
        }

        private NotificationSpec notification(String secret) {
            var notification = NotificationSpec.newBuilder().setWebhookSecret(secret);
            IntStream.range(0, random.nextInt(3)).forEach(i -> notification.addKinds(NotificationKind.forNumber(1 + random.nextInt(5))));
            return notification.build();
        }

        private QueueSpec queue(String name) {
            var queue = QueueSpec.newBuilder().setName(name).setOrder(pick(Order.values())).setPriority(random.nextInt(5) - 2).setWeight(random.nextInt(3));
            IntStream.range(0, random.nextInt(3)).forEach(i -> queue.addPools("pool-" + i));
            budgets().forEach(queue::addBudgets);
            return queue.build();
        }

        private PoolSpec pool(String name) {
            var pool = PoolSpec.newBuilder().setName(name).setOrder(pick(Order.values())).setSlots(random.nextInt(3)).setPaused(random.nextBoolean());
            IntStream.range(0, random.nextInt(4)).forEach(i -> pool.addOffers(offer()));
            if (random.nextBoolean()) {
                pool.setLimits(limits());
            }
            if (random.nextBoolean()) {
                pool.setIdleTimeout(span()).setBootDeadline(span()).setRegistrationDeadline(span()).setReserveFor(span());
            }
            if (random.nextBoolean()) {
                pool.setPace(Pace.newBuilder().setLaunchesPerMinute(random.nextInt(3)).setUnregistered(random.nextInt(3)));
            }
            if (random.nextBoolean()) {
                pool.setLaunch(launch());
            }
            if (random.nextBoolean()) {
                pool.setWarm(random.nextInt(3)).setMaxAge(span()).setLeastPaid(span()).setScaleOutDelay(span()).setScaleInDelay(span()).setCost(cost());
                schedules().forEach(pool::addSchedules);
            }
            if (random.nextBoolean()) {
                pool.setDisruption(DisruptionSpec.newBuilder().setDraining(random.nextInt(3)));
            }
            if (random.nextBoolean()) {
                pool.setSpotRollbackAfter(span());
            }
            if (random.nextBoolean()) {
                pool.setSpotBlackout(span());
            }
            if (random.nextInt(3) == 0) {
                pool.setPatience(span()).putOnEnd(text(), random.nextBoolean() ? TaskAction.FAIL_TASK : TaskAction.RETRY_TASK);
            }
            budgets().forEach(pool::addBudgets);
            return pool.build();
        }

        private List<BudgetSpec> budgets() {
            return IntStream.range(0, Math.max(0, random.nextInt(5) - 2)).mapToObj(i -> {
                var budget = BudgetSpec.newBuilder().setPeriod(pick(BudgetPeriod.values())).setMinPriority(random.nextInt(5) - 2);
                if (random.nextInt(4) > 0) {
                    budget.setHardMicros(micros());
                }
                if (random.nextBoolean()) {
                    budget.setHardAction(pick(BudgetAction.values())).setSoftAction(pick(BudgetAction.values())).setSoftMicros(micros());
                }
                return (random.nextBoolean() ? budget.setCheapMicrosPerHour(micros()) : budget).build();
            }).toList();
        }

        private List<ScheduleSpec> schedules() {
            return IntStream.range(0, random.nextInt(3)).mapToObj(i -> {
                var schedule = ScheduleSpec.newBuilder().setTimeZone(maybe(this::text, "")).setCron(maybe(this::text, "0 8 * * 1-5"));
                if (random.nextBoolean()) {
                    schedule.setLasts(span()).setMin(random.nextInt(3)).setPaused(random.nextBoolean());
                }
                return (random.nextBoolean() ? schedule.setMax(random.nextInt(3)).setWarm(random.nextInt(2)) : schedule).build();
            }).toList();
        }

        private CostSpec cost() {
            var cost = CostSpec.newBuilder();
            if (random.nextBoolean()) {
                cost.setPriceFactor(random.nextInt(3) == 0 ? random.nextInt(2000) : random.nextDouble() * Math.pow(10, random.nextInt(9) - 5));
            }
            return (random.nextBoolean() ? cost.setDiskMicrosPerGibMonth(micros()).setPublicIpv4MicrosPerHour(micros()) : cost).build();
        }

        private long micros() {
            return random.nextBoolean() ? random.nextInt(2000) * 1_000_000L : Math.floorMod(random.nextLong(), 1_000_000_000_000L);
        }

        private OfferSpec offer() {
            var offer = OfferSpec.newBuilder().setKey(OfferKey.newBuilder().setProvider(pick(new String[] {"aws", "gcp", "k8s", ""}))
                    .setAccount(maybe(() -> "default", text())).setRegion(maybe(() -> "us-east-1", "")).setZone(maybe(this::text, ""))
                    .setSubnet(maybe(this::text, "")).setMachineType(text()).setMarket(pick(Market.values())));
            if (random.nextBoolean()) {
                offer.setPriceMicrosPerHour(Math.floorMod(random.nextLong(), 1_000_000_000_000L));
            }
            if (random.nextBoolean()) {
                offer.setPriceCeilingMicrosPerHour(random.nextInt(2_000_000));
            }
            return offer.build();
        }

        private LaunchParameters launch() {
            var launch = LaunchParameters.newBuilder().setImage(maybe(this::text, ""));
            if (random.nextBoolean()) {
                launch.addDisks(Disk.newBuilder().setDevice(maybe(this::text, "")).setSizeGib(random.nextInt(500)).setIops(random.nextInt(2))
                        .setKmsKey(maybe(this::text, "")).setSnapshot(maybe(this::text, "")));
                launch.putTags(text(), text());
            }
            if (random.nextBoolean()) {
                var boot = BootSpec.newBuilder().setAgentVersion(maybe(this::text, "")).setCpuOnly(random.nextBoolean()).putEnvironment(text(), value())
                        .setInitScript(value());
                launch.setBoot(random.nextBoolean() ? boot.setDocker(random.nextBoolean()) : boot);
            }
            if (random.nextInt(3) == 0) {
                launch.setK8S(k8s());
            } else if (random.nextInt(3) == 0) {
                launch.setGcp(gcp());
            } else if (random.nextBoolean()) {
                launch.setAws(AwsLaunch.newBuilder().setKeyName(maybe(this::text, "")).addSecurityGroupIds("sg-" + random.nextInt(99)).setAssociatePublicIp(true)
                        .setLaunchTemplate(maybe(this::text, "")).setLaunchTemplateVersion(maybe(this::text, "")).setDetailedMonitoring(random.nextBoolean())
                        .setLaunchSpec(maybe(this::launchSpec, "")).addAllTagResources(maybe(() -> List.of("volume", text()), List.of())));
            }
            return launch.build();
        }

        private GcpLaunch gcp() {
            var gcp = GcpLaunch.newBuilder().setGpuType(maybe(this::text, "")).setGpuCount(random.nextInt(3)).setPreemptible(random.nextBoolean())
                    .setServiceAccount(maybe(this::text, "")).addAllScopes(maybe(() -> List.of(text(), text()), List.of()))
                    .addAllNetworkTags(maybe(() -> List.of(text()), List.of())).putAllMetadata(maybe(() -> Map.of(text(), text()), Map.of()))
                    .setLocalSsds(random.nextInt(3)).setHostMaintenance(pick(HostMaintenance.values())).setMinCpuPlatform(maybe(this::text, ""))
                    .setInstanceTemplate(maybe(this::text, "")).setInstanceSpec(maybe(this::launchSpec, ""));
            if (random.nextBoolean()) {
                gcp.setPublicIp(random.nextBoolean()).setMaxRunDuration(span());
            }
            return gcp.build();
        }

        private K8sLaunch k8s() {
            var k8s = K8sLaunch.newBuilder().setPods(pick(PodKind.values())).setTemplate(maybe(this::launchSpec, "")).setTemplateConfigMap(maybe(this::text, ""))
                    .putAllRequests(maybe(() -> Map.of(text(), text()), Map.of())).putAllLimits(maybe(() -> Map.of(text(), text()), Map.of()))
                    .putAllNodeSelector(maybe(() -> Map.of(text(), text()), Map.of())).putAllAnnotations(maybe(() -> Map.of(text(), text()), Map.of()))
                    .addAllPullSecrets(maybe(() -> List.of(text()), List.of())).setPriorityClass(maybe(this::text, "")).setServiceAccount(maybe(this::text, ""))
                    .setSecret(maybe(this::text, "")).setImageEntrypoint(random.nextBoolean()).setForcePull(random.nextBoolean()).setClaimImage(maybe(this::text, ""));
            if (random.nextBoolean()) {
                var toleration = Toleration.newBuilder().setKey(maybe(this::text, "")).setOperator(maybe(this::text, "")).setValue(maybe(this::text, "")).setEffect(maybe(this::text, ""));
                k8s.addTolerations(random.nextBoolean() ? toleration.setSeconds(random.nextInt(900)) : toleration).setCompletedDelay(span());
            }
            return k8s.build();
        }

        /** JSON as it is written here, JSON written otherwise, and none. */
        private String launchSpec() {
            return switch (random.nextInt(4)) {
                case 0 -> Json.write(Map.of(text(), List.of(text(), Map.of("CoreCount", new java.math.BigDecimal(random.nextInt(9)), "On", random.nextBoolean(), "A", Map.of()))));
                case 1 -> "{\"CpuOptions\": {\"CoreCount\": 4}}";
                case 2 -> "{\"A\":1.50,\"B\":[],\"C\":\"1.5\",\"D\":-0.0}";
                default -> text();
            };
        }

        private Value value() {
            return switch (random.nextInt(3)) {
                case 0 -> Value.newBuilder().setText(text()).build();
                case 1 -> Value.newBuilder().setSecretRef(text()).build();
                default -> Value.getDefaultInstance();
            };
        }

        private Limits limits() {
            var limits = Limits.newBuilder().setMin(random.nextInt(3)).putAllResources(maybe(() -> Map.of(text(), text()), Map.of()));
            return random.nextBoolean() ? limits.setMax(random.nextInt(100)).build() : limits.build();
        }

        private Duration span() {
            return Duration.newBuilder().setSeconds(random.nextInt(200_000)).setNanos(random.nextInt(4) == 0 ? random.nextInt(1_000_000_000) : 0).build();
        }

        /** Words that YAML would take for something else are the interesting ones. */
        private String text() {
            return pick(new String[] {"cpu", "true", "null", "~", "1.10", "0x1f", "a: b", "- x", "#no", "two\nlines\n", " padded ", "ünï", "'q'", "\"", "{", "2026-01-01", "<<", "*a", "&b", "@", "%", "on"})
                    + (random.nextBoolean() ? "" : Integer.toString(random.nextInt(100)));
        }

        private <T> T maybe(Supplier<T> value, T otherwise) {
            return random.nextBoolean() ? value.get() : otherwise;
        }

        private <T extends Enum<T>> T pick(T[] values) {
            T value;
            do {
                value = values[random.nextInt(values.length)];
            } while (value.name().equals("UNRECOGNIZED"));
            return value;
        }

        private String pick(String[] values) {
            return values[random.nextInt(values.length)];
        }
    }
}
