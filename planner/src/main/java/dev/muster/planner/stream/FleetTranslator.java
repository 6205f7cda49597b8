package dev.muster.planner.stream;

import com.google.protobuf.Timestamp;
import dev.muster.contracts.Times;
import dev.muster.planner.core.Adoption;
import dev.muster.planner.core.Budget;
import dev.muster.planner.core.FleetHead;
import dev.muster.planner.core.FleetMemory;
import dev.muster.planner.core.FleetSpec;
import dev.muster.planner.core.Hold;
import dev.muster.planner.core.Limits;
import dev.muster.planner.core.Offer;
import dev.muster.planner.core.Pool;
import dev.muster.planner.core.Queue;
import dev.muster.planner.core.Rescue;
import dev.muster.planner.core.Schedule;
import dev.muster.planner.spec.CostTable;
import dev.muster.planner.spec.Quantity;
import dev.muster.v1.AdoptionState;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.DemandState;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.FleetState;
import dev.muster.v1.HoldKind;
import dev.muster.v1.HoldState;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.Order;
import dev.muster.v1.PodKind;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.PriceState;
import dev.muster.v1.RescueState;
import dev.muster.v1.ScheduleSpec;
import dev.muster.v1.ScopeKnown;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.TaskAction;
import dev.muster.v1.TypeFacts;
import dev.muster.v1.TypeState;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Fleets: the accepted record as the core's head, and the core's memory as it is stored. */
public final class FleetTranslator {

    /** A pod that ended so would end so again, unless the spec knows better: it used more memory than it may, failed by itself, took too long. */
    private static final List<String> FAILING = List.of("OOMKilled", "Error", "DeadlineExceeded");

    private FleetTranslator() {}

    /** @param record accepted: valid, with every default filled in */
    public static FleetHead head(FleetRecord record) {
        return new FleetHead(record.getFleet(), record.getIncarnation(),
                record.getPastList().stream().map(past -> new FleetHead.PastLife(past.getId(), action(past.getAction()))).toList(),
                record.getVersion(), state(record.getState()), actionOrNull(record.getAction()), spec(record.getSpec()),
                Times.instant(record.getCreatedAt()), Times.instant(record.getChangedAt()));
    }

    /** The record after the fleet's state moved on by itself. */
    static FleetRecord withState(FleetRecord record, FleetHead head, Instant now) {
        return record.toBuilder().setState(switch (head.state()) {
            case ACTIVE -> FleetState.ACTIVE;
            case PAUSED -> FleetState.PAUSED;
            case DELETING -> FleetState.DELETING;
            case DELETED -> FleetState.DELETED;
        }).setChangedAt(Times.timestamp(now)).build();
    }

    private static FleetHead.State state(FleetState state) {
        return switch (state) {
            case ACTIVE -> FleetHead.State.ACTIVE;
            // What a newer release means by its own state, nothing is launched in it here.
            case PAUSED, FLEET_STATE_UNSPECIFIED, UNRECOGNIZED -> FleetHead.State.PAUSED;
            case DELETING -> FleetHead.State.DELETING;
            case DELETED -> FleetHead.State.DELETED;
        };
    }

    private static FleetHead.ShutdownAction actionOrNull(ShutdownAction action) {
        return action == ShutdownAction.SHUTDOWN_ACTION_UNSPECIFIED ? null : action(action);
    }

    private static FleetHead.ShutdownAction action(ShutdownAction action) {
        return switch (action) {
            case LEAVE -> FleetHead.ShutdownAction.LEAVE;
            case ALL -> FleetHead.ShutdownAction.ALL;
            case IDLE, SHUTDOWN_ACTION_UNSPECIFIED, UNRECOGNIZED -> FleetHead.ShutdownAction.IDLE;
        };
    }

    private static FleetSpec spec(dev.muster.v1.FleetSpec spec) {
        var rescue = spec.getRescue();
        var zone = ZoneId.of(spec.getTimeZone());
        return new FleetSpec(spec.getConnection(), spec.getWorkersPrefix(),
                spec.getQueuesList().stream().map(queue -> new Queue(queue.getName(), queue.getPoolsList(), order(queue.getOrder()),
                        queue.getPriority(), queue.getWeight(), budgets(queue.getBudgetsList()))).toList(),
                spec.getPoolsList().stream().map(pool -> pool(pool, zone)).toList(), limits(spec.getLimits()),
                new FleetSpec.Rescue(rescue.getEnabled(), Times.duration(rescue.getRescueAfter()), rescue.getAttempts(), rescue.getOptOutTag()),
                spec.getCountOtherWorkers(), budgets(spec.getBudgetsList()), schedules(spec.getSchedulesList(), zone), zone);
    }

    private static Pool pool(PoolSpec pool, ZoneId zone) {
        return new Pool(pool.getName(), pool.getOffersList().stream().map(FleetTranslator::offer).toList(), order(pool.getOrder()),
                limits(pool.getLimits()), pool.getWarm(), pool.getSlots(), Times.duration(pool.getIdleTimeout()),
                Times.duration(pool.getBootDeadline()), Times.duration(pool.getRegistrationDeadline()), Times.duration(pool.getReserveFor()),
                Times.duration(pool.getScaleOutDelay()), pool.getPace().getLaunchesPerMinute(), pool.getPace().getUnregistered(),
                pool.getPaused(),
                new Pool.Leaving(pool.hasMaxAge() ? Times.duration(pool.getMaxAge()) : null, Times.duration(pool.getLeastPaid()),
                        Times.duration(pool.getScaleInDelay()), pool.getDisruption().getDraining()),
                new Pool.Spot(Times.duration(pool.getSpotRollbackAfter()), Times.duration(pool.getSpotBlackout())),
                CostTable.of(pool), budgets(pool.getBudgetsList()), schedules(pool.getSchedulesList(), zone), pods(pool));
    }

    /** A pod requests at least what it may use at most of a resource for which the spec says only that, as Kubernetes has it. */
    private static Pool.Pods pods(PoolSpec pool) {
        if (!pool.getLaunch().hasK8S()) {
            return Pool.Pods.NONE;
        }
        var k8s = pool.getLaunch().getK8S();
        var requests = new TreeMap<String, Long>();
        k8s.getLimitsMap().forEach((resource, quantity) -> requests.put(resource, Quantity.thousandths(quantity)));
        k8s.getRequestsMap().forEach((resource, quantity) -> requests.put(resource, Quantity.thousandths(quantity)));
        var failing = new TreeSet<>(FAILING);
        pool.getOnEndMap().forEach((reason, action) -> {
            if (action == TaskAction.FAIL_TASK) {
                failing.add(reason);
            } else {
                failing.remove(reason);
            }
        });
        return new Pool.Pods(k8s.getPods() == PodKind.TASK_POD, pool.hasPatience() ? Times.duration(pool.getPatience()) : null, failing, requests);
    }

    private static List<Budget> budgets(List<BudgetSpec> budgets) {
        return budgets.stream().map(budget -> new Budget(
                switch (budget.getPeriod()) {
                    case PER_HOUR -> Budget.Period.HOUR;
                    case PER_MONTH -> Budget.Period.MONTH;
                    // A newer release's period: the narrowest that is like it.
                    case PER_DAY, BUDGET_PERIOD_UNSPECIFIED, UNRECOGNIZED -> Budget.Period.DAY;
                },
                budget.hasHardMicros() ? OptionalLong.of(budget.getHardMicros()) : OptionalLong.empty(),
                budget.hasSoftMicros() ? OptionalLong.of(budget.getSoftMicros()) : OptionalLong.empty(),
                switch (budget.getHardAction()) {
                    case STOP_LAUNCHING -> Budget.HardAction.STOP_LAUNCHING;
                    case STOP_BUSY -> Budget.HardAction.STOP_BUSY;
                    default -> Budget.HardAction.DRAIN_MACHINES;
                },
                switch (budget.getSoftAction()) {
                    case CHEAP_OFFERS_ONLY -> Budget.SoftAction.CHEAP_OFFERS_ONLY;
                    case HIGH_PRIORITY_ONLY -> Budget.SoftAction.HIGH_PRIORITY_ONLY;
                    default -> Budget.SoftAction.WARN;
                },
                budget.hasCheapMicrosPerHour() ? OptionalLong.of(budget.getCheapMicrosPerHour()) : OptionalLong.empty(),
                budget.getMinPriority())).toList();
    }

    private static List<Schedule> schedules(List<ScheduleSpec> schedules, ZoneId zone) {
        return schedules.stream().map(schedule -> new Schedule(schedule.getCron(), Times.duration(schedule.getLasts()),
                schedule.getTimeZone().isEmpty() ? zone : ZoneId.of(schedule.getTimeZone()),
                schedule.hasMin() ? OptionalInt.of(schedule.getMin()) : OptionalInt.empty(),
                schedule.hasMax() ? OptionalInt.of(schedule.getMax()) : OptionalInt.empty(),
                schedule.hasWarm() ? OptionalInt.of(schedule.getWarm()) : OptionalInt.empty(),
                schedule.hasPaused() ? Optional.of(schedule.getPaused()) : Optional.empty())).toList();
    }

    private static Offer offer(OfferSpec offer) {
        return new Offer(Words.offer(offer.getKey()),
                offer.hasPriceMicrosPerHour() ? OptionalLong.of(offer.getPriceMicrosPerHour()) : OptionalLong.empty(),
                offer.hasPriceCeilingMicrosPerHour() ? OptionalLong.of(offer.getPriceCeilingMicrosPerHour()) : OptionalLong.empty());
    }

    private static Pool.Order order(Order order) {
        return order == Order.CHEAPEST ? Pool.Order.CHEAPEST : Pool.Order.LISTED;
    }

    private static Limits limits(dev.muster.v1.Limits limits) {
        var resources = new TreeMap<String, Long>();
        limits.getResourcesMap().forEach((resource, quantity) -> resources.put(resource, Quantity.thousandths(quantity)));
        return new Limits(limits.getMin(), limits.hasMax() ? limits.getMax() : Integer.MAX_VALUE, resources);
    }

    static dev.muster.v1.FleetMemory memory(FleetMemory memory) {
        var message = dev.muster.v1.FleetMemory.newBuilder().setNextMachine(memory.nextMachine()).setPlans(memory.plans())
                .setDemand(demand(memory.demand()));
        set(memory.plannedAt(), message::setPlannedAt);
        set(memory.stateSince(), message::setStateSince);
        memory.prices().forEach(price -> message.addPrices(PriceState.newBuilder().setOffer(Words.offer(price.offer())).setMicrosPerHour(price.perHour())
                .setAsOf(Times.timestamp(price.asOf())).setSource(price.source()).setIgnored(price.ignored())));
        memory.types().forEach(type -> message.addTypes(TypeState.newBuilder().setProvider(type.provider()).setFacts(TypeFacts.newBuilder()
                .setMachineType(type.machineType()).setVcpus(type.vcpus()).setMemoryMib(type.memoryMib()).setGpus(type.gpus()).setGpuModel(type.gpuModel())
                .setArchitecture(type.architecture()).setLiveMarks(type.liveMarks()))));
        memory.adopting().forEach((prefix, askedAt) -> message.putAdopting(prefix, Times.timestamp(askedAt)));
        memory.adoptions().forEach(adoption -> message.addAdoptions(adoption(adoption)));
        memory.waitingSince().forEach((queue, since) -> message.putWaitingSince(queue, Times.timestamp(since)));
        memory.scopes().forEach(scope -> message.addScopes(scope(scope)));
        memory.holds().forEach(hold -> message.addHolds(hold(hold)));
        memory.rescues().forEach(rescue -> message.addRescues(rescue(rescue)));
        memory.refusals().forEach(refusal -> message.addRefusals(DecisionTranslator.state(refusal)));
        memory.adrift().forEach(task -> message.addAdrift(DemandTranslator.adrift(task)));
        memory.strangers().forEach(machine -> message.addStrangers(MachineTranslator.facts(machine)));
        return message.build();
    }

    static FleetMemory memory(dev.muster.v1.FleetMemory message) {
        return new FleetMemory(message.getNextMachine(), message.getPlans(),
                Times.instantOrEpoch(message.hasPlannedAt(), message.getPlannedAt()), demand(message.getDemand()),
                message.getScopesList().stream().map(FleetTranslator::scope).toList(),
                message.getHoldsList().stream().map(FleetTranslator::hold).toList(),
                message.getRescuesList().stream().map(FleetTranslator::rescue).toList(),
                message.getRefusalsList().stream().map(DecisionTranslator::refused).toList(),
                message.getAdriftList().stream().map(DemandTranslator::adrift).toList(),
                message.getStrangersList().stream().map(MachineTranslator::facts).toList(),
                Times.instantOrEpoch(message.hasStateSince(), message.getStateSince()),
                message.getPricesList().stream().map(price -> new FleetMemory.PriceKnown(Words.offer(price.getOffer()), price.getMicrosPerHour(),
                        Times.instant(price.getAsOf()), price.getSource(), price.getIgnored())).toList(),
                instants(message.getWaitingSinceMap()), instants(message.getAdoptingMap()),
                message.getAdoptionsList().stream().map(FleetTranslator::adoption).toList(),
                message.getTypesList().stream().map(type -> type(type.getProvider(), type.getFacts())).toList());
    }

    static FleetMemory.TypeKnown type(String provider, TypeFacts facts) {
        return new FleetMemory.TypeKnown(provider, facts.getMachineType(), facts.getVcpus(), facts.getMemoryMib(), facts.getGpus(), facts.getGpuModel(),
                facts.getArchitecture(), facts.getLiveMarks());
    }

    private static SortedMap<String, Instant> instants(Map<String, Timestamp> times) {
        var instants = new TreeMap<String, Instant>();
        times.forEach((name, time) -> instants.put(name, Times.instant(time)));
        return instants;
    }

    private static AdoptionState adoption(Adoption adoption) {
        var message = AdoptionState.newBuilder().setCloudId(adoption.cloudId()).setPool(adoption.pool()).setScope(adoption.scope())
                .setDecisionId(adoption.decisionId()).setAskedAt(Times.timestamp(adoption.askedAt())).setAttempts(adoption.attempts())
                .addAllNotIn(adoption.notIn()).setRefusal(Words.adoptRefusal(adoption.refusal())).setDetail(adoption.detail());
        set(adoption.retryAt(), message::setRetryAt);
        return message.build();
    }

    private static Adoption adoption(AdoptionState message) {
        return new Adoption(message.getCloudId(), message.getPool(), message.getScope(), message.getDecisionId(), Times.instant(message.getAskedAt()),
                message.getAttempts(), Times.instantOrNull(message.hasRetryAt(), message.getRetryAt()), message.getNotInList(),
                message.hasRetryAt() ? null : Words.adoptRefusal(message.getRefusal()), message.getDetail());
    }

    private static DemandState demand(FleetMemory.DemandStatus demand) {
        var message = DemandState.newBuilder().setSource(demand.source()).setGeneration(demand.generation()).setSequence(demand.sequence())
                .setTick(demand.tick()).setInterval(Times.duration(demand.interval())).setWorkersKnown(demand.workersKnown())
                .setFailure(demand.failure());
        set(demand.heardAt(), message::setHeardAt);
        set(demand.lookStartedAt(), message::setLookStartedAt);
        set(demand.previousLookStartedAt(), message::setPreviousLookStartedAt);
        return message.build();
    }

    private static FleetMemory.DemandStatus demand(DemandState message) {
        return new FleetMemory.DemandStatus(message.getSource(), message.getGeneration(), message.getSequence(), message.getTick(),
                Times.duration(message.getInterval()), Times.instantOrEpoch(message.hasHeardAt(), message.getHeardAt()),
                Times.instantOrEpoch(message.hasLookStartedAt(), message.getLookStartedAt()),
                Times.instantOrEpoch(message.hasPreviousLookStartedAt(), message.getPreviousLookStartedAt()), message.getWorkersKnown(),
                message.getFailure());
    }

    private static ScopeKnown scope(FleetMemory.ScopeSeen scope) {
        var message = ScopeKnown.newBuilder().setScope(scope.scope()).setGeneration(scope.generation()).setSequence(scope.sequence())
                .setFailure(scope.failure()).setForeignCluster(scope.foreignCluster());
        set(scope.listedAt(), message::setListedAt);
        set(scope.listStartedAt(), message::setListStartedAt);
        return message.build();
    }

    private static FleetMemory.ScopeSeen scope(ScopeKnown message) {
        return new FleetMemory.ScopeSeen(message.getScope(), message.getGeneration(), message.getSequence(),
                Times.instantOrEpoch(message.hasListedAt(), message.getListedAt()),
                Times.instantOrEpoch(message.hasListStartedAt(), message.getListStartedAt()), message.getFailure(), message.getForeignCluster());
    }

    private static HoldState hold(Hold hold) {
        var message = HoldState.newBuilder().setKind(switch (hold.kind()) {
            case CAPACITY -> HoldKind.CAPACITY_HOLD;
            case QUOTA -> HoldKind.QUOTA_HOLD;
            case ACCOUNT -> HoldKind.ACCOUNT_HOLD;
            case POOL -> HoldKind.POOL_HOLD;
            case CIRCUIT -> HoldKind.CIRCUIT_HOLD;
            case SPOT -> HoldKind.SPOT_HOLD;
        }).setSubject(hold.subject()).setFailures(hold.failures()).setProbe(hold.probe()).setMessage(hold.message());
        set(hold.since(), message::setSince);
        set(hold.until(), message::setUntil);
        return message.build();
    }

    private static Hold hold(HoldState message) {
        return new Hold(switch (message.getKind()) {
            case CAPACITY_HOLD -> Hold.Kind.CAPACITY;
            case QUOTA_HOLD -> Hold.Kind.QUOTA;
            case ACCOUNT_HOLD -> Hold.Kind.ACCOUNT;
            case POOL_HOLD -> Hold.Kind.POOL;
            case CIRCUIT_HOLD -> Hold.Kind.CIRCUIT;
            case SPOT_HOLD -> Hold.Kind.SPOT;
            case HOLD_KIND_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalStateException(
                    "a stored hold is of a kind that this release doesn't know: a newer planner wrote it");
        }, message.getSubject(), Times.instantOrNull(message.hasSince(), message.getSince()),
                Times.instantOrNull(message.hasUntil(), message.getUntil()), message.getFailures(), message.getProbe(), message.getMessage());
    }

    private static RescueState rescue(Rescue rescue) {
        var message = RescueState.newBuilder().setTask(rescue.task()).setQueueId(rescue.queueId()).setWorker(rescue.worker())
                .setMachineId(rescue.machineId()).setAttempt(rescue.attempt()).setRescued(rescue.rescued()).setStatus(Words.taskStatus(rescue.status()))
                .setFailReason(rescue.failReason()).setFailMessage(rescue.failMessage());
        set(rescue.retryAt(), message::setRetryAt);
        set(rescue.endedAt(), message::setEndedAt);
        return message.build();
    }

    private static Rescue rescue(RescueState message) {
        return new Rescue(message.getTask(), message.getQueueId(), message.getWorker(), message.getMachineId(), Words.taskStatus(message.getStatus()),
                message.getAttempt(), message.getRescued(), Times.instantOrNull(message.hasRetryAt(), message.getRetryAt()),
                Times.instantOrNull(message.hasEndedAt(), message.getEndedAt()), message.getFailReason(), message.getFailMessage());
    }

    private static void set(Instant instant, Consumer<com.google.protobuf.Timestamp> field) {
        if (instant != null && !instant.equals(Instant.EPOCH)) {
            field.accept(Times.timestamp(instant));
        }
    }
}
