package dev.muster.planner.foreign;

import com.google.protobuf.Duration;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.contracts.Json;
import dev.muster.planner.core.PoolNames;
import dev.muster.planner.spec.AwsLaunchValidator;
import dev.muster.planner.spec.GcpLaunchValidator;
import dev.muster.v1.AwsLaunch;
import dev.muster.v1.BootSpec;
import dev.muster.v1.Disk;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.GcpLaunch;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.Limits;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.Value;
import dev.muster.v1.Violation;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The fleet that does what an autoscaler of ClearML does: the open-source one by its file, the AWS and the GCP application by their exports as
 * far as their fields are documented.
 *
 * @param spec without any secret: it refers to them
 * @param secrets by the name of their file
 * @param notes what has no field of ours, or works differently here
 */
public record ClearmlImport(FleetSpec spec, Map<String, String> secrets, List<Note> notes) {

    /** @param field as the file names it */
    public record Note(String field, String text) {}

    /**
     * @param name of the fleet
     * @param named whether somebody asked for that name; else the file's own wins
     * @param account whose keys the file's become
     * @param region instead of the file's; empty: the file's
     */
    public record Options(String name, boolean named, String account, String region) {}

    private static final String DEFAULT_PREFIX = "dynamic_worker";
    /** What the open-source autoscaler asks for where a disk has a device and no more. */
    private static final int DEFAULT_DISK_GIB = 80;
    private static final String DEFAULT_DISK_TYPE = "gp3";
    /** What a launch tags beside its instances, here and there. */
    private static final List<String> TAGGABLE = List.of("volume", "network-interface", "spot-instances-request");
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Pattern ZONE = Pattern.compile("([a-z]{2}(?:-[a-z]+)+-\\d)(?:[a-z]|-.+)");
    /** Keys that only a resource of the GCP application has. */
    private static final Pattern GOOGLES = Pattern.compile("(?i)(gcp[ _])?machine[ _]type|gpu[ _]type|use[ _]preemptible.*");
    /** Text that may hold a secret: a word that names one, a URL with a password, or a long run of letters and digits. Rather too often than once too few. */
    static final Pattern SECRET = Pattern.compile("(?i)passw|passphrase|_pass\\b|\\bpass\\b|secret|token|key|credential|\\bauth|bearer|://[^/\\s:@]+:[^/\\s@]+@"
            + "|(?=[A-Za-z0-9+/_-]*\\d)(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{20,}");

    public ClearmlImport {
        secrets = Map.copyOf(secrets);
        notes = List.copyOf(notes);
    }

    @Override
    public String toString() {
        return "ClearmlImport[fleet=" + spec.getName() + ", secrets=" + secrets.keySet() + ", notes=" + notes.size() + "]";
    }

    /** @throws InvalidYamlException with everything that is wrong in the file, by its own names */
    public static ClearmlImport read(String text, Options options) throws InvalidYamlException {
        var violations = new ArrayList<Violation>();
        var file = ForeignValue.parse(text, violations);
        if (file.isPresent()) {
            var read = new Reader(options, violations).read(file.get());
            if (violations.isEmpty()) {
                return read;
            }
        }
        throw new InvalidYamlException(violations.stream().distinct().toList());
    }

    /** A resource as its queue has it. */
    private record Use(String resource, String queue, int max) {}

    private static final class Reader {

        private final Options options;
        private final List<Violation> violations;
        private final List<Note> notes = new ArrayList<>();
        private final Map<String, String> secrets = new TreeMap<>();
        private final Map<ClearmlField, ForeignValue> common = new EnumMap<>(ClearmlField.class);
        private final Map<String, Map<ClearmlField, ForeignValue>> resources = new LinkedHashMap<>();
        private final Map<String, ForeignValue> resourceValues = new LinkedHashMap<>();
        private final List<Use> uses = new ArrayList<>();
        private String fleet;
        private boolean isOpenSource;
        private boolean isOnGoogle;

        Reader(Options options, List<Violation> violations) {
            this.options = options;
            this.violations = violations;
            this.fleet = options.name();
        }

        ClearmlImport read(ForeignValue file) {
            if (!file.isObject()) {
                file.wrong("is no configuration of an autoscaler", "give a file with hyper_params and configurations, or an export of the AWS or GCP application");
                return null;
            }
            var keys = file.keys();
            isOpenSource = keys.contains("hyper_params") || keys.contains("configurations");
            if (isOpenSource) {
                openSource(file);
            } else if (!exported(file)) {
                return null;
            }
            if (!violations.isEmpty()) {
                return null;
            }
            var spec = FleetSpec.newBuilder();
            fleet(spec);
            var boot = boot();
            var pools = pools(spec, boot);
            queues(spec, pools);
            unmatched();
            return new ClearmlImport(spec.build(), secrets, notes);
        }

        // The two forms of a file.

        private void openSource(ForeignValue file) {
            for (var key : file.keys()) {
                var section = file.get(key).orElseThrow();
                if (!key.equals("hyper_params") && !key.equals("configurations")) {
                    unknown(section, key);
                } else if (!section.isBlank() && !section.isObject()) {
                    section.wrong("must be an object", "write its fields below it, indented");
                } else {
                    fields(section, ClearmlField.Place.FLEET, common);
                }
            }
            byName(file, ClearmlField.RESOURCES, "describe at least one resource", "write a name, a colon, and the resource's fields below it", this::resource);
            byName(file, ClearmlField.QUEUES, "name at least one queue: <queue>: [[<resource>, <most machines>]]", "write <queue>: [[<resource>, <most machines>]]",
                    this::openSourceQueue);
        }

        /** Takes each value of an object that must be there, with its name. */
        private void byName(ForeignValue file, ClearmlField field, String fixOfNone, String fixOfOther, BiConsumer<String, ForeignValue> each) {
            var object = common.get(field);
            if (object == null || object.isBlank()) {
                file.get("configurations").orElse(file).missing(field.openSource, fixOfNone);
            } else if (!object.isObject()) {
                object.wrong("must be an object by name", fixOfOther);
            } else {
                object.keys().forEach(name -> each.accept(name, object.get(name).orElseThrow()));
            }
        }

        private void openSourceQueue(String queue, ForeignValue list) {
            if (list.isBlank() || !list.isList()) {
                list.wrong("names no resource", "write [[<resource>, <most machines>]], or leave out the queue");
                return;
            }
            for (var pair : list.items()) {
                var parts = pair.items();
                if (parts.size() != 2) {
                    pair.wrong("must be a resource and a number", "write [<resource>, <most machines>]");
                    continue;
                }
                var most = parts.get(1).number(0, "write the most machines at once, 0 or more");
                if (parts.get(1).isBlank()) {
                    parts.get(1).wrong("is missing", "write the most machines at once, 0 or more");
                }
                parts.get(0).text().ifPresentOrElse(name -> use(parts.get(0), name, queue, most.orElse(0)),
                        () -> parts.get(0).wrong("names no resource", "write the name of one of resource_configurations"));
            }
        }

        private void use(ForeignValue at, String resource, String queue, int max) {
            if (!resources.isEmpty() && !resources.containsKey(resource)) {
                at.wrong("there is no resource '" + resource + "'", "describe it under resource_configurations, or name one of: " + String.join(", ", resources.keySet()));
                return;
            }
            var before = uses.stream().filter(use -> use.resource().equals(resource)).findFirst();
            if (before.isPresent()) {
                at.wrong("the resource '" + resource + "' already serves '" + before.get().queue() + "', and ClearML's autoscaler takes one queue a resource",
                        "keep one of them, or copy the resource under another name");
                return;
            }
            uses.add(new Use(resource, queue, max));
        }

        /** How an export nests is not documented: its fields are looked for at the top, its resources in whatever list holds some. @return false: it is none */
        private boolean exported(ForeignValue file) {
            var lists = new ArrayList<ForeignValue>();
            var others = new ArrayList<String>();
            for (var key : file.keys()) {
                var value = file.get(key).orElseThrow();
                if (value.isList() && value.items().stream().anyMatch(ForeignValue::isObject)) {
                    lists.add(value);
                } else {
                    others.add(key);
                }
            }
            isOnGoogle = file.keys().stream().anyMatch(key -> key.toLowerCase(Locale.ROOT).matches("gcp.*|.*machine[ _]type.*"))
                    || lists.stream().flatMap(list -> list.items().stream()).anyMatch(item -> item.keys().stream().anyMatch(key -> GOOGLES.matcher(key).matches()));
            if (lists.size() != 1) {
                file.wrong(lists.isEmpty() ? "has neither hyper_params and configurations nor a list of resources" : "has several lists of resources",
                        "give the open-source autoscaler's file, or an export of the AWS or GCP application with its compute resources");
                return false;
            }
            for (var key : others) {
                field(file.get(key).orElseThrow(), key, ClearmlField.Place.FLEET, common);
            }
            for (var item : lists.get(0).items()) {
                exportedResource(item);
            }
            return true;
        }

        private void exportedResource(ForeignValue item) {
            if (!item.isObject()) {
                item.wrong("is no resource", "write an object with " + typeLabel() + ", Max Number of Instances and Monitored Queue");
                return;
            }
            var fields = new EnumMap<ClearmlField, ForeignValue>(ClearmlField.class);
            fields(item, ClearmlField.Place.RESOURCE, fields);
            var name = text(fields, ClearmlField.RESOURCE_NAME).or(() -> text(fields, typeField())).orElse(item.path());
            if (resources.containsKey(name)) {
                item.wrong("there is a resource '" + name + "' already", "give each a Resource Name of its own");
                return;
            }
            resources.put(name, fields);
            resourceValues.put(name, item);
            var queue = text(fields, ClearmlField.QUEUE);
            var most = fields.get(ClearmlField.MAX_INSTANCES);
            if (queue.isEmpty()) {
                item.missing("Monitored Queue", "write the name of the queue that the resource serves");
            }
            if (most == null || most.isBlank()) {
                item.missing("Max Number of Instances", "write the most machines at once, 0 or more");
            } else {
                var number = most.number(0, "write the most machines at once, 0 or more");
                queue.ifPresent(one -> uses.add(new Use(name, one, number.orElse(0))));
            }
        }

        private void resource(String name, ForeignValue value) {
            if (!value.isObject()) {
                value.wrong("must be an object", "write instance_type, is_spot and the other fields below it");
            }
            var fields = new EnumMap<ClearmlField, ForeignValue>(ClearmlField.class);
            fields(value, ClearmlField.Place.RESOURCE, fields);
            resources.put(name, fields);
            resourceValues.put(name, value);
        }

        private void fields(ForeignValue object, ClearmlField.Place place, Map<ClearmlField, ForeignValue> into) {
            for (var key : object.keys()) {
                field(object.get(key).orElseThrow(), key, place, into);
            }
        }

        private void field(ForeignValue value, String key, ClearmlField.Place place, Map<ClearmlField, ForeignValue> into) {
            var field = ClearmlField.of(place, key, isOnGoogle);
            if (field.isEmpty()) {
                unknown(value, key);
            } else if (into.putIfAbsent(field.get(), value) != null) {
                value.wrong("says again what " + into.get(field.get()).path() + " says", "keep one of them");
            }
        }

        /** What it holds stays unsaid: it may be a secret. */
        private void unknown(ForeignValue value, String key) {
            if (!value.isBlank()) {
                note(value.path(), "is no documented field of ClearML's autoscalers, and is left out"
                        + (SECRET.matcher(key).find() ? ". If it is a secret that tasks need, put it into a file of the secrets folder and name that in agent.environment" : ""));
            }
        }

        // What they become.

        private void fleet(FleetSpec.Builder spec) {
            if (!options.named()) {
                text(common, ClearmlField.INSTANCE_NAME).map(PoolNames::label).filter(label -> !label.isEmpty()).ifPresent(label -> fleet = label);
            }
            spec.setName(fleet);
            var prefix = text(common, ClearmlField.WORKERS_PREFIX);
            if (prefix.isEmpty() && isOpenSource) {
                prefix = Optional.of(DEFAULT_PREFIX);
            }
            prefix.ifPresent(text -> {
                var at = common.containsKey(ClearmlField.WORKERS_PREFIX) ? common.get(ClearmlField.WORKERS_PREFIX).path() : "hyper_params.workers_prefix";
                if (PART.matcher(text).matches()) {
                    spec.setWorkersPrefix(text);
                    note(at, "is kept: stop ClearML's autoscaler before this fleet is applied, since either takes workers with that prefix for its own");
                } else {
                    note(at, "can't begin a worker id here, where it is letters, digits, '.', '_' and '-': left out, so that it is <installation>-<fleet>");
                }
            });
            text(common, ClearmlField.SHUTDOWN).ifPresent(text -> {
                var word = text.toLowerCase(Locale.ROOT);
                if (word.startsWith("idle")) {
                    spec.setShutdown(ShutdownAction.IDLE);
                } else if (word.startsWith("all")) {
                    spec.setShutdown(ShutdownAction.ALL);
                } else if (word.startsWith("no") || word.equals("false")) {
                    spec.setShutdown(ShutdownAction.LEAVE);
                } else {
                    common.get(ClearmlField.SHUTDOWN).wrong("is no choice of the application", "write none, idle or all");
                }
            });
            text(common, ClearmlField.CLOUD_PROVIDER).filter(text -> !text.equalsIgnoreCase("aws")).ifPresent(text ->
                    common.get(ClearmlField.CLOUD_PROVIDER).wrong("is no cloud of the open-source autoscaler, which has AWS only", "write aws"));
            credentials();
        }

        private void credentials() {
            if (isOnGoogle) {
                googleCredentials();
                return;
            }
            var chain = common.containsKey(ClearmlField.CREDENTIALS_CHAIN) && common.get(ClearmlField.CREDENTIALS_CHAIN).flag().orElse(false);
            var id = text(common, ClearmlField.ACCESS_KEY);
            var key = text(common, ClearmlField.SECRET_KEY);
            var token = text(common, ClearmlField.SESSION_TOKEN);
            if (chain) {
                note(common.get(ClearmlField.CREDENTIALS_CHAIN).path(), "the provisioner takes Amazon's default chain where the secrets folder has no keys of the account"
                        + (id.isPresent() || key.isPresent() ? ": the file's keys are left out" : ""));
                return;
            }
            if (id.isPresent() != key.isPresent()) {
                common.get(id.isPresent() ? ClearmlField.ACCESS_KEY : ClearmlField.SECRET_KEY).wrong("stands alone: an access key has two parts",
                        "write both, or neither for Amazon's default chain");
            }
            id.ifPresent(text -> secret(ClearmlField.ACCESS_KEY, "aws-" + options.account() + "-access-key-id", text));
            key.ifPresent(text -> secret(ClearmlField.SECRET_KEY, "aws-" + options.account() + "-secret-access-key", text));
            if (id.isPresent() && token.isPresent()) {
                secret(ClearmlField.SESSION_TOKEN, "aws-" + options.account() + "-session-token", token.get());
                note(common.get(ClearmlField.SESSION_TOKEN).path(), "ends within hours, and its keys with it: put lasting ones into the files in time");
            }
        }

        /** An export may have the key as the text that was pasted, as an object, or not at all. */
        private void googleCredentials() {
            text(common, ClearmlField.GCP_PROJECT).ifPresent(project -> note(common.get(ClearmlField.GCP_PROJECT).path(),
                    "is of the account: write project: " + project.strip() + " for " + options.account() + " in muster.yaml"));
            var key = common.get(ClearmlField.GCP_CREDENTIALS);
            if (key == null || key.isBlank()) {
                return;
            }
            if (key.isObject()) {
                key.structure().ifPresent(structure -> secret(ClearmlField.GCP_CREDENTIALS, "gcp-" + options.account() + "-key", Json.write(structure)));
            } else if (key.text().filter(text -> text.strip().startsWith("{")).isPresent()) {
                secret(ClearmlField.GCP_CREDENTIALS, "gcp-" + options.account() + "-key", key.text().orElseThrow());
            } else {
                note(key.path(), "is no key file's JSON, and is left out: put one into the secrets folder, as gcp-" + options.account() + "-key");
            }
        }

        private void secret(ClearmlField field, String file, String value) {
            secrets.put(file, value.strip());
            note(common.get(field).path(), "is in the secrets folder, as " + file);
        }

        private BootSpec boot() {
            var boot = BootSpec.newBuilder();
            if (text(common, ClearmlField.GIT_USER).isPresent() || text(common, ClearmlField.GIT_PASSWORD).isPresent()) {
                environment(boot, ClearmlField.GIT_USER, "CLEARML_AGENT_GIT_USER", fleet + "-git-user");
                environment(boot, ClearmlField.GIT_PASSWORD, "CLEARML_AGENT_GIT_PASS", fleet + "-git-password");
            }
            docker(boot);
            value(ClearmlField.EXTRA_CONF, fleet + "-extra-conf").ifPresent(boot::setExtraConf);
            value(ClearmlField.INIT_SCRIPT, fleet + "-init-script").ifPresent(boot::setInitScript);
            text(common, ClearmlField.EXTRA_CONF).filter(text -> !ClearmlConf.parse(text).accessKey().isEmpty()).ifPresent(text ->
                    note(common.get(ClearmlField.EXTRA_CONF).path(), "has ClearML keys, which agents pass over: they log in with those of the fleet's connection, "
                            + "in the secrets folder as clearml-<connection>-access-key and clearml-<connection>-secret-key"));
            return boot.build();
        }

        private void environment(BootSpec.Builder boot, ClearmlField field, String variable, String file) {
            text(common, field).ifPresent(text -> {
                secret(field, file, text);
                boot.putEnvironment(variable, Value.newBuilder().setSecretRef(file).build());
            });
        }

        private void docker(BootSpec.Builder boot) {
            var mode = Optional.ofNullable(common.get(ClearmlField.DOCKER_MODE)).flatMap(ForeignValue::flag);
            var image = common.get(ClearmlField.DOCKER_IMAGE);
            var isOff = mode.isPresent() ? !mode.get() : isOpenSource && image != null && image.isBlank();
            if (isOff) {
                boot.setDocker(false);
                return;
            }
            mode.ifPresent(boot::setDocker);
            text(common, ClearmlField.DOCKER_IMAGE).map(String::strip).ifPresent(text -> {
                if (text.equals("nvidia/cuda")) {
                    note(image.path(), "has no tag, and Docker Hub has no newest one of this image: left out, so that it is the release's");
                } else {
                    boot.setDefaultImage(text);
                }
            });
        }

        /** In the spec if nothing in it looks like a secret, else in a file that the spec names. */
        private Optional<Value> value(ClearmlField field, String file) {
            return text(common, field).map(text -> {
                if (!SECRET.matcher(text).find()) {
                    return Value.newBuilder().setText(text).build();
                }
                secrets.put(file, text.stripTrailing());
                note(common.get(field).path(), "may hold secrets: it is in the secrets folder, as " + file);
                return Value.newBuilder().setSecretRef(file).build();
            });
        }

        /** @return names of pools by resource */
        private Map<String, String> pools(FleetSpec.Builder spec, BootSpec boot) {
            var names = new LinkedHashMap<String, String>();
            var taken = new HashSet<String>();
            var idle = Optional.ofNullable(common.get(ClearmlField.MAX_IDLE)).flatMap(ForeignValue::minutes);
            var spinUp = Optional.ofNullable(common.get(ClearmlField.MAX_SPIN_UP)).flatMap(ForeignValue::minutes).filter(span -> {
                if (span.getSeconds() == 0) {
                    common.get(ClearmlField.MAX_SPIN_UP).wrong("is 0: every machine would be late", "write minutes, such as 30");
                }
                return span.getSeconds() > 0;
            });
            for (var entry : resources.entrySet()) {
                var use = uses.stream().filter(one -> one.resource().equals(entry.getKey())).findFirst();
                if (use.isEmpty()) {
                    note(resourceValues.get(entry.getKey()).path(), "serves no queue, and is left out");
                    continue;
                }
                var name = poolName(entry.getKey(), taken);
                names.put(entry.getKey(), name);
                var pool = PoolSpec.newBuilder().setName(name).setLimits(Limits.newBuilder().setMax(use.get().max()));
                var fields = entry.getValue();
                offers(pool, resourceValues.get(entry.getKey()), fields);
                idle.ifPresent(span -> pool.setIdleTimeout(idle(span)));
                spinUp.ifPresent(span -> pool.setBootDeadline(span).setRegistrationDeadline(span));
                pool.setLaunch(isOnGoogle ? googleLaunch(fields, boot) : launch(fields, boot));
                if (pool.getLaunch().equals(LaunchParameters.getDefaultInstance())) {
                    pool.clearLaunch();
                }
                spec.addPools(pool);
            }
            return names;
        }

        private Duration idle(Duration span) {
            if (span.getSeconds() > 0) {
                return span;
            }
            noteOnce(common.get(ClearmlField.MAX_IDLE).path(), "is 0; here the least is a moment, so it is 1s");
            return Duration.newBuilder().setSeconds(1).build();
        }

        private String poolName(String resource, Set<String> taken) {
            var base = PoolNames.label(resource).isEmpty() ? "pool" : PoolNames.label(resource);
            var name = base;
            for (var i = 2; !taken.add(name); i++) {
                var suffix = "-" + i;
                name = base.substring(0, Math.min(PoolNames.LONGEST - suffix.length(), base.length())) + suffix;
            }
            if (!name.equals(resource)) {
                note(resourceValues.get(resource).path(), "is the pool " + name + ", also in worker ids: a pool's name is a DNS label");
            }
            return name;
        }

        private void offers(PoolSpec.Builder pool, ForeignValue at, Map<ClearmlField, ForeignValue> fields) {
            var type = text(fields, typeField()).map(String::strip);
            if (type.isEmpty()) {
                at.missing(isOpenSource ? "instance_type" : typeLabel(),
                        isOnGoogle ? "write Google's name of it, such as n1-standard-4" : "write EC2's name of it, such as g4dn.4xlarge");
            }
            var blackout = isOnGoogle ? ClearmlField.PREEMPTIBLE_BLACKOUT : ClearmlField.BLACKOUT;
            var spot = fields.get(isOnGoogle ? ClearmlField.PREEMPTIBLE : ClearmlField.SPOT);
            if (isOpenSource && (spot == null || spot.isBlank())) {
                at.missing("is_spot", "write is_spot: true or is_spot: false");
            }
            var isSpot = spot != null && spot.flag().orElse(false);
            var places = isOnGoogle ? googlePlaces() : places(at, fields);
            var markets = new ArrayList<Market>();
            markets.add(isSpot ? Market.SPOT : Market.ON_DEMAND);
            var rollback = fields.containsKey(ClearmlField.ROLLBACK) && fields.get(ClearmlField.ROLLBACK).flag().orElse(false);
            if (isSpot && rollback) {
                markets.add(Market.ON_DEMAND);
                span(fields, ClearmlField.ROLLBACK_TIMEOUT).ifPresent(pool::setSpotRollbackAfter);
                span(fields, blackout).ifPresent(pool::setSpotBlackout);
            } else {
                for (var field : List.of(ClearmlField.ROLLBACK_TIMEOUT, blackout)) {
                    if (text(fields, field).isPresent()) {
                        note(fields.get(field).path(), "has no meaning without a spot instance and its roll-back, and is left out");
                    }
                }
            }
            for (var market : markets) {
                for (var place : places) {
                    var key = place.toBuilder().setMachineType(type.orElse(""));
                    if (market == Market.SPOT) {
                        key.setMarket(market);
                    }
                    pool.addOffers(OfferSpec.newBuilder().setKey(key));
                }
            }
        }

        private Optional<Duration> span(Map<ClearmlField, ForeignValue> fields, ClearmlField field) {
            var span = Optional.ofNullable(fields.get(field)).flatMap(ForeignValue::minutes);
            // Only of this one the pages say it.
            span.filter(read -> field != ClearmlField.PREEMPTIBLE_BLACKOUT).ifPresent(read -> note(fields.get(field).path(), "is taken for minutes, which ClearML's pages don't say of it"));
            return span;
        }

        private ClearmlField typeField() {
            return isOnGoogle ? ClearmlField.MACHINE_TYPE : ClearmlField.INSTANCE_TYPE;
        }

        private String typeLabel() {
            return typeField().label;
        }

        /** The application has one zone and one subnet for all resources; several are taken as it takes them on AWS. */
        private List<OfferKey> googlePlaces() {
            var zones = common.containsKey(ClearmlField.GCP_ZONE) ? common.get(ClearmlField.GCP_ZONE).texts() : List.<String>of();
            var region = !options.region().isEmpty() ? options.region() : zones.stream().findFirst().map(zone -> zone.replaceFirst("-[^-]*$", "")).orElse("");
            if (region.isEmpty()) {
                violations.add(Violation.newBuilder().setField(ClearmlField.GCP_ZONE.label).setProblem("is missing")
                        .setFix("write the zone, such as us-central1-a, or give --region").build());
                return List.of();
            }
            var full = common.containsKey(ClearmlField.FULL_SUBNET_PATH) ? common.get(ClearmlField.FULL_SUBNET_PATH).flag() : Optional.<Boolean>empty();
            var path = text(common, ClearmlField.SUBNET_PATH).filter(text -> full.orElse(true));
            var subnet = path.or(() -> text(common, ClearmlField.SUBNET_NAME)).map(text -> resource(text.strip()));
            if (path.isPresent() && text(common, ClearmlField.SUBNET_NAME).isPresent()) {
                note(common.get(ClearmlField.SUBNET_NAME).path(), "is left out beside the subnet's full path");
            }
            var places = new ArrayList<OfferKey>();
            for (var zone : zones.isEmpty() ? List.of("") : zones) {
                if (!zone.isEmpty() && !zone.startsWith(region + "-")) {
                    common.get(ClearmlField.GCP_ZONE).wrong("holds a zone that is not in the region " + region, "write zones such as " + region + "-a, or another region");
                }
                var key = OfferKey.newBuilder().setProvider("gcp").setAccount(options.account()).setRegion(region).setZone(zone);
                subnet.ifPresent(key::setSubnet);
                places.add(key.build());
            }
            return places.stream().distinct().toList();
        }

        /** Google's names of things are also written as URLs. */
        private static String resource(String name) {
            return name.replaceFirst("^https://[^/]+/compute/[a-z0-9]+/(?=projects/)", "");
        }

        private LaunchParameters googleLaunch(Map<ClearmlField, ForeignValue> fields, BootSpec common) {
            var launch = LaunchParameters.newBuilder();
            text(fields, ClearmlField.MACHINE_IMAGE).map(text -> resource(text.strip())).ifPresent(launch::setImage);
            Optional.ofNullable(fields.get(ClearmlField.DISC_SIZE)).flatMap(value -> value.number(1, "write GB, 10 or more"))
                    .ifPresent(size -> launch.addDisks(Disk.newBuilder().setSizeGib(size)));
            var boot = common.toBuilder();
            if (fields.containsKey(ClearmlField.CPU_ONLY) && fields.get(ClearmlField.CPU_ONLY).flag().orElse(false)) {
                boot.setCpuOnly(true);
            }
            if (!boot.build().equals(BootSpec.getDefaultInstance())) {
                launch.setBoot(boot);
            }
            var gcp = GcpLaunch.newBuilder();
            gpus(fields, gcp);
            text(fields, ClearmlField.PROVISION_MODEL).ifPresent(model -> {
                var word = model.strip().toLowerCase(Locale.ROOT);
                if (word.startsWith("preempt")) {
                    gcp.setPreemptible(fields.containsKey(ClearmlField.PREEMPTIBLE) && fields.get(ClearmlField.PREEMPTIBLE).flag().orElse(false));
                } else if (!word.startsWith("spot") && !word.startsWith("standard")) {
                    fields.get(ClearmlField.PROVISION_MODEL).wrong("is no choice of the application", "write Spot or Preemptible");
                }
            });
            account(fields, gcp);
            metadata(this.common.get(ClearmlField.GLOBAL_METADATA), gcp);
            metadata(fields.get(ClearmlField.METADATA), gcp);
            if (!gcp.build().equals(GcpLaunch.getDefaultInstance())) {
                launch.setGcp(gcp);
            }
            return launch.build();
        }

        /** The form asks for a GPU's type also where the machine's type has its own. */
        private void gpus(Map<ClearmlField, ForeignValue> fields, GcpLaunch.Builder gcp) {
            var type = text(fields, ClearmlField.GPU_TYPE).map(String::strip).filter(text -> !isNo(text) && !text.equalsIgnoreCase("none"));
            var machine = text(fields, ClearmlField.MACHINE_TYPE).map(String::strip).orElse("");
            if (type.isEmpty()) {
                return;
            }
            if (!GcpLaunchValidator.takesGpus(machine)) {
                note(fields.get(ClearmlField.GPU_TYPE).path(), "is left out: only machines of N1 take GPUs, and " + machine + " comes with its own or has none");
                return;
            }
            gcp.setGpuType(type.get());
            Optional.ofNullable(fields.get(ClearmlField.GPU_COUNT)).flatMap(value -> value.number(0, "write 1, 2, 4 or 8")).ifPresent(gcp::setGpuCount);
        }

        private void account(Map<ClearmlField, ForeignValue> fields, GcpLaunch.Builder gcp) {
            var usual = fields.containsKey(ClearmlField.DEFAULT_ACCOUNT) && fields.get(ClearmlField.DEFAULT_ACCOUNT).flag().orElse(false);
            text(fields, ClearmlField.ACCOUNT_EMAIL).map(String::strip).ifPresent(email -> {
                if (usual) {
                    note(fields.get(ClearmlField.ACCOUNT_EMAIL).path(), "is left out, since the default service account is asked for");
                } else {
                    gcp.setServiceAccount(email);
                }
            });
            if (fields.containsKey(ClearmlField.SCOPES)) {
                for (var scope : fields.get(ClearmlField.SCOPES).texts()) {
                    // The form takes gcloud's words; Google's API takes none.
                    var name = GcpLaunchValidator.GCLOUD_SCOPES.getOrDefault(scope, scope);
                    if (!gcp.getScopesList().contains(name)) {
                        gcp.addScopes(name);
                    }
                }
            }
        }

        private void metadata(ForeignValue value, GcpLaunch.Builder gcp) {
            if (value == null || value.isBlank()) {
                return;
            }
            for (var pair : value.texts()) {
                var equals = pair.indexOf('=');
                if (equals < 1) {
                    value.wrong("is no list of metadata", "write key=value, key=value");
                    return;
                }
                var key = pair.substring(0, equals).strip();
                if (GcpLaunchValidator.isOurMetadata(key)) {
                    noteOnce(value.path(), key + " is left out: it is Muster's own" + (key.startsWith("startup") ? ". A script is the init script" : ""));
                } else {
                    gcp.putMetadata(key, pair.substring(equals + 1).strip());
                }
            }
        }

        /** Zones and subnets, paired by position. */
        private List<OfferKey> places(ForeignValue at, Map<ClearmlField, ForeignValue> fields) {
            var zones = fields.containsKey(ClearmlField.ZONE) ? fields.get(ClearmlField.ZONE).texts() : List.<String>of();
            var subnets = fields.containsKey(ClearmlField.SUBNET) ? fields.get(ClearmlField.SUBNET).texts() : List.<String>of();
            if (isOpenSource && zones.size() == 1 && subnets.size() == 1) {
                note(fields.get(ClearmlField.ZONE).path(), "is left out, since the subnet decides the zone: ClearML's autoscaler passes it over, too");
                zones = List.of();
            }
            if (!zones.isEmpty() && !subnets.isEmpty() && zones.size() != subnets.size()) {
                fields.get(ClearmlField.SUBNET).wrong("there are " + subnets.size() + " subnets and " + zones.size() + " zones, which belong together by position",
                        "write as many of one as of the other, or leave out the zones");
                return List.of();
            }
            for (var subnet : subnets) {
                if (!subnet.startsWith("subnet-")) {
                    fields.get(ClearmlField.SUBNET).wrong("holds no id of a subnet", "write ids, which begin with subnet-");
                }
            }
            var written = options.region().isEmpty() ? text(common, ClearmlField.REGION).map(String::strip) : Optional.of(options.region());
            var region = written.or(() -> zone(fields)).orElse("");
            if (region.isEmpty()) {
                if (common.containsKey(ClearmlField.REGION)) {
                    common.get(ClearmlField.REGION).wrong("is empty", "write the region, such as us-east-1, or give --region");
                } else {
                    violations.add(Violation.newBuilder().setField(isOpenSource ? "hyper_params.cloud_credentials_region" : "AWS Region").setProblem("is missing")
                            .setFix("write the region, such as us-east-1, or give --region").build());
                }
                return List.of();
            }
            var places = new ArrayList<OfferKey>();
            for (var i = 0; i < Math.max(1, Math.max(zones.size(), subnets.size())); i++) {
                var key = OfferKey.newBuilder().setProvider("aws").setAccount(options.account()).setRegion(region);
                if (i < zones.size()) {
                    if (!zones.get(i).startsWith(region)) {
                        fields.get(ClearmlField.ZONE).wrong("holds a zone that is not in the region " + region, "write zones such as " + region + "a, or another region");
                    }
                    key.setZone(zones.get(i));
                }
                if (i < subnets.size()) {
                    key.setSubnet(subnets.get(i));
                }
                if (!places.contains(key.build())) {
                    places.add(key.build());
                }
            }
            return places;
        }

        /** The region of a resource's zone, where nothing else says one. */
        private static Optional<String> zone(Map<ClearmlField, ForeignValue> fields) {
            return Optional.ofNullable(fields.get(ClearmlField.ZONE)).map(ForeignValue::texts).flatMap(zones -> zones.stream().findFirst())
                    .map(ZONE::matcher).filter(java.util.regex.Matcher::matches).map(match -> match.group(1));
        }

        private LaunchParameters launch(Map<ClearmlField, ForeignValue> fields, BootSpec common) {
            var launch = LaunchParameters.newBuilder();
            // An alias of the application is an SSM parameter's path.
            text(fields, ClearmlField.IMAGE).map(String::strip).ifPresent(image -> launch.setImage(image.startsWith("/") ? "ssm:" + image : image));
            disk(fields).ifPresent(launch::addDisks);
            tags(this.common.get(ClearmlField.ALL_TAGS), launch);
            tags(fields.get(ClearmlField.TAGS), launch);
            var boot = common.toBuilder();
            if (fields.containsKey(ClearmlField.CPU_ONLY) && fields.get(ClearmlField.CPU_ONLY).flag().orElse(false)) {
                boot.setCpuOnly(true);
            }
            if (!boot.build().equals(BootSpec.getDefaultInstance())) {
                launch.setBoot(boot);
            }
            var aws = AwsLaunch.newBuilder();
            text(fields, ClearmlField.KEY_PAIR).map(String::strip).ifPresent(aws::setKeyName);
            if (fields.containsKey(ClearmlField.SECURITY_GROUPS)) {
                for (var group : fields.get(ClearmlField.SECURITY_GROUPS).texts()) {
                    if (!group.startsWith("sg-")) {
                        fields.get(ClearmlField.SECURITY_GROUPS).wrong("holds no id of a security group", "write ids, which begin with sg-");
                    }
                    aws.addSecurityGroupIds(group);
                }
            }
            text(this.common, ClearmlField.PROFILE_ARN).or(() -> text(this.common, ClearmlField.PROFILE_NAME)).map(String::strip).ifPresent(aws::setInstanceProfile);
            if (fields.containsKey(ClearmlField.MONITORING) && fields.get(ClearmlField.MONITORING).flag().orElse(false)) {
                aws.setDetailedMonitoring(true);
            }
            launchSpec(fields, launch).ifPresent(aws::setLaunchSpec);
            tagResources(fields, aws);
            if (!aws.build().equals(AwsLaunch.getDefaultInstance())) {
                launch.setAws(aws);
            }
            return launch.build();
        }

        /** Of all machines and of this resource, without what is not a launch spec's to say here. */
        private Optional<String> launchSpec(Map<ClearmlField, ForeignValue> fields, LaunchParameters.Builder launch) {
            var spec = new LinkedHashMap<String, Object>();
            for (var from : Stream.of(common.get(ClearmlField.LAUNCH_SPEC), fields.get(ClearmlField.EXTRA_LAUNCH)).filter(Objects::nonNull).toList()) {
                from.structure().ifPresent(structure -> {
                    var image = structure.get("ImageId");
                    if (image instanceof String id && launch.getImage().isEmpty()) {
                        launch.setImage(id);
                    }
                    AwsLaunchValidator.OWNED.forEach((path, instead) -> {
                        if (remove(structure, path) && !(path.equals("ImageId") && image instanceof String)) {
                            noteOnce(from.path() + "." + path, "is left out, since a launch spec may not say it: " + instead);
                        }
                    });
                    merge(spec, structure);
                });
            }
            return spec.isEmpty() ? Optional.empty() : Optional.of(Json.write(spec));
        }

        /** @return whether it was there */
        private static boolean remove(Map<?, ?> object, String path) {
            var dot = path.indexOf('.');
            if (dot < 0) {
                return object.remove(path) != null;
            }
            var parent = path.substring(0, dot);
            if (!(object.get(parent) instanceof Map<?, ?> inner) || !remove(inner, path.substring(dot + 1))) {
                return false;
            }
            if (inner.isEmpty()) {
                object.remove(parent);
            }
            return true;
        }

        /** As ClearML merges: objects key by key, all else as a whole. */
        @SuppressWarnings("unchecked")
        private static void merge(Map<String, Object> into, Map<String, Object> more) {
            more.forEach((key, value) -> {
                if (into.get(key) instanceof Map<?, ?> there && value instanceof Map<?, ?> also) {
                    merge((Map<String, Object>) there, (Map<String, Object>) also);
                } else {
                    into.put(key, value);
                }
            });
        }

        private void tagResources(Map<ClearmlField, ForeignValue> fields, AwsLaunch.Builder aws) {
            if (!fields.containsKey(ClearmlField.TAGGED_RESOURCES)) {
                return;
            }
            var value = fields.get(ClearmlField.TAGGED_RESOURCES);
            for (var resource : value.texts()) {
                var name = resource.toLowerCase(Locale.ROOT).replaceAll("[ _]+", "-").replaceFirst("s$", "");
                if (TAGGABLE.contains(name)) {
                    aws.addTagResources(name);
                } else if (!name.equals("instance") && !isNo(resource)) {
                    noteOnce(value.path(), "names " + resource + ", which a launch can't tag: left out");
                }
            }
        }

        private Optional<Disk> disk(Map<ClearmlField, ForeignValue> fields) {
            var device = text(fields, ClearmlField.DISK_DEVICE).map(String::strip);
            var size = Optional.ofNullable(fields.get(ClearmlField.DISK_SIZE)).flatMap(value -> value.number(1, "write GiB, 1 or more"));
            var type = text(fields, ClearmlField.DISK_TYPE).map(String::strip);
            var snapshot = text(fields, ClearmlField.DISK_SNAPSHOT).map(String::strip);
            if (device.isPresent() && snapshot.isPresent()) {
                for (var field : List.of(ClearmlField.DISK_SIZE, ClearmlField.DISK_TYPE)) {
                    if (text(fields, field).isPresent()) {
                        note(fields.get(field).path(), "is left out beside a snapshot, whose size the disk has: ClearML's autoscaler passes it over, too");
                    }
                }
                return Optional.of(Disk.newBuilder().setDevice(device.get()).setSnapshot(snapshot.get()).build());
            }
            if (device.isEmpty() && isOpenSource) {
                for (var field : List.of(ClearmlField.DISK_SIZE, ClearmlField.DISK_TYPE, ClearmlField.DISK_SNAPSHOT)) {
                    if (text(fields, field).isPresent()) {
                        note(fields.get(field).path(), "is left out: without ebs_device_name ClearML's autoscaler passes it over, too");
                    }
                }
                return Optional.empty();
            }
            if (device.isEmpty() && size.isEmpty() && type.isEmpty()) {
                return Optional.empty();
            }
            var disk = Disk.newBuilder();
            device.ifPresent(disk::setDevice);
            (isOpenSource ? size.or(() -> Optional.of(DEFAULT_DISK_GIB)) : size).ifPresent(disk::setSizeGib);
            (isOpenSource ? type.or(() -> Optional.of(DEFAULT_DISK_TYPE)) : type).ifPresent(disk::setType);
            return Optional.of(disk.build());
        }

        private void tags(ForeignValue value, LaunchParameters.Builder launch) {
            if (value == null || value.isBlank()) {
                return;
            }
            for (var pair : value.texts()) {
                var equals = pair.indexOf('=');
                if (equals < 1) {
                    value.wrong("is no list of tags", "write key=value, key=value");
                    return;
                }
                var key = pair.substring(0, equals).strip();
                var text = pair.substring(equals + 1).strip();
                if (key.equals("Name") || key.startsWith("aws:") || key.startsWith("muster-")) {
                    noteOnce(value.path(), "the tag " + key + " is left out: it is " + (key.startsWith("aws:") ? "Amazon's" : "Muster's") + " own");
                } else if (key.contains(" ") || key.contains("/")) {
                    noteOnce(value.path(), "the tag " + key + " is left out: EC2 takes neither a space nor a slash in a key where machines may read their tags, as Muster's must");
                } else {
                    launch.putTags(key, text);
                }
            }
        }

        private void queues(FleetSpec.Builder spec, Map<String, String> pools) {
            var queues = new LinkedHashMap<String, QueueSpec.Builder>();
            for (var use : uses) {
                queues.computeIfAbsent(use.queue(), name -> QueueSpec.newBuilder().setName(name)).addPools(pools.get(use.resource()));
            }
            queues.values().forEach(spec::addQueues);
        }

        // What has no field of ours, or works without one.

        private void unmatched() {
            say(common, ClearmlField.POLLING_INTERVAL, "is no field here: the queue-watcher's interval is a connection's, one second unless told otherwise");
            say(common, ClearmlField.TRAINS_CONF, "is read by nobody, by ClearML's autoscaler neither");
            say(common, ClearmlField.USE_PROFILE, text(common, ClearmlField.PROFILE_ARN).isPresent() || text(common, ClearmlField.PROFILE_NAME).isPresent()
                    ? "is no field here: a name or an ARN is enough" : "says nothing without a name or an ARN: machines get no instance profile");
            say(common, ClearmlField.ALL_TAGS, "ClearML's open-source autoscaler reads these and never sets them; here every machine gets them");
            say(common, ClearmlField.VAULT, "is not offered: vaults are ClearML Enterprise's own. Name what tasks need in agent.environment or agent.extraConf");
            say(common, ClearmlField.VAULT_ERRORS, "is not offered: there is no vault to read");
            say(common, ClearmlField.WARN_TWICE, "is not needed: a task on two workers is always said, as TASK_RUNS_TWICE");
            say(common, ClearmlField.NO_BASHRC, "is not needed: agents read .bashrc only where agent.shellProfile is true");
            say(common, ClearmlField.SERVICE_ACCOUNT, "is not offered: agents log in with the keys of the fleet's connection");
        }

        /** Only where it asks for something. */
        private void say(Map<ClearmlField, ForeignValue> fields, ClearmlField field, String text) {
            var value = fields.get(field);
            if (value != null && !value.isBlank() && (value.isObject() || value.isList() || !value.text().map(ClearmlImport::isNo).orElse(true))) {
                note(value.path(), text);
            }
        }

        private void note(String field, String text) {
            notes.add(new Note(field, text));
        }

        private void noteOnce(String field, String text) {
            if (!notes.contains(new Note(field, text))) {
                note(field, text);
            }
        }

        private static Optional<String> text(Map<ClearmlField, ForeignValue> fields, ClearmlField field) {
            return Optional.ofNullable(fields.get(field)).flatMap(ForeignValue::text);
        }
    }

    private static boolean isNo(String text) {
        return List.of("false", "no", "off", "0").contains(text.strip().toLowerCase(Locale.ROOT));
    }
}
