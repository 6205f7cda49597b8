package dev.muster.planner.stream;

import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.ManagedBy;
import dev.muster.contracts.Topics;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.spec.Defaults;
import dev.muster.planner.spec.Findings;
import dev.muster.planner.spec.SpecNotes;
import dev.muster.planner.spec.SpecValidator;
import dev.muster.v1.AdoptMachines;
import dev.muster.v1.AnswerCode;
import dev.muster.v1.ApplyFleet;
import dev.muster.v1.Audit;
import dev.muster.v1.DeleteFleet;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.MachineRequest;
import dev.muster.v1.MachineVerb;
import dev.muster.v1.OfferKey;
import dev.muster.v1.PastIncarnation;
import dev.muster.v1.ReleaseIdle;
import dev.muster.v1.Request;
import dev.muster.v1.RequestAnswered;
import dev.muster.v1.RestoreLedger;
import dev.muster.v1.SetPaused;
import dev.muster.v1.TakeOver;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.Violation;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Judges a write of the API as the fleet's owner: what is answered, and what the fleet's record is from then on. It changes
 * nothing by itself, so that a dry run is the same judgement with nothing done about it.
 */
final class RequestJudge {

    /** What the judge asks about the fleet's machines. */
    interface Machines {

        /** Those that count against limits. */
        int counted();

        /** Empty: no such machine on the books. */
        Optional<Standing> standing(String machineId);

        /** Whether a provisioner has reported what the offer costs. Its key is complete, market included. */
        default boolean isPriced(OfferKey offer) {
            return false;
        }

        /** Whether a machine of that type is known not to see marks that are written while it runs. */
        default boolean isWithoutLiveMarks(String provider, String machineType) {
            return false;
        }

        /**
         * @param ended GONE, FAILED or LOST
         * @param busy a task runs on it
         * @param leaving how far it is on its way out
         * @param inCloud its cloud has it, under a name of its own
         */
        record Standing(boolean ended, boolean busy, Leaving leaving, boolean inCloud) {}

        /** Of a machine that has not ended. */
        enum Leaving {
            /** Nobody sends it away. */
            NOT("doesn't drain"),
            /** It drains, or is to, and can be told to work on. */
            DRAINS(""),
            /** Its guard kills what runs there. */
            AT_ONCE("was told to end at once"),
            /** Its cloud was asked to end it, or shows it shutting down. */
            ENDS("is shutting down already");

            private final String whyNoDrainEnds;

            Leaving(String whyNoDrainEnds) {
                this.whyNoDrainEnds = whyNoDrainEnds;
            }
        }
    }

    /**
     * @param answer what the caller gets
     * @param changed the fleet's new record; empty if it stays as it is
     * @param audit what was changed by whom; empty if nothing was
     * @param learned what the fleet learns beside its record; empty if nothing
     */
    record Judgement(RequestAnswered answer, Optional<FleetRecord> changed, Optional<Audit> audit, Optional<FleetEvent> learned) {}

    /** Kafka makes its ids of 16 bytes in base 64; a broker may be given another. */
    private static final Pattern CLUSTER_ID = Pattern.compile("[A-Za-z0-9_-]{1,64}");
    /** Each is a Kafka that was lost. */
    private static final int MOST_TAKEN_OVER = 20;
    private static final Duration ADOPTING = dev.muster.planner.core.rules.AdoptMachines.WINDOW;

    private final Request request;
    /** Null: never created. */
    private final FleetRecord current;
    private final Machines machines;
    private final Instant now;

    private RequestJudge(Request request, FleetRecord current, Machines machines, Instant now) {
        this.request = request;
        this.current = current;
        this.machines = machines;
        this.now = now;
    }

    /**
     * @param current the fleet's record; null if there never was one
     * @param now when the broker took the request
     * @throws IllegalArgumentException if the request asks for nothing this release knows
     */
    static Judgement judge(Request request, FleetRecord current, Machines machines, Instant now) {
        var judge = new RequestJudge(request, current, machines, now);
        return switch (request.getWhatCase()) {
            case APPLY -> judge.apply(request.getApply());
            case DELETE -> judge.delete(request.getDelete());
            case SET_PAUSED -> judge.setPaused(request.getSetPaused());
            case MACHINES -> judge.machines(request.getMachines());
            case RESTORE_LEDGER -> judge.restoreLedger(request.getRestoreLedger());
            case RELEASE_IDLE -> judge.releaseIdle(request.getReleaseIdle());
            case ADOPT -> judge.adopt(request.getAdopt());
            case TAKE_OVER -> judge.takeOver(request.getTakeOver());
            case WHAT_NOT_SET -> throw new IllegalArgumentException("the request asks for nothing that this release knows");
        };
    }

    private boolean absent() {
        return current == null || current.getState() == FleetState.DELETED;
    }

    private Judgement apply(ApplyFleet apply) {
        var spec = apply.getSpec();
        var violations = new ArrayList<>(SpecValidator.violations(spec, request.getFacts(), machines::isPriced));
        if (!spec.getName().equals(request.getFleet())) {
            violations.add(violation("name", "is '" + spec.getName() + "' in a request about fleet " + request.getFleet(), "send it to the fleet's own name"));
        }
        if (absent() && !apply.getNewIncarnation().matches("[a-z2-7]{8}")) {
            violations.add(violation("newIncarnation", "'" + apply.getNewIncarnation() + "' is no incarnation", "send 8 characters of a-z and 2-7"));
        }
        var filled = Defaults.fill(spec, request.getFacts().getInstallation());
        if (!absent()) {
            keepWorkersRecognizable(filled, violations);
        }
        if (apply.hasAdopt()) {
            prefix(apply.getAdopt(), filled, violations);
        }
        if (!violations.isEmpty()) {
            return refused(AnswerCode.INVALID_ARGUMENT, violations.size() == 1 ? "The spec has a problem." : "The spec has " + violations.size() + " problems.", violations);
        }
        if (absent()) {
            if (apply.hasExpectedVersion() && apply.getExpectedVersion() != 0) {
                return refused(AnswerCode.ABORTED, "Version " + apply.getExpectedVersion() + " was expected, and there is no fleet " + request.getFleet()
                        + ": leave expected_version out, or send 0, to create it.");
            }
            return adopting(apply, filled, accepted(created(filled, apply), audited(apply, "create"), notes(filled)));
        }
        if (current.getState() == FleetState.DELETING) {
            return refused(AnswerCode.ABORTED, "Fleet " + request.getFleet() + " is being deleted: apply it again once its last machine is gone.");
        }
        if (apply.hasExpectedVersion() && apply.getExpectedVersion() == 0) {
            return refused(AnswerCode.ALREADY_EXISTS, "Fleet " + request.getFleet() + " exists, at version " + current.getVersion() + ".");
        }
        var wrong = wrongVersion(apply.hasExpectedVersion(), apply.getExpectedVersion());
        if (wrong.isPresent()) {
            return wrong.get();
        }
        if (!apply.getOverrideManagedBy() && ManagedBy.isFile(current.getManagedBy()) && !apply.getManagedBy().equals(current.getManagedBy())) {
            return managedByFile("change it there");
        }
        var next = keepPauses(filled);
        if (next.equals(current.getSpec()) && apply.getManagedBy().equals(current.getManagedBy())) {
            return adopting(apply, next, unchanged(notes(next)));
        }
        return adopting(apply, next, accepted(change().setSpec(next).setManagedBy(apply.getManagedBy()).clearScopes().addAllScopes(scopes(next)), audited(apply, "apply"),
                notes(next)));
    }

    private Judgement managedByFile(String fix) {
        return refused(AnswerCode.FAILED_PRECONDITION, "Fleet " + request.getFleet() + " is managed by file, by " + ManagedBy.where(current.getManagedBy()) + ": " + fix
                + ". An apply with override_managed_by takes it from the file, until the file is applied again.");
    }

    private static String audited(ApplyFleet apply, String otherwise) {
        return apply.getAuditedAs().isEmpty() ? otherwise : apply.getAuditedAs();
    }

    /** The same with the adoption that the caller wants with it: one step, so that nothing is launched in between. */
    private Judgement adopting(ApplyFleet apply, FleetSpec spec, Judgement applied) {
        if (!apply.hasAdopt()) {
            return applied;
        }
        var prefix = prefixOf(apply.getAdopt(), spec);
        var audit = applied.audit().map(done -> done.toBuilder().setWhat(done.getWhat() + "; " + adoption(prefix))).orElseGet(() -> audit(adoption(prefix)));
        return new Judgement(applied.answer().toBuilder().addNotes(adoptionNote(prefix)).build(), applied.changed(), Optional.of(audit.build()),
                Optional.of(new FleetEvent.AdoptionAsked(now, prefix)));
    }

    private static String prefixOf(AdoptMachines asked, FleetSpec spec) {
        return asked.getWorkerPrefix().isEmpty() ? spec.getWorkersPrefix() : asked.getWorkerPrefix();
    }

    private static void prefix(AdoptMachines asked, FleetSpec spec, List<Violation> violations) {
        var prefix = prefixOf(asked, spec);
        if (prefix.isBlank() || prefix.contains(":") || prefix.contains("/")) {
            violations.add(violation("workerPrefix", "'" + prefix + "' begins no worker id that tells its machine",
                    "use the part of the workers' ids before the first ':', which is the other autoscaler's workers_prefix"));
        }
    }

    private static String adoption(String prefix) {
        return "adopt machines of workers " + prefix;
    }

    private String adoptionNote(String prefix) {
        return "Machines of workers " + prefix + ":<pool>:<type>:<cloud id> are adopted as ClearML shows them, until " + now.plus(ADOPTING)
                + ". muster machine list shows them, and muster fleet get those that can't be adopted.";
    }

    private Judgement adopt(AdoptMachines asked) {
        if (absent()) {
            return noFleet();
        }
        if (current.getState() == FleetState.DELETING) {
            return refused(AnswerCode.ABORTED, "Fleet " + request.getFleet() + " is being deleted, and adopts nothing.");
        }
        var violations = new ArrayList<Violation>();
        prefix(asked, current.getSpec(), violations);
        if (!violations.isEmpty()) {
            return refused(AnswerCode.INVALID_ARGUMENT, "The prefix has a problem.", violations);
        }
        var prefix = prefixOf(asked, current.getSpec());
        var learned = learned(audit(adoption(prefix)), new FleetEvent.AdoptionAsked(now, prefix));
        return new Judgement(learned.answer().toBuilder().addNotes(adoptionNote(prefix)).build(), learned.changed(), learned.audit(), learned.learned());
    }

    private Judgement takeOver(TakeOver asked) {
        if (absent()) {
            return noFleet();
        }
        if (!CLUSTER_ID.matcher(asked.getCluster()).matches()) {
            return refused(AnswerCode.INVALID_ARGUMENT, "No Kafka cluster is named.", List.of(violation("cluster",
                    asked.getCluster().isEmpty() ? "is missing" : "is no cluster's id", "write the id that the refusal with reason FOREIGN_MARK names, such as q1Sh9kTzSLOmUQ7Cj3Wm1A")));
        }
        if (current.getTakenOverClustersList().contains(asked.getCluster())) {
            return unchanged();
        }
        var clusters = new ArrayList<>(current.getTakenOverClustersList());
        clusters.add(asked.getCluster());
        return accepted(change().clearTakenOverClusters().addAllTakenOverClusters(clusters.subList(Math.max(0, clusters.size() - MOST_TAKEN_OVER), clusters.size())),
                "take over from Kafka cluster " + asked.getCluster(), List.of());
    }

    /** Its machines' workers are known by prefix, on one server: both stay while there are machines. */
    private void keepWorkersRecognizable(FleetSpec next, List<Violation> violations) {
        var before = current.getSpec();
        if (machines.counted() == 0) {
            return;
        }
        var fix = "keep it, or delete the fleet and create it anew; it has " + machines.counted() + " machines";
        if (!next.getWorkersPrefix().equals(before.getWorkersPrefix())) {
            violations.add(violation("workersPrefix", "can't become '" + next.getWorkersPrefix() + "' while machines run as '" + before.getWorkersPrefix() + "'", fix));
        }
        if (!next.getConnection().equals(before.getConnection())) {
            violations.add(violation("connection", "can't become '" + next.getConnection() + "' while machines serve '" + before.getConnection() + "'", fix));
        }
    }

    private FleetRecord.Builder created(FleetSpec spec, ApplyFleet apply) {
        var record = current == null ? FleetRecord.newBuilder() : current.toBuilder().clearAction()
                .addPast(PastIncarnation.newBuilder().setId(current.getIncarnation()).setAction(current.getAction()));
        return record.setFleet(request.getFleet())
                .setIncarnation(apply.getNewIncarnation())
                .setVersion(record.getVersion() + 1)
                .setState(FleetState.ACTIVE)
                .setSpec(spec)
                .clearScopes().addAllScopes(scopes(spec))
                .setCreatedAt(Timestamps.fromMillis(now.toEpochMilli()))
                .setChangedAt(Timestamps.fromMillis(now.toEpochMilli()))
                .setChangedBy(request.getCaller())
                .setManagedBy(apply.getManagedBy());
    }

    /** An edit doesn't start a paused pool: only a resume does. */
    private FleetSpec keepPauses(FleetSpec spec) {
        var paused = current.getSpec().getPoolsList().stream().filter(pool -> pool.getPaused()).map(pool -> pool.getName()).collect(Collectors.toSet());
        var kept = spec.toBuilder();
        kept.getPoolsBuilderList().stream().filter(pool -> paused.contains(pool.getName())).forEach(pool -> pool.setPaused(true));
        return kept.build();
    }

    /** Where its offers are, and where it has or had machines: there an inventory must go on. */
    private Iterable<String> scopes(FleetSpec spec) {
        var scopes = new TreeSet<String>();
        if (current != null) {
            scopes.addAll(current.getScopesList());
        }
        for (var pool : spec.getPoolsList()) {
            for (var offer : pool.getOffersList()) {
                scopes.add(Topics.scope(offer.getKey().getProvider(), offer.getKey().getAccount(), offer.getKey().getRegion()));
            }
        }
        return scopes;
    }

    private List<String> notes(FleetSpec filled) {
        var notes = new ArrayList<String>();
        new TreeMap<>(request.getFacts().getQueueOwnerMap()).forEach((queue, owner) ->
                notes.add("Queue " + queue + " is served by fleet " + owner + ", which is older; this fleet serves it once that one doesn't."));
        if (!absent()) {
            notes.addAll(SpecNotes.ofChange(filled, machines.counted()));
        }
        notes.addAll(SpecNotes.of(filled));
        notes.addAll(SpecNotes.ofPrices(filled, machines::isPriced));
        notes.addAll(SpecNotes.ofTypes(filled, machines::isWithoutLiveMarks));
        return notes;
    }

    private Judgement delete(DeleteFleet delete) {
        if (absent()) {
            return noFleet();
        }
        if (delete.hasExpectedVersion() && delete.getExpectedVersion() == 0) {
            return refused(AnswerCode.INVALID_ARGUMENT, "A fleet that must not exist can't be deleted.",
                    List.of(violation("expectedVersion", "is 0", "leave it out, or send the version that you have seen")));
        }
        var wrong = wrongVersion(delete.hasExpectedVersion(), delete.getExpectedVersion());
        if (wrong.isPresent()) {
            return wrong.get();
        }
        if (ManagedBy.isFile(current.getManagedBy())) {
            return managedByFile("take it out there, which ends no machine and leaves it to people, and then delete it");
        }
        if (delete.getAction() == ShutdownAction.UNRECOGNIZED) {
            return refused(AnswerCode.INVALID_ARGUMENT, "The shutdown action is none.",
                    List.of(violation("action", "is one that this release doesn't know", "use none, idle or all")));
        }
        var action = delete.getAction() == ShutdownAction.SHUTDOWN_ACTION_UNSPECIFIED
                ? current.getState() == FleetState.DELETING ? current.getAction() : current.getSpec().getShutdown()
                : delete.getAction();
        if (current.getState() == FleetState.DELETING && current.getAction() == action) {
            return unchanged();
        }
        return accepted(change().setState(FleetState.DELETING).setAction(action), "delete, machines: " + action, List.of());
    }

    private Judgement setPaused(SetPaused set) {
        if (absent()) {
            return noFleet();
        }
        if (current.getState() == FleetState.DELETING) {
            return refused(AnswerCode.ABORTED, "Fleet " + request.getFleet() + " is being deleted, and launches nothing.");
        }
        var what = set.getPaused() ? "pause" : "resume";
        if (set.getPool().isEmpty()) {
            var state = set.getPaused() ? FleetState.PAUSED : FleetState.ACTIVE;
            return current.getState() == state ? unchanged() : accepted(change().setState(state), what, List.of());
        }
        var spec = current.getSpec().toBuilder();
        var pool = spec.getPoolsBuilderList().stream().filter(p -> p.getName().equals(set.getPool())).findFirst();
        if (pool.isEmpty()) {
            var names = spec.getPoolsList().stream().map(p -> p.getName()).sorted().collect(Collectors.joining(", "));
            return refused(AnswerCode.INVALID_ARGUMENT, "There is no such pool.",
                    List.of(violation("pool", "'" + set.getPool() + "' is no pool of fleet " + request.getFleet(), "use one of: " + names)));
        }
        pool.get().setPaused(set.getPaused());
        return spec.build().equals(current.getSpec()) ? unchanged() : accepted(change().setSpec(spec), what + " pool " + set.getPool(), List.of());
    }

    private Judgement machines(MachineRequest asked) {
        if (absent()) {
            return noFleet();
        }
        if (asked.getMachineIdsCount() == 0) {
            return refused(AnswerCode.INVALID_ARGUMENT, "No machine is named.", List.of(violation("machineIds", "is empty", "name at least one machine")));
        }
        if (asked.getVerb() == MachineVerb.UNRECOGNIZED || asked.getVerb() == MachineVerb.MACHINE_VERB_UNSPECIFIED) {
            return refused(AnswerCode.INVALID_ARGUMENT, "Nothing is asked.",
                    List.of(violation("verb", "is missing, or one that this release doesn't know", "use DRAIN_MACHINE, CANCEL_DRAIN, TERMINATE_MACHINE, PROTECT_MACHINE, UNPROTECT_MACHINE or FETCH_CONSOLE")));
        }
        var unknown = asked.getMachineIdsList().stream().filter(id -> machines.standing(id).isEmpty()).collect(Collectors.joining(", "));
        if (!unknown.isEmpty()) {
            return refused(AnswerCode.NOT_FOUND_ANSWER, "Fleet " + request.getFleet() + " has no machine " + unknown + ".");
        }
        var ended = asked.getMachineIdsList().stream().filter(id -> machines.standing(id).get().ended()).collect(Collectors.joining(", "));
        if (!ended.isEmpty() && asked.getVerb() != MachineVerb.TERMINATE_MACHINE) {
            return refused(AnswerCode.FAILED_PRECONDITION, "Already ended: " + ended + ".");
        }
        var others = asked.getMachineIdsList().stream().filter(id -> machines.standing(id).get().leaving() != Machines.Leaving.DRAINS)
                .map(id -> id + " " + machines.standing(id).get().leaving().whyNoDrainEnds).collect(Collectors.joining(", "));
        if (asked.getVerb() == MachineVerb.CANCEL_DRAIN && !others.isEmpty()) {
            return refused(AnswerCode.FAILED_PRECONDITION, "No drain to cancel: " + others + ".");
        }
        var elsewhere = asked.getMachineIdsList().stream().filter(id -> !machines.standing(id).get().inCloud()).collect(Collectors.joining(", "));
        if (asked.getVerb() == MachineVerb.FETCH_CONSOLE && !elsewhere.isEmpty()) {
            return refused(AnswerCode.FAILED_PRECONDITION, "No console yet: the cloud doesn't have " + elsewhere + ".");
        }
        var busy = asked.getMachineIdsList().stream().filter(id -> machines.standing(id).get().busy()).collect(Collectors.joining(", "));
        if (asked.getVerb() == MachineVerb.TERMINATE_MACHINE && !busy.isEmpty() && !asked.getBusyToo()) {
            return refused(AnswerCode.FAILED_PRECONDITION, "A task runs on " + busy + ": drain it, or set busy_too to end the task, too; it is then put back into its queue.");
        }
        var verb = switch (asked.getVerb()) {
            case DRAIN_MACHINE -> "drain";
            case CANCEL_DRAIN -> "cancel the drain of";
            case PROTECT_MACHINE -> "protect";
            case UNPROTECT_MACHINE -> "no longer protect";
            case TERMINATE_MACHINE -> asked.getBusyToo() ? "terminate, busy too," : "terminate";
            case FETCH_CONSOLE -> "read the console of";
            case MACHINE_VERB_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalStateException("refused above");
        };
        var audit = audit(verb + " " + String.join(", ", asked.getMachineIdsList()));
        return learned(audit, new FleetEvent.MachinesAsked(now, asked.getMachineIdsList(), Words.verbOrNull(asked.getVerb())));
    }

    private Judgement restoreLedger(RestoreLedger spent) {
        if (absent()) {
            return noFleet();
        }
        var violations = new ArrayList<Violation>();
        if (spent.getDayMicros() < 0) {
            violations.add(violation("dayMicros", "is " + spent.getDayMicros(), "say what was spent today, 0 or more"));
        }
        if (spent.getMonthMicros() < spent.getDayMicros()) {
            violations.add(violation("monthMicros", "is " + spent.getMonthMicros() + ", less than the day's", "today is part of the month: send at least " + spent.getDayMicros()));
        }
        if (spent.getMonthMicros() > Findings.MOST_MICROS) {
            violations.add(violation("monthMicros", "is " + spent.getMonthMicros() + ", which can't be meant", "send millionths of the fleet's currency"));
        }
        if (!violations.isEmpty()) {
            return refused(AnswerCode.INVALID_ARGUMENT, "That can't have been spent.", violations);
        }
        return learned(audit("restore the ledger: " + spent.getDayMicros() + " micro-units today, " + spent.getMonthMicros() + " this month"),
                new FleetEvent.LedgerRestored(now, spent.getDayMicros(), spent.getMonthMicros()));
    }

    private Judgement releaseIdle(ReleaseIdle asked) {
        if (absent()) {
            return noFleet();
        }
        if (!asked.getPool().isEmpty() && current.getSpec().getPoolsList().stream().noneMatch(pool -> pool.getName().equals(asked.getPool()))) {
            return refused(AnswerCode.INVALID_ARGUMENT, "There is no such pool.",
                    List.of(violation("pool", "'" + asked.getPool() + "' is no pool of fleet " + request.getFleet(), "leave it out for all pools")));
        }
        return learned(audit("release idle machines" + (asked.getPool().isEmpty() ? "" : " of pool " + asked.getPool())), new FleetEvent.IdleReleased(now, asked.getPool()));
    }

    private Judgement learned(Audit.Builder audit, FleetEvent event) {
        return new Judgement(answer(AnswerCode.ACCEPTED, "").setFleet(current).build(), Optional.empty(), Optional.of(audit.build()), Optional.of(event));
    }

    private Optional<Judgement> wrongVersion(boolean expects, long expected) {
        return expects && expected != current.getVersion()
                ? Optional.of(refused(AnswerCode.ABORTED, "Version " + expected + " was expected, and fleet " + request.getFleet() + " is at version "
                        + current.getVersion() + ": get it, and make your change to that."))
                : Optional.empty();
    }

    private FleetRecord.Builder change() {
        return current.toBuilder().setVersion(current.getVersion() + 1).setChangedAt(Timestamps.fromMillis(now.toEpochMilli())).setChangedBy(request.getCaller());
    }

    private Judgement accepted(FleetRecord.Builder next, String what, List<String> notes) {
        var record = next.build();
        var audit = audit(what).setAfter(record.getSpec());
        if (current != null) {
            audit.setBefore(current.getSpec());
        }
        var answer = answer(AnswerCode.ACCEPTED, "").setVersion(record.getVersion()).setFleet(record).addAllNotes(notes).build();
        return new Judgement(answer, Optional.of(record), Optional.of(audit.build()), Optional.empty());
    }

    private Judgement unchanged() {
        return unchanged(List.of());
    }

    private Judgement unchanged(List<String> notes) {
        return new Judgement(answer(AnswerCode.ACCEPTED, "").setFleet(current).addAllNotes(notes).build(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    private Judgement noFleet() {
        return refused(AnswerCode.NOT_FOUND_ANSWER, "There is no fleet " + request.getFleet() + ".");
    }

    private Judgement refused(AnswerCode code, String message) {
        return refused(code, message, List.of());
    }

    private Judgement refused(AnswerCode code, String message, List<Violation> violations) {
        return new Judgement(answer(code, message).addAllViolations(violations).build(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    private RequestAnswered.Builder answer(AnswerCode code, String message) {
        return RequestAnswered.newBuilder().setRequestId(request.getRequestId()).setCode(code)
                .setVersion(current == null ? 0 : current.getVersion()).setMessage(message);
    }

    private Audit.Builder audit(String what) {
        return Audit.newBuilder().setRequestId(request.getRequestId()).setCaller(request.getCaller()).setRole(request.getRole()).setWhat(what);
    }

    private static Violation violation(String field, String problem, String fix) {
        return Violation.newBuilder().setField(field).setProblem(problem).setFix(fix).build();
    }
}
