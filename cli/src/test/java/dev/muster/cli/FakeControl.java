package dev.muster.cli;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.muster.v1.AdoptMachinesRequest;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.BudgetsGrpc;
import dev.muster.v1.ConsoleReported;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.DeleteFleetRequest;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetView;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetConsoleRequest;
import dev.muster.v1.GetFleetRequest;
import dev.muster.v1.HistoryGrpc;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.ListFleetsRequest;
import dev.muster.v1.ListFleetsResponse;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListMachinesResponse;
import dev.muster.v1.MachineNameRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.OfferKey;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolsGrpc;
import dev.muster.v1.QueuesGrpc;
import dev.muster.v1.ReleaseIdleRequest;
import dev.muster.v1.RestoreLedgerRequest;
import dev.muster.v1.TakeOverMachinesRequest;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** A control API that remembers fleets and refuses some, so that the command line can be tested without a planner. */
final class FakeControl implements AutoCloseable {

    final Map<String, FleetSpec> fleets = new TreeMap<>();
    final Set<String> isProtected = new TreeSet<>();
    /** The last of each; null: none came. */
    volatile RestoreLedgerRequest restored;
    final List<TakeOverMachinesRequest> takenOver = new CopyOnWriteArrayList<>();
    volatile ReleaseIdleRequest released;
    volatile ApplyFleetRequest applied;
    volatile AdoptMachinesRequest adopted;
    private final Map<String, Function<Message, List<Message>>> scripts = new ConcurrentHashMap<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private volatile String authorization;
    private final Server server;
    private final String address;

    FakeControl() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new Fleets()).addService(new Machines()).addService(new PoolsGrpc.PoolsImplBase() { }).addService(new QueuesGrpc.QueuesImplBase() { })
                .addService(new DecisionsGrpc.DecisionsImplBase() { }).addService(new BudgetsGrpc.BudgetsImplBase() { }).addService(new HistoryGrpc.HistoryImplBase() { })
                .addService(new InstallationGrpc.InstallationImplBase() { }).intercept(new Scripted()).build().start();
        address = "127.0.0.1:" + server.getPort();
    }

    /** From now on a call of this name, such as "ListPools", is answered so, whatever else is known here. Several messages: a stream, which then breaks off. */
    void answer(String call, Message... answers) {
        answer(call, request -> List.of(answers));
    }

    /** As above. @param script may throw what the call ends with */
    void answer(String call, Function<Message, List<Message>> script) {
        scripts.put(call, script);
    }

    /** It is answered as before. */
    void forget(String call) {
        scripts.remove(call);
    }

    /** Calls of this name, in the order of their coming. */
    List<Message> asked(String call) {
        return asked.stream().filter(one -> one.call().equals(call)).map(Asked::request).toList();
    }

    /** What the last scripted call was authorized by; null: nothing. */
    String authorization() {
        return authorization;
    }

    private record Asked(String call, Message request) {}

    /** Answers what a test has said answers to. */
    private final class Scripted implements ServerInterceptor {
        @Override
        public <A, B> ServerCall.Listener<A> interceptCall(ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
            var name = call.getMethodDescriptor().getBareMethodName();
            var script = scripts.get(name);
            if (script == null) {
                return next.startCall(call, headers);
            }
            authorization = headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
            call.request(1);
            return new ServerCall.Listener<>() {
                @Override
                @SuppressWarnings("unchecked")
                public void onMessage(A request) {
                    asked.add(new Asked(name, (Message) request));
                    try {
                        var answers = script.apply((Message) request);
                        call.sendHeaders(new Metadata());
                        answers.forEach(answer -> call.sendMessage((B) answer));
                        call.close(io.grpc.Status.OK, new Metadata());
                    } catch (StatusRuntimeException refused) {
                        call.close(refused.getStatus(), refused.getTrailers() == null ? new Metadata() : refused.getTrailers());
                    }
                }
            };
        }
    }

    String address() {
        return address;
    }

    @Override
    public void close() {
        server.shutdownNow();
    }

    private static FleetRecord record(FleetSpec spec) {
        return FleetRecord.newBuilder().setFleet(spec.getName()).setVersion(1).setState(FleetState.ACTIVE).setSpec(spec).build();
    }

    private static Throwable refuse(Code code, String message, Message detail) {
        return StatusProto.toStatusRuntimeException(
                Status.newBuilder().setCode(code.getNumber()).setMessage(message).addDetails(Any.pack(detail)).build());
    }

    private static BadRequest.FieldViolation violation(String field, String description) {
        return BadRequest.FieldViolation.newBuilder().setField(field).setDescription(description).build();
    }

    private final class Fleets extends FleetsGrpc.FleetsImplBase {

        @Override
        public void applyFleet(ApplyFleetRequest request, StreamObserver<FleetRecord> answer) {
            if (request.getSpec().getPoolsList().stream().anyMatch(pool -> !pool.getLimits().hasMax())) {
                answer.onError(refuse(Code.INVALID_ARGUMENT, "the spec has 2 mistakes\npools.cpu.max is missing\nqueues is empty", BadRequest.newBuilder()
                        .addFieldViolations(violation("pools.cpu.max", "is missing; write max: 10"))
                        .addFieldViolations(violation("queues", "is empty; name a queue")).build()));
                return;
            }
            applied = request;
            fleets.put(request.getSpec().getName(), request.getSpec());
            validateFleet(request, answer);
        }

        @Override
        public void validateFleet(ApplyFleetRequest request, StreamObserver<FleetRecord> answer) {
            var record = record(request.getSpec()).toBuilder();
            if (request.getSpec().getBudgetsCount() > 0) {
                record.addNotes("pools.cpu: disks are not counted.");
            }
            answer.onNext(record.build());
            answer.onCompleted();
        }

        @Override
        public void restoreLedger(RestoreLedgerRequest request, StreamObserver<FleetRecord> answer) {
            restored = request;
            answer.onNext(record(fleets.get(request.getName())));
            answer.onCompleted();
        }

        @Override
        public void releaseIdle(ReleaseIdleRequest request, StreamObserver<FleetRecord> answer) {
            released = request;
            answer.onNext(record(fleets.get(request.getName())));
            answer.onCompleted();
        }

        @Override
        public void adoptMachines(AdoptMachinesRequest request, StreamObserver<FleetRecord> answer) {
            adopted = request;
            answer.onNext(record(fleets.get(request.getName())).toBuilder().addNotes("Machines are adopted until tea time.").build());
            answer.onCompleted();
        }

        @Override
        public void takeOverMachines(TakeOverMachinesRequest request, StreamObserver<FleetRecord> answer) {
            takenOver.add(request);
            answer.onNext(record(fleets.get(request.getName())).toBuilder().addTakenOverClusters(request.getCluster()).build());
            answer.onCompleted();
        }

        @Override
        public void getFleet(GetFleetRequest request, StreamObserver<FleetView> answer) {
            if (!fleets.containsKey(request.getName())) {
                answer.onError(unknown(request.getName()));
                return;
            }
            answer.onNext(FleetView.newBuilder().setRecord(record(fleets.get(request.getName()))).putMachines("READY", 2).setMicrosPerHour(192_000).build());
            answer.onCompleted();
        }

        @Override
        public void deleteFleet(DeleteFleetRequest request, StreamObserver<FleetRecord> answer) {
            var spec = fleets.remove(request.getName());
            if (spec == null) {
                answer.onError(unknown(request.getName()));
                return;
            }
            answer.onNext(record(spec).toBuilder().setState(FleetState.DELETING).setAction(request.getAction()).build());
            answer.onCompleted();
        }

        private Throwable unknown(String name) {
            return refuse(Code.NOT_FOUND, "there is no fleet " + name, ErrorInfo.newBuilder().setReason("FLEET_UNKNOWN").build());
        }

        /** One fleet a page, so that the pages must be followed. */
        @Override
        public void listFleets(ListFleetsRequest request, StreamObserver<ListFleetsResponse> answer) {
            var from = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
            var page = ListFleetsResponse.newBuilder();
            fleets.values().stream().skip(from).limit(1).forEach(spec -> page.addFleets(FleetView.newBuilder().setRecord(record(spec))));
            if (from + 1 < fleets.size()) {
                page.setNextPageToken(Integer.toString(from + 1));
            }
            answer.onNext(page.build());
            answer.onCompleted();
        }
    }

    private final class Machines extends MachinesGrpc.MachinesImplBase {

        @Override
        public void protectMachine(MachineNameRequest request, StreamObserver<MachineRecord> answer) {
            isProtected.add(request.getMachineId());
            answer.onNext(MachineRecord.newBuilder().setMachineId(request.getMachineId()).build());
            answer.onCompleted();
        }

        @Override
        public void unprotectMachine(MachineNameRequest request, StreamObserver<MachineRecord> answer) {
            isProtected.remove(request.getMachineId());
            answer.onNext(MachineRecord.newBuilder().setMachineId(request.getMachineId()).build());
            answer.onCompleted();
        }

        @Override
        public void getConsole(GetConsoleRequest request, StreamObserver<ConsoleReported> answer) {
            answer.onNext(ConsoleReported.newBuilder().setMachineId(request.getMachineId()).setCapturedAt(Timestamp.newBuilder().setSeconds(1_700_000_000))
                    .setText("last words\n").setTruncated(true).build());
            answer.onCompleted();
        }

        @Override
        public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> answer) {
            answer.onNext(ListMachinesResponse.newBuilder().addMachines(MachineRecord.newBuilder().setMachineId("mabcdefgh-1").setFleet("demo").setPool("cpu")
                    .setPhase(Phase.READY).addTasks("t1").setOffer(OfferKey.newBuilder().setMachineType("m6i.large").setZone("us-east-1a"))
                    .setCloudId("i-1").setCommittedMicrosPerHour(96_000)).build());
            answer.onCompleted();
        }
    }
}
