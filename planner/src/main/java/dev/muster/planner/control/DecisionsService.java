package dev.muster.planner.control;

import com.google.protobuf.util.Timestamps;
import dev.muster.planner.access.Caller;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.recorded.DecisionHistory;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.planner.view.DecisionFilter;
import dev.muster.planner.view.DecisionLog;
import dev.muster.planner.view.DecisionWatch;
import dev.muster.planner.view.ReadModel;
import dev.muster.planner.view.ResumeToken;
import dev.muster.planner.view.Watch;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.ExplainRequest;
import dev.muster.v1.ExplainResponse;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListDecisionsResponse;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.Reason;
import dev.muster.v1.Refusal;
import dev.muster.v1.WatchDecisionsRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/** Decisions and their reasons, over gRPC. */
@GrpcService
final class DecisionsService extends DecisionsGrpc.DecisionsImplBase {

    /** Decisions that wait for one watcher: more than a large plan makes at once. */
    private static final int WATCH_LIMIT = 5_000;
    /** Of a queue's decisions, the newest tell why it is as it is. */
    private static final int EXPLAINED = 20;

    /** Within it a client that was away is given what it missed; if that is not enough, it goes on from its last token. */
    private static final Duration CATCH_UP = Duration.ofSeconds(60);

    private final ReadModel model;
    private final DecisionHistory history;
    private final TopicReaders readers;

    DecisionsService(ReadModel model, DecisionHistory history, TopicReaders readers) {
        this.model = model;
        this.history = history;
        this.readers = readers;
    }

    @Override
    public void listDecisions(ListDecisionsRequest request, StreamObserver<ListDecisionsResponse> call) {
        int size;
        long before;
        DecisionFilter wanted;
        try {
            fleet(request.getFleet());
            size = Pages.size(request.getPageSize());
            before = Pages.number(request.getPageToken()).orElse(Long.MAX_VALUE);
            wanted = DecisionFilter.of(request);
        } catch (StatusRuntimeException refused) {
            call.onError(refused);
            return;
        }
        // Asked first: what the log drops meanwhile is then read from the topic.
        var known = model.decisionsCompleteFrom(request.getFleet());
        var found = model.decisions(request.getFleet()).map(log -> log.before(before, size + 1, wanted)).orElse(List.of());
        if (found.size() > size) {
            Calls.answer(call, () -> page(found.subList(0, size), OptionalLong.of(found.get(size - 1).offset())));
        } else if (known == 0) {
            Calls.answer(call, () -> page(found, OptionalLong.empty()));
        } else if (!found.isEmpty()) {
            // What is in memory comes at once; whoever wants more asks for it.
            Calls.answer(call, () -> page(found, OptionalLong.of(Math.min(known, found.get(found.size() - 1).offset()))));
        } else {
            Calls.answerLater(call, () -> history.before(request.getFleet(), Math.min(before, known), size, wanted).thenApply(older -> page(older.entries(), older.next())));
        }
    }

    private static ListDecisionsResponse page(List<DecisionLog.Entry> entries, OptionalLong next) {
        var page = ListDecisionsResponse.newBuilder();
        entries.forEach(entry -> page.addDecisions(entry.event()));
        next.ifPresent(offset -> page.setNextPageToken(Pages.token(Long.toString(offset))));
        return page.build();
    }

    @Override
    public void watchDecisions(WatchDecisionsRequest request, StreamObserver<DecisionEvent> call) {
        SortedMap<Integer, Long> from;
        DecisionFilter wanted;
        try {
            if (!model.isCurrent()) {
                throw ApiErrors.stillReading();
            }
            if (!request.getFleet().isEmpty()) {
                fleet(request.getFleet());
            }
            wanted = DecisionFilter.of(request);
            from = from(request);
        } catch (StatusRuntimeException refused) {
            call.onError(refused);
            return;
        }
        var caller = Caller.current();
        var client = new Watch<>((ServerCallStreamObserver<DecisionEvent>) call, WATCH_LIMIT);
        var watch = new DecisionWatch(model, from, request.getFleet(), event -> caller.mayRead(event.getFleet()) && wanted.test(event), client);
        var read = model.decisionPositions();
        // Ahead of this replica: it is behind another one, or the topic is a new one, as its end will tell.
        var ahead = from.entrySet().stream().anyMatch(next -> next.getValue() > read.getOrDefault(next.getKey(), 0L));
        if (ahead || !watch.join()) {
            readers.read(CATCH_UP, reading -> {
                watch.catchUp(reading);
                return true;
            }).whenComplete((done, failure) -> {
                if (failure != null) {
                    client.fail(Calls.failure(failure));
                }
            });
        }
    }

    /** Next offsets of the partitions that count: those of the token, or from now on. */
    private SortedMap<Integer, Long> from(WatchDecisionsRequest request) {
        var read = model.decisionPositions();
        if (!request.getResumeToken().isEmpty()) {
            var known = ResumeToken.parse(model.decisionTokens(), request.getResumeToken()).map(ResumeToken::next).orElse(Collections.emptySortedMap());
            if (known.isEmpty() || !read.keySet().containsAll(known.keySet())) {
                throw ApiErrors.invalid("resumeToken", "is none of this installation's", "send resume_token as it came, or nothing");
            }
            if (request.getFleet().isEmpty() ? known.size() < read.size() : !known.containsKey(model.decisionsPartition(request.getFleet()))) {
                throw ApiErrors.invalid("resumeToken", "is of a watch of another fleet", "send one of a watch of the same fleet, or of all fleets for all");
            }
            read = new TreeMap<>(known);
        }
        if (!request.getFleet().isEmpty()) {
            read.keySet().retainAll(List.of(model.decisionsPartition(request.getFleet())));
        }
        return read;
    }

    private static boolean names(DecisionEvent event, String machineId) {
        return event.getDecision().getMachineIdsList().contains(machineId);
    }

    @Override
    public void explain(ExplainRequest request, StreamObserver<ExplainResponse> call) {
        Calls.answer(call, () -> {
            if (!request.getMachineId().isEmpty()) {
                return machine(Lookup.machine(model, request.getMachineId()));
            }
            if (!request.getTaskId().isEmpty()) {
                return task(request.getTaskId());
            }
            if (request.getFleet().isEmpty() || request.getQueue().isEmpty()) {
                throw ApiErrors.invalid("machineId", "is missing, and so are a task, and a fleet with a queue", "name a machine, a task, or a fleet and a queue");
            }
            var fleet = fleet(request.getFleet());
            return queue(fleet, Lookup.queue(fleet, request.getQueue()));
        });
    }

    private ExplainResponse machine(MachineRecord machine) {
        var decisions = model.decisions(machine.getFleet()).map(log -> log.all(event -> names(event, machine.getMachineId()))).orElse(List.of());
        var summary = new ArrayList<String>();
        summary.add("Machine " + machine.getMachineId() + " (" + machine.getOffer().getMachineType() + ", pool " + machine.getPool() + ") "
                + standing(machine) + ".");
        decisions.stream().map(event -> event.getDecision().getText()).filter(text -> !text.isEmpty()).forEach(text -> summary.add(sentence(text)));
        if (decisions.isEmpty()) {
            summary.add("Decision " + machine.getDecisionId() + " on the topic of decisions says why; it is older than what the API holds.");
        }
        if (!machine.getReason().isEmpty()) {
            summary.add("Its cloud says: " + sentence(said(machine)));
        }
        if (!machine.getReplaces().isEmpty()) {
            summary.add("It stands in for " + machine.getReplaces() + ".");
        }
        return ExplainResponse.newBuilder().setSummary(String.join(" ", summary)).addAllDecisions(decisions).setMachine(machine).build();
    }

    /** What the topics say of it: where it waits and what for, on which machine it runs, what was decided about it. */
    private ExplainResponse task(String task) {
        var readable = readable();
        for (var fleet : readable) {
            for (var machine : model.machinesOf(fleet.getFleet())) {
                if (machine.getCounted() && machine.getTasksList().contains(task)) {
                    var told = machine(machine);
                    return told.toBuilder().setSummary("Task " + task + " runs on machine " + machine.getMachineId() + ". " + told.getSummary()).build();
                }
            }
            for (var queue : fleet.getSpec().getQueuesList()) {
                var demand = model.demand(fleet.getFleet());
                var tasks = demand.tasks(queue.getName());
                for (int i = 0; i < tasks.size(); i++) {
                    if (tasks.get(i).getTask().equals(task)) {
                        return waiting(fleet, queue, task, i, demand.queue(queue.getName()).orElseThrow().getWaiting());
                    }
                }
            }
        }
        for (var fleet : readable) {
            var decisions = decisionsAbout(fleet, task);
            if (!decisions.isEmpty()) {
                return ExplainResponse.newBuilder().setSummary("Task " + task + " neither waits in a queue of fleet " + fleet.getFleet() + " nor runs on a machine of it. "
                        + sentence(decisions.get(decisions.size() - 1).getDecision().getText())).addAllDecisions(decisions).build();
            }
        }
        throw ApiErrors.notFound("No task '" + task + "' waits among the first 500 of a served queue, runs on a machine, or was decided about.");
    }

    /** A task may be in any fleet; of those that the caller can't read it is not told. */
    private List<FleetRecord> readable() {
        return model.fleets().values().stream().filter(fleet -> Caller.current().mayRead(fleet.getFleet())).toList();
    }

    private static String said(MachineRecord machine) {
        return machine.getMessage().isEmpty() || machine.getMessage().equals(machine.getReason()) ? machine.getReason() : machine.getReason() + ": " + machine.getMessage();
    }

    /** Tasks at the front are what idle and starting machines will take; the others wait for the first thing that was in the way. */
    private ExplainResponse waiting(FleetRecord fleet, QueueSpec queue, String task, int position, int waiting) {
        var place = "Task " + task + " is number " + (position + 1) + " of " + waiting + " in " + queue.getName();
        var own = model.machinesOf(fleet.getFleet()).stream().filter(machine -> machine.getCounted() && machine.getTask().equals(task)).findFirst();
        if (own.isPresent()) {
            var made = machine(own.get());
            return made.toBuilder().setSummary(place + ", and machine " + own.get().getMachineId() + " was made for it. " + made.getSummary()).build();
        }
        var told = queue(fleet, queue);
        var binding = told.getRefusalsList().stream().filter(refusal -> refusal.getSubject().isEmpty())
                .filter(refusal -> refusal.getQueue().isEmpty() || position >= waiting - refusal.getNumbersOrDefault("uncovered", waiting)).findFirst();
        var answer = told.toBuilder().clearDecisions().addAllDecisions(decisionsAbout(fleet, task));
        if (binding.isEmpty()) {
            return answer.setSummary(place + ", and waits for a machine that is idle or starting. " + told.getSummary()).build();
        }
        return answer.setBinding(binding.get()).setSummary(place + ", and waits because of " + binding.get().getReason() + ": " + sentence(binding.get().getText())
                + " What would let it go on: " + sentence(binding.get().getUnblockedBy())).build();
    }

    private List<DecisionEvent> decisionsAbout(FleetRecord fleet, String task) {
        return model.decisions(fleet.getFleet()).map(log -> log.all(event -> event.getDecision().getTaskIdsList().contains(task))).orElse(List.of());
    }

    private static String standing(MachineRecord machine) {
        var since = machine.hasIdleSince() ? ", idle since " + Timestamps.toString(machine.getIdleSince()) : "";
        var because = machine.getCause().isEmpty() ? "" : ", because: " + machine.getCause() + (machine.getCauseDetail().isEmpty() ? "" : " (" + machine.getCauseDetail() + ")");
        return switch (machine.getPhase()) {
            case READY -> machine.getTasksCount() > 0 ? "runs task " + String.join(", ", machine.getTasksList()) : "is ready" + since;
            case DRAINING -> machine.getTasksCount() > 0 ? "drains, and finishes task " + String.join(", ", machine.getTasksList()) + because : "drains" + because;
            case FAILED -> "was never started: " + machine.getFailure() + because;
            default -> "is " + machine.getPhase() + because + (machine.getPhase() == Phase.GONE && machine.hasEndedAt()
                    ? ", since " + Timestamps.toString(machine.getEndedAt()) : "");
        };
    }

    private ExplainResponse queue(FleetRecord fleet, QueueSpec queue) {
        var view = QueuesService.view(model, fleet, queue);
        int starting = 0;
        int idle = 0;
        int busy = 0;
        for (MachineRecord machine : model.machinesOf(fleet.getFleet())) {
            if (!queue.getPoolsList().contains(machine.getPool()) || !machine.getCounted()) {
                continue;
            }
            switch (machine.getPhase()) {
                case REQUESTED, LAUNCHING, BOOTING -> starting++;
                case READY -> {
                    if (machine.getTasksCount() > 0) {
                        busy++;
                    } else {
                        idle++;
                    }
                }
                default -> { }
            }
        }
        var refusals = model.decisions(fleet.getFleet()).map(log -> log.refusals().stream().filter(refusal -> concerns(refusal, queue)).toList())
                .orElse(List.of());
        var summary = new ArrayList<String>();
        summary.add((view.getWaiting() == 1 ? "1 task waits in " : view.getWaiting() + " tasks wait in ") + queue.getName()
                + (view.hasOldestWait() ? ", the oldest for " + view.getOldestWait().getSeconds() + " s" : "") + "; of its pools' machines "
                + starting + " start, " + idle + " are idle, " + busy + " are busy.");
        if (!view.getProblem().isEmpty()) {
            summary.add(sentence(Character.toUpperCase(view.getProblem().charAt(0)) + view.getProblem().substring(1)));
        }
        refusals.stream().map(Refusal::getText).filter(text -> !text.isEmpty()).forEach(text -> summary.add(sentence(text)));
        if (refusals.isEmpty() && view.getWaiting() > 0 && view.getProblem().isEmpty()) {
            summary.add("Nothing is refused: they wait for machines to start or to become free.");
        }
        var decisions = model.decisions(fleet.getFleet()).map(log -> log.all(event -> queue.getName().equals(event.getDecision().getQueue())
                || queue.getName().equals(event.getRefusal().getQueue()))).orElse(List.of());
        return ExplainResponse.newBuilder().setSummary(String.join(" ", summary)).addAllRefusals(refusals)
                .addAllDecisions(decisions.subList(Math.max(0, decisions.size() - EXPLAINED), decisions.size())).build();
    }

    /** A refusal of the queue, of one of its pools, or of the whole fleet. */
    private static boolean concerns(Refusal refusal, QueueSpec queue) {
        return refusal.getQueue().equals(queue.getName())
                // What its machines wait for is what its tasks wait for.
                || refusal.getReason() == Reason.MACHINES_HINDERED && queue.getPoolsList().contains(refusal.getWordsOrDefault("pool", ""))
                || refusal.getSubject().isEmpty() && refusal.getQueue().isEmpty() && (refusal.getPool().isEmpty() || queue.getPoolsList().contains(refusal.getPool()));
    }

    private static String sentence(String text) {
        return text.endsWith(".") ? text : text + ".";
    }

    private FleetRecord fleet(String name) {
        return Lookup.fleet(model, "fleet", name);
    }
}
