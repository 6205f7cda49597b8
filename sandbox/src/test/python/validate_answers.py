"""Validates every answer of a ClearML server against the response schemas that ClearML's own SDK ships.

Usage: validate_answers.py URL ACCESS_KEY SECRET_KEY. The schemas are closed first: a property that they don't list is an
error, and so is the absence of a field that callers rely on. Exits non-zero at the first answer that doesn't conform.
"""
import base64
import copy
import glob
import importlib
import inspect
import json
import os
import sys
import time
import urllib.error
import urllib.request

import jsonschema

import clearml.backend_api.services as services

URL, ACCESS_KEY, SECRET_KEY = sys.argv[1:4]
SERVICES = ("auth", "queues", "workers", "tasks", "events", "projects")

# What a server of API 2.34 answers beyond the SDK's newest schema, which is older.
NEWER = {
    "queues": {"queue": {"display_name": {"type": "string"}, "last_update": {"type": "string", "format": "date-time"}}},
    "workers": {"worker": {"register_timeout": {"type": "integer"}}, "queue_entry": {"display_name": {"type": "string"}}},
    "projects": {"projects_get_all_response_single": {}},
}
# Endpoints that the SDK has no class for; their answers are small enough to state here.
UNKNOWN_TO_THE_SDK = {
    "queues.clear_queue": {"type": "object", "properties": {"removed_tasks": {"type": "array", "items": {"type": "string"}}}},
    "workers.get_count": {"type": "object", "properties": {"count": {"type": "integer"}}},
    "tasks.unarchive": {"type": "object", "properties": {"unarchived": {"type": "integer"}}},
    "tasks.edit_runtime": {"type": "object", "properties": {"updated": {"type": "integer", "enum": [0, 1]}}},
}
# Answers that say nothing but that all went well.
EMPTY = {"workers.register", "workers.unregister", "workers.status_report", "tasks.ping", "tasks.validate"}

QUEUE = ["id", "name", "display_name", "company", "created", "tags", "system_tags", "entries", "last_update", "metadata"]
QUEUE_ENTRY = ["id", "name", "display_name", "num_tasks", "next_task.id", "next_task.name"]
WORKER = ["key", "id", "user.id", "user.name", "company.id", "company.name", "ip", "task.id", "task.name", "task.running_time",
          "task.last_iteration", "project.id", "project.name", "register_time", "register_timeout", "last_activity_time",
          "last_report_time", "tags", "system_tags"]
WORKER += ["queue." + field for field in QUEUE_ENTRY] + ["queues[]." + field for field in QUEUE_ENTRY]
TASK = ["id", "name", "user", "company", "type", "status", "status_reason", "status_message", "status_changed", "created", "last_update",
        "last_change", "tags", "system_tags", "project", "execution", "script.binary", "script.repository", "script.entry_point",
        "script.diff", "script.requirements", "container", "runtime", "hyperparams", "last_iteration"]

# The fields that an answer must hold, by endpoint, as the server's documentation shows them.
REQUIRED = {
    "auth.login": ["token"],
    "queues.get_all": ["queues[]." + field for field in QUEUE] + ["queues[].entries[].task", "queues[].entries[].added"],
    "queues.get_by_id": ["queue." + field for field in QUEUE] + ["queue.entries[].task", "queue.entries[].added"],
    "queues.get_num_entries": ["num"],
    "queues.peek_task": ["task"],
    "queues.get_default": ["id", "name"],
    "queues.create": ["id"],
    "queues.get_next_task": ["entry.task", "entry.added", "task_info.company", "task_info.user"],
    "queues.add_task": ["added"],
    "queues.remove_task": ["removed"],
    "queues.clear_queue": ["removed_tasks"],
    "queues.delete": ["deleted"],
    "queues.move_task_to_front": ["position"],
    "queues.move_task_to_back": ["position"],
    "queues.move_task_forward": ["position"],
    "queues.move_task_backward": ["position"],
    "queues.get_queue_metrics": ["queues[].queue", "queues[].dates", "queues[].avg_waiting_times", "queues[].queue_lengths"],
    "queues.update": ["updated", "fields.tags"],
    "queues.add_or_update_metadata": ["updated"],
    "queues.delete_metadata": ["updated"],
    "workers.get_all": ["workers[]." + field for field in WORKER],
    "workers.get_count": ["count"],
    "workers.get_stats": ["workers[].worker", "workers[].metrics[].metric", "workers[].metrics[].dates",
                          "workers[].metrics[].stats[].aggregation", "workers[].metrics[].stats[].values"],
    "workers.get_activity_report": ["total.dates", "total.counts", "active.dates", "active.counts"],
    "workers.get_metric_keys": ["categories[].name", "categories[].metric_keys"],
    "tasks.create": ["id"],
    "tasks.clone": ["id"],
    "tasks.get_by_id": ["task." + field for field in TASK],
    "tasks.get_all": ["tasks[]." + field for field in TASK],
    "tasks.edit": ["updated", "fields.container", "fields.runtime"],
    "tasks.edit_runtime": ["updated"],
    "tasks.update": ["updated", "fields.status_message"],
    "tasks.edit_hyper_params": ["updated"],
    "tasks.get_hyper_params": ["params[].task", "params[].hyperparams[].section", "params[].hyperparams[].name",
                               "params[].hyperparams[].value"],
    "tasks.set_requirements": ["updated", "fields"],
    "tasks.enqueue": ["queued", "updated", "fields.status", "queue_watched"],
    "tasks.dequeue": ["dequeued", "updated"],
    "tasks.started": ["updated", "fields.status", "started"],
    "tasks.stopped": ["updated", "fields.status"],
    "tasks.failed": ["updated", "fields.status"],
    "tasks.completed": ["updated", "fields.status"],
    "tasks.stop": ["updated", "fields.status"],
    "tasks.reset": ["updated", "fields.status"],
    "tasks.close": ["updated", "fields.status"],
    "tasks.publish": ["updated", "fields.status"],
    "tasks.delete": ["deleted"],
    "tasks.enqueue_many": ["succeeded[].id", "failed[].id", "failed[].error.codes", "failed[].error.msg"],
    "tasks.dequeue_many": ["succeeded[].id", "failed"],
    "tasks.stop_many": ["succeeded[].id", "failed"],
    "tasks.reset_many": ["succeeded[].id", "failed"],
    "tasks.delete_many": ["succeeded[].id", "failed"],
    "tasks.publish_many": ["succeeded[].id", "failed"],
    "tasks.archive_many": ["succeeded[].id", "failed"],
    "tasks.unarchive_many": ["succeeded[].id", "failed"],
    "tasks.archive": ["archived"],
    "tasks.unarchive": ["unarchived"],
    "tasks.get_configurations": ["configurations[].task", "configurations[].configuration[].name"],
    "tasks.edit_configuration": ["updated"],
    "tasks.delete_configuration": ["deleted"],
    "tasks.delete_hyper_params": ["deleted"],
    "tasks.add_or_update_artifacts": ["updated"],
    "tasks.get_types": ["types"],
    "events.get_task_events": ["events[].msg", "returned", "total"],
    "projects.get_by_id": ["project.id", "project.name"],
    "projects.update": ["updated", "fields"],
    "projects.delete": ["deleted"],
    "events.add": ["added", "errors"],
    "events.add_batch": ["added", "errors"],
    "events.get_task_log": ["events[].msg", "returned", "total"],
    "projects.create": ["id"],
    "projects.get_all": ["projects[].id", "projects[].name"],
}


def response_schemas():
    """The newest response schema of each endpoint, by name, with the definitions that the SDK's version predates added."""
    found = {}
    folder = os.path.dirname(services.__file__)
    versions = sorted(glob.glob(os.path.join(folder, "v2_*")), key=lambda path: int(path.rsplit("_", 1)[1]))
    for version in (os.path.basename(path) for path in versions):
        for service in SERVICES:
            if not os.path.exists(os.path.join(folder, version, service + ".py")):
                continue
            module = importlib.import_module(services.__name__ + "." + version + "." + service)
            for _, kind in inspect.getmembers(module, inspect.isclass):
                if kind.__module__ == module.__name__ and kind.__name__.endswith("Response") and getattr(kind, "_action", None):
                    schema = copy.deepcopy(kind._schema)
                    for definition, properties in NEWER.get(service, {}).items():
                        if definition in schema.get("definitions", {}):
                            schema["definitions"][definition]["properties"].update(properties)
                    found[kind._service + "." + kind._action] = schema
    found.update(UNKNOWN_TO_THE_SDK)
    return found


def closed(schema):
    """The same schema with every object that lists its properties refusing others."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    lists_properties = isinstance(schema.get("properties"), dict) and isinstance(schema.get("type", "object"), (str, list))
    if lists_properties and "additionalProperties" not in schema:
        result["additionalProperties"] = False
    return result


def require(answer, path):
    """Fails unless the path leads to a value; ``a[].b`` asks it of every element, and that there is one."""
    head, _, rest = path.partition(".")
    each = head.endswith("[]")
    name = head[:-2] if each else head
    if not isinstance(answer, dict) or answer.get(name) is None:
        raise jsonschema.ValidationError("the required field %s is absent" % path)
    if each:
        if not answer[name]:
            raise jsonschema.ValidationError("the list %s is empty, so that nothing shows its fields" % path)
        for element in answer[name]:
            if rest:
                require(element, rest)
    elif rest:
        require(answer[name], rest)


SCHEMAS = response_schemas()
VALIDATORS = {name: jsonschema.Draft7Validator(closed(schema), format_checker=jsonschema.FormatChecker())
              for name, schema in SCHEMAS.items() if name in REQUIRED or name in EMPTY}
seen = {}


def validate(endpoint, answer, full=True):
    VALIDATORS[endpoint].validate(answer)
    for path in REQUIRED.get(endpoint, []) if full else []:
        require(answer, path)


def call(endpoint, request=None, full=True, lines=None, expect=200):
    """Calls, validates, counts. ``full`` is false where a field is rightly absent, such as the entry of an empty queue."""
    body = "\n".join(json.dumps(line) for line in lines) if lines else json.dumps(request or {})
    http = urllib.request.Request(URL + "/v2.34/" + endpoint, data=body.encode(), method="POST")
    http.add_header("Content-Type", "application/json-lines" if lines else "application/json")
    http.add_header("Authorization", "Basic " + base64.b64encode((ACCESS_KEY + ":" + SECRET_KEY).encode()).decode())
    try:
        envelope = json.load(urllib.request.urlopen(http))
    except urllib.error.HTTPError as error:
        envelope = json.load(error)
    meta = envelope["meta"]
    assert meta["result_code"] == expect, (endpoint, request, meta)
    assert sorted(meta) == ["endpoint", "error_data", "error_stack", "id", "result_code", "result_msg", "result_subcode", "trx"], meta
    assert sorted(meta["endpoint"]) == ["actual_version", "name", "requested_version"], meta
    if expect == 200:
        try:
            validate(endpoint, envelope["data"], full)
        except jsonschema.ValidationError as error:
            sys.exit("%s does not conform: %s at %s\n%s" % (
                endpoint, error.message, "/".join(map(str, error.absolute_path)), json.dumps(envelope["data"], indent=1)[:4000]))
        seen.setdefault(endpoint, 0)
        seen[endpoint] += 1 if full else 0
    return envelope["data"]


def new_task(name, **fields):
    return call("tasks.create", dict({"name": name, "type": "training", "project": project, "hyperparams": {
        "General": {"seconds": {"section": "General", "name": "seconds", "value": "1"}}}}, **fields))["id"]


# An empty object must not pass: otherwise this program would accept a server that answers nothing.
for endpoint in sorted(REQUIRED):
    try:
        validate(endpoint, {})
    except jsonschema.ValidationError:
        continue
    sys.exit("{} passes for %s, so the schemas prove nothing" % endpoint)
# Neither must a property that the schemas don't list.
try:
    validate("queues.get_all", {"queues": [{"id": "q", "surprise": 1}]}, full=False)
    sys.exit("an unlisted property passes, so the schemas prove nothing")
except jsonschema.ValidationError:
    pass

call("auth.login")
project = call("projects.create", {"name": "validated", "description": "answers"})["id"]
call("projects.get_all", {"id": [project], "only_fields": ["id", "name"]})

queue = call("queues.create", {"name": "validated", "tags": ["a"], "metadata": [{"key": "k", "type": "str", "value": "v"}]})["id"]
other = call("queues.create", {"name": "validated too"})["id"]
call("queues.get_default")
call("queues.update", {"queue": queue, "tags": ["force_workers:off"]})
call("queues.add_or_update_metadata", {"queue": queue, "metadata": [{"key": "k2", "type": "str", "value": "v"}]})
call("queues.delete_metadata", {"queue": queue, "keys": ["k2"]})
call("queues.get_next_task", {"queue": queue}, full=False)
call("queues.get_by_id", {"queue": queue}, full=False)

tasks = [new_task("task %d" % i) for i in range(6)]
call("tasks.validate", {"name": "abc", "type": "training"})
call("tasks.edit", {"task": tasks[0], "container": {"image": "ubuntu", "arguments": "--ipc=host", "setup_shell_script": "true"}, "runtime": {"a": "b"}})
call("tasks.edit_runtime", {"task": tasks[0], "add_or_update": {"c": "d"}, "remove": ["a"]})
call("tasks.edit_hyper_params", {"task": tasks[0], "hyperparams": [{"section": "properties", "name": "p", "value": "v"}]})
call("tasks.get_hyper_params", {"tasks": [tasks[0]]})
call("tasks.set_requirements", {"task": tasks[0], "requirements": {"pip": "six"}})
call("tasks.update", {"task": tasks[0], "status_message": "hello", "tags": ["t"]})
call("workers.register", {"worker": "p:r:t:i-1", "queues": [queue, other], "timeout": 600, "tags": ["x"], "system_tags": []})
for task in tasks[:4]:
    call("tasks.enqueue", {"task": task, "queue": queue, "verify_watched_queue": True})
call("tasks.enqueue", {"task": tasks[4], "queue_name": "validated too", "verify_watched_queue": True})
call("queues.get_all", {"id": [queue]})
call("queues.get_all", {"name": "^validated$", "page": 0, "page_size": 10})
call("queues.get_all", {"id": [queue], "size": 1})
call("queues.get_by_id", {"queue": queue})
call("queues.get_num_entries", {"queue": queue})
call("queues.peek_task", {"queue": queue})
for move in ("to_front", "to_back", "forward", "backward"):
    call("queues.move_task_" + move, {"queue": queue, "task": tasks[1]})
call("queues.move_task_to_back", {"queue": queue, "task": tasks[1]})
call("queues.remove_task", {"queue": queue, "task": tasks[3]})
call("queues.add_task", {"queue": queue, "task": tasks[3]})
call("queues.get_queue_metrics", {"queue_ids": [queue], "from_date": int(time.time()) - 60, "to_date": int(time.time()) + 60, "interval": 10})

first = call("queues.get_next_task", {"queue": queue, "get_task_info": True})["entry"]["task"]
call("tasks.started", {"task": first, "status_reason": "pulled by agent"})
call("workers.status_report", {"worker": "p:r:t:i-1", "timestamp": int(time.time() * 1000), "task": first, "queue": queue,
                               "queues": [queue, other], "machine_stats": {"cpu_usage": [1.0, 2.0], "memory_used": 3}})
call("workers.get_all", {"last_seen": 600, "worker_pattern": "p:*"})
call("workers.get_count", {"last_seen": 600})
window = {"from_date": int(time.time()) - 60, "to_date": int(time.time()) + 60, "interval": 10}
call("workers.get_stats", dict(window, worker_ids=["p:r:t:i-1"], items=[{"key": "cpu_usage", "aggregation": "avg"}]))
call("workers.get_activity_report", window)
call("workers.get_metric_keys", {"worker_ids": []})
call("tasks.ping", {"task": first})
call("events.add", {"type": "log", "task": first, "level": "INFO", "worker": "w", "msg": "one", "timestamp": int(time.time() * 1000)})
call("events.add_batch", lines=[{"type": "log", "task": first, "level": "INFO", "worker": "w", "msg": "two"}] * 2)
call("events.get_task_log", {"task": first})
call("tasks.get_by_id", {"task": first})
call("tasks.get_all", {"status": ["in_progress"], "execution.queue": [queue]})
call("tasks.get_all", {"status": ["in_progress"], "only_fields": ["id", "last_worker"]}, full=False)
call("tasks.stop", {"task": first, "status_reason": "asked"})
call("tasks.stopped", {"task": first, "force": True})
call("tasks.enqueue", {"task": first, "queue": queue, "verify_watched_queue": True})
call("tasks.dequeue", {"task": first, "status_reason": "changed my mind"})
call("tasks.stop", {"task": tasks[1]})
for task, end in ((tasks[2], "completed"), (tasks[3], "failed"), (tasks[4], "completed")):
    call("tasks.started", {"task": task})
    call("tasks." + end, {"task": task, "status_reason": end})
    call("tasks.get_by_id", {"task": task})
call("tasks.publish", {"task": tasks[2]})
call("tasks.reset", {"task": tasks[3], "force": True, "clear_all": False})
call("tasks.close", {"task": tasks[4], "force": True})
call("tasks.edit_configuration", {"task": tasks[4], "configuration": [{"name": "c", "type": "json", "value": "{}"}], "force": True})
call("tasks.get_configurations", {"tasks": [tasks[4]]})
call("tasks.delete_configuration", {"task": tasks[4], "configuration": ["c"], "force": True})
call("tasks.delete_hyper_params", {"task": tasks[4], "hyperparams": [{"section": "General", "name": "seconds"}], "force": True})
call("tasks.add_or_update_artifacts", {"task": tasks[4], "artifacts": [{"key": "a", "type": "s", "uri": "http://localhost/a"}], "force": True})
call("tasks.get_by_id", {"task": tasks[4]})
call("tasks.get_types")
call("events.get_task_events", {"task": first, "event_type": "log"})
call("tasks.archive", {"tasks": [tasks[4]]})
call("tasks.unarchive", {"tasks": [tasks[4]]})
call("tasks.archive_many", {"ids": [tasks[4]]})
call("tasks.unarchive_many", {"ids": [tasks[4]]})
call("tasks.publish_many", {"ids": [tasks[4]], "force": True})
call("tasks.clone", {"task": tasks[4], "new_task_name": "a clone"})
call("tasks.enqueue_many", {"ids": [tasks[3], tasks[5], "nothing"], "queue": other})
call("tasks.dequeue_many", {"ids": [tasks[3]]})
call("tasks.stop_many", {"ids": [tasks[5]], "force": True})
call("tasks.reset_many", {"ids": [tasks[5]]})
call("tasks.delete_many", {"ids": [tasks[5]]})
call("tasks.delete", {"task": tasks[3], "force": True})
call("queues.add_task", {"queue": queue, "task": tasks[0]})
call("queues.clear_queue", {"queue": queue})
call("queues.delete", {"queue": other, "force": True})
call("workers.unregister", {"worker": "p:r:t:i-1"})

call("projects.get_all", {})
call("projects.get_by_id", {"project": project})
call("projects.update", {"project": project, "description": "still answers"})
call("projects.delete", {"project": project, "force": True})

call("queues.get_by_id", {"queue": "nothing"}, expect=400)
call("tasks.get_by_id", {"task": "nothing"}, expect=400)

unseen = sorted(name for name in REQUIRED if not seen.get(name))
if unseen:
    sys.exit("no full answer of these was seen: " + ", ".join(unseen))
print("answers of %d endpoints conform" % len(seen))
