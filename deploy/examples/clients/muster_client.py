#!/usr/bin/env python3
"""Muster's API from Python, without generated code: lists fleets, applies the one in a file, watches machines.

    pip install grpcio grpcio-reflection
    python3 muster_client.py [FLEET.json]

MUSTER_SERVER is host:port, MUSTER_TOKEN says who calls, MUSTER_CA is the authority of the server's certificate. The file is a FleetSpec in
Protobuf's JSON.
"""
import json, os, sys, uuid
import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class Caller(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Says who calls, with every call, reflection among them."""

    def intercept_unary_unary(self, proceed, call, request):
        token = os.environ.get("MUSTER_TOKEN")
        return proceed(call._replace(metadata=[("authorization", "Bearer " + token)]) if token else call, request)

    intercept_unary_stream = intercept_stream_stream = intercept_unary_unary


# A connection may end before its call is answered, as when a planner is replaced: asked again, and a write with the same request id is one write.
again = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.2s", "maxBackoff": "5s",
                                                                    "backoffMultiplier": 3, "retryableStatusCodes": ["UNAVAILABLE"]}}]})
options = [("grpc.service_config", again)]
server, ca = os.environ.get("MUSTER_SERVER", "localhost:8480"), os.environ.get("MUSTER_CA")
credentials = grpc.ssl_channel_credentials(open(ca, "rb").read()) if ca else None
channel = grpc.secure_channel(server, credentials, options) if ca else grpc.insecure_channel(server, options)
channel = grpc.intercept_channel(channel, Caller())
types = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))


def call(service, method, request, seconds=30):
    """What a call answers, as json has it; of a stream each message."""
    rpc = types.FindServiceByName("muster.v1." + service).methods_by_name[method]
    question, answer = (message_factory.GetMessageClass(kind) for kind in (rpc.input_type, rpc.output_type))
    invoke = (channel.unary_stream if rpc.server_streaming else channel.unary_unary)(
        f"/muster.v1.{service}/{method}", question.SerializeToString, answer.FromString)
    answered = invoke(json_format.ParseDict(request, question()), timeout=seconds)
    return map(json_format.MessageToDict, answered) if rpc.server_streaming else json_format.MessageToDict(answered)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        record = call("Fleets", "ApplyFleet", {"spec": json.load(open(sys.argv[1])), "requestId": str(uuid.uuid4())})
        print(f"applied {record['fleet']}, version {record['version']}")
    for view in call("Fleets", "ListFleets", {}).get("fleets", []):
        print(f"fleet {view['record']['fleet']}: {view['record']['state']}, {view.get('waiting', 0)} tasks wait")
    try:
        for change in call("Machines", "WatchMachines", {}, seconds=float(os.environ.get("MUSTER_WATCH_SECONDS", "3600"))):
            machine = change.get("machine")
            print(f"machine {machine['machineId']}: {machine['phase']}" if machine else next(iter(change)), flush=True)
    except grpc.RpcError as end:
        if end.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
            sys.exit(f"{end.code().name}: {end.details()}")
