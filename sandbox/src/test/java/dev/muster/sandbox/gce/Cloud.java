package dev.muster.sandbox.gce;

import dev.muster.sandbox.SimulatedTime;
import dev.muster.sandbox.machine.MachineImage;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The cloud under test, without a network, in simulated time, with machines that only note what happens to them. Every answer is read by Google's own classes. */
final class Cloud {

    static final String HOME = "projects/" + GceConfig.PROJECT;
    static final String ZONE = "us-central1-a";
    static final String INSTANCES = HOME + "/zones/" + ZONE + "/instances";

    final SimulatedTime time = new SimulatedTime();
    final Map<String, MachineImage.Hardware> booted = new LinkedHashMap<>();
    /** Those whose power was cut, once or more. */
    final Set<String> cut = new LinkedHashSet<>();
    final GceCloud gce;

    Cloud() {
        this(GceConfig.defaults());
    }

    Cloud(GceConfig config) {
        gce = new GceCloud(config, time, hardware -> {
            booted.put(hardware.cloudId(), hardware);
            return () -> cut.add(hardware.cloudId());
        }, "muster@" + config.project() + ".iam.gserviceaccount.com");
    }

    /** @param query name, value, name, value, … */
    Reply get(String path, String... query) {
        return call("GET", path, new JsonObject(), query);
    }

    Reply post(String path, JsonObject body, String... query) {
        return call("POST", path, body, query);
    }

    Reply delete(String path, String... query) {
        return call("DELETE", path, new JsonObject(), query);
    }

    private Reply call(String http, String path, JsonObject body, String... query) {
        var all = new TreeMap<String, String>();
        for (int i = 0; i < query.length; i += 2) {
            all.put(query[i], query[i + 1]);
        }
        var found = Route.find(http, path).orElseThrow(() -> new AssertionError("no route for " + http + " " + path));
        Call call;
        try {
            // As over the wire: nothing of the test's own objects stays in the cloud.
            call = Call.of(found, all, new JsonObject(body.encode()), "someone@example.com");
        } catch (Refusal refused) {
            return new Reply(refused.status(), refused.json());
        }
        var answer = gce.answer(call);
        var reply = new Reply(answer.status(), new JsonObject(answer.body().encode()));
        if (reply.status == 200) {
            Strict.read(call.method(), reply.body);
        }
        return reply;
    }

    /** What an insert of a plain machine sends. */
    static JsonObject instance(String name) {
        return instance(name, "e2-standard-2");
    }

    static JsonObject instance(String name, String type) {
        return properties("zones/" + ZONE + "/machineTypes/" + type).put("name", name);
    }

    static JsonObject properties(String type) {
        return new JsonObject().put("machineType", type)
                .put("disks", new JsonArray().add(new JsonObject().put("boot", true).put("autoDelete", true)
                        .put("initializeParams", new JsonObject().put("sourceImage", "projects/debian-cloud/global/images/family/debian-12").put("diskSizeGb", "20"))))
                .put("networkInterfaces", new JsonArray().add(new JsonObject().put("network", "global/networks/default")));
    }

    static JsonObject spot(JsonObject machine, String action) {
        return machine.put("scheduling", new JsonObject().put("provisioningModel", "SPOT").put("instanceTerminationAction", action));
    }

    static JsonObject bulk(JsonObject properties, int least, String... names) {
        var given = new JsonObject();
        for (var name : names) {
            given.put(name, new JsonObject().put("name", name));
        }
        return new JsonObject().put("count", String.valueOf(names.length)).put("minCount", String.valueOf(least)).put("instanceProperties", properties)
                .put("perInstanceProperties", given);
    }

    Reply insert(String name, String... query) {
        return post(INSTANCES, instance(name), query);
    }

    Reply instanceNamed(String name) {
        return get(INSTANCES + "/" + name);
    }

    /** {@code gone} if it isn't there. */
    String status(String name) {
        var reply = instanceNamed(name);
        return reply.status == 404 ? "gone" : reply.text("status");
    }

    /** The operation as it is now. */
    Reply operation(Reply before) {
        return get(Links.path(before.text("selfLink")));
    }

    void untilRunning() {
        time.pass(Duration.ofSeconds(21));
    }

    void untilStopped() {
        time.pass(Duration.ofSeconds(21));
    }

    /** One answer. */
    static final class Reply {

        final int status;
        final JsonObject body;

        private Reply(int status, JsonObject body) {
            this.status = status;
            this.body = body;
        }

        /** The value at a path of names and numbers; null if there is none. */
        Object at(String path) {
            Object at = body;
            for (var name : path.split("/")) {
                at = at instanceof JsonObject object ? object.getValue(name)
                        : at instanceof JsonArray list && Integer.parseInt(name) < list.size() ? list.getValue(Integer.parseInt(name)) : null;
            }
            return at;
        }

        String text(String path) {
            var at = at(path);
            return at == null ? null : String.valueOf(at);
        }

        /** {@code Success} or the reason. */
        String reason() {
            return status == 200 ? "Success" : text("error/errors/0/reason");
        }

        String message() {
            return text("error/message");
        }

        /** Names of what is listed. */
        List<String> names() {
            return body.getJsonArray("items", new JsonArray()).stream().map(item -> ((JsonObject) item).getString("name")).toList();
        }
    }
}
