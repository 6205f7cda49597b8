package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** The projects endpoints, as far as making and finding tasks needs them. A name with slashes makes its parents too. */
final class Projects {

    private static final Set<String> LIST_FIELDS = Set.of("id", "tags", "system_tags", "user");

    private final Map<String, ObjectNode> projects = new LinkedHashMap<>();
    private final Clock clock;
    private final Listing listing;

    Projects(Clock clock, Listing listing) {
        this.clock = clock;
        this.listing = listing;
    }

    void register(Map<String, Endpoint> endpoints) {
        endpoints.put("projects.get_all", Endpoint.since("2.13", this::getAll));
        endpoints.put("projects.get_all_ex", Endpoint.since("2.17", this::getAll));
        endpoints.put("projects.get_by_id", Endpoint.since("2.13", call -> {
            var answer = Json.object();
            answer.set("project", require(call.text("project"), call.caller()));
            return answer;
        }));
        endpoints.put("projects.create", Endpoint.since("2.13", call -> Json.object().put("id", create(call))));
        endpoints.put("projects.update", Endpoint.since("2.13", this::update));
        endpoints.put("projects.delete", Endpoint.since("2.13", call -> {
            require(call.text("project"), call.caller());
            projects.remove(call.text("project"));
            return Json.object().put("deleted", 1);
        }));
    }

    /** The project's name; empty for an id that nothing has. */
    String nameOf(String id) {
        return projects.containsKey(id) ? projects.get(id).path("name").asText() : "";
    }

    ObjectNode require(String id, Identity caller) {
        var project = projects.get(id);
        if (project == null || !project.path("company").asText().equals(caller.company())) {
            throw new ApiFault(400, 401, "Invalid project id: id=" + id);
        }
        return project;
    }

    private Stream<ObjectNode> of(Identity caller) {
        return projects.values().stream().filter(project -> project.path("company").asText().equals(caller.company()));
    }

    private ObjectNode getAll(Call call) {
        return listing.page(call, "projects", of(call.caller()).filter(Listing.filter(call, LIST_FIELDS)), project -> project);
    }

    private String create(Call call) {
        var name = call.text("name");
        if (name.length() < 3) {
            throw ApiFault.invalid("name", "must have at least 3 characters");
        }
        if (byName(name, call.caller()) != null) {
            throw new ApiFault(400, 801, "Value combination already exists (unique field already contains this value): name=" + name);
        }
        return add(name, call);
    }

    private ObjectNode byName(String name, Identity caller) {
        return of(caller).filter(project -> project.path("name").asText().equals(name)).findFirst().orElse(null);
    }

    private String add(String name, Call call) {
        int slash = name.lastIndexOf('/');
        if (slash > 0 && byName(name.substring(0, slash), call.caller()) == null) {
            add(name.substring(0, slash), call);
        }
        var id = Logins.newId();
        var now = Json.time(clock.instant());
        var project = Json.object();
        project.put("id", id);
        project.put("name", name);
        project.put("basename", name.substring(slash + 1));
        project.put("description", call.optionalText("description").orElse(""));
        project.put("user", call.caller().user());
        project.put("company", call.caller().company());
        project.put("created", now);
        project.put("last_update", now);
        project.set("tags", Json.array(call.texts("tags")));
        project.set("system_tags", Json.array(call.texts("system_tags")));
        project.put("default_output_destination", call.optionalText("default_output_destination").orElse(null));
        projects.put(id, project);
        return id;
    }

    private ObjectNode update(Call call) {
        var project = require(call.text("project"), call.caller());
        var fields = Json.object();
        for (var field : List.of("name", "description", "default_output_destination")) {
            call.optionalText(field).ifPresent(value -> fields.put(field, value));
        }
        for (var field : List.of("tags", "system_tags")) {
            if (call.has(field)) {
                fields.set(field, Json.array(call.texts(field)));
            }
        }
        project.setAll(fields);
        project.put("last_update", Json.time(clock.instant()));
        var answer = Json.object().put("updated", 1);
        answer.set("fields", fields);
        return answer;
    }
}
