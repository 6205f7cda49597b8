package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.Map;

/** The tasks endpoints that read and write what a task carries: parameters, configuration, runtime and artifacts. */
final class TaskParameters {

    private final Tasks tasks;

    TaskParameters(Tasks tasks) {
        this.tasks = tasks;
    }

    void register(Map<String, Endpoint> endpoints) {
        endpoints.put("tasks.edit_runtime", Endpoint.since("2.34", this::editRuntime));
        endpoints.put("tasks.get_hyper_params", Endpoint.since("2.9", this::getHyperParams));
        endpoints.put("tasks.edit_hyper_params", Endpoint.since("2.9", this::editHyperParams));
        endpoints.put("tasks.delete_hyper_params", Endpoint.since("2.9", this::deleteHyperParams));
        endpoints.put("tasks.get_configurations", Endpoint.since("2.9", this::getConfigurations));
        endpoints.put("tasks.edit_configuration", Endpoint.since("2.9", this::editConfiguration));
        endpoints.put("tasks.delete_configuration", Endpoint.since("2.9", this::deleteConfiguration));
        endpoints.put("tasks.add_or_update_artifacts", Endpoint.since("2.10", this::addArtifacts));
    }

    private ObjectNode editRuntime(Call call) {
        var task = tasks.task(call);
        requireRunningEditable(task, call);
        var runtime = Json.child(task.document, "runtime");
        call.object("add_or_update").ifPresent(runtime::setAll);
        runtime.remove(call.texts("remove"));
        tasks.touched(task);
        return Json.object().put("updated", 1);
    }

    private static void requireRunningEditable(Task task, Call call) {
        boolean editable = task.status() == TaskStatus.CREATED || task.status() == TaskStatus.IN_PROGRESS;
        if (!editable && !call.flag("force")) {
            throw new ApiFault(400, 110, "Invalid task status: expected=created or in_progress, status=" + task.status().wire()
                    + ", id=" + task.id);
        }
    }

    private ObjectNode getHyperParams(Call call) {
        var answer = Json.object();
        var rows = answer.putArray("params");
        for (var id : call.texts("tasks")) {
            var row = rows.addObject().put("task", id);
            var items = row.putArray("hyperparams");
            tasks.require(id, call.caller()).document.path("hyperparams").forEach(section -> section.forEach(items::add));
        }
        return answer;
    }

    private ObjectNode editHyperParams(Call call) {
        var task = tasks.task(call);
        var items = items(call, "hyperparams");
        // User properties may be written at any time; the parameters that the task runs with may not.
        for (var item : items) {
            if (!item.path("section").asText().equals("properties")) {
                requireRunningEditable(task, call);
            }
        }
        var stored = Json.child(task.document, "hyperparams");
        var replace = call.optionalText("replace_hyperparams").orElse("none");
        if (replace.equals("all")) {
            stored.removeAll();
        } else if (replace.equals("section")) {
            items.forEach(item -> stored.remove(item.path("section").asText()));
        }
        for (var item : items) {
            var kept = ((ObjectNode) item).deepCopy();
            Json.child(stored, item.path("section").asText()).set(item.path("name").asText(), kept);
        }
        tasks.touched(task);
        return Json.object().put("updated", 1);
    }

    private ObjectNode deleteHyperParams(Call call) {
        var task = tasks.task(call);
        var stored = Json.child(task.document, "hyperparams");
        for (var key : items(call, "hyperparams")) {
            if (key.path("name").asText("").isEmpty()) {
                stored.remove(key.path("section").asText());
            } else if (stored.get(key.path("section").asText()) instanceof ObjectNode section) {
                section.remove(key.path("name").asText());
            }
        }
        tasks.touched(task);
        return Json.object().put("deleted", 1);
    }

    private static ArrayNode items(Call call, String field) {
        if (!(call.get(field) instanceof ArrayNode items)) {
            throw call.has(field) ? ApiFault.invalid(field, "expected a list of objects") : ApiFault.missing(field);
        }
        for (var item : items) {
            if (!item.isObject()) {
                throw ApiFault.invalid(field, "expected a list of objects");
            }
        }
        return items;
    }

    private ObjectNode getConfigurations(Call call) {
        var names = new HashSet<>(call.texts("names"));
        var answer = Json.object();
        var rows = answer.putArray("configurations");
        for (var id : call.texts("tasks")) {
            var row = rows.addObject().put("task", id);
            var items = row.putArray("configuration");
            tasks.require(id, call.caller()).document.path("configuration").properties().forEach(item -> {
                if (names.isEmpty() || names.contains(item.getKey())) {
                    items.add(item.getValue());
                }
            });
        }
        return answer;
    }

    private ObjectNode editConfiguration(Call call) {
        var task = tasks.task(call);
        var stored = Json.child(task.document, "configuration");
        if (call.flag("replace_configuration")) {
            stored.removeAll();
        }
        items(call, "configuration").forEach(item -> stored.set(item.path("name").asText(), item.deepCopy()));
        tasks.touched(task);
        return Json.object().put("updated", 1);
    }

    private ObjectNode deleteConfiguration(Call call) {
        var task = tasks.task(call);
        Json.child(task.document, "configuration").remove(call.texts("configuration"));
        tasks.touched(task);
        return Json.object().put("deleted", 1);
    }

    private ObjectNode addArtifacts(Call call) {
        var task = tasks.task(call);
        var execution = Json.child(task.document, "execution");
        var artifacts = execution.get("artifacts") instanceof ArrayNode list ? list : execution.putArray("artifacts");
        for (var artifact : items(call, "artifacts")) {
            for (int i = artifacts.size() - 1; i >= 0; i--) {
                if (artifacts.get(i).path("key").equals(artifact.path("key"))) {
                    artifacts.remove(i);
                }
            }
            artifacts.add(artifact.deepCopy());
        }
        tasks.touched(task);
        return Json.object().put("updated", 1);
    }
}
