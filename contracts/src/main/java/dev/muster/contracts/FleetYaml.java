package dev.muster.contracts;

import com.google.protobuf.Duration;
import dev.muster.v1.AwsLaunch;
import dev.muster.v1.AzureStorage;
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
import dev.muster.v1.S3Storage;
import dev.muster.v1.ScheduleSpec;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.StorageSpec;
import dev.muster.v1.TaskAction;
import dev.muster.v1.Toleration;
import dev.muster.v1.Value;
import dev.muster.v1.Violation;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;

/**
 * A fleet spec as people write it, and the message that means the same.
 *
 * <p>Reading is strict: unknown keys, wrong units and broken numbers are all reported at once. It judges the form only; what
 * a spec may say is judged by whoever accepts it. Writing and reading again gives the same message.
 *
 * <p>Short forms: {@code queues} and {@code pools} are objects by name or lists with {@code name}; a queue may be just its
 * pools; what all offers of a pool share stands in the pool, and a pool without {@code offers} has the one offer it describes.
 * {@code budgets} is an object by period or a list with {@code period}; a budget may be just its limit. What is a region elsewhere is a
 * {@code namespace} on Kubernetes.
 */
public final class FleetYaml {

    private static final long MOST = 0xFFFF_FFFFL >> 1;
    private static final Map<String, Order> ORDERS = Map.of("listed", Order.LISTED, "cheapest", Order.CHEAPEST);
    private static final Map<String, Market> MARKETS = Map.of("on-demand", Market.ON_DEMAND, "spot", Market.SPOT);
    private static final Map<String, ShutdownAction> SHUTDOWNS =
            Map.of("none", ShutdownAction.LEAVE, "idle", ShutdownAction.IDLE, "all", ShutdownAction.ALL);
    private static final Map<String, BudgetPeriod> PERIODS =
            Map.of("hour", BudgetPeriod.PER_HOUR, "day", BudgetPeriod.PER_DAY, "month", BudgetPeriod.PER_MONTH);
    /** One map for both sides: that an action is on the wrong side is for the validator to explain. */
    private static final Map<String, BudgetAction> ACTIONS = Map.of("warn", BudgetAction.WARN, "cheap", BudgetAction.CHEAP_OFFERS_ONLY,
            "high-priority", BudgetAction.HIGH_PRIORITY_ONLY, "stop-launching", BudgetAction.STOP_LAUNCHING,
            "drain", BudgetAction.DRAIN_MACHINES, "stop-busy", BudgetAction.STOP_BUSY);

    private static final Map<String, HostMaintenance> MAINTENANCE = Map.of("migrate", HostMaintenance.MIGRATE, "terminate", HostMaintenance.TERMINATE);

    private static final Map<String, PodKind> PODS = Map.of("agent", PodKind.AGENT_POD, "task", PodKind.TASK_POD);
    private static final Map<String, TaskAction> TASK_ACTIONS = Map.of("retry", TaskAction.RETRY_TASK, "fail", TaskAction.FAIL_TASK);
    private static final Map<String, NotificationKind> KINDS = Map.of("budget", NotificationKind.BUDGET, "circuit", NotificationKind.CIRCUIT,
            "boot-failure", NotificationKind.BOOT_FAILURE, "rescue", NotificationKind.RESCUE, "clearml-unknown", NotificationKind.CLEARML_UNKNOWN);
    private static final String K8S = "k8s";

    private FleetYaml() {}

    /** The one fleet in the text. */
    public static FleetSpec read(String text) throws InvalidYamlException {
        var fleets = readAll(text);
        if (fleets.size() != 1) {
            throw new InvalidYamlException(List.of(Violation.newBuilder().setProblem("holds " + fleets.size() + " fleets")
                    .setFix("write one fleet a file here").build()));
        }
        return fleets.get(0);
    }

    /** The fleets in the text, one a YAML document; at least one. */
    public static List<FleetSpec> readAll(String text) throws InvalidYamlException {
        var violations = new ArrayList<Violation>();
        var documents = YamlValue.parse(text, violations);
        var fleets = new ArrayList<FleetSpec>();
        for (var document : documents) {
            if (document.isObject() || document.wrong("is no fleet", "begin with name: <fleet>")) {
                fleets.add(fleet(document));
            }
        }
        if (documents.isEmpty() && violations.isEmpty()) {
            violations.add(Violation.newBuilder().setProblem("is empty").setFix("begin with name: <fleet>").build());
        }
        if (!violations.isEmpty()) {
            throw new InvalidYamlException(violations);
        }
        return fleets;
    }

    private static FleetSpec fleet(YamlValue yaml) {
        var fleet = FleetSpec.newBuilder();
        if (!yaml.has("name")) {
            yaml.missing("name", "write name: <fleet>");
        }
        yaml.text("name").ifPresent(fleet::setName);
        yaml.text("connection").ifPresent(fleet::setConnection);
        yaml.text("currency").ifPresent(fleet::setCurrency);
        yaml.text("workersPrefix").ifPresent(fleet::setWorkersPrefix);
        named(yaml, "queues", FleetYaml::queue).forEach(fleet::addQueues);
        named(yaml, "pools", FleetYaml::pool).forEach(fleet::addPools);
        limits(yaml).ifPresent(fleet::setLimits);
        yaml.object("rescue").ifPresent(rescue -> fleet.setRescue(rescue(rescue)));
        yaml.choice("shutdown", SHUTDOWNS).ifPresent(fleet::setShutdown);
        yaml.flag("countOtherWorkers").ifPresent(fleet::setCountOtherWorkers);
        yaml.flag("createQueues").ifPresent(fleet::setCreateQueues);
        yaml.text("timeZone").ifPresent(fleet::setTimeZone);
        fleet.addAllBudgets(budgets(yaml)).addAllSchedules(schedules(yaml));
        yaml.object("cost").ifPresent(cost -> fleet.setCost(cost(cost)));
        yaml.list("notifications").forEach(item -> fleet.addNotifications(notification(item)));
        yaml.finish();
        return fleet.build();
    }

    /** What one entry of an object by name, or one item of a list, holds. Its name may be null: then the entry must say it. */
    private interface Named<T> extends Function<YamlValue, T> {
        T read(String name, YamlValue value);

        @Override
        default T apply(YamlValue value) {
            return read(null, value);
        }
    }

    private static <T> List<T> named(YamlValue yaml, String key, Named<T> reader) {
        var value = yaml.get(key);
        if (value.isEmpty()) {
            return List.of();
        }
        if (value.get().isObject()) {
            var entries = value.get();
            return entries.names().stream().flatMap(name -> entries.get(name).map(entry -> reader.read(name, entry)).stream()).toList();
        }
        if (value.get().isList()) {
            return value.get().items().stream().map(reader).toList();
        }
        value.get().wrong("must be an object by name, or a list", "write a name, a colon, and its keys below it");
        return List.of();
    }

    private static String name(String given, YamlValue yaml) {
        if (given != null) {
            return given;
        }
        if (!yaml.has("name")) {
            yaml.missing("name", "write name: <its name>");
        }
        return yaml.text("name").orElse("");
    }

    private static QueueSpec queue(String name, YamlValue yaml) {
        var queue = QueueSpec.newBuilder();
        if (name != null && !yaml.isObject()) {
            var pools = yaml.isList() ? yaml.items() : List.of(yaml);
            pools.forEach(pool -> pool.text().ifPresent(queue::addPools));
            return queue.setName(name).build();
        }
        if (!yaml.isObject()) {
            yaml.text().ifPresent(queue::setName);
            return queue.build();
        }
        queue.setName(name(name, yaml));
        queue.addAllPools(yaml.texts("pools"));
        yaml.choice("order", ORDERS).ifPresent(queue::setOrder);
        yaml.number("priority", Integer.MIN_VALUE, Integer.MAX_VALUE).ifPresent(number -> queue.setPriority(number.intValue()));
        yaml.number("weight", 0, MOST).ifPresent(number -> queue.setWeight(number.intValue()));
        queue.addAllBudgets(budgets(yaml));
        yaml.finish();
        return queue.build();
    }

    private static PoolSpec pool(String name, YamlValue yaml) {
        var pool = PoolSpec.newBuilder();
        if (!yaml.isObject()) {
            yaml.wrong("must be an object", "write provider, region, type and max below it, indented");
            return pool.build();
        }
        pool.setName(name(name, yaml));
        var shared = offer(yaml, OfferSpec.getDefaultInstance());
        var offers = yaml.list("offers");
        for (var offer : offers) {
            if (offer.isObject() || offer.wrong("must be an object", "write {type: …, zone: …, market: …}")) {
                pool.addOffers(named(offer(offer, shared), pool.getName()));
                offer.finish();
            }
        }
        if (offers.isEmpty() && !yaml.has("offers")) {
            pool.addOffers(named(shared, pool.getName()));
        }
        yaml.choice("order", ORDERS).ifPresent(pool::setOrder);
        limits(yaml).ifPresent(pool::setLimits);
        yaml.number("slots", 0, MOST).ifPresent(number -> pool.setSlots(number.intValue()));
        yaml.duration("idle").ifPresent(pool::setIdleTimeout);
        yaml.duration("bootWithin").ifPresent(pool::setBootDeadline);
        yaml.duration("registerWithin").ifPresent(pool::setRegistrationDeadline);
        yaml.duration("reserveFor").ifPresent(pool::setReserveFor);
        yaml.object("pace").ifPresent(pace -> pool.setPace(pace(pace)));
        yaml.flag("paused").ifPresent(pool::setPaused);
        yaml.number("warm", 0, MOST).ifPresent(number -> pool.setWarm(number.intValue()));
        yaml.duration("maxAge").ifPresent(pool::setMaxAge);
        yaml.duration("leastPaid").ifPresent(pool::setLeastPaid);
        yaml.duration("scaleOutDelay").ifPresent(pool::setScaleOutDelay);
        yaml.duration("scaleInDelay").ifPresent(pool::setScaleInDelay);
        yaml.object("disruption").ifPresent(disruption -> pool.setDisruption(disruption(disruption)));
        yaml.object("spot").ifPresent(spot -> {
            spot.duration("rollbackAfter").ifPresent(pool::setSpotRollbackAfter);
            spot.duration("blackout").ifPresent(pool::setSpotBlackout);
            spot.finish();
        });
        pool.addAllBudgets(budgets(yaml)).addAllSchedules(schedules(yaml));
        yaml.object("cost").ifPresent(cost -> pool.setCost(cost(cost)));
        yaml.duration("patience").ifPresent(pool::setPatience);
        yaml.object("onEnd").ifPresent(onEnd -> onEnd.names().forEach(reason -> onEnd.choice(reason, TASK_ACTIONS).ifPresent(action -> pool.putOnEnd(reason, action))));
        launch(yaml).ifPresent(pool::setLaunch);
        yaml.finish();
        return pool.build();
    }

    private static OfferSpec offer(YamlValue yaml, OfferSpec shared) {
        var key = shared.getKey().toBuilder();
        yaml.text("provider").ifPresent(key::setProvider);
        yaml.text("account").ifPresent(key::setAccount);
        region(yaml, key);
        yaml.text("zone").ifPresent(key::setZone);
        yaml.text("subnet").ifPresent(key::setSubnet);
        yaml.text("type").ifPresent(key::setMachineType);
        yaml.choice("market", MARKETS).ifPresent(key::setMarket);
        var offer = shared.toBuilder().setKey(key);
        yaml.micros("price").ifPresent(offer::setPriceMicrosPerHour);
        yaml.micros("ceiling").ifPresent(offer::setPriceCeilingMicrosPerHour);
        return offer.build();
    }

    /** One cloud's word for it, so that a spec reads as that cloud's own documentation. */
    private static void region(YamlValue yaml, OfferKey.Builder key) {
        var onKubernetes = key.getProvider().equals(K8S);
        var word = regionWord(key.getProvider());
        var other = onKubernetes ? "region" : "namespace";
        yaml.text(word).ifPresent(key::setRegion);
        yaml.get(other).ifPresent(value -> value.wrong(onKubernetes ? "is of a cloud with regions, and this is on Kubernetes" : "is of Kubernetes, and this is not",
                onKubernetes ? "write namespace" : "write region, or provider: k8s"));
    }

    private static String regionWord(String provider) {
        return provider.equals(K8S) ? "namespace" : "region";
    }

    /**
     * What an offer is called where the spec says nothing: the account everywhere, the type only where no cloud has a name for it. There it is the
     * pool's own, since pods of one type are alike: where one finds no room, none does.
     */
    private static OfferSpec named(OfferSpec offer, String pool) {
        var key = offer.getKey().toBuilder();
        if (key.getAccount().isEmpty()) {
            key.setAccount("default");
        }
        if (key.getProvider().equals(K8S) && key.getMachineType().isEmpty()) {
            key.setMachineType(pool);
        }
        return offer.toBuilder().setKey(key).build();
    }

    private static Optional<Limits> limits(YamlValue yaml) {
        var within = yaml.object("limits");
        var least = yaml.number("min", 0, MOST).or(() -> within.flatMap(limits -> limits.number("min", 0, MOST)));
        var most = yaml.number("max", 0, MOST).or(() -> within.flatMap(limits -> limits.number("max", 0, MOST)));
        var resources = within.map(limits -> textsByName(limits, "resources")).orElse(Map.of());
        within.ifPresent(limits -> {
            limits.has("min");
            limits.has("max");
            limits.finish();
        });
        if (least.isEmpty() && most.isEmpty() && within.isEmpty()) {
            return Optional.empty();
        }
        var limits = Limits.newBuilder().putAllResources(resources);
        least.ifPresent(number -> limits.setMin(number.intValue()));
        most.ifPresent(number -> limits.setMax(number.intValue()));
        return Optional.of(limits.build());
    }

    private static Map<String, String> textsByName(YamlValue yaml, String key) {
        var texts = new LinkedHashMap<String, String>();
        yaml.object(key).ifPresent(object -> object.names().forEach(name -> object.text(name).ifPresent(text -> texts.put(name, text))));
        return texts;
    }

    private static Pace pace(YamlValue yaml) {
        var pace = Pace.newBuilder();
        yaml.number("launchesPerMinute", 0, MOST).ifPresent(number -> pace.setLaunchesPerMinute(number.intValue()));
        yaml.number("unregistered", 0, MOST).ifPresent(number -> pace.setUnregistered(number.intValue()));
        yaml.finish();
        return pace.build();
    }

    private static DisruptionSpec disruption(YamlValue yaml) {
        var disruption = DisruptionSpec.newBuilder();
        yaml.number("draining", 0, MOST).ifPresent(number -> disruption.setDraining(number.intValue()));
        yaml.finish();
        return disruption.build();
    }

    private static List<BudgetSpec> budgets(YamlValue yaml) {
        var value = yaml.get("budgets");
        if (value.isEmpty()) {
            return List.of();
        }
        var entries = value.get();
        if (entries.isList()) {
            return entries.items().stream().filter(item -> item.isObject() || item.wrong("must be an object", "write {period: day, limit: 300}"))
                    .map(item -> budget(item, item.choice("period", PERIODS).orElse(BudgetPeriod.BUDGET_PERIOD_UNSPECIFIED))).toList();
        }
        if (!entries.isObject()) {
            entries.wrong("must be an object by period, or a list", "write {hour: 40, day: {limit: 300, soft: 250}}");
            return List.of();
        }
        var budgets = new ArrayList<BudgetSpec>();
        for (var name : entries.written(PERIODS.keySet())) {
            entries.get(name).ifPresent(entry -> budgets.add(budget(entry, PERIODS.get(name))));
        }
        entries.finish();
        return budgets;
    }

    private static BudgetSpec budget(YamlValue yaml, BudgetPeriod period) {
        var budget = BudgetSpec.newBuilder().setPeriod(period);
        if (!yaml.isObject()) {
            yaml.micros().ifPresent(budget::setHardMicros);
            return budget.build();
        }
        yaml.micros("limit").ifPresent(budget::setHardMicros);
        yaml.micros("soft").ifPresent(budget::setSoftMicros);
        yaml.choice("onLimit", ACTIONS).ifPresent(budget::setHardAction);
        yaml.choice("onSoft", ACTIONS).ifPresent(budget::setSoftAction);
        yaml.micros("cheap").ifPresent(budget::setCheapMicrosPerHour);
        yaml.number("minPriority", Integer.MIN_VALUE, Integer.MAX_VALUE).ifPresent(number -> budget.setMinPriority(number.intValue()));
        yaml.finish();
        return budget.build();
    }

    private static List<ScheduleSpec> schedules(YamlValue yaml) {
        var schedules = new ArrayList<ScheduleSpec>();
        for (var item : yaml.list("schedules")) {
            if (item.isObject() || item.wrong("must be an object", "write {cron: \"0 8 * * 1-5\", lasts: 10h, min: 2}")) {
                schedules.add(schedule(item));
            }
        }
        return schedules;
    }

    private static ScheduleSpec schedule(YamlValue yaml) {
        var schedule = ScheduleSpec.newBuilder();
        yaml.text("cron").ifPresent(schedule::setCron);
        yaml.duration("lasts").ifPresent(schedule::setLasts);
        yaml.text("timeZone").ifPresent(schedule::setTimeZone);
        yaml.number("min", 0, MOST).ifPresent(number -> schedule.setMin(number.intValue()));
        yaml.number("max", 0, MOST).ifPresent(number -> schedule.setMax(number.intValue()));
        yaml.number("warm", 0, MOST).ifPresent(number -> schedule.setWarm(number.intValue()));
        yaml.flag("paused").ifPresent(schedule::setPaused);
        yaml.finish();
        return schedule.build();
    }

    private static CostSpec cost(YamlValue yaml) {
        var cost = CostSpec.newBuilder();
        yaml.fraction("factor").ifPresent(cost::setPriceFactor);
        yaml.micros("diskPerGibMonth").ifPresent(cost::setDiskMicrosPerGibMonth);
        yaml.micros("publicIpv4PerHour").ifPresent(cost::setPublicIpv4MicrosPerHour);
        yaml.finish();
        return cost.build();
    }

    private static NotificationSpec notification(YamlValue yaml) {
        var notification = NotificationSpec.newBuilder();
        if (!yaml.isObject()) {
            webhook(yaml).ifPresent(notification::setWebhookSecret);
            return notification.build();
        }
        yaml.get("secret").flatMap(FleetYaml::webhook).ifPresent(notification::setWebhookSecret);
        yaml.get("kinds").ifPresent(kinds -> (kinds.isList() ? kinds.items() : List.of(kinds))
                .forEach(kind -> kind.choice(KINDS).ifPresent(notification::addKinds)));
        yaml.finish();
        return notification.build();
    }

    /** An address is a key: it is refused here already, before it is sent anywhere, and not repeated. */
    private static Optional<String> webhook(YamlValue yaml) {
        var name = yaml.text();
        if (name.isPresent() && (name.get().contains("/") || name.get().contains(":"))) {
            yaml.wrong("is an address, and whoever has a webhook's address can write there", "put it into a file of the planner's secrets folder, and write the file's name");
            return Optional.empty();
        }
        return name;
    }

    private static RescueSpec rescue(YamlValue yaml) {
        var rescue = RescueSpec.newBuilder();
        yaml.flag("enabled").ifPresent(rescue::setEnabled);
        yaml.duration("rescueAfter").ifPresent(rescue::setRescueAfter);
        yaml.number("attempts", 0, MOST).ifPresent(number -> rescue.setAttempts(number.intValue()));
        yaml.text("optOutTag").ifPresent(rescue::setOptOutTag);
        yaml.finish();
        return rescue.build();
    }

    private static Optional<LaunchParameters> launch(YamlValue yaml) {
        var launch = LaunchParameters.newBuilder();
        var any = yaml.has("image") | yaml.has("disks") | yaml.has("tags") | yaml.has("agent") | yaml.has("aws") | yaml.has("gcp") | yaml.has("k8s");
        yaml.text("image").ifPresent(launch::setImage);
        for (var disk : yaml.list("disks")) {
            if (disk.isObject() || disk.wrong("must be an object", "write {size: 100}")) {
                launch.addDisks(disk(disk));
            }
        }
        launch.putAllTags(textsByName(yaml, "tags"));
        yaml.object("agent").ifPresent(agent -> launch.setBoot(agent(agent)));
        yaml.object("aws").ifPresent(aws -> launch.setAws(aws(aws)));
        yaml.object("gcp").ifPresent(gcp -> {
            alone(gcp, launch);
            launch.setGcp(gcp(gcp));
        });
        yaml.object("k8s").ifPresent(k8s -> {
            alone(k8s, launch);
            launch.setK8S(k8s(k8s));
        });
        return any ? Optional.of(launch.build()) : Optional.empty();
    }

    private static void alone(YamlValue cloud, LaunchParameters.Builder launch) {
        if (launch.getCloudCase() != LaunchParameters.CloudCase.CLOUD_NOT_SET) {
            cloud.wrong("stands beside " + launch.getCloudCase().name().toLowerCase(Locale.ROOT) + ", and a pool's machines are all of one cloud",
                    "make two pools, and name both in the queue");
        }
    }

    private static Disk disk(YamlValue yaml) {
        var disk = Disk.newBuilder();
        yaml.text("device").ifPresent(disk::setDevice);
        yaml.number("size", 0, MOST).ifPresent(number -> disk.setSizeGib(number.intValue()));
        yaml.text("type").ifPresent(disk::setType);
        yaml.number("iops", 0, MOST).ifPresent(number -> disk.setIops(number.intValue()));
        yaml.number("throughput", 0, MOST).ifPresent(number -> disk.setThroughput(number.intValue()));
        yaml.text("kmsKey").ifPresent(disk::setKmsKey);
        yaml.text("snapshot").ifPresent(disk::setSnapshot);
        yaml.finish();
        return disk.build();
    }

    private static BootSpec agent(YamlValue yaml) {
        var boot = BootSpec.newBuilder();
        yaml.text("connection").ifPresent(boot::setConnection);
        yaml.text("version").ifPresent(boot::setAgentVersion);
        yaml.flag("docker").ifPresent(boot::setDocker);
        yaml.text("defaultImage").ifPresent(boot::setDefaultImage);
        yaml.object("environment").ifPresent(environment -> environment.names()
                .forEach(name -> environment.get(name).ifPresent(value -> boot.putEnvironment(name, value(value)))));
        yaml.get("extraConf").ifPresent(value -> boot.setExtraConf(value(value)));
        yaml.get("initScript").ifPresent(value -> boot.setInitScript(value(value)));
        yaml.flag("cpuOnly").ifPresent(boot::setCpuOnly);
        yaml.get("checkpointHook").ifPresent(value -> boot.setCheckpointHook(value(value)));
        yaml.flag("shellProfile").ifPresent(boot::setShellProfile);
        yaml.object("storage").ifPresent(storage -> boot.setStorage(storage(storage)));
        yaml.finish();
        return boot.build();
    }

    private static StorageSpec storage(YamlValue yaml) {
        var storage = StorageSpec.newBuilder();
        for (var s3 : yaml.list("s3")) {
            if (s3.isObject() || s3.wrong("must be an object", "write {key: {secretRef: …}, secret: {secretRef: …}}")) {
                var to = storage.addS3Builder();
                s3.text("bucket").ifPresent(to::setBucket);
                s3.text("host").ifPresent(to::setHost);
                s3.text("region").ifPresent(to::setRegion);
                s3.get("key").ifPresent(value -> to.setKey(value(value)));
                s3.get("secret").ifPresent(value -> to.setSecret(value(value)));
                s3.flag("insecure").ifPresent(to::setInsecure);
                s3.finish();
            }
        }
        yaml.object("gcs").ifPresent(gcs -> {
            gcs.text("project").ifPresent(storage.getGcsBuilder()::setProject);
            gcs.get("key").ifPresent(value -> storage.getGcsBuilder().setKey(value(value)));
            gcs.finish();
        });
        for (var azure : yaml.list("azure")) {
            if (azure.isObject() || azure.wrong("must be an object", "write {account: …, key: {secretRef: …}}")) {
                var to = storage.addAzureBuilder();
                azure.text("account").ifPresent(to::setAccount);
                azure.get("key").ifPresent(value -> to.setKey(value(value)));
                azure.text("container").ifPresent(to::setContainer);
                azure.finish();
            }
        }
        yaml.flag("machineIdentity").ifPresent(storage::setMachineIdentity);
        yaml.finish();
        return storage.build();
    }

    private static Value value(YamlValue yaml) {
        if (!yaml.isObject()) {
            return yaml.text().map(text -> Value.newBuilder().setText(text).build()).orElse(Value.getDefaultInstance());
        }
        var value = yaml.text("secretRef").map(name -> Value.newBuilder().setSecretRef(name).build()).orElse(Value.getDefaultInstance());
        yaml.finish();
        return value;
    }

    private static AwsLaunch aws(YamlValue yaml) {
        var aws = AwsLaunch.newBuilder();
        yaml.text("keyName").ifPresent(aws::setKeyName);
        aws.addAllSecurityGroupIds(yaml.texts("securityGroups"));
        yaml.text("instanceProfile").ifPresent(aws::setInstanceProfile);
        yaml.flag("publicIp").ifPresent(aws::setAssociatePublicIp);
        yaml.text("launchTemplate").ifPresent(aws::setLaunchTemplate);
        yaml.text("launchTemplateVersion").ifPresent(aws::setLaunchTemplateVersion);
        yaml.flag("detailedMonitoring").ifPresent(aws::setDetailedMonitoring);
        yaml.json("launchSpec").ifPresent(aws::setLaunchSpec);
        aws.addAllTagResources(yaml.texts("tagResources"));
        yaml.finish();
        return aws.build();
    }

    private static GcpLaunch gcp(YamlValue yaml) {
        var gcp = GcpLaunch.newBuilder();
        yaml.text("gpuType").ifPresent(gcp::setGpuType);
        yaml.number("gpuCount", 0, MOST).ifPresent(number -> gcp.setGpuCount(number.intValue()));
        yaml.flag("preemptible").ifPresent(gcp::setPreemptible);
        yaml.text("serviceAccount").ifPresent(gcp::setServiceAccount);
        gcp.addAllScopes(yaml.texts("scopes"));
        gcp.addAllNetworkTags(yaml.texts("networkTags"));
        gcp.putAllMetadata(textsByName(yaml, "metadata"));
        yaml.flag("publicIp").ifPresent(gcp::setPublicIp);
        yaml.number("localSsds", 0, MOST).ifPresent(number -> gcp.setLocalSsds(number.intValue()));
        yaml.choice("hostMaintenance", MAINTENANCE).ifPresent(gcp::setHostMaintenance);
        yaml.text("minCpuPlatform").ifPresent(gcp::setMinCpuPlatform);
        yaml.text("instanceTemplate").ifPresent(gcp::setInstanceTemplate);
        yaml.duration("maxRunDuration").ifPresent(gcp::setMaxRunDuration);
        yaml.json("instanceSpec").ifPresent(gcp::setInstanceSpec);
        yaml.finish();
        return gcp.build();
    }

    private static K8sLaunch k8s(YamlValue yaml) {
        var k8s = K8sLaunch.newBuilder();
        yaml.choice("pods", PODS).ifPresent(k8s::setPods);
        yaml.json("template").ifPresent(k8s::setTemplate);
        yaml.text("templateConfigMap").ifPresent(k8s::setTemplateConfigMap);
        k8s.putAllRequests(textsByName(yaml, "requests"));
        k8s.putAllLimits(textsByName(yaml, "limits"));
        k8s.putAllNodeSelector(textsByName(yaml, "nodeSelector"));
        for (var toleration : yaml.list("tolerations")) {
            if (toleration.isObject() || toleration.wrong("must be an object", "write {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}")) {
                k8s.addTolerations(toleration(toleration));
            }
        }
        yaml.text("priorityClass").ifPresent(k8s::setPriorityClass);
        yaml.text("serviceAccount").ifPresent(k8s::setServiceAccount);
        k8s.addAllPullSecrets(yaml.texts("pullSecrets"));
        k8s.putAllAnnotations(textsByName(yaml, "annotations"));
        yaml.text("secret").ifPresent(k8s::setSecret);
        yaml.duration("completedDelay").ifPresent(k8s::setCompletedDelay);
        yaml.flag("imageEntrypoint").ifPresent(k8s::setImageEntrypoint);
        yaml.flag("forcePull").ifPresent(k8s::setForcePull);
        yaml.text("claimImage").ifPresent(k8s::setClaimImage);
        yaml.finish();
        return k8s.build();
    }

    private static Toleration toleration(YamlValue yaml) {
        var toleration = Toleration.newBuilder();
        yaml.text("key").ifPresent(toleration::setKey);
        yaml.text("operator").ifPresent(toleration::setOperator);
        yaml.text("value").ifPresent(toleration::setValue);
        yaml.text("effect").ifPresent(toleration::setEffect);
        yaml.number("seconds", 0, MOST).ifPresent(toleration::setSeconds);
        yaml.finish();
        return toleration.build();
    }

    // And back.

    /** The fleet in the canonical form: one key a line in a fixed order, by name, and nothing that says no more than leaving it out. */
    public static String write(FleetSpec fleet) {
        return yaml(DumperOptions.FlowStyle.BLOCK).dumpAs(object(fleet), null, DumperOptions.FlowStyle.BLOCK);
    }

    private static Yaml yaml(DumperOptions.FlowStyle style) {
        var options = new DumperOptions();
        options.setDefaultFlowStyle(style);
        options.setSplitLines(false);
        return new Yaml(options);
    }

    /**
     * Every field that the fleet says, by its path as violations name it, such as {@code pools.gpu.max}, with its value as YAML has it. In the
     * canonical order; a short form counts as what it is short for.
     */
    public static Map<String, String> fields(FleetSpec fleet) {
        var fields = new LinkedHashMap<String, String>();
        flatten("", object(fleet), fields);
        return fields;
    }

    private static void flatten(String path, Object value, Map<String, String> to) {
        if (value instanceof Map<?, ?> object && !object.isEmpty()) {
            object.forEach((key, field) -> flatten(path.isEmpty() ? key.toString() : path + "." + key, longForm(path, field), to));
        } else if (value instanceof List<?> list && list.stream().anyMatch(item -> item instanceof Map)) {
            for (var i = 0; i < list.size(); i++) {
                flatten(path + "[" + i + "]", list.get(i), to);
            }
        } else {
            // One line for lists, and for texts what YAML quotes.
            to.put(path, yaml(DumperOptions.FlowStyle.FLOW).dumpAs(value, null, DumperOptions.FlowStyle.FLOW).strip());
        }
    }

    /** Of a queue that is just its pools, and a budget that is just its limit. */
    private static Object longForm(String path, Object field) {
        if (path.equals("queues") && field instanceof List<?>) {
            return Map.of("pools", field);
        }
        return (path.equals("budgets") || path.endsWith(".budgets")) && !(field instanceof Map) && !(field instanceof List) ? Map.of("limit", field) : field;
    }

    private static Map<String, Object> object(FleetSpec fleet) {
        var top = new LinkedHashMap<String, Object>();
        top.put("name", fleet.getName());
        text(top, "connection", fleet.getConnection());
        text(top, "currency", fleet.getCurrency());
        text(top, "workersPrefix", fleet.getWorkersPrefix());
        named(top, "queues", fleet.getQueuesList(), QueueSpec::getName, FleetYaml::write);
        named(top, "pools", fleet.getPoolsList(), PoolSpec::getName, FleetYaml::write);
        if (fleet.hasLimits()) {
            write(top, fleet.getLimits());
        }
        if (fleet.hasRescue()) {
            top.put("rescue", write(fleet.getRescue()));
        }
        choice(top, "shutdown", SHUTDOWNS, fleet.getShutdown());
        if (fleet.hasCountOtherWorkers()) {
            top.put("countOtherWorkers", fleet.getCountOtherWorkers());
        }
        if (fleet.hasCreateQueues()) {
            top.put("createQueues", fleet.getCreateQueues());
        }
        text(top, "timeZone", fleet.getTimeZone());
        budgets(top, fleet.getBudgetsList());
        schedules(top, fleet.getSchedulesList());
        cost(top, fleet.hasCost(), fleet.getCost());
        if (fleet.getNotificationsCount() > 0) {
            top.put("notifications", fleet.getNotificationsList().stream().map(FleetYaml::write).toList());
        }
        return top;
    }

    private static <T> void named(Map<String, Object> top, String key, List<T> values, Function<T, String> name,
            BiConsumer<Map<String, Object>, T> writer) {
        if (values.isEmpty()) {
            return;
        }
        var byName = new LinkedHashMap<String, Object>();
        var list = new ArrayList<Object>();
        var names = new HashSet<String>();
        for (var value : values) {
            var fields = new LinkedHashMap<String, Object>();
            writer.accept(fields, value);
            names.add(name.apply(value));
            byName.put(name.apply(value), shortest(fields));
            var item = new LinkedHashMap<String, Object>();
            item.put("name", name.apply(value));
            item.putAll(fields);
            list.add(item);
        }
        // Two of one name are wrong, and must stay visible.
        top.put(key, names.size() == values.size() ? byName : list);
    }

    /** A queue that has only pools is just its pools. */
    private static Object shortest(Map<String, Object> fields) {
        return fields.size() == 1 && fields.get("pools") instanceof List<?> pools ? pools : fields;
    }

    private static void write(Map<String, Object> to, QueueSpec queue) {
        if (queue.getPoolsCount() > 0) {
            to.put("pools", List.copyOf(queue.getPoolsList()));
        }
        choice(to, "order", ORDERS, queue.getOrder());
        number(to, "priority", queue.getPriority());
        if (queue.hasWeight()) {
            to.put("weight", Integer.toUnsignedLong(queue.getWeight()));
        }
        budgets(to, queue.getBudgetsList());
    }

    private static void write(Map<String, Object> to, PoolSpec pool) {
        var keys = pool.getOffersList().stream().map(OfferSpec::getKey).toList();
        if (pool.getOffersCount() == 1) {
            write(to, pool.getOffers(0), Map.of());
        } else {
            shared(to, "provider", keys, OfferKey::getProvider);
            shared(to, "account", keys, OfferKey::getAccount);
            // Two clouds with one region's name would share it under either's word for it.
            if (to.containsKey("provider")) {
                shared(to, regionWord(keys.get(0).getProvider()), keys, OfferKey::getRegion);
            }
            var shared = Map.copyOf(to);
            var offers = new ArrayList<Object>();
            for (var offer : pool.getOffersList()) {
                var fields = new LinkedHashMap<String, Object>();
                write(fields, offer, shared);
                offers.add(fields);
            }
            to.put("offers", offers);
        }
        choice(to, "order", ORDERS, pool.getOrder());
        if (pool.hasLimits()) {
            write(to, pool.getLimits());
        }
        number(to, "slots", pool.getSlots());
        span(to, "idle", pool.hasIdleTimeout(), pool.getIdleTimeout());
        span(to, "bootWithin", pool.hasBootDeadline(), pool.getBootDeadline());
        span(to, "registerWithin", pool.hasRegistrationDeadline(), pool.getRegistrationDeadline());
        span(to, "reserveFor", pool.hasReserveFor(), pool.getReserveFor());
        if (pool.hasPace()) {
            var pace = new LinkedHashMap<String, Object>();
            number(pace, "launchesPerMinute", pool.getPace().getLaunchesPerMinute());
            number(pace, "unregistered", pool.getPace().getUnregistered());
            to.put("pace", pace);
        }
        if (pool.getPaused()) {
            to.put("paused", true);
        }
        number(to, "warm", pool.getWarm());
        span(to, "maxAge", pool.hasMaxAge(), pool.getMaxAge());
        span(to, "leastPaid", pool.hasLeastPaid(), pool.getLeastPaid());
        span(to, "scaleOutDelay", pool.hasScaleOutDelay(), pool.getScaleOutDelay());
        span(to, "scaleInDelay", pool.hasScaleInDelay(), pool.getScaleInDelay());
        if (pool.hasDisruption()) {
            var disruption = new LinkedHashMap<String, Object>();
            number(disruption, "draining", pool.getDisruption().getDraining());
            to.put("disruption", disruption);
        }
        if (pool.hasSpotRollbackAfter() || pool.hasSpotBlackout()) {
            var spot = new LinkedHashMap<String, Object>();
            span(spot, "rollbackAfter", pool.hasSpotRollbackAfter(), pool.getSpotRollbackAfter());
            span(spot, "blackout", pool.hasSpotBlackout(), pool.getSpotBlackout());
            to.put("spot", spot);
        }
        budgets(to, pool.getBudgetsList());
        schedules(to, pool.getSchedulesList());
        cost(to, pool.hasCost(), pool.getCost());
        span(to, "patience", pool.hasPatience(), pool.getPatience());
        if (pool.getOnEndCount() > 0) {
            var onEnd = new LinkedHashMap<String, Object>();
            new TreeMap<>(pool.getOnEndMap()).forEach((reason, action) -> choice(onEnd, reason, TASK_ACTIONS, action));
            to.put("onEnd", onEnd);
        }
        if (pool.hasLaunch()) {
            write(to, pool.getLaunch());
        }
    }

    private static void shared(Map<String, Object> to, String key, List<OfferKey> keys, Function<OfferKey, String> field) {
        var values = keys.stream().map(field).distinct().toList();
        if (values.size() == 1 && !values.get(0).isEmpty()) {
            to.put(key, values.get(0));
        }
    }

    private static void write(Map<String, Object> to, OfferSpec offer, Map<String, Object> shared) {
        var key = offer.getKey();
        if (!shared.containsKey("provider")) {
            text(to, "provider", key.getProvider());
        }
        if (!shared.containsKey("account")) {
            text(to, "account", key.getAccount());
        }
        if (!shared.containsKey(regionWord(key.getProvider()))) {
            text(to, regionWord(key.getProvider()), key.getRegion());
        }
        text(to, "type", key.getMachineType());
        text(to, "zone", key.getZone());
        text(to, "subnet", key.getSubnet());
        choice(to, "market", MARKETS, key.getMarket());
        if (offer.hasPriceMicrosPerHour()) {
            to.put("price", YamlValue.amount(offer.getPriceMicrosPerHour()));
        }
        if (offer.hasPriceCeilingMicrosPerHour()) {
            to.put("ceiling", YamlValue.amount(offer.getPriceCeilingMicrosPerHour()));
        }
    }

    private static void write(Map<String, Object> to, Limits limits) {
        number(to, "min", limits.getMin());
        if (limits.hasMax()) {
            to.put("max", Integer.toUnsignedLong(limits.getMax()));
        } else if (limits.getMin() == 0 && limits.getResourcesCount() == 0) {
            to.put("limits", Map.of());
        }
        if (limits.getResourcesCount() > 0) {
            to.put("limits", Map.of("resources", new TreeMap<>(limits.getResourcesMap())));
        }
    }

    private static void budgets(Map<String, Object> to, List<BudgetSpec> budgets) {
        if (budgets.isEmpty()) {
            return;
        }
        var byPeriod = new LinkedHashMap<String, Object>();
        var list = new ArrayList<Object>();
        for (var budget : budgets) {
            var fields = write(budget);
            var item = new LinkedHashMap<String, Object>();
            choice(item, "period", PERIODS, budget.getPeriod());
            item.values().forEach(period -> byPeriod.put((String) period,
                    fields.size() == 1 && fields.containsKey("limit") ? fields.get("limit") : fields));
            item.putAll(fields);
            list.add(item);
        }
        // Two of one period are wrong, one of no period too: both must stay visible.
        to.put("budgets", byPeriod.size() == budgets.size() ? byPeriod : list);
    }

    private static Map<String, Object> write(BudgetSpec budget) {
        var to = new LinkedHashMap<String, Object>();
        if (budget.hasHardMicros()) {
            to.put("limit", YamlValue.amount(budget.getHardMicros()));
        }
        choice(to, "onLimit", ACTIONS, budget.getHardAction());
        if (budget.hasSoftMicros()) {
            to.put("soft", YamlValue.amount(budget.getSoftMicros()));
        }
        choice(to, "onSoft", ACTIONS, budget.getSoftAction());
        if (budget.hasCheapMicrosPerHour()) {
            to.put("cheap", YamlValue.amount(budget.getCheapMicrosPerHour()));
        }
        number(to, "minPriority", budget.getMinPriority());
        return to;
    }

    private static void schedules(Map<String, Object> to, List<ScheduleSpec> schedules) {
        if (!schedules.isEmpty()) {
            to.put("schedules", schedules.stream().map(FleetYaml::write).toList());
        }
    }

    private static Map<String, Object> write(ScheduleSpec schedule) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "cron", schedule.getCron());
        span(to, "lasts", schedule.hasLasts(), schedule.getLasts());
        text(to, "timeZone", schedule.getTimeZone());
        if (schedule.hasMin()) {
            to.put("min", Integer.toUnsignedLong(schedule.getMin()));
        }
        if (schedule.hasMax()) {
            to.put("max", Integer.toUnsignedLong(schedule.getMax()));
        }
        if (schedule.hasWarm()) {
            to.put("warm", Integer.toUnsignedLong(schedule.getWarm()));
        }
        if (schedule.hasPaused()) {
            to.put("paused", schedule.getPaused());
        }
        return to;
    }

    private static void cost(Map<String, Object> to, boolean there, CostSpec cost) {
        if (!there) {
            return;
        }
        var fields = new LinkedHashMap<String, Object>();
        if (cost.hasPriceFactor()) {
            fields.put("factor", YamlValue.fraction(cost.getPriceFactor()));
        }
        if (cost.hasDiskMicrosPerGibMonth()) {
            fields.put("diskPerGibMonth", YamlValue.amount(cost.getDiskMicrosPerGibMonth()));
        }
        if (cost.hasPublicIpv4MicrosPerHour()) {
            fields.put("publicIpv4PerHour", YamlValue.amount(cost.getPublicIpv4MicrosPerHour()));
        }
        to.put("cost", fields);
    }

    private static Object write(NotificationSpec notification) {
        if (notification.getKindsCount() == 0) {
            return notification.getWebhookSecret();
        }
        var to = new LinkedHashMap<String, Object>();
        text(to, "secret", notification.getWebhookSecret());
        to.put("kinds", notification.getKindsList().stream().flatMap(kind -> KINDS.entrySet().stream().filter(entry -> entry.getValue() == kind))
                .map(Map.Entry::getKey).toList());
        return to;
    }

    private static Map<String, Object> write(RescueSpec rescue) {
        var to = new LinkedHashMap<String, Object>();
        if (rescue.hasEnabled()) {
            to.put("enabled", rescue.getEnabled());
        }
        span(to, "rescueAfter", rescue.hasRescueAfter(), rescue.getRescueAfter());
        if (rescue.hasAttempts()) {
            to.put("attempts", Integer.toUnsignedLong(rescue.getAttempts()));
        }
        text(to, "optOutTag", rescue.getOptOutTag());
        return to;
    }

    private static void write(Map<String, Object> to, LaunchParameters launch) {
        text(to, "image", launch.getImage());
        if (launch.getDisksCount() > 0) {
            to.put("disks", launch.getDisksList().stream().map(FleetYaml::write).toList());
        }
        texts(to, "tags", launch.getTagsMap());
        if (launch.hasBoot()) {
            to.put("agent", write(launch.getBoot()));
        }
        if (launch.hasAws()) {
            to.put("aws", write(launch.getAws()));
        }
        if (launch.hasGcp()) {
            to.put("gcp", write(launch.getGcp()));
        }
        if (launch.hasK8S()) {
            to.put("k8s", write(launch.getK8S()));
        }
        if (launch.equals(LaunchParameters.getDefaultInstance())) {
            to.put("tags", Map.of());
        }
    }

    private static Map<String, Object> write(Disk disk) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "device", disk.getDevice());
        number(to, "size", disk.getSizeGib());
        text(to, "type", disk.getType());
        number(to, "iops", disk.getIops());
        number(to, "throughput", disk.getThroughput());
        text(to, "kmsKey", disk.getKmsKey());
        text(to, "snapshot", disk.getSnapshot());
        return to;
    }

    private static Map<String, Object> write(BootSpec boot) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "connection", boot.getConnection());
        text(to, "version", boot.getAgentVersion());
        if (boot.hasDocker()) {
            to.put("docker", boot.getDocker());
        }
        text(to, "defaultImage", boot.getDefaultImage());
        if (boot.getEnvironmentCount() > 0) {
            var environment = new LinkedHashMap<String, Object>();
            new TreeMap<>(boot.getEnvironmentMap()).forEach((name, value) -> environment.put(name, write(value)));
            to.put("environment", environment);
        }
        if (boot.hasExtraConf()) {
            to.put("extraConf", write(boot.getExtraConf()));
        }
        if (boot.hasInitScript()) {
            to.put("initScript", write(boot.getInitScript()));
        }
        if (boot.getCpuOnly()) {
            to.put("cpuOnly", true);
        }
        if (boot.hasCheckpointHook()) {
            to.put("checkpointHook", write(boot.getCheckpointHook()));
        }
        if (boot.getShellProfile()) {
            to.put("shellProfile", true);
        }
        if (boot.hasStorage()) {
            to.put("storage", write(boot.getStorage()));
        }
        return to;
    }

    private static Map<String, Object> write(StorageSpec storage) {
        var to = new LinkedHashMap<String, Object>();
        if (storage.getS3Count() > 0) {
            to.put("s3", storage.getS3List().stream().map(FleetYaml::write).toList());
        }
        if (storage.hasGcs()) {
            var gcs = new LinkedHashMap<String, Object>();
            text(gcs, "project", storage.getGcs().getProject());
            value(gcs, "key", storage.getGcs().hasKey(), storage.getGcs().getKey());
            to.put("gcs", gcs);
        }
        if (storage.getAzureCount() > 0) {
            to.put("azure", storage.getAzureList().stream().map(FleetYaml::write).toList());
        }
        if (storage.getMachineIdentity()) {
            to.put("machineIdentity", true);
        }
        return to;
    }

    private static Map<String, Object> write(S3Storage s3) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "bucket", s3.getBucket());
        text(to, "host", s3.getHost());
        text(to, "region", s3.getRegion());
        value(to, "key", s3.hasKey(), s3.getKey());
        value(to, "secret", s3.hasSecret(), s3.getSecret());
        if (s3.getInsecure()) {
            to.put("insecure", true);
        }
        return to;
    }

    private static Map<String, Object> write(AzureStorage azure) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "account", azure.getAccount());
        value(to, "key", azure.hasKey(), azure.getKey());
        text(to, "container", azure.getContainer());
        return to;
    }

    private static void value(Map<String, Object> to, String key, boolean has, Value value) {
        if (has) {
            to.put(key, write(value));
        }
    }

    private static Object write(Value value) {
        return switch (value.getValueCase()) {
            case TEXT -> value.getText();
            case SECRET_REF -> Map.of("secretRef", value.getSecretRef());
            case VALUE_NOT_SET -> Map.of();
        };
    }

    private static Map<String, Object> write(AwsLaunch aws) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "keyName", aws.getKeyName());
        if (aws.getSecurityGroupIdsCount() > 0) {
            to.put("securityGroups", List.copyOf(aws.getSecurityGroupIdsList()));
        }
        text(to, "instanceProfile", aws.getInstanceProfile());
        if (aws.hasAssociatePublicIp()) {
            to.put("publicIp", aws.getAssociatePublicIp());
        }
        text(to, "launchTemplate", aws.getLaunchTemplate());
        text(to, "launchTemplateVersion", aws.getLaunchTemplateVersion());
        if (aws.getDetailedMonitoring()) {
            to.put("detailedMonitoring", true);
        }
        if (!aws.getLaunchSpec().isEmpty()) {
            to.put("launchSpec", json(aws.getLaunchSpec()));
        }
        if (aws.getTagResourcesCount() > 0) {
            to.put("tagResources", List.copyOf(aws.getTagResourcesList()));
        }
        return to;
    }

    private static Map<String, Object> write(GcpLaunch gcp) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "gpuType", gcp.getGpuType());
        number(to, "gpuCount", gcp.getGpuCount());
        if (gcp.getPreemptible()) {
            to.put("preemptible", true);
        }
        text(to, "serviceAccount", gcp.getServiceAccount());
        if (gcp.getScopesCount() > 0) {
            to.put("scopes", List.copyOf(gcp.getScopesList()));
        }
        if (gcp.getNetworkTagsCount() > 0) {
            to.put("networkTags", List.copyOf(gcp.getNetworkTagsList()));
        }
        texts(to, "metadata", gcp.getMetadataMap());
        if (gcp.hasPublicIp()) {
            to.put("publicIp", gcp.getPublicIp());
        }
        number(to, "localSsds", gcp.getLocalSsds());
        choice(to, "hostMaintenance", MAINTENANCE, gcp.getHostMaintenance());
        text(to, "minCpuPlatform", gcp.getMinCpuPlatform());
        text(to, "instanceTemplate", gcp.getInstanceTemplate());
        span(to, "maxRunDuration", gcp.hasMaxRunDuration(), gcp.getMaxRunDuration());
        if (!gcp.getInstanceSpec().isEmpty()) {
            to.put("instanceSpec", json(gcp.getInstanceSpec()));
        }
        return to;
    }

    private static Map<String, Object> write(K8sLaunch k8s) {
        var to = new LinkedHashMap<String, Object>();
        choice(to, "pods", PODS, k8s.getPods());
        if (!k8s.getTemplate().isEmpty()) {
            to.put("template", json(k8s.getTemplate()));
        }
        text(to, "templateConfigMap", k8s.getTemplateConfigMap());
        texts(to, "requests", k8s.getRequestsMap());
        texts(to, "limits", k8s.getLimitsMap());
        texts(to, "nodeSelector", k8s.getNodeSelectorMap());
        if (k8s.getTolerationsCount() > 0) {
            to.put("tolerations", k8s.getTolerationsList().stream().map(FleetYaml::write).toList());
        }
        text(to, "priorityClass", k8s.getPriorityClass());
        text(to, "serviceAccount", k8s.getServiceAccount());
        if (k8s.getPullSecretsCount() > 0) {
            to.put("pullSecrets", List.copyOf(k8s.getPullSecretsList()));
        }
        texts(to, "annotations", k8s.getAnnotationsMap());
        text(to, "secret", k8s.getSecret());
        span(to, "completedDelay", k8s.hasCompletedDelay(), k8s.getCompletedDelay());
        if (k8s.getImageEntrypoint()) {
            to.put("imageEntrypoint", true);
        }
        if (k8s.getForcePull()) {
            to.put("forcePull", true);
        }
        text(to, "claimImage", k8s.getClaimImage());
        return to;
    }

    private static Map<String, Object> write(Toleration toleration) {
        var to = new LinkedHashMap<String, Object>();
        text(to, "key", toleration.getKey());
        text(to, "operator", toleration.getOperator());
        text(to, "value", toleration.getValue());
        text(to, "effect", toleration.getEffect());
        if (toleration.hasSeconds()) {
            to.put("seconds", toleration.getSeconds());
        }
        return to;
    }

    private static void texts(Map<String, Object> to, String key, Map<String, String> texts) {
        if (!texts.isEmpty()) {
            to.put(key, new TreeMap<>(texts));
        }
    }

    /** As keys and values where reading them makes the same text again, else the text itself. */
    private static Object json(String json) {
        try {
            var read = Json.read(json);
            return read instanceof Map && Json.write(read).equals(json) ? plain(read) : json;
        } catch (IllegalArgumentException noJson) {
            return json;
        }
    }

    private static Object plain(Object json) {
        if (json instanceof Map<?, ?> map) {
            var plain = new LinkedHashMap<String, Object>();
            map.forEach((key, value) -> plain.put(key.toString(), plain(value)));
            return plain;
        }
        if (json instanceof List<?> list) {
            return list.stream().map(FleetYaml::plain).toList();
        }
        return json instanceof BigDecimal number ? YamlValue.plain(number) : json;
    }

    private static void text(Map<String, Object> to, String key, String text) {
        if (!text.isEmpty()) {
            to.put(key, text);
        }
    }

    private static void number(Map<String, Object> to, String key, int number) {
        if (number != 0) {
            to.put(key, number);
        }
    }

    private static void span(Map<String, Object> to, String key, boolean there, Duration span) {
        if (there) {
            to.put(key, YamlValue.print(span));
        }
    }

    private static <T> void choice(Map<String, Object> to, String key, Map<String, T> words, T value) {
        words.forEach((word, meaning) -> {
            if (meaning.equals(value)) {
                to.put(key, word);
            }
        });
    }
}
