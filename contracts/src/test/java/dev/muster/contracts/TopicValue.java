package dev.muster.contracts;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.Command;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.HistoryRow;
import dev.muster.v1.LogLevel;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.Request;
import dev.muster.v1.ServiceReported;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What one topic holds, in words that only people need: docs/events.md and docs/asyncapi.yaml are made of it.
 *
 * @param topic its name without a prefix
 * @param title in a few words
 * @param key of its records, as people write it
 * @param value null: bytes as they came
 * @param examples one of each case of the value's oneof, or one, in Protobuf's JSON
 */
record TopicValue(String topic, String title, String key, Descriptor value, List<String> examples) {

    private static final JsonFormat.TypeRegistry TYPES = JsonFormat.TypeRegistry.getEmptyTypeRegistry();

    /** By name of the case, or of the message where there are none; parsed, so that what is no such message is no example. */
    Map<String, Message> examplesByCase() {
        var byCase = new LinkedHashMap<String, Message>();
        for (var example : examples) {
            var message = DynamicMessage.newBuilder(value);
            try {
                JsonFormat.parser().usingTypeRegistry(TYPES).merge(example, message);
            } catch (InvalidProtocolBufferException wrong) {
                throw new IllegalArgumentException(topic + ": " + wrong.getMessage() + " in " + example, wrong);
            }
            byCase.put(CloudEvents.type(message.build()), message.build());
        }
        return byCase;
    }

    /** Of the envelope; empty: the value is one message. */
    List<FieldDescriptor> cases() {
        return value == null ? List.of() : value.getRealOneofs().stream().flatMap(oneof -> oneof.getFields().stream()).toList();
    }

    String type(FieldDescriptor of) {
        return value.getFullName() + "/" + of.getName();
    }

    static Optional<TopicValue> of(String topic) {
        return ALL.stream().filter(value -> value.topic().equals(topic)).findFirst();
    }

    private static final String OFFER = """
            {"provider": "aws", "account": "default", "region": "us-east-1", "zone": "us-east-1a", "machineType": "g4dn.xlarge", "market": "SPOT"}""";
    private static final String SEEN = """
            {"source": "aws-provisioner/host-1", "generation": "1777885200000", "sequence": "812", "readStartedAt": "2026-05-04T10:00:01Z", "part": 1, "parts": 1}""";
    private static final String LOOK = """
            {"source": "queue-watcher/host-1", "generation": "1777885200000", "sequence": "4711", "readStartedAt": "2026-05-04T10:00:00Z", "part": 1, "parts": 1}""";
    private static final String SPEC = """
            {"name": "train", "connection": "default", "currency": "USD", "workersPrefix": "lab-train", "queues": [{"name": "gpu", "pools": ["t4"]}],
             "pools": [{"name": "t4", "offers": [{"key": %s, "priceCeilingMicrosPerHour": "300000"}], "limits": {"max": 4}}]}""".formatted(OFFER);
    private static final String RECORD = """
            {"fleet": "train", "incarnation": "k3v9q2xa", "version": "3", "state": "ACTIVE", "spec": %s, "scopes": ["aws/default/us-east-1"],
             "createdAt": "2026-05-04T09:00:00Z", "changedAt": "2026-05-04T09:30:00Z", "changedBy": "oidc:ann@example.org"}""".formatted(SPEC);
    private static final String MACHINE = """
            {"machineId": "mk3v9q2xa-17", "pool": "t4", "cloudId": "i-0a1b2c3d4e5f60718", "batchId": "mk3v9q2xa-17", "offer": %s, "state": "RUNNING_STATE",
             "launchedAt": "2026-05-04T10:00:02Z", "mark": "NO_MARK", "keepUntil": "2026-05-04T12:00:00Z", "markCluster": "MkU3OEVBNTcwNTJENDM2Qg"}""".formatted(OFFER);

    private static String request(String what) {
        return """
                {"requestId": "0b6e2b0c-6c7c-4d43-9a39-6b7f0e7b6a11", "fleet": "train", "caller": "oidc:ann@example.org", "role": "admin", %s}""".formatted(what);
    }

    private static String demand(String what) {
        return "{\"fleet\": \"train\", \"seen\": " + LOOK + ", " + what + "}";
    }

    private static String report(String what) {
        return "{\"fleet\": \"train\", \"scope\": \"aws/default/us-east-1\", \"seen\": " + SEEN + ", " + what + "}";
    }

    private static String command(String what) {
        return """
                {"commandId": "k3v9q2xa-120-1", "fleet": "train", "scope": "aws/default/us-east-1", "decisionId": "k3v9q2xa-120-1", "issuedAt": "2026-05-04T10:00:01Z", %s}""".formatted(what);
    }

    private static String clearml(String what) {
        return """
                {"commandId": "k3v9q2xa-131-2", "connection": "default", "fleet": "train", "decisionId": "k3v9q2xa-131-2", "issuedAt": "2026-05-04T10:20:00Z", %s}""".formatted(what);
    }

    private static String decision(String what) {
        return """
                {"decisionId": "k3v9q2xa-120-1", "fleet": "train", "at": "2026-05-04T10:00:01Z", "plan": "120", %s}""".formatted(what);
    }

    private static final String INPUTS = """
            "inputs": [{"topic": "muster.demand", "partition": 7, "nextOffset": "90210"}, {"topic": "muster.machine-reports", "partition": 7, "nextOffset": "5112"}]""";
    private static final String TO_MACHINE = """
            {"machineId": "mk3v9q2xa-17", "cloudId": "i-0a1b2c3d4e5f60718", "ordinal": "2"}""";
    private static final String CHECKED = """
            {"requestId": "7d5c", "subject": "default", "items": [{"name": "reads queues", "ok": true, "detail": "12 queues"}]}""";

    private static TopicValue commands(String provider) {
        return new TopicValue("commands." + provider, "Orders to the provisioner of one cloud", "scope: `<provider>/<account>/<region>`", Command.getDescriptor(), List.of(
                command("""
                        "launch": {"batchId": "mk3v9q2xa-17", "machineIds": ["mk3v9q2xa-17", "mk3v9q2xa-18"], "pool": "t4", "offer": %s, "maxPriceMicrosPerHour": "300000",
                         "expiresAt": "2026-05-04T10:02:01Z", "workerPrefix": "lab-train:t4:g4dn.xlarge", "queue": "gpu", "queueId": "8f3a",
                         "parameters": {"boot": {"environment": {"HF_TOKEN": {"secretRef": "hf-token"}}}}}""".formatted(OFFER)),
                command("\"drain\": {\"machineId\": \"mk3v9q2xa-17\", \"cloudId\": \"i-0a1b2c3d4e5f60718\", \"ordinal\": \"2\", \"mode\": \"WHEN_IDLE\"}"),
                command("\"cancelDrain\": " + TO_MACHINE), command("\"release\": " + TO_MACHINE),
                command("\"terminate\": {\"machineId\": \"mk3v9q2xa-17\", \"cloudId\": \"i-0a1b2c3d4e5f60718\", \"ordinal\": \"3\", \"cause\": \"IDLE_TOO_LONG\"}"),
                command("\"adopt\": {\"machineId\": \"a-i-0a1b2c3d4e5f60718\", \"cloudId\": \"i-0a1b2c3d4e5f60718\", \"pool\": \"t4\", \"ordinal\": \"1\"}"),
                command("\"fetchConsole\": " + TO_MACHINE)));
    }

    static final List<TopicValue> ALL = List.of(
            new TopicValue("requests", "Every write of the control API", "fleet", Request.getDescriptor(), List.of(
                    request("\"apply\": {\"spec\": %s, \"expectedVersion\": \"2\", \"newIncarnation\": \"w7d2m5qe\"}".formatted(SPEC)),
                    request("\"delete\": {\"expectedVersion\": \"3\", \"action\": \"IDLE\"}"), request("\"setPaused\": {\"pool\": \"t4\", \"paused\": true}"),
                    request("\"machines\": {\"machineIds\": [\"mk3v9q2xa-17\"], \"verb\": \"DRAIN_MACHINE\"}"),
                    request("\"restoreLedger\": {\"dayMicros\": \"120000000\", \"monthMicros\": \"900000000\"}"), request("\"releaseIdle\": {\"pool\": \"t4\"}"),
                    request("\"adopt\": {\"workerPrefix\": \"dynamic_aws\"}"), request("\"takeOver\": {\"cluster\": \"q1Sh9kTzSLOmUQ7Cj3Wm1A\"}"))),
            new TopicValue("demand", "What waits and who works, as ClearML shows it", "fleet, or `~<connection>` of a check", DemandEvent.getDescriptor(), List.of(
                    demand("""
                            "demandObserved": {"tick": "4711", "interval": "1s", "full": true, "queues": [{"id": "8f3a", "name": "gpu", "state": "SERVED", "waiting": 2,
                             "oldest": "2026-05-04T09:58:00Z", "first": [{"task": "c0ffee01", "added": "2026-05-04T09:58:00Z"}, {"task": "c0ffee02", "added": "2026-05-04T09:59:00Z"}]}],
                             "workers": [{"worker": "lab-train:t4:g4dn.xlarge:i-0a1b2c3d4e5f60718", "user": "u1", "task": "c0ffee00", "queueIds": ["8f3a"]}]}"""),
                    demand("\"readFailed\": {\"kind\": \"UNREACHABLE\", \"call\": \"queues.get_all_ex\", \"detail\": \"connection refused\", \"consecutive\": 3}"),
                    demand("""
                            "tasksObserved": {"tasks": [{"task": "c0ffee01", "queue": "8f3a", "lastWorker": "lab-train:t4:g4dn.xlarge:i-0a1b2c3d4e5f60718", "project": "p1", "user": "u1",
                             "status": "IN_PROGRESS", "started": "2026-05-04T10:03:10Z"}]}"""),
                    demand("\"taskRescued\": {\"task\": \"c0ffee01\", \"attempt\": 1, \"outcome\": \"RESCUED\", \"status\": \"QUEUED\"}"), demand("\"checkAnswered\": " + CHECKED))),
            new TopicValue("machine-reports", "What the clouds have, and how they answered", "fleet", MachineReport.getDescriptor(), List.of(
                    report("\"machine\": " + MACHINE),
                    report("""
                            "launchRefused": {"batchId": "mk3v9q2xa-19", "machineIds": ["mk3v9q2xa-19"], "kind": "OUT_OF_CAPACITY", "code": "InsufficientInstanceCapacity",
                             "message": "We currently do not have sufficient capacity in the Availability Zone you requested.", "offer": %s}""".formatted(OFFER)),
                    report("\"commandAnswered\": {\"machineId\": \"mk3v9q2xa-17\", \"ordinal\": \"2\", \"verb\": \"drain\", \"done\": true}"),
                    report("\"inventory\": {\"listStartedAt\": \"2026-05-04T10:00:01Z\", \"scopeState\": \"LISTED_ALL\", \"machines\": [%s]}".formatted(MACHINE)),
                    report("""
                            "prices": {"prices": [{"offer": %s, "microsPerHour": "157800", "currency": "USD", "asOf": "2026-05-04T09:55:00Z", "source": "ec2:DescribeSpotPriceHistory"}],
                             "facts": [{"machineType": "g4dn.xlarge", "vcpus": 4, "memoryMib": "16384", "gpus": 1, "gpuModel": "T4", "architecture": "x86_64", "liveMarks": true}]}""".formatted(OFFER)),
                    report("\"checkAnswered\": " + CHECKED), report("\"launchAccepted\": {\"batchId\": \"mk3v9q2xa-17\", \"machines\": [%s]}".formatted(MACHINE)))),
            new TopicValue("fleets", "The accepted truth about each fleet", "fleet", FleetRecord.getDescriptor(), List.of(RECORD)),
            new TopicValue("fleet-versions", "Accepted versions of fleets, the newest 50 of each", "`<fleet>/<version>`", FleetRecord.getDescriptor(), List.of(RECORD)),
            new TopicValue("machines", "The planner's view of each machine", "`<fleet>/<machine>`", MachineRecord.getDescriptor(), List.of("""
                    {"machineId": "mk3v9q2xa-17", "fleet": "train", "incarnation": "k3v9q2xa", "pool": "t4", "scope": "aws/default/us-east-1", "batchId": "mk3v9q2xa-17",
                     "cloudId": "i-0a1b2c3d4e5f60718", "offer": %s, "committedMicrosPerHour": "300000", "phase": "READY", "counted": true, "guarded": true,
                     "workerIds": ["lab-train:t4:g4dn.xlarge:i-0a1b2c3d4e5f60718"], "tasks": ["c0ffee00"], "decisionId": "k3v9q2xa-120-1", "mark": "NO_MARK", "seenMark": "NO_MARK",
                     "requestedAt": "2026-05-04T10:00:01Z", "acceptedAt": "2026-05-04T10:00:02Z", "bootedAt": "2026-05-04T10:00:20Z", "readyAt": "2026-05-04T10:02:40Z",
                     "cloudState": "RUNNING_STATE", "queueIds": ["8f3a"], "queue": "gpu"}""".formatted(OFFER))),
            commands("aws"), commands("gcp"), commands("k8s"),
            new TopicValue("commands.clearml", "Orders to the watcher of one ClearML", "connection", ClearmlCommand.getDescriptor(), List.of(
                    clearml("""
                            "rescue": {"task": "c0ffee01", "queue": "8f3a", "machineId": "mk3v9q2xa-17", "worker": "lab-train:t4:g4dn.xlarge:i-0a1b2c3d4e5f60718",
                             "expectedStatus": "IN_PROGRESS", "attempt": 1, "logLine": "Put back by Muster: its machine was interrupted.", "optOutTag": "muster-no-rescue"}"""),
                    clearml("\"unregister\": {\"worker\": \"lab-train:t4:g4dn.xlarge:i-0a1b2c3d4e5f60718\", \"machineId\": \"mk3v9q2xa-17\"}"))),
            new TopicValue("decisions", "What the planner did, what it refused, and why; answers and audit", "fleet", DecisionEvent.getDescriptor(), List.of(
                    decision("\"planMade\": {\"now\": \"2026-05-04T10:00:01Z\", %s, \"specVersion\": \"3\", \"coreVersion\": \"0.1.0\", \"nextMachine\": \"19\"}".formatted(INPUTS)),
                    decision("""
                            "decision": {"rule": "WantEnoughForDemand", "reason": "TASKS_WAIT", "pool": "t4", "queue": "gpu", "machineIds": ["mk3v9q2xa-17", "mk3v9q2xa-18"],
                             "numbers": {"waiting": "2", "supply": "0", "launched": "2"}, "text": "2 tasks wait in gpu, and nothing booting or idle will take them: launches 2 in t4."}"""),
                    decision("""
                            "refusal": {"rule": "StayWithinLimits", "reason": "AT_POOL_LIMIT", "queue": "gpu", "pool": "t4", "waiting": 3, "since": "2026-05-04T10:05:00Z",
                             "numbers": {"limit": "4"}, "unblockedBy": "a machine of t4 that goes, or a higher max", "text": "3 wait in gpu; t4 at its limit 4."}"""),
                    decision("\"requestAnswered\": {\"requestId\": \"0b6e2b0c-6c7c-4d43-9a39-6b7f0e7b6a11\", \"code\": \"ACCEPTED\", \"version\": \"3\"}"),
                    decision("\"audit\": {\"requestId\": \"0b6e2b0c-6c7c-4d43-9a39-6b7f0e7b6a11\", \"caller\": \"oidc:ann@example.org\", \"what\": \"change\", \"role\": \"admin\", \"after\": %s}".formatted(SPEC)),
                    decision("\"loaded\": {\"owner\": \"/muster/planner/0\", \"coreVersion\": \"0.1.0\", \"stateVersion\": 7}, " + INPUTS),
                    decision("\"snapshot\": {\"part\": 1, \"parts\": 1, %s, \"stateVersion\": 7, \"coreVersion\": \"0.1.0\", \"cause\": \"DAY_PASSED\", \"state\": \"CgV0cmFpbg==\"}".formatted(INPUTS)),
                    decision("\"forgotten\": {}, " + INPUTS))),
            new TopicValue("history", "Rows a minute, then an hour: demand, machines, waits, money", "`<fleet>/<series>`", HistoryRow.getDescriptor(), List.of("""
                    {"fleet": "train", "series": "minute", "start": "2026-05-04T10:00:00Z", "length": "60s", "labels": {"pool": "t4"}, "waiting": 2, "running": 1,
                     "machines": {"READY": 1, "BOOTING": 2}, "paidMs": {"useful": "60000", "boot": "118000"}, "spentMicros": "14800", "complete": true}""")),
            new TopicValue("services", "Who runs, and how each finds its accounts and connections", "`<service>/<instance>`", ServiceReported.getDescriptor(), List.of("""
                    {"service": "aws-provisioner", "instance": "host-1", "version": "0.1.0", "ready": true, "accounts": [{"name": "default", "ok": true}],
                     "owned": ["aws/default/us-east-1"], "skew": "0.004s", "at": "2026-05-04T10:00:00Z", "secrets": [{"name": "hf-token", "ok": true}]}""")),
            new TopicValue("consoles", "What machines have written to their consoles", "`<fleet>/<machine>`", ConsoleReported.getDescriptor(), List.of("""
                    {"machineId": "mk3v9q2xa-17", "capturedAt": "2026-05-04T11:00:00Z", "text": "muster: agent 1 of 1 is up\\nmuster: drained, powering off\\n"}""")),
            new TopicValue("log-levels", "Levels of logs that are set for a while", "`<service>/<category>`", LogLevel.getDescriptor(), List.of("""
                    {"service": "planner", "category": "dev.muster", "level": "DEBUG", "until": "2026-05-04T11:00:00Z", "caller": "oidc:ann@example.org"}""")),
            new TopicValue("dead-letters", "Records that could not be read, as they came", "as it came", null, List.of()));
}
