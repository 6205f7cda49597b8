package dev.muster.sandbox.gce;

import dev.muster.sandbox.gce.GceConfig.Image;
import dev.muster.sandbox.gce.Page.Item;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.Stream;

/** Everything that is there to be looked at and never changes by a call: the project, places, types, networks, images, templates. */
final class Descriptions {

    private static final String BEGAN = "2026-01-12T05:00:00.000-08:00";

    private final GceConfig config;
    private final Capacity capacity;
    private final Faults faults;
    private final Surroundings surroundings;
    private final Map<String, JsonObject> templates = new LinkedHashMap<>();
    /** How much of a metric a region (null: all of them) uses. */
    private final ToDoubleBiFunction<String, String> usage;

    Descriptions(GceConfig config, Capacity capacity, Faults faults, Surroundings surroundings, ToDoubleBiFunction<String, String> usage) {
        this.config = config;
        this.capacity = capacity;
        this.faults = faults;
        this.surroundings = surroundings;
        this.usage = usage;
        config.templates().forEach(text -> {
            var template = new JsonObject(text);
            Schema.check(template, "InstanceTemplate");
            templates.put(template.getString("name"), template);
        });
    }

    /** Null if this is no method of here. */
    JsonObject answer(Call call, Map<String, String> projectMetadata, String account) {
        var place = call.scope();
        return switch (call.method()) {
            case "projects.get" -> project(call, projectMetadata, account);
            case "zones.get" -> one(call, "zone", zones(call));
            case "zones.list" -> list(call, "zoneList", "Zone", zones(call), "projects/" + call.project() + "/zones");
            case "regions.get" -> one(call, "region", regions(call));
            case "regions.list" -> list(call, "regionList", "Region", regions(call), "projects/" + call.project() + "/regions");
            case "machineTypes.get" -> one(call, "machineType", machineTypes(call, zone(call)));
            case "machineTypes.list" -> list(call, "machineTypeList", "MachineType", machineTypes(call, zone(call)), place + "/machineTypes");
            case "machineTypes.aggregatedList" -> aggregated(call, "machineTypes", "MachineType", Geography.zones().stream()
                    .flatMap(zone -> machineTypes(call, zone).stream().map(type -> new Item("zones/" + zone.name(), type))).toList(), zoneScopes());
            case "acceleratorTypes.get" -> one(call, "acceleratorType", acceleratorTypes(call, zone(call)));
            case "acceleratorTypes.list" -> list(call, "acceleratorTypeList", "AcceleratorType", acceleratorTypes(call, zone(call)), place + "/acceleratorTypes");
            case "acceleratorTypes.aggregatedList" -> aggregated(call, "acceleratorTypes", "AcceleratorType", Geography.zones().stream()
                    .flatMap(zone -> acceleratorTypes(call, zone).stream().map(type -> new Item("zones/" + zone.name(), type))).toList(), zoneScopes());
            case "diskTypes.get" -> one(call, "diskType", diskTypes(call, zone(call)));
            case "diskTypes.list" -> list(call, "diskTypeList", "DiskType", diskTypes(call, zone(call)), place + "/diskTypes");
            case "subnetworks.get" -> one(call, "subnetwork", List.of(subnetwork(call, region(call))));
            case "subnetworks.list" -> list(call, "subnetworkList", "Subnetwork", List.of(subnetwork(call, region(call))), place + "/subnetworks");
            case "routers.list" -> list(call, "routerList", "Router", routers(call, region(call)), place + "/routers");
            case "firewalls.list" -> list(call, "firewallList", "Firewall", firewalls(call), place + "/firewalls");
            case "routes.list" -> list(call, "routeList", "Route", routes(call), place + "/routes");
            case "networks.get" -> one(call, "network", List.of(network(call)));
            case "networks.list" -> list(call, "networkList", "Network", List.of(network(call)), place + "/networks");
            case "images.get" -> one(call, "image", images(call));
            case "images.getFromFamily" -> {
                var image = LaunchSpec.ofFamily(call.project(), call.part("family"), config.images());
                if (image == null) {
                    throw Refusal.notFound(place + "/images/family/" + call.part("family"));
                }
                yield image(image);
            }
            case "images.list" -> list(call, "imageList", "Image", images(call), place + "/images");
            case "instanceTemplates.get" -> template(place + "/instanceTemplates/" + call.part("instanceTemplate"));
            case "instanceTemplates.list" -> list(call, "instanceTemplateList", "InstanceTemplate",
                    templates.keySet().stream().map(name -> template(place + "/instanceTemplates/" + name)).toList(), place + "/instanceTemplates");
            default -> null;
        };
    }

    /** The zone that a call names. @throws Refusal if there is none, or it can't be reached */
    Geography.Zone zone(Call call) {
        var zone = Geography.zone(call.part("zone")).orElseThrow(() -> Refusal.invalid("zone", call.part("zone"), "Unknown zone."));
        if (faults.isOut(zone.name())) {
            throw Refusal.backend();
        }
        return zone;
    }

    Geography.Region region(Call call) {
        return Geography.region(call.part("region")).orElseThrow(() -> Refusal.invalid("region", call.part("region"), "Unknown region."));
    }

    /** @param link any address of a template of the project */
    JsonObject template(String link) {
        var template = templates.get(Links.last(link));
        if (template == null || !Links.path(link).matches("(projects/" + config.project() + "/)?global/instanceTemplates/[^/]+")) {
            throw Refusal.notFound(Links.path(link));
        }
        var path = "projects/" + config.project() + "/global/instanceTemplates/" + Links.last(link);
        return Links.resource("instanceTemplate", path, "template").put("creationTimestamp", BEGAN).mergeIn(template);
    }

    static List<String> zoneScopes() {
        return Geography.zones().stream().map(zone -> "zones/" + zone.name()).toList();
    }

    static JsonObject list(Call call, String kind, String message, List<JsonObject> all, String path) {
        var page = Page.of(call, all.stream().map(resource -> new Item("", resource)).toList(), message);
        var answer = new JsonObject().put("kind", "compute#" + kind).put("id", path).put("selfLink", Links.to(path));
        if (!page.items().isEmpty()) {
            answer.put("items", new JsonArray(page.items().stream().map(Item::resource).toList()));
        }
        return page.next() == null ? answer : answer.put("nextPageToken", page.next());
    }

    /**
     * A list over places: each is in it, those with nothing on this page with a warning that says so, those that can't be reached with
     * another, if the caller takes part of the truth.
     */
    JsonObject aggregated(Call call, String collection, String message, List<Item> all, List<String> scopes) {
        var unreachable = scopes.stream().filter(scope -> scope.startsWith("zones/") && faults.isOut(Links.last(scope))).toList();
        if (!unreachable.isEmpty() && !call.is("returnPartialSuccess")) {
            throw Refusal.backend();
        }
        var page = Page.of(call, all.stream().filter(item -> !unreachable.contains(item.scope())).toList(), message);
        var items = new JsonObject();
        for (var scope : scopes) {
            var here = new JsonArray(page.items().stream().filter(item -> item.scope().equals(scope)).map(Item::resource).toList());
            items.put(scope, !here.isEmpty() ? new JsonObject().put(collection, here) : new JsonObject().put("warning", unreachable.contains(scope)
                    ? warning("UNREACHABLE", "The scope '" + scope + "' could not be reached.", scope)
                    : warning("NO_RESULTS_ON_PAGE", "There are no results for scope '" + scope + "' on this page.", scope)));
        }
        var kind = collection.equals("operations") ? "operationAggregatedList" : collection.substring(0, collection.length() - 1) + "AggregatedList";
        var path = "projects/" + call.project() + "/aggregated/" + collection;
        var answer = new JsonObject().put("kind", "compute#" + kind).put("id", path).put("selfLink", Links.to(path)).put("items", items);
        if (!unreachable.isEmpty()) {
            answer.put("unreachables", new JsonArray(unreachable.stream().map(scope -> "projects/" + call.project() + "/" + scope).toList()));
        }
        return page.next() == null ? answer : answer.put("nextPageToken", page.next());
    }

    private static JsonObject warning(String code, String message, String scope) {
        return new JsonObject().put("code", code).put("message", message)
                .put("data", new JsonArray().add(new JsonObject().put("key", "scope").put("value", scope)));
    }

    private JsonObject one(Call call, String part, List<JsonObject> all) {
        var name = call.part(part);
        return all.stream().filter(resource -> resource.getString("name").equals(name) || resource.getString("id", "").equals(name)).findFirst()
                .orElseThrow(() -> Refusal.notFound(switch (part) {
                    case "zone", "region" -> "projects/" + call.project() + "/" + part + "s/" + name;
                    default -> call.scope() + "/" + part + "s/" + name;
                }));
    }

    private JsonObject project(Call call, Map<String, String> metadata, String account) {
        var items = new JsonArray();
        metadata.forEach((key, value) -> items.add(new JsonObject().put("key", key).put("value", value)));
        var common = new JsonObject().put("kind", "compute#metadata").put("fingerprint", Links.fingerprint(metadata));
        var project = Links.resource("project", "projects/" + call.project(), "project").put("creationTimestamp", BEGAN)
                .put("defaultNetworkTier", "PREMIUM").put("xpnProjectStatus", "UNSPECIFIED_XPN_PROJECT_STATUS")
                .put("commonInstanceMetadata", items.isEmpty() ? common : common.put("items", items)).put("quotas", quotas(null));
        return surroundings.hasUsualAccount() ? project.put("defaultServiceAccount", account) : project;
    }

    private JsonArray quotas(String region) {
        var quotas = new JsonArray();
        for (var metric : Capacity.metrics(region)) {
            quotas.add(new JsonObject().put("metric", metric).put("limit", capacity.quota(region, metric)).put("usage", usage.applyAsDouble(region, metric)));
        }
        return quotas;
    }

    private List<JsonObject> zones(Call call) {
        return Geography.zones().stream().map(zone -> Links.resource("zone", "projects/" + call.project() + "/zones/" + zone.name(), "zone")
                .put("creationTimestamp", BEGAN).put("description", zone.name()).put("status", faults.isOut(zone.name()) ? "DOWN" : "UP")
                .put("region", Links.to("projects/" + call.project() + "/regions/" + zone.region())).put("supportsPzs", true)
                .put("availableCpuPlatforms", new JsonArray(List.of("Ampere Altra", "Intel Cascade Lake", "Intel Haswell", "Intel Sapphire Rapids")))).toList();
    }

    private List<JsonObject> regions(Call call) {
        return Geography.regions().stream().map(region -> Links.resource("region", "projects/" + call.project() + "/regions/" + region.name(), "region")
                .put("creationTimestamp", BEGAN).put("description", region.name()).put("status", "UP").put("supportsPzs", true)
                .put("zones", new JsonArray(region.zones().stream().map(zone -> Links.to("projects/" + call.project() + "/zones/" + zone.name())).toList()))
                .put("quotas", quotas(region.name()))).toList();
    }

    private List<JsonObject> machineTypes(Call call, Geography.Zone zone) {
        var all = new ArrayList<JsonObject>();
        for (var type : MachineType.all()) {
            if (!capacity.offered(type, zone.name())) {
                continue;
            }
            var path = "projects/" + call.project() + "/zones/" + zone.name() + "/machineTypes/" + type.name();
            var json = Links.resource("machineType", path, "machineType").put("creationTimestamp", BEGAN).put("description", type.description())
                    .put("guestCpus", type.cpus()).put("memoryMb", type.memoryMb()).put("imageSpaceGb", 0).put("maximumPersistentDisks", 128)
                    .put("maximumPersistentDisksSizeGb", "263168").put("zone", zone.name()).put("isSharedCpu", type.shared()).put("architecture", type.architecture());
            if (type.builtIn() != null) {
                json.put("accelerators", new JsonArray().add(new JsonObject().put("guestAcceleratorType", type.builtIn().model())
                        .put("guestAcceleratorCount", type.builtIn().count())));
            }
            all.add(json);
        }
        return all;
    }

    private static List<JsonObject> acceleratorTypes(Call call, Geography.Zone zone) {
        return MachineType.GPU_MODELS.stream().filter(model -> MachineType.gpuSoldIn(model.name(), zone.name()))
                .map(model -> Links.resource("acceleratorType", "projects/" + call.project() + "/zones/" + zone.name() + "/acceleratorTypes/" + model.name(), "acceleratorType")
                        .put("creationTimestamp", BEGAN).put("description", model.sentence()).put("maximumCardsPerInstance", model.most())
                        .put("zone", Links.to("projects/" + call.project() + "/zones/" + zone.name()))).toList();
    }

    private static List<JsonObject> diskTypes(Call call, Geography.Zone zone) {
        return LaunchSpec.DISK_TYPES.stream().map(type -> Links.resource("diskType", "projects/" + call.project() + "/zones/" + zone.name() + "/diskTypes/" + type, "diskType")
                .put("creationTimestamp", BEGAN).put("description", type).put("validDiskSize", "10GB-65536GB").put("defaultDiskSizeGb", "100")
                .put("zone", Links.to("projects/" + call.project() + "/zones/" + zone.name()))).toList();
    }

    private JsonObject subnetwork(Call call, Geography.Region region) {
        var path = "projects/" + call.project() + "/regions/" + region.name();
        var subnetwork = Links.resource("subnetwork", path + "/subnetworks/default", "subnetwork").put("creationTimestamp", BEGAN)
                .put("network", Links.to("projects/" + call.project() + "/global/networks/default")).put("ipCidrRange", region.cidr()).put("gatewayAddress", region.gateway())
                .put("region", Links.to(path)).put("privateIpGoogleAccess", surroundings.hasPrivateAccess(region.name())).put("purpose", "PRIVATE").put("stackType", "IPV4_ONLY")
                .put("fingerprint", Links.fingerprint(path));
        if (!"WITH_UTILIZATION".equals(call.query().get("views"))) {
            return subnetwork;
        }
        var used = usage.applyAsDouble(region.name(), "INSTANCES");
        long free = capacity.hasAddresses(region.name()) ? Geography.Region.ADDRESSES - (long) used : 0;
        return subnetwork.put("utilizationDetails", new JsonObject().put("ipv4Utilizations", new JsonArray().add(new JsonObject()
                .put("totalAllocatedIp", String.valueOf(Geography.Region.ADDRESSES - free)).put("totalFreeIp", String.valueOf(free)))));
    }

    private List<JsonObject> routers(Call call, Geography.Region region) {
        if (!surroundings.translates(region.name())) {
            return List.of();
        }
        var path = "projects/" + call.project() + "/regions/" + region.name();
        return List.of(Links.resource("router", path + "/routers/way-out", "router").put("creationTimestamp", BEGAN).put("region", Links.to(path))
                .put("network", Links.to("projects/" + call.project() + "/global/networks/default")).put("nats", new JsonArray().add(new JsonObject().put("name", "way-out")
                        .put("natIpAllocateOption", "AUTO_ONLY").put("sourceSubnetworkIpRangesToNat", "ALL_SUBNETWORKS_ALL_IP_RANGES"))));
    }

    private List<JsonObject> firewalls(Call call) {
        if (surroundings.letsOut()) {
            return List.of();
        }
        var project = "projects/" + call.project();
        return List.of(Links.resource("firewall", project + "/global/firewalls/keep-in", "firewall").put("creationTimestamp", BEGAN)
                .put("network", Links.to(project + "/global/networks/default")).put("priority", 65_000).put("direction", "EGRESS").put("disabled", false)
                .put("destinationRanges", new JsonArray().add("0.0.0.0/0")).put("denied", new JsonArray().add(new JsonObject().put("IPProtocol", "all"))));
    }

    private List<JsonObject> routes(Call call) {
        if (!surroundings.leadsOut()) {
            return List.of();
        }
        var project = "projects/" + call.project();
        return List.of(Links.resource("route", project + "/global/routes/default-route-314159", "route").put("creationTimestamp", BEGAN)
                .put("description", "Default route to the Internet.").put("network", Links.to(project + "/global/networks/default")).put("destRange", "0.0.0.0/0")
                .put("priority", 1000).put("nextHopGateway", Links.to(project + "/global/gateways/default-internet-gateway")));
    }

    private static JsonObject network(Call call) {
        var subnetworks = Geography.regions().stream().map(region -> Links.to("projects/" + call.project() + "/regions/" + region.name() + "/subnetworks/default")).toList();
        return Links.resource("network", "projects/" + call.project() + "/global/networks/default", "network").put("creationTimestamp", BEGAN)
                .put("description", "Default network for the project").put("autoCreateSubnetworks", true).put("subnetworks", new JsonArray(subnetworks))
                .put("routingConfig", new JsonObject().put("routingMode", "REGIONAL"));
    }

    private List<JsonObject> images(Call call) {
        return config.images().stream().filter(image -> image.project().equals(call.project())).map(Descriptions::image).toList();
    }

    private static JsonObject image(Image image) {
        var json = Links.resource("image", image.path(), "image").put("creationTimestamp", BEGAN).put("status", "READY").put("sourceType", "RAW")
                .put("architecture", image.architecture()).put("diskSizeGb", String.valueOf(image.diskSizeGb())).put("archiveSizeBytes", "1073741824")
                .put("guestOsFeatures", new JsonArray(Stream.of("VIRTIO_SCSI_MULTIQUEUE", "UEFI_COMPATIBLE", "GVNIC").map(type -> new JsonObject().put("type", type)).toList()))
                .put("labelFingerprint", Links.fingerprint(image.path()));
        return image.family() == null ? json : json.put("family", image.family());
    }
}
