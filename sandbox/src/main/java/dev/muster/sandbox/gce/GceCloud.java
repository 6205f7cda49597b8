package dev.muster.sandbox.gce;

import dev.muster.sandbox.CloudTime;
import dev.muster.sandbox.gce.Books.LaunchCall;
import dev.muster.sandbox.gce.Faults.BootFault;
import dev.muster.sandbox.gce.Faults.LaunchFault;
import dev.muster.sandbox.gce.Operation.Failure;
import dev.muster.sandbox.gce.Page.Item;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The cloud itself, without its network: takes one call at a time and answers as Compute Engine would, and moves instances and operations
 * through their lives. One lock guards all state; machine images are only called outside it, since they may call back.
 */
final class GceCloud {

    /** An operation is PENDING this long before it runs. */
    static final Duration PENDING = Duration.ofMillis(50);
    /** How long a wait call waits: "no more than the default deadline (2 minutes)". */
    static final Duration LONGEST_WAIT = Duration.ofMinutes(2);
    /** How long a project's bulk insert may be at once: "up to 1,000 VMs", regional 5,000. */
    private static final long MOST_AT_ONCE = 5_000;

    private final GceConfig config;
    private final CloudTime time;
    private final MachineImage image;
    private final Capacity capacity = new Capacity();
    private final Faults faults = new Faults();
    private final Surroundings surroundings = new Surroundings();
    private final Throttle throttle = new Throttle();
    private final Books books;
    private final Descriptions descriptions;
    private final String account;
    private final SplittableRandom random = new SplittableRandom();
    /** Path → instance, those that are there. */
    private final Map<String, Instance> instances = new LinkedHashMap<>();
    /** The same by their numbers, which machines have in their metadata's address. */
    private final Map<String, Instance> byId = new HashMap<>();
    /** Path → operation. */
    private final Map<String, Operation> operations = new LinkedHashMap<>();
    /** Request id → what it first asked for. */
    private final Map<String, Operation> requests = new HashMap<>();
    private final Map<String, BitSet> addresses = new HashMap<>();
    private final Map<String, String> projectMetadata = new LinkedHashMap<>();
    private long sequence;
    private boolean closed;
    private volatile String url = "";

    /**
     * What goes back over the wire.
     *
     * @param delay before it does
     * @param cut close the connection instead
     * @param until the answer is for when this operation is done; null: it is for now
     */
    record Answer(int status, JsonObject body, Duration delay, boolean cut, Operation until) {
    }

    /** @param account of the project, such as the one that machines have by default */
    GceCloud(GceConfig config, CloudTime time, MachineImage image, String account) {
        this.config = config;
        this.time = time;
        this.image = image;
        this.account = account;
        this.books = new Books(this, config.timeScale());
        this.descriptions = new Descriptions(config, capacity, faults, surroundings, this::usage);
    }

    /** Where machines find their metadata; known once the server listens. */
    void servedAt(String url) {
        this.url = url;
    }

    Capacity capacity() {
        return capacity;
    }

    Faults faults() {
        return faults;
    }

    Surroundings surroundings() {
        return surroundings;
    }

    /** @param perMinute of each group of methods; null: as many as anyone likes */
    synchronized void throttling(Integer perMinute) {
        throttle.perMinute(perMinute);
    }

    Books books() {
        return books;
    }

    String account() {
        return account;
    }

    Instant now() {
        return time.now();
    }

    /** Answers one call, with whatever faults are planned for it. Never throws a {@link Refusal}. */
    Answer answer(Call call) {
        return answer(call, faults.of(call.method()));
    }

    Answer answer(Call call, Faults.Met met) {
        var body = new JsonObject();
        Operation until = null;
        Refusal refused = null;
        try {
            synchronized (this) {
                body = act(call, met);
                if (call.method().endsWith(".wait")) {
                    var operation = operation(call);
                    until = operation.isDone() ? null : operation;
                }
            }
        } catch (Refusal refusal) {
            refused = refusal;
        }
        books.answered(call.method(), refused == null ? "Success" : refused.reason());
        if (met.lost()) {
            refused = Refusal.backend();
        }
        return refused == null ? new Answer(200, body, met.delay(), false, until) : new Answer(refused.status(), refused.json(), met.delay(), met.cut(), null);
    }

    /** Once when the operation is done, or after {@link #LONGEST_WAIT}. */
    synchronized void whenDone(Operation operation, Runnable then) {
        if (operation.isDone()) {
            then.run();
            return;
        }
        var once = new Runnable() {
            private boolean ran;

            @Override
            public void run() {
                synchronized (GceCloud.this) {
                    if (ran) {
                        return;
                    }
                    ran = true;
                }
                then.run();
            }
        };
        operation.waiting.add(once);
        time.after(LONGEST_WAIT, once);
    }

    synchronized JsonObject shown(Operation operation) {
        return operation.json();
    }

    private JsonObject act(Call call, Faults.Met met) {
        var now = time.now();
        return switch (call.method()) {
            case "instances.insert", "instances.bulkInsert", "regionInstances.bulkInsert" -> launch(call, met, now);
            default -> {
                admit(call, met.refusal());
                var described = descriptions.answer(call, projectMetadata, account);
                yield described != null ? described : switch (call.method()) {
                    case "instances.get" -> instance(call).json();
                    case "instances.list" -> Descriptions.list(call, "instanceList", "Instance", instancesIn("zones/" + descriptions.zone(call).name()).stream()
                            .map(Instance::json).toList(), call.scope() + "/instances");
                    case "instances.aggregatedList" -> descriptions.aggregated(call, "instances", "Instance", instances.values().stream()
                            .map(instance -> new Item("zones/" + instance.zone.name(), instance.json())).toList(), Descriptions.zoneScopes());
                    case "instances.getSerialPortOutput" -> serialPort(call);
                    case "instances.testIamPermissions" -> {
                        instance(call);
                        yield allowed(call.body());
                    }
                    case "subnetworks.testIamPermissions" -> allowed(call.body());
                    case "instances.delete" -> once(call, () -> delete(call, now));
                    case "instances.stop" -> once(call, () -> stop(call, now));
                    case "instances.start" -> once(call, () -> start(call, now));
                    case "instances.setMetadata" -> once(call, () -> setMetadata(call, now));
                    case "instances.setLabels" -> once(call, () -> setLabels(call, now));
                    case "zoneOperations.get", "regionOperations.get", "globalOperations.get", "zoneOperations.wait", "regionOperations.wait", "globalOperations.wait" ->
                        operation(call).json();
                    case "zoneOperations.list", "regionOperations.list", "globalOperations.list" -> operations(call);
                    case "globalOperations.aggregatedList" -> descriptions.aggregated(call, "operations", "Operation", operations.values().stream()
                            .map(operation -> new Item(place(operation.scope), operation.json())).toList(), operationScopes());
                    default -> throw new IllegalStateException("no one answers " + call.method());
                };
            }
        };
    }

    /** What every call must pass before anything of it is looked at. */
    private void admit(Call call, Refusal planned) {
        if (planned != null) {
            throw planned;
        }
        surroundings.admit(Surroundings.Service.COMPUTE, config.project());
        boolean publicImages = call.method().startsWith("images.") && config.images().stream().anyMatch(image -> image.project().equals(call.project()));
        boolean shared = call.method().startsWith("subnetworks.") && surroundings.isHost(call.project());
        if (!call.project().equals(config.project()) && !publicImages && !shared) {
            throw Refusal.notFound("projects/" + call.project());
        }
        throttle.request(call, time.now());
        var permission = call.route().permission();
        if (permission != null && faults.denies(permission)) {
            throw Refusal.forbidden(permission, resource(call));
        }
    }

    private static String resource(Call call) {
        return switch (call.method()) {
            case "projects.get" -> "projects/" + call.project();
            case "instances.insert" -> call.scope() + "/instances/" + call.body().getString("name");
            default -> call.part("instance") != null ? call.scope() + "/instances/" + call.part("instance")
                    : call.part("operation") != null ? call.scope() + "/operations/" + call.part("operation") : call.scope().replace("/global", "");
        };
    }

    /** What an account may do, of what it asks for. */
    JsonObject allowed(JsonObject asked) {
        var allowed = new JsonArray();
        for (var permission : asked.getJsonArray("permissions", new JsonArray())) {
            if (!faults.denies(String.valueOf(permission))) {
                allowed.add(permission);
            }
        }
        return allowed.isEmpty() ? new JsonObject() : new JsonObject().put("permissions", allowed);
    }

    // ---- operations

    /** The same request id gives back what it first asked for, as that stands now. */
    private JsonObject once(Call call, java.util.function.Supplier<Operation> act) {
        var id = call.requestId();
        var known = id == null ? null : requests.get(id);
        if (known != null) {
            return known.json();
        }
        var operation = act.get();
        if (id != null) {
            requests.put(id, operation);
        }
        return operation.json();
    }

    /** Request ids hold no longer, as after a time that Google doesn't tell. */
    synchronized void forgetRequests() {
        requests.clear();
    }

    private Operation begin(String type, String scope, String target, String targetId, String user, String requestId, String groupId, Instant now) {
        var operation = new Operation(++sequence, number(), operationName("operation", now), type, scope, target, targetId, user, requestId, groupId, now);
        operations.put(operation.path(), operation);
        time.after(PENDING, () -> {
            synchronized (this) {
                run(operation);
            }
        });
        return operation;
    }

    private Operation begin(Call call, String type, Instance instance, Instant now) {
        return begin(type, instance.scope(), instance.path(), instance.id, call.user(), call.requestId(), null, now);
    }

    /** Something that Compute Engine did by itself: done when it is first seen. */
    private Operation record(EndReason reason, Instance instance, Instant now) {
        return record(reason.operationType(), reason.message(), instance, now);
    }

    private Operation record(String type, String message, Instance instance, Instant now) {
        var operation = new Operation(++sequence, number(), operationName("systemevent", now), type, instance.scope(), instance.path(), instance.id, "system", null, null, now);
        operation.message = message;
        operations.put(operation.path(), operation);
        run(operation);
        finish(operation, null);
        return operation;
    }

    private void run(Operation operation) {
        if (operation.status == Operation.Status.PENDING) {
            operation.status = Operation.Status.RUNNING;
            operation.started = time.now();
        }
    }

    private void finish(Operation operation, Failure failure) {
        run(operation);
        if (operation.isDone()) {
            return;
        }
        operation.status = Operation.Status.DONE;
        operation.ended = time.now();
        operation.failure = failure;
        operation.waiting.forEach(Runnable::run);
        operation.waiting.clear();
    }

    private String number() {
        return String.valueOf(1_000_000_000_000_000_000L + random.nextLong(8_000_000_000_000_000_000L));
    }

    private String operationName(String kind, Instant now) {
        return kind + "-" + now.toEpochMilli() + "-" + String.format("%013x-%08x-%08x", random.nextLong(1L << 52), random.nextInt(), random.nextInt());
    }

    private Operation operation(Call call) {
        if (call.part("zone") != null) {
            descriptions.zone(call);
        }
        var name = call.part("operation");
        var operation = operations.get(call.scope() + "/operations/" + name);
        if (operation == null) {
            operation = operations.values().stream().filter(one -> one.scope.equals(call.scope()) && one.id.equals(name)).findFirst()
                    .orElseThrow(() -> Refusal.notFound(call.scope() + "/operations/" + name));
        }
        return operation;
    }

    private JsonObject operations(Call call) {
        if (call.part("zone") != null) {
            descriptions.zone(call);
        } else if (call.part("region") != null) {
            descriptions.region(call);
        }
        return Descriptions.list(call, "operationList", "Operation", operations.values().stream().filter(operation -> operation.scope.equals(call.scope()))
                .map(Operation::json).toList(), call.scope() + "/operations");
    }

    /** Such as {@code zones/z}, of {@code projects/p/zones/z}. */
    private static String place(String scope) {
        return scope.substring(scope.indexOf('/', "projects/".length()) + 1);
    }

    private static List<String> operationScopes() {
        return Stream.concat(Stream.of("global"), Stream.concat(Geography.regions().stream().map(region -> "regions/" + region.name()).sorted(),
                Descriptions.zoneScopes().stream())).toList();
    }

    // ---- launching

    private JsonObject launch(Call call, Faults.Met met, Instant now) {
        var answer = "Success";
        boolean repeated = false;
        try {
            admit(call, met.refusal());
            var id = call.requestId();
            repeated = id != null && requests.containsKey(id);
            return once(call, () -> call.method().equals("instances.insert") ? insert(call, now) : bulkInsert(call, now));
        } catch (Refusal refused) {
            answer = refused.reason();
            throw refused;
        } finally {
            books.called(told(call, now, answer, repeated, met.lost()));
        }
    }

    /** The books show what was sent, also when it makes no sense. */
    private static LaunchCall told(Call call, Instant now, String answer, boolean repeated, boolean lost) {
        var body = call.body().copy();
        boolean bulk = !call.method().equals("instances.insert");
        var properties = bulk ? body.getJsonObject("instanceProperties", new JsonObject()) : body;
        for (var item : properties.getJsonObject("metadata", new JsonObject()).getJsonArray("items", new JsonArray())) {
            if (item instanceof JsonObject value && value.getString("value") != null) {
                value.put("value", value.getString("value").length() + " characters");
            }
        }
        var scheduling = properties.getJsonObject("scheduling", new JsonObject());
        boolean spot = "SPOT".equals(scheduling.getString("provisioningModel")) || scheduling.getBoolean("preemptible", false);
        long count = bulk ? longOf(body, "count", body.getJsonObject("perInstanceProperties", new JsonObject()).size()) : 1;
        return new LaunchCall(now, call.method(), call.part("zone") != null ? call.part("zone") : call.part("region"), call.query().get("requestId"),
                Links.last(properties.getString("machineType", "")), spot ? OfferFilter.SPOT : OfferFilter.STANDARD, bulk ? longOf(body, "minCount", count) : 1, count, answer,
                repeated, lost, bulk ? List.copyOf(body.getJsonObject("perInstanceProperties", new JsonObject()).fieldNames()) : List.of(body.getString("name", "")), body);
    }

    private static long longOf(JsonObject body, String field, long otherwise) {
        var value = body.getValue(field);
        return value == null ? otherwise : Long.parseLong(String.valueOf(value));
    }

    private Operation insert(Call call, Instant now) {
        var zone = descriptions.zone(call);
        var link = call.query().get("sourceInstanceTemplate");
        var spec = LaunchSpec.ofInsert(call.body(), link == null ? null : descriptions.template(link), call.project(), zone, config.images());
        checkPlace(spec, zone, "resource.");
        checkAccount(call, spec);
        var path = call.scope() + "/instances/" + call.body().getString("name");
        if (instances.containsKey(path)) {
            throw Refusal.alreadyExists(path);
        }
        if (capacity.quotaRefusal() == Capacity.QuotaRefusal.BY_CALL) {
            var over = overQuota(spec, zone, 1);
            if (over != null) {
                throw Refusal.quotaExceeded(over.message());
            }
        }
        var instance = create(call, call.body().getString("name"), spec, zone, now);
        var operation = begin(call, "insert", instance, now);
        provision(instance, operation, null, now);
        return operation;
    }

    private void checkPlace(LaunchSpec spec, Geography.Zone zone, String at) {
        if (!capacity.offered(spec.type(), zone.name())) {
            throw LaunchSpec.unknownType(at, spec.type().name(), zone.name());
        }
        if (spec.gpus() != null && spec.type().builtIn() == null && !MachineType.gpuSoldIn(spec.gpus().model(), zone.name())) {
            throw Refusal.invalid(at + "guestAccelerators[0].acceleratorType", spec.gpus().model(), "The referenced accelerator type resource cannot be found.");
        }
    }

    /** A machine that acts as an account needs its caller's right to act as it. */
    private void checkAccount(Call call, LaunchSpec spec) {
        var accounts = spec.body().getJsonArray("serviceAccounts", new JsonArray());
        if (!accounts.isEmpty() && faults.denies("iam.serviceAccounts.actAs")) {
            var email = accounts.getJsonObject(0).getString("email", "default");
            throw new Refusal(400, "SERVICE_ACCOUNT_ACCESS_DENIED", "The user does not have access to service account '" + email + "'.  User: '" + call.user()
                    + "'.  Ask a project owner to grant you the iam.serviceAccountUser role on the service account");
        }
    }

    private Operation bulkInsert(Call call, Instant now) {
        boolean regional = call.part("region") != null;
        var region = regional ? descriptions.region(call) : Geography.region(descriptions.zone(call).region()).orElseThrow();
        var body = call.body();
        var link = body.getString("sourceInstanceTemplate", "");
        var spec = LaunchSpec.ofBulk(body.getJsonObject("instanceProperties"), link.isEmpty() ? null : descriptions.template(link), call.project(), region.name(), config.images());
        checkAccount(call, spec);
        var given = body.getJsonObject("perInstanceProperties", new JsonObject());
        long count = longOf(body, "count", given.size());
        long least = longOf(body, "minCount", count);
        if (count < 1 || count > MOST_AT_ONCE) {
            throw Refusal.invalid("resource.count", String.valueOf(count), "The value must be from 1 to " + MOST_AT_ONCE + ".");
        }
        if (least < 0 || least > count) {
            throw Refusal.invalid("resource.minCount", String.valueOf(least), "The value must be at most count.");
        }
        var zones = zonesFor(call, spec, region, regional);
        if (capacity.quotaRefusal() == Capacity.QuotaRefusal.BY_CALL) {
            var over = overQuota(spec, zones.get(0), (int) Math.max(1, least));
            if (over != null) {
                throw Refusal.quotaExceeded(over.message());
            }
        }
        var names = names(call, body, given, (int) count, zones);
        var operation = begin("bulkInsert", call.scope(), call.scope() + "/instances", null, call.user(), call.requestId(), number(), now);
        var places = spread(names, spec, zones, body.getJsonObject("locationPolicy", new JsonObject()).getString("targetShape", "ANY_SINGLE_ZONE"));
        var bulk = new Bulk(operation, (int) count, (int) least);
        places.forEach((name, zone) -> {
            var progress = operation.progress.computeIfAbsent(zone.name(), first -> new Operation.Progress());
            progress.target++;
            var instance = create(call, name, spec, zone, now);
            var own = begin("insert", instance.scope(), instance.path(), instance.id, call.user(), null, operation.groupId, now);
            bulk.parts.add(instance);
            provision(instance, own, bulk, now);
        });
        return operation;
    }

    private static List<String> names(Call call, JsonObject body, JsonObject given, int count, List<Geography.Zone> zones) {
        if (!given.isEmpty()) {
            if (body.containsKey("namePattern")) {
                throw Refusal.invalid("resource.namePattern", body.getString("namePattern"), "Name pattern and per-instance names cannot both be set.");
            }
            var names = new ArrayList<String>();
            for (var key : given.fieldNames()) {
                var own = given.getJsonObject(key) == null ? null : given.getJsonObject(key).getString("name");
                var name = own == null || own.isEmpty() ? key : own;
                LaunchSpec.checkName(name, "resource.perInstanceProperties");
                names.add(name);
            }
            if (names.size() != count) {
                throw Refusal.invalid("resource.perInstanceProperties", String.valueOf(names.size()), "The number of per-instance properties must be equal to count, " + count + ".");
            }
            return names;
        }
        var pattern = body.getString("namePattern", "");
        int first = pattern.indexOf('#');
        int last = pattern.lastIndexOf('#');
        if (first < 1 || !pattern.substring(first, last + 1).matches("#{1,18}")) {
            throw Refusal.invalid("resource.namePattern", pattern, "Either name pattern, with one sequence of hash characters, or per-instance properties must be set.");
        }
        var names = new ArrayList<String>();
        for (int i = 1; i <= count; i++) {
            var name = pattern.substring(0, first) + String.format("%0" + (last + 1 - first) + "d", i) + pattern.substring(last + 1);
            LaunchSpec.checkName(name, "resource.namePattern");
            names.add(name);
        }
        return names;
    }

    /** Those that the request allows and that sell the type; refused if there is none. */
    private List<Geography.Zone> zonesFor(Call call, LaunchSpec spec, Geography.Region region, boolean regional) {
        if (!regional) {
            if (call.body().containsKey("locationPolicy")) {
                throw Refusal.invalid("resource.locationPolicy", "", "A location policy may be set in regional requests alone.");
            }
            var zone = descriptions.zone(call);
            checkPlace(spec, zone, "resource.instanceProperties.");
            return List.of(zone);
        }
        var locations = call.body().getJsonObject("locationPolicy", new JsonObject()).getJsonObject("locations", new JsonObject());
        for (var location : locations.fieldNames()) {
            if (region.zones().stream().noneMatch(zone -> location.equals("zones/" + zone.name()))) {
                throw Refusal.invalid("resource.locationPolicy.locations", location, "It must be a zone of region " + region.name() + ", such as zones/" + region.zones().get(0).name() + ".");
            }
        }
        boolean some = locations.stream().anyMatch(location -> "ALLOW".equals(((JsonObject) location.getValue()).getString("preference")));
        var zones = region.zones().stream().filter(zone -> {
            var preference = locations.getJsonObject("zones/" + zone.name(), new JsonObject()).getString("preference", some ? "DENY" : "ALLOW");
            return !preference.equals("DENY") && !faults.isOut(zone.name()) && capacity.offered(spec.type(), zone.name())
                    && (spec.gpus() == null || MachineType.gpuSoldIn(spec.gpus().model(), zone.name()));
        }).toList();
        if (zones.isEmpty()) {
            throw LaunchSpec.unknownType("resource.instanceProperties.", spec.type().name(), region.name());
        }
        return zones;
    }

    private Map<String, Geography.Zone> spread(List<String> names, LaunchSpec spec, List<Geography.Zone> zones, String shape) {
        var places = new LinkedHashMap<String, Geography.Zone>();
        var byRoom = zones.stream().sorted((one, other) -> Integer.compare(room(spec, other), room(spec, one))).toList();
        int next = 0;
        var left = new HashMap<String, Integer>();
        zones.forEach(zone -> left.put(zone.name(), room(spec, zone)));
        for (var name : names) {
            Geography.Zone chosen = byRoom.get(0);
            if (shape.equals("ANY")) {
                chosen = byRoom.stream().filter(zone -> left.get(zone.name()) > 0).findFirst().orElse(chosen);
            } else if (shape.equals("BALANCED")) {
                for (int i = 0; i < zones.size(); i++) {
                    var candidate = zones.get((next + i) % zones.size());
                    if (left.get(candidate.name()) > 0) {
                        chosen = candidate;
                        next = (next + i + 1) % zones.size();
                        break;
                    }
                }
            } else if (!shape.equals("ANY_SINGLE_ZONE")) {
                throw Refusal.invalid("resource.locationPolicy.targetShape", shape, "It must be ANY, ANY_SINGLE_ZONE or BALANCED.");
            }
            left.merge(chosen.name(), -1, Integer::sum);
            places.put(name, chosen);
        }
        return places;
    }

    /** A bulk insert on its way. */
    private static final class Bulk {
        final Operation operation;
        final int count;
        final int least;
        final List<Instance> parts = new ArrayList<>();
        int provisioned;
        int failed;
        int running;
        boolean rollingBack;

        Bulk(Operation operation, int count, int least) {
            this.operation = operation;
            this.count = count;
            this.least = least;
        }
    }

    /** Decides at once whether there is a machine for it; what the decision is shows later. */
    private Instance create(Call call, String name, LaunchSpec spec, Geography.Zone zone, Instant now) {
        var path = "projects/" + call.project() + "/zones/" + zone.name() + "/instances/" + name;
        var taken = instances.get(path);
        var failure = taken != null ? new Failure("RESOURCE_ALREADY_EXISTS", "The resource '" + path + "' already exists", 409, null) : whyNot(spec, zone);
        var free = addresses.computeIfAbsent(zone.region(), fresh -> new BitSet());
        int address = free.nextClearBit(0);
        if (failure == null) {
            free.set(address);
        }
        var price = spec.spot() ? capacity.spotPrice(spec.type(), zone.name(), spec.listPrice()) : spec.listPrice();
        var instance = new Instance(++sequence, number(), name, call.project(), zone, spec, call.requestId(),
                failure == null ? Geography.region(zone.region()).orElseThrow().address(address) : null, address, price, now, call.user());
        instance.failing = failure;
        countUses(instance);
        if (taken == null) {
            instances.put(path, instance);
            byId.put(instance.id, instance);
        }
        if (failure == null) {
            books.began(instance);
        }
        return instance;
    }

    /** Null if there is a machine for it. */
    private Failure whyNot(LaunchSpec spec, Geography.Zone zone) {
        var over = overQuota(spec, zone, 1);
        if (over != null) {
            return over.failure();
        }
        var taken = addresses.get(zone.region());
        if (!capacity.hasAddresses(zone.region()) || taken != null && taken.cardinality() >= Geography.Region.ADDRESSES) {
            return new Failure("IP_SPACE_EXHAUSTED", "IP space of 'projects/" + config.project() + "/regions/" + zone.region() + "/subnetworks/default' is exhausted.", 400, null);
        }
        return room(spec, zone) < 1 ? exhausted(spec, zone) : null;
    }

    private int room(LaunchSpec spec, Geography.Zone zone) {
        return capacity.room(spec.type().name(), zone.name(), spec.market(), this::live);
    }

    private int live(OfferFilter which) {
        return (int) instances.values().stream()
                .filter(instance -> instance.holdsCapacity() && which.matches(instance.spec.type().name(), instance.zone.name(), instance.spec.market())).count();
    }

    /** Words and details are those of kubernetes/k8s.io#9834 (zones that have some) and GoogleCloudPlatform/ai-on-gke#849 (none). */
    private Failure exhausted(LaunchSpec spec, Geography.Zone zone) {
        var others = Geography.region(zone.region()).orElseThrow().zones().stream()
                .filter(other -> !other.equals(zone) && capacity.offered(spec.type(), other.name()) && room(spec, other) > 0
                        && (spec.gpus() == null || MachineType.gpuSoldIn(spec.gpus().model(), other.name()))).map(Geography.Zone::name).toList();
        var message = "A " + spec.type().name() + " VM instance" + (spec.attachment().isEmpty() ? "" : " with " + spec.gpus().count() + " " + spec.gpus().model() + " accelerator(s)")
                + " is currently unavailable in the " + zone.name() + " zone. " + (others.isEmpty() ? "" : "Consider trying your request in the " + String.join(", ", others)
                + " zone(s), which currently has capacity to accommodate your request. ") + "Alternatively, you can try your request again with a different VM hardware configuration or at a "
                + "later time. For more information, see the troubleshooting documentation.";
        var details = new JsonArray().add(help("Troubleshooting documentation", "https://cloud.google.com/compute/docs/resource-error"))
                .add(new JsonObject().put("localizedMessage", new JsonObject().put("locale", "en-US").put("message", message)))
                .add(new JsonObject().put("errorInfo", new JsonObject().put("domain", "compute.googleapis.com").put("reason", "resource_availability")
                        .put("metadatas", new JsonObject().put("attachment", spec.attachment()).put("vmType", spec.type().name()).put("zone", zone.name())
                                .put("zonesAvailable", String.join(",", others)))));
        return new Failure("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "The zone 'projects/" + config.project() + "/zones/" + zone.name()
                + "' does not have enough resources available to fulfill the request.  '(resource type:compute)'.", 503, details);
    }

    private static JsonObject help(String description, String link) {
        return new JsonObject().put("help", new JsonObject().put("links", new JsonArray().add(new JsonObject().put("description", description).put("url", link))));
    }

    /** A quota that a launch would pass. @param region null: of the whole project */
    private record OverQuota(String metric, double limit, String region) {

        String message() {
            return "Quota '" + metric + "' exceeded.  Limit: " + limit + (region == null ? " globally." : " in region " + region + ".");
        }

        Failure failure() {
            var words = metric.toLowerCase(Locale.ROOT);
            var quota = new JsonObject().put("metricName", "compute.googleapis.com/" + words)
                    .put("limitName", metric.replace('_', '-') + "-per-project" + (region == null ? "" : "-region")).put("limit", limit)
                    .put("dimensions", new JsonObject().put(region == null ? "global" : "region", region == null ? "global" : region));
            return new Failure("QUOTA_EXCEEDED", message(), 403, new JsonArray().add(new JsonObject().put("quotaInfo", quota))
                    .add(help("The quota is exceeded", "https://cloud.google.com/compute/quotas#requesting_additional_quota")));
        }
    }

    /** The first quota that {@code count} more would pass; null: none. */
    private OverQuota overQuota(LaunchSpec spec, Geography.Zone zone, int count) {
        for (var use : uses(spec, zone.region()).entrySet()) {
            var region = use.getKey().endsWith("ALL_REGIONS") ? null : zone.region();
            double limit = capacity.quota(region, use.getKey());
            if (usage(region, use.getKey()) + use.getValue() * count > limit) {
                return new OverQuota(use.getKey(), limit, region);
            }
        }
        return null;
    }

    private Map<String, Double> uses(LaunchSpec spec, String region) {
        var uses = new LinkedHashMap<String, Double>();
        var cpus = spec.type().cpuQuota();
        uses.put(spec.spot() ? capacity.spotMetric(region, cpus) : cpus, (double) spec.type().cpus());
        uses.put("CPUS_ALL_REGIONS", (double) spec.type().cpus());
        if (spec.gpus() != null) {
            var metric = spec.gpus().model().replace("tesla-", "").replace('-', '_').toUpperCase(Locale.ROOT) + "_GPUS";
            uses.put(spec.spot() ? capacity.spotMetric(region, metric) : metric, (double) spec.gpus().count());
            uses.put(Capacity.GPUS_ALL_REGIONS, (double) spec.gpus().count());
        }
        uses.put("INSTANCES", 1.0);
        if (spec.external()) {
            uses.put("IN_USE_ADDRESSES", 1.0);
        }
        for (var disk : spec.disks()) {
            uses.merge(disk.isSsd() ? "SSD_TOTAL_GB" : "DISKS_TOTAL_GB", (double) disk.sizeGb(), Double::sum);
        }
        return uses;
    }

    private void countUses(Instance instance) {
        instance.uses.putAll(uses(instance.spec, instance.zone.region()));
    }

    private synchronized double usage(String region, String metric) {
        // A stopped instance still is one and still has its disks.
        boolean stays = metric.equals("INSTANCES") || metric.endsWith("_TOTAL_GB");
        return instances.values().stream().filter(instance -> (region == null || instance.zone.region().equals(region)) && instance.failing == null
                && (stays || instance.holdsCapacity())).mapToDouble(instance -> instance.uses.getOrDefault(metric, 0.0)).sum();
    }

    // ---- a machine's life

    private void provision(Instance instance, Operation operation, Bulk bulk, Instant now) {
        int life = ++instance.life;
        instance.state = InstanceState.PROVISIONING;
        var met = faults.ofLaunch(instance.spec.type().name(), instance.zone.name(), instance.spec.market());
        var wait = config.provisionTime().plus(met.delay());
        if (met.fault() != null && instance.failing == null) {
            fails(instance, met.fault() instanceof LaunchFault.Fail fail ? failure(fail)
                    : new Failure("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone '" + instance.scope() + "' does not have enough resources available to fulfill the request.  "
                            + "Try a different zone, or try again later.", 503, null));
        }
        time.after(config.timeScale().real(wait), () -> provisioned(instance, life, operation, bulk));
    }

    private static Failure failure(LaunchFault.Fail fail) {
        return new Failure(fail.code(), fail.message(), fail.httpStatus(), null);
    }

    /** What had a machine has none after all. */
    private void fails(Instance instance, Failure failure) {
        books.released(instance);
        if (instance.running == null) {
            books.neverWas(instance);
            freeAddress(instance);
        }
        instance.failing = failure;
    }

    private synchronized void provisioned(Instance instance, int life, Operation operation, Bulk bulk) {
        if (instance.life != life) {
            finish(operation, overtaken(instance));
            settled(bulk, instance, false);
            return;
        }
        if (instance.failing != null) {
            boolean fresh = instance.running == null;
            if (fresh) {
                forget(instance);
            } else {
                // A start that failed leaves the instance stopped.
                instance.state = InstanceState.TERMINATED;
                instance.ending = time.now();
                instance.endReason = EndReason.STOPPED;
            }
            finish(operation, instance.failing);
            if (!fresh) {
                instance.failing = null;
            }
            settled(bulk, instance, false);
            return;
        }
        instance.state = InstanceState.STAGING;
        settled(bulk, instance, true);
        if (instance.life == life) {
            time.after(config.timeScale().real(config.stagingTime()), () -> staged(instance, life, operation, bulk));
        }
    }

    /** A create that a delete has overtaken ends in a conflict (piercefreeman/cloud-gpu-reliability#5); by which code is not known. */
    private static Failure overtaken(Instance instance) {
        return new Failure("RESOURCE_NOT_READY", "The resource '" + instance.path() + "' is not ready", 409, null);
    }

    /** As soon as too many of a bulk insert have failed, the others go, too. */
    private void settled(Bulk bulk, Instance instance, boolean provisioned) {
        if (bulk == null) {
            return;
        }
        var progress = bulk.operation.progress.get(instance.zone.name());
        if (provisioned) {
            bulk.provisioned++;
        } else {
            bulk.failed++;
            progress.failed++;
        }
        if (bulk.provisioned + bulk.failed < bulk.count) {
            return;
        }
        if (bulk.count - bulk.failed >= bulk.least && bulk.failed < bulk.count) {
            done(bulk);
            return;
        }
        bulk.rollingBack = true;
        bulk.operation.progress.values().forEach(place -> place.status = "ROLLING_BACK");
        var left = bulk.parts.stream().filter(part -> part.failing == null && part.gone == null && !part.deleting).toList();
        var failure = new Failure("VM_MIN_COUNT_NOT_REACHED", "Requested minimum count of " + bulk.least + " VMs could not be created.", 503, null);
        if (left.isEmpty()) {
            bulk.operation.progress.values().forEach(place -> place.status = "DONE");
            finish(bulk.operation, failure);
            return;
        }
        int[] going = {left.size()};
        for (var part : left) {
            var place = bulk.operation.progress.get(part.zone.name());
            place.created++;
            var ending = new Operation(0, "", "", "", part.scope(), part.path(), part.id, "system", null, null, time.now());
            ending.waiting.add(() -> {
                place.deleted++;
                if (--going[0] == 0) {
                    bulk.operation.progress.values().forEach(one -> one.status = "DONE");
                    finish(bulk.operation, failure);
                }
            });
            part.endings.add(ending);
            part.deleting = true;
            end(part, EndReason.ROLLED_BACK, time.now());
        }
    }

    private void done(Bulk bulk) {
        if (!bulk.rollingBack && bulk.running == bulk.count - bulk.failed) {
            bulk.operation.progress.values().forEach(place -> place.status = "DONE");
            finish(bulk.operation, null);
        }
    }

    private void staged(Instance instance, int life, Operation operation, Bulk bulk) {
        BootFault fault;
        synchronized (this) {
            finish(operation, instance.life == life ? null : overtaken(instance));
            if (bulk != null && !bulk.rollingBack) {
                bulk.running++;
                bulk.operation.progress.get(instance.zone.name()).created++;
                if (bulk.provisioned + bulk.failed == bulk.count) {
                    done(bulk);
                }
            }
            if (instance.life != life) {
                return;
            }
            instance.state = InstanceState.RUNNING;
            instance.running = instance.running == null ? time.now() : instance.running;
            instance.lastStarted = time.now();
            instance.startBilling(time.now());
            instance.writeConsole("[    0.000000] Linux version 6.1.0 (stand-in) on " + instance.spec.type().name());
            fault = faults.ofBoot(instance.spec.type().name(), instance.zone.name(), instance.spec.market()).orElse(null);
            if (instance.spec.maxRun() != null) {
                time.after(config.timeScale().real(instance.spec.maxRun()), () -> runTimeOver(instance, life));
            }
            if (fault instanceof BootFault.NeverBoots) {
                instance.writeConsole("[    1.203344] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)");
                return;
            }
        }
        if (fault instanceof BootFault.Slow slow) {
            time.after(config.timeScale().real(slow.by()), () -> boot(instance, life, fault));
        } else {
            boot(instance, life, fault);
        }
    }

    private void boot(Instance instance, int life, BootFault fault) {
        synchronized (this) {
            if (closed || instance.life != life) {
                return;
            }
        }
        MachineImage.RunningMachine machine;
        try {
            machine = image.boot(new Hardware(this, instance, life));
        } catch (RuntimeException e) {
            // As on a real cloud, a broken image is a machine that runs and is never heard of; its console says why.
            writeConsole(instance, "The image failed to boot: " + e);
            return;
        }
        boolean over;
        synchronized (this) {
            over = closed || instance.life != life;
            if (!over) {
                instance.machine = machine;
            }
        }
        if (over) {
            machine.cutPower();
        } else if (fault instanceof BootFault.Dies dies) {
            time.after(config.timeScale().real(dies.after()), () -> die(instance, life));
        } else if (fault instanceof BootFault.HostError error) {
            time.after(config.timeScale().real(error.after()), () -> hostError(instance, life));
        }
    }

    private void die(Instance instance, int life) {
        synchronized (this) {
            if (instance.life != life) {
                return;
            }
        }
        cutPower(instance);
    }

    private synchronized void hostError(Instance instance, int life) {
        if (instance.life != life || instance.state != InstanceState.RUNNING) {
            return;
        }
        record(EndReason.HOST_ERROR, instance, time.now());
        end(instance, EndReason.HOST_ERROR, time.now());
    }

    private synchronized void runTimeOver(Instance instance, int life) {
        if (instance.life == life && instance.state == InstanceState.RUNNING) {
            record(EndReason.RUN_TIME_OVER, instance, time.now());
            instance.deleting = instance.deleting || instance.spec.deleteWhenPreempted();
            end(instance, EndReason.RUN_TIME_OVER, time.now());
        }
    }

    /** Begins the end of an instance, whatever it is doing; power goes first. One already ending goes on as it was. */
    private void end(Instance instance, EndReason reason, Instant now) {
        if (instance.state == InstanceState.STOPPING && instance.preempted == null) {
            return;
        }
        var wait = instance.state == InstanceState.TERMINATED ? config.operationTime() : config.timeScale().real(config.shutdownTime());
        if (instance.ending == null) {
            instance.ending = now;
        }
        if (instance.endReason == null) {
            instance.endReason = reason;
        }
        stopping(instance, wait);
    }

    private void stopping(Instance instance, Duration wait) {
        boolean held = instance.holdsCapacity();
        instance.state = InstanceState.STOPPING;
        int life = ++instance.life;
        time.after(Duration.ZERO, () -> cutPower(instance));
        time.after(wait, () -> {
            cutPower(instance);
            synchronized (this) {
                if (instance.life == life) {
                    ended(instance, held);
                }
            }
        });
    }

    private void ended(Instance instance, boolean held) {
        var now = time.now();
        instance.state = InstanceState.TERMINATED;
        instance.machine = null;
        if (held) {
            instance.stopBilling(now);
            instance.lastStopped = now;
            books.released(instance);
        }
        if (instance.deleting) {
            instance.gone = now;
            forget(instance);
            freeAddress(instance);
        }
        var endings = List.copyOf(instance.endings);
        instance.endings.clear();
        endings.forEach(operation -> finish(operation, null));
        if (!instance.deleting && instance.endReason == EndReason.HOST_ERROR && instance.restartsByItself()) {
            var operation = record("compute.instances.automaticRestart", "Instance automatically restarted by Compute Engine.", instance, now);
            again(instance, operation, now);
        }
    }

    private void again(Instance instance, Operation operation, Instant now) {
        instance.ending = null;
        instance.endReason = null;
        instance.preempted = null;
        var over = room(instance.spec, instance.zone) < 1 ? exhausted(instance.spec, instance.zone) : null;
        instance.failing = over;
        if (over == null) {
            books.began(instance);
        }
        provision(instance, operation, null, now);
    }

    private void forget(Instance instance) {
        instances.remove(instance.path(), instance);
        byId.remove(instance.id);
    }

    private void freeAddress(Instance instance) {
        if (instance.address != null) {
            addresses.get(instance.zone.region()).clear(instance.addressNumber);
        }
    }

    private void cutPower(Instance instance) {
        MachineImage.RunningMachine machine;
        synchronized (this) {
            machine = instance.machine;
        }
        if (machine != null) {
            machine.cutPower();
        }
    }

    /** {@code shutdown -h now} on the machine. */
    synchronized void powerOff(Instance instance, int life) {
        if (instance.life != life) {
            return;
        }
        if (instance.preempted != null) {
            // It has obeyed sooner than it had to.
            stopping(instance, config.timeScale().real(Duration.ofSeconds(1)));
            return;
        }
        record(EndReason.FROM_INSIDE, instance, time.now());
        end(instance, EndReason.FROM_INSIDE, time.now());
    }

    synchronized void writeConsole(Instance instance, String line) {
        instance.writeConsole(line);
    }

    synchronized String startupScript(Instance instance) {
        return instance.metadata.getOrDefault("startup-script", projectMetadata.getOrDefault("startup-script", ""));
    }

    String metadataUrl(Instance instance) {
        return url + "/machines/" + instance.id;
    }

    // ---- what a person at the console does, and Google itself

    private Instance known(String name) {
        return instances.values().stream().filter(instance -> instance.name.equals(name) || instance.id.equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no instance " + name));
    }

    /** @throws IllegalArgumentException if there is no such instance, or it isn't a spot instance that runs */
    synchronized Instant preempt(String name) {
        var instance = known(name);
        if (!instance.spec.spot()) {
            throw new IllegalArgumentException(name + " is a standard instance; only spot instances are preempted");
        }
        if (instance.preempted == null) {
            if (instance.state != InstanceState.RUNNING) {
                throw new IllegalArgumentException(name + " is " + instance.state + "; only a running instance is preempted");
            }
            var now = time.now();
            instance.preempted = now;
            instance.ending = now;
            instance.endReason = EndReason.PREEMPTED;
            instance.state = InstanceState.STOPPING;
            instance.deleting = instance.deleting || instance.spec.deleteWhenPreempted();
            record(EndReason.PREEMPTED, instance, now);
            int life = instance.life;
            time.after(config.timeScale().real(config.preemptionNotice()), () -> {
                cutPower(instance);
                synchronized (this) {
                    if (instance.life == life) {
                        instance.life++;
                        ended(instance, true);
                    }
                }
            });
        }
        return instance.preempted.plus(config.timeScale().real(config.preemptionNotice()));
    }

    /** Preempts every running spot instance that matches, and says how many. */
    synchronized int preemptAll(OfferFilter which) {
        var taken = instances.values().stream().filter(instance -> instance.spec.spot() && instance.state == InstanceState.RUNNING
                && which.matches(instance.spec.type().name(), instance.zone.name(), OfferFilter.SPOT)).map(instance -> instance.id).toList();
        taken.forEach(this::preempt);
        return taken.size();
    }

    synchronized void delete(String name) {
        var instance = known(name);
        instance.deleting = true;
        instance.endings.add(begin("delete", instance.scope(), instance.path(), instance.id, "person@example.com", null, null, time.now()));
        end(instance, EndReason.DELETED, time.now());
    }

    synchronized void stop(String name) {
        var instance = known(name);
        instance.endings.add(begin("stop", instance.scope(), instance.path(), instance.id, "person@example.com", null, null, time.now()));
        end(instance, EndReason.STOPPED, time.now());
    }

    synchronized void powerOff(String name) {
        var instance = known(name);
        powerOff(instance, instance.life);
    }

    synchronized void hostError(String name) {
        var instance = known(name);
        hostError(instance, instance.life);
    }

    /** Cuts a machine's power without Compute Engine noticing. */
    synchronized void die(String name) {
        var instance = known(name);
        int life = instance.life;
        time.after(Duration.ZERO, () -> die(instance, life));
    }

    /** @throws IllegalArgumentException if there is no such instance */
    synchronized String console(String name) {
        return known(name).console();
    }

    synchronized void projectMetadata(String key, String value) {
        if (value == null) {
            projectMetadata.remove(key);
        } else {
            projectMetadata.put(key, value);
        }
    }

    synchronized Map<String, String> projectMetadata() {
        return new TreeMap<>(projectMetadata);
    }

    // ---- other calls

    private List<Instance> instancesIn(String place) {
        return instances.values().stream().filter(instance -> place.equals("zones/" + instance.zone.name())).toList();
    }

    private Instance instance(Call call) {
        var zone = descriptions.zone(call);
        var name = call.part("instance");
        var instance = instances.get(call.scope() + "/instances/" + name);
        if (instance == null) {
            instance = instances.values().stream().filter(one -> one.id.equals(name) && one.zone.equals(zone)).findFirst()
                    .orElseThrow(() -> Refusal.notFound(call.scope() + "/instances/" + name));
        }
        return instance;
    }

    private Operation delete(Call call, Instant now) {
        var instance = instance(call);
        if (instance.spec.deletionProtected()) {
            throw new Refusal(400, "invalidResourceUsage", "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion. "
                    + "Set deletionProtection to false'.");
        }
        var operation = begin(call, "delete", instance, now);
        orderly(operation, () -> {
            instance.deleting = true;
            instance.endings.add(operation);
            end(instance, EndReason.DELETED, time.now());
        });
        return operation;
    }

    private Operation stop(Call call, Instant now) {
        var instance = instance(call);
        var operation = begin(call, "stop", instance, now);
        if (instance.state == InstanceState.TERMINATED) {
            time.after(config.operationTime(), () -> {
                synchronized (this) {
                    finish(operation, null);
                }
            });
            return operation;
        }
        orderly(operation, () -> {
            instance.endings.add(operation);
            end(instance, EndReason.STOPPED, time.now());
        });
        return operation;
    }

    private Operation start(Call call, Instant now) {
        var instance = instance(call);
        if (instance.state == InstanceState.STOPPING) {
            throw new Refusal(400, "resourceNotReady", "The resource '" + instance.path() + "' is not ready");
        }
        var operation = begin(call, "start", instance, now);
        if (instance.state == InstanceState.TERMINATED) {
            again(instance, operation, now);
        } else {
            time.after(config.operationTime(), () -> {
                synchronized (this) {
                    finish(operation, null);
                }
            });
        }
        return operation;
    }

    private Operation setMetadata(Call call, Instant now) {
        var instance = instance(call);
        var written = LaunchSpec.metadata(call.body(), "resource");
        if (!instance.metadataFingerprint().equals(call.body().getString("fingerprint"))) {
            throw Refusal.conditionNotMet("Supplied fingerprint does not match current metadata fingerprint.");
        }
        return change(call, "setMetadata", instance, now, () -> instance.write(time.now(), written));
    }

    private Operation setLabels(Call call, Instant now) {
        var instance = instance(call);
        var written = LaunchSpec.labels(call.body().getJsonObject("labels", new JsonObject()), "labels");
        if (!instance.labelFingerprint().equals(call.body().getString("labelFingerprint"))) {
            throw Refusal.conditionNotMet("Labels fingerprint either invalid or resource labels have changed");
        }
        return change(call, "setLabels", instance, now, () -> {
            instance.labels.clear();
            instance.labels.putAll(written);
        });
    }

    /** The change shows at once; the operation is done a while later. */
    private Operation change(Call call, String type, Instance instance, Instant now, Runnable act) {
        var operation = begin(call, type, instance, now);
        orderly(operation, () -> {
            act.run();
            time.after(config.operationTime(), () -> {
                synchronized (this) {
                    finish(operation, null);
                }
            });
        });
        return operation;
    }

    /** What an operation does, at once, unless a fault has it fail, or begin late. */
    private void orderly(Operation operation, Runnable act) {
        var met = faults.ofOperation(operation.type);
        if (met.fault() == null && met.delay().isZero()) {
            act.run();
            return;
        }
        time.after(met.fault() == null ? met.delay() : met.delay().plus(config.operationTime()), () -> {
            synchronized (this) {
                if (met.fault() instanceof LaunchFault.Fail fail) {
                    finish(operation, failure(fail));
                } else {
                    act.run();
                }
            }
        });
    }

    private JsonObject serialPort(Call call) {
        if (call.number("port", 1, 4).orElse(1) != 1) {
            return new JsonObject().put("kind", "compute#serialPortOutput").put("contents", "").put("start", "0").put("next", "0");
        }
        return instance(call).serialPort(Long.parseLong(call.query().getOrDefault("start", "0")));
    }

    /** Reads one instance under the lock, by its number; null if it is not there. */
    synchronized <T> T read(String id, Function<Instance, T> reader) {
        var instance = byId.get(id);
        return instance == null ? null : reader.apply(instance);
    }

    /** Ends everything at once, as when the process stops. */
    void close() {
        List<Instance> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(instances.values());
        }
        all.forEach(this::cutPower);
    }
}
