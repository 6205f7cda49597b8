package dev.muster.sandbox.gce;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Map;

/**
 * Every machine's metadata server, each under {@code /machines/<instance number>}: what {@code metadata.google.internal} answers on a
 * real one. A folder ends in a slash and lists its names, or with {@code ?recursive=true} all below it as JSON.
 */
final class Metadata {

    private static final String FLAVOR = "Metadata-Flavor";
    private static final String ROOT = "/computeMetadata/v1";

    private final GceCloud cloud;
    private final Keys keys;

    Metadata(GceCloud cloud, Keys keys) {
        this.cloud = cloud;
        this.keys = keys;
    }

    void mount(Router router) {
        router.routeWithRegex("/machines/(?<id>[^/]+)(?<path>/.*)?").handler(this::answer);
    }

    private void answer(RoutingContext context) {
        var id = context.pathParam("id");
        var rawPath = context.normalizedPath();
        var path = rawPath.substring(("/machines/" + id).length());
        var response = context.response();
        response.putHeader(FLAVOR, "Google").putHeader("Server", "Metadata Server for VM");
        if (!Boolean.TRUE.equals(cloud.read(id, Metadata::isUp))) {
            // Nobody is there to ask: a machine that is gone can't reach its own metadata.
            plain(response, 404, "no machine " + id + " is up");
            return;
        }
        if (context.request().method() != HttpMethod.GET && context.request().method() != HttpMethod.HEAD) {
            plain(response, 405, "only GET");
            return;
        }
        if (path.isEmpty() || path.equals("/")) {
            plain(response, 200, "computeMetadata/\n");
            return;
        }
        if (!"Google".equals(context.request().getHeader(FLAVOR)) || context.request().getHeader("X-Forwarded-For") != null) {
            plain(response, 403, "Missing Metadata-Flavor:Google header.");
            return;
        }
        if (!path.equals(ROOT) && !path.startsWith(ROOT + "/")) {
            plain(response, 404, "Not Found");
            return;
        }
        var wanted = path.substring(ROOT.length()).replaceFirst("^/", "");
        if (wanted.startsWith("instance/service-accounts/") && wanted.endsWith("/token")) {
            token(response, id);
            return;
        }
        Object found = cloud.read(id, instance -> find(instance, wanted));
        boolean folder = found instanceof JsonObject || found instanceof JsonArray;
        if (found == null) {
            plain(response, 404, "Not Found");
        } else if (folder && !wanted.isEmpty() && !wanted.endsWith("/") && !"true".equals(context.request().getParam("recursive"))) {
            response.putHeader("Location", rawPath + "/");
            plain(response, 301, rawPath + "/");
        } else if (folder && "true".equals(context.request().getParam("recursive"))) {
            response.putHeader("Content-Type", "application/json").end(String.valueOf(found));
        } else if (folder) {
            plain(response, 200, names(found));
        } else {
            response.putHeader("Content-Type", "application/text").end(String.valueOf(found));
        }
    }

    private void token(HttpServerResponse response, String id) {
        var email = cloud.read(id, Metadata::email);
        if (email == null) {
            plain(response, 404, "Not Found");
        } else {
            response.putHeader("Content-Type", "application/json").end(keys.ofMachine(email.equals("default") ? cloud.account() : email).encode());
        }
    }

    /** Null if the machine acts as nobody. */
    private static String email(Instance instance) {
        var accounts = instance.spec.body().getJsonArray("serviceAccounts", new JsonArray());
        return accounts.isEmpty() ? null : accounts.getJsonObject(0).getString("email", "default");
    }

    /** A machine answers from when it runs until its power is gone. */
    private static boolean isUp(Instance instance) {
        return switch (instance.state) {
            case RUNNING, STOPPING -> true;
            case PROVISIONING, STAGING, TERMINATED -> false;
        };
    }

    /** A value, or a folder as JSON; null if there is nothing at this path. */
    private Object find(Instance instance, String wanted) {
        // A guard asks for these two again and again, on every machine: no need to gather all the rest for it.
        if (wanted.startsWith("instance/attributes/") && wanted.length() > "instance/attributes/".length()) {
            return instance.read(cloud.now(), wanted.substring("instance/attributes/".length()));
        }
        if (wanted.equals("instance/preempted")) {
            return preempted(instance);
        }
        Object at = all(instance);
        for (var name : wanted.split("/")) {
            if (name.isEmpty()) {
                continue;
            }
            if (at instanceof JsonObject folder) {
                at = folder.getValue(name);
            } else if (at instanceof JsonArray list && name.matches("\\d{1,4}") && Integer.parseInt(name) < list.size()) {
                at = list.getValue(Integer.parseInt(name));
            } else {
                return null;
            }
        }
        return at;
    }

    private static String preempted(Instance instance) {
        return instance.preempted == null ? "FALSE" : "TRUE";
    }

    private JsonObject all(Instance instance) {
        var number = Surroundings.PROJECT_NUMBER;
        var scheduling = instance.json().getJsonObject("scheduling");
        var machine = new JsonObject().put("attributes", folder(instance.metadata)).put("cpu-platform", instance.json().getString("cpuPlatform"))
                .put("description", instance.spec.body().getString("description", ""))
                .put("disks", new JsonArray().add(new JsonObject().put("device-name", instance.spec.disks().get(0).deviceName()).put("index", "0").put("mode", "READ_WRITE")
                        .put("type", "PERSISTENT")))
                .put("hostname", instance.name + "." + instance.zone.name() + ".c." + instance.project + ".internal").put("id", instance.id)
                .put("image", instance.spec.disks().get(0).image().path()).put("machine-type", "projects/" + number + "/machineTypes/" + instance.spec.type().name())
                .put("maintenance-event", "NONE").put("name", instance.name)
                .put("network-interfaces", new JsonArray().add(new JsonObject().put("ip", instance.address).put("network", "projects/" + number + "/networks/default")))
                .put("preempted", preempted(instance))
                .put("scheduling", new JsonObject().put("automatic-restart", upper(scheduling.getBoolean("automaticRestart")))
                        .put("on-host-maintenance", scheduling.getString("onHostMaintenance")).put("preemptible", upper(instance.spec.spot())))
                .put("tags", instance.spec.body().getJsonObject("tags", new JsonObject()).getJsonArray("items", new JsonArray()).encode())
                .put("zone", "projects/" + number + "/zones/" + instance.zone.name());
        var email = email(instance);
        if (email != null) {
            var account = new JsonObject().put("aliases", "default").put("email", email.equals("default") ? cloud.account() : email)
                    .put("scopes", "https://www.googleapis.com/auth/cloud-platform\n");
            machine.put("service-accounts", new JsonObject().put("default", account).put(account.getString("email"), account));
        }
        return new JsonObject().put("instance", machine)
                .put("project", new JsonObject().put("attributes", folder(cloud.projectMetadata())).put("numeric-project-id", number).put("project-id", instance.project));
    }

    private static String upper(boolean value) {
        return value ? "TRUE" : "FALSE";
    }

    private static JsonObject folder(Map<String, String> values) {
        var folder = new JsonObject();
        values.forEach(folder::put);
        return folder;
    }

    /** One a line, those with more below them ending in a slash. */
    private static String names(Object found) {
        var names = new StringBuilder();
        if (found instanceof JsonArray list) {
            for (int i = 0; i < list.size(); i++) {
                names.append(i).append("/\n");
            }
        } else {
            ((JsonObject) found).stream().sorted(Map.Entry.comparingByKey())
                    .forEach(entry -> names.append(entry.getKey()).append(entry.getValue() instanceof JsonObject || entry.getValue() instanceof JsonArray ? "/\n" : "\n"));
        }
        return names.toString();
    }

    private static void plain(HttpServerResponse response, int status, String text) {
        response.setStatusCode(status).putHeader("Content-Type", status == 200 ? "application/text" : "text/html; charset=UTF-8").end(text);
    }
}
