package dev.muster.sandbox.gce;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * One method of the API: how it is called and what it needs.
 *
 * @param method as Google's reference names it
 * @param http {@code GET}, {@code POST} or {@code DELETE}
 * @param path below {@code /compute/v1/}, with the names of its parts in braces
 * @param permission that a caller must have; null for none
 * @param body message of the request's body; null if it has none
 * @param parameters of the query, beside those that every method has
 */
record Route(String method, String http, String path, String permission, String body, Set<String> parameters) {

    private static final Set<String> NONE = Set.of();
    private static final Set<String> ACTING = Set.of("requestId");
    private static final Set<String> LISTING = Set.of("filter", "maxResults", "orderBy", "pageToken", "returnPartialSuccess");
    private static final Set<String> AGGREGATING = Set.of("filter", "maxResults", "orderBy", "pageToken", "returnPartialSuccess", "includeAllScopes", "serviceProjectNumber");
    /** Those of every Google API: "Standard query parameters". */
    private static final Set<String> STANDARD = Set.of("alt", "$alt", "$.xgafv", "fields", "prettyPrint", "key", "quotaUser", "userIp", "access_token", "oauth_token",
            "callback", "upload_protocol", "uploadType", "trace", "$prettyPrint");

    private static final String PROJECT = "projects/{project}";
    private static final String ZONE = PROJECT + "/zones/{zone}";
    private static final String REGION = PROJECT + "/regions/{region}";
    private static final String INSTANCE = ZONE + "/instances/{instance}";

    private static final List<Route> ALL = List.of(
            get("projects.get", PROJECT, "compute.projects.get"),
            get("zones.get", ZONE, "compute.zones.get"),
            list("zones.list", PROJECT + "/zones", "compute.zones.list"),
            get("regions.get", REGION, "compute.regions.get"),
            list("regions.list", PROJECT + "/regions", "compute.regions.list"),
            get("machineTypes.get", ZONE + "/machineTypes/{machineType}", "compute.machineTypes.get"),
            list("machineTypes.list", ZONE + "/machineTypes", "compute.machineTypes.list"),
            aggregated("machineTypes.aggregatedList", "machineTypes", "compute.machineTypes.list"),
            get("acceleratorTypes.get", ZONE + "/acceleratorTypes/{acceleratorType}", "compute.acceleratorTypes.get"),
            list("acceleratorTypes.list", ZONE + "/acceleratorTypes", "compute.acceleratorTypes.list"),
            aggregated("acceleratorTypes.aggregatedList", "acceleratorTypes", "compute.acceleratorTypes.list"),
            get("diskTypes.get", ZONE + "/diskTypes/{diskType}", "compute.diskTypes.get"),
            list("diskTypes.list", ZONE + "/diskTypes", "compute.diskTypes.list"),
            new Route("subnetworks.get", "GET", REGION + "/subnetworks/{subnetwork}", "compute.subnetworks.get", null, Set.of("views")),
            list("subnetworks.list", REGION + "/subnetworks", "compute.subnetworks.list"),
            new Route("subnetworks.testIamPermissions", "POST", REGION + "/subnetworks/{subnetwork}/testIamPermissions", null, "TestPermissionsRequest", NONE),
            list("routers.list", REGION + "/routers", "compute.routers.list"),
            list("firewalls.list", PROJECT + "/global/firewalls", "compute.firewalls.list"),
            list("routes.list", PROJECT + "/global/routes", "compute.routes.list"),
            get("networks.get", PROJECT + "/global/networks/{network}", "compute.networks.get"),
            list("networks.list", PROJECT + "/global/networks", "compute.networks.list"),
            get("images.getFromFamily", PROJECT + "/global/images/family/{family}", "compute.images.getFromFamily"),
            get("images.get", PROJECT + "/global/images/{image}", "compute.images.get"),
            list("images.list", PROJECT + "/global/images", "compute.images.list"),
            get("instanceTemplates.get", PROJECT + "/global/instanceTemplates/{instanceTemplate}", "compute.instanceTemplates.get"),
            list("instanceTemplates.list", PROJECT + "/global/instanceTemplates", "compute.instanceTemplates.list"),
            new Route("instances.insert", "POST", ZONE + "/instances", "compute.instances.create", "Instance",
                    Set.of("requestId", "sourceInstanceTemplate", "sourceMachineImage")),
            act("instances.bulkInsert", "POST", ZONE + "/instances/bulkInsert", "compute.instances.create", "BulkInsertInstanceResource"),
            act("regionInstances.bulkInsert", "POST", REGION + "/instances/bulkInsert", "compute.instances.create", "BulkInsertInstanceResource"),
            get("instances.get", INSTANCE, "compute.instances.get"),
            list("instances.list", ZONE + "/instances", "compute.instances.list"),
            aggregated("instances.aggregatedList", "instances", "compute.instances.list"),
            act("instances.delete", "DELETE", INSTANCE, "compute.instances.delete", null),
            new Route("instances.stop", "POST", INSTANCE + "/stop", "compute.instances.stop", null, Set.of("requestId", "discardLocalSsd")),
            act("instances.start", "POST", INSTANCE + "/start", "compute.instances.start", null),
            act("instances.setMetadata", "POST", INSTANCE + "/setMetadata", "compute.instances.setMetadata", "Metadata"),
            act("instances.setLabels", "POST", INSTANCE + "/setLabels", "compute.instances.setLabels", "InstancesSetLabelsRequest"),
            new Route("instances.getSerialPortOutput", "GET", INSTANCE + "/serialPort", "compute.instances.getSerialPortOutput", null, Set.of("port", "start")),
            new Route("instances.testIamPermissions", "POST", INSTANCE + "/testIamPermissions", null, "TestPermissionsRequest", NONE),
            get("zoneOperations.get", ZONE + "/operations/{operation}", "compute.zoneOperations.get"),
            list("zoneOperations.list", ZONE + "/operations", "compute.zoneOperations.list"),
            act("zoneOperations.wait", "POST", ZONE + "/operations/{operation}/wait", "compute.zoneOperations.get", null),
            get("regionOperations.get", REGION + "/operations/{operation}", "compute.regionOperations.get"),
            list("regionOperations.list", REGION + "/operations", "compute.regionOperations.list"),
            act("regionOperations.wait", "POST", REGION + "/operations/{operation}/wait", "compute.regionOperations.get", null),
            get("globalOperations.get", PROJECT + "/global/operations/{operation}", "compute.globalOperations.get"),
            list("globalOperations.list", PROJECT + "/global/operations", "compute.globalOperations.list"),
            act("globalOperations.wait", "POST", PROJECT + "/global/operations/{operation}/wait", "compute.globalOperations.get", null),
            aggregated("globalOperations.aggregatedList", "operations", "compute.globalOperations.list"));

    /** All that the stand-in answers. */
    static final Set<String> METHODS = names();

    private static final List<Matcher> MATCHERS = ALL.stream().map(Matcher::of).toList();

    private record Matcher(Route route, Pattern pattern, List<String> parts) {

        static Matcher of(Route route) {
            var parts = new ArrayList<String>();
            var names = Pattern.compile("\\{(\\w+)}").matcher(route.path);
            while (names.find()) {
                parts.add(names.group(1));
            }
            return new Matcher(route, Pattern.compile(route.path.replaceAll("\\{\\w+}", "([^/]+)")), parts);
        }
    }

    /** A route with the values of its path's parts. */
    record Found(Route route, Map<String, String> parts) {
    }

    private static Route get(String method, String path, String permission) {
        return new Route(method, "GET", path, permission, null, NONE);
    }

    private static Route list(String method, String path, String permission) {
        return new Route(method, "GET", path, permission, null, LISTING);
    }

    private static Route aggregated(String method, String kind, String permission) {
        return new Route(method, "GET", PROJECT + "/aggregated/" + kind, permission, null, AGGREGATING);
    }

    private static Route act(String method, String http, String path, String permission, String body) {
        return new Route(method, http, path, permission, body, ACTING);
    }

    private static Set<String> names() {
        var names = new TreeSet<String>();
        ALL.forEach(route -> names.add(route.method));
        return names;
    }

    /** @param path below {@code /compute/v1/}, still percent-encoded parts decoded */
    static Optional<Found> find(String http, String path) {
        for (var matcher : MATCHERS) {
            var match = matcher.pattern.matcher(path);
            if (matcher.route.http.equals(http) && match.matches()) {
                var parts = new HashMap<String, String>();
                for (int i = 0; i < matcher.parts.size(); i++) {
                    parts.put(matcher.parts.get(i), match.group(i + 1));
                }
                return Optional.of(new Found(matcher.route, parts));
            }
        }
        return Optional.empty();
    }

    boolean takes(String parameter) {
        return parameters.contains(parameter) || STANDARD.contains(parameter);
    }
}
