package dev.muster.planner.stream;

import dev.muster.contracts.Times;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.planner.core.CloudNote;
import dev.muster.planner.core.Fleet;
import dev.muster.planner.core.FleetEvent;
import dev.muster.planner.core.Machine;
import dev.muster.planner.core.Worker;
import dev.muster.v1.AdoptRefusal;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Machines, between the topics {@code machine-reports} and {@code machines}, the store and the core. */
final class MachineTranslator {

    /** The contract's word in a CommandAnswered. */
    private static final String ADOPT = "adopt";

    private MachineTranslator() {}

    /**
     * What a fleet learns from it; empty if it is not about planning.
     *
     * @param at when the broker took the record
     * @throws UnreadableRecordException if it says nothing that this release knows
     */
    static Optional<FleetEvent> event(MachineReport message, Instant at) throws UnreadableRecordException {
        switch (message.getWhatCase()) {
            case MACHINE -> {
                return Optional.of(new FleetEvent.MachineSeen(at, facts(message.getMachine())));
            }
            case LAUNCH_ACCEPTED -> {
                var accepted = message.getLaunchAccepted();
                return Optional.of(new FleetEvent.LaunchAccepted(at, accepted.getBatchId(), facts(accepted.getMachinesList())));
            }
            case LAUNCH_REFUSED -> {
                var refused = message.getLaunchRefused();
                var kind = Words.failureOrNull(refused.getKind());
                if (kind == null) {
                    throw new UnreadableRecordException("launch_refused.kind is missing: what the refusal means can't be told");
                }
                return Optional.of(new FleetEvent.LaunchRefused(at, refused.getBatchId(), refused.getMachineIdsList(), kind, refused.getCode(),
                        refused.getMessage(), refused.getQuota(), Words.offerOrNull(refused.hasOffer(), refused.getOffer()), refused.getFaultOfTask()));
            }
            case COMMAND_ANSWERED -> {
                var answered = message.getCommandAnswered();
                if (answered.getVerb().equals(ADOPT) && !answered.getDone()) {
                    return Optional.of(new FleetEvent.AdoptionRefused(at, answered.getMachineId(), answered.getOrdinal(),
                            Words.adoptRefusal(answered.getAdoptRefusal()), answered.getAdoptRefusal() == AdoptRefusal.ADOPT_REFUSAL_UNSPECIFIED
                                    ? answered.getCode() + ": " + answered.getMessage() : answered.getMessage()));
                }
                return Optional.of(new FleetEvent.CommandAnswered(at, answered.getMachineId(), answered.getOrdinal(), answered.getVerb(),
                        answered.getDone(), Words.failureOrNull(answered.getKind()), answered.getCode(), answered.getMessage()));
            }
            case INVENTORY -> {
                var list = message.getInventory();
                if (!list.hasListStartedAt()) {
                    throw new UnreadableRecordException("inventory.list_started_at is missing: the list can't be placed in time");
                }
                return Optional.of(new FleetEvent.InventorySeen(at, message.getScope(), DemandTranslator.seen(message.getSeen()),
                        Times.instant(list.getListStartedAt()), switch (list.getScopeState()) {
                            case LISTED_ALL -> FleetEvent.ScopeState.LISTED;
                            // Only what is said to be complete says that a machine is missing.
                            case PARTIAL, SCOPE_STATE_UNSPECIFIED, UNRECOGNIZED -> FleetEvent.ScopeState.PARTIAL;
                            case LIST_FAILED -> FleetEvent.ScopeState.FAILED;
                        }, list.getDetail(), facts(list.getMachinesList()), list.getForeignCluster()));
            }
            case PRICES -> {
                var prices = new ArrayList<FleetEvent.PricesSeen.Price>();
                for (var price : message.getPrices().getPricesList()) {
                    // Without an age it can't be told from an older one.
                    if (price.hasAsOf() && Words.offerOrNull(price.hasOffer(), price.getOffer()) != null) {
                        prices.add(new FleetEvent.PricesSeen.Price(Words.offer(price.getOffer()), price.getMicrosPerHour(), Times.instant(price.getAsOf()),
                                price.getSource()));
                    }
                }
                var provider = message.getScope().contains("/") ? message.getScope().substring(0, message.getScope().indexOf('/')) : "";
                var types = message.getPrices().getFactsList().stream().filter(type -> !type.getMachineType().isEmpty() && !provider.isEmpty())
                        .map(type -> FleetTranslator.type(provider, type)).toList();
                return Optional.of(new FleetEvent.PricesSeen(at, prices, types));
            }
            case CHECK_ANSWERED -> {
                return Optional.empty();
            }
            case WHAT_NOT_SET -> throw new UnreadableRecordException("the report says nothing that this release knows");
        }
        throw new IllegalStateException("no such case: " + message.getWhatCase());
    }

    private static List<FleetEvent.MachineFacts> facts(List<MachineReported> machines) {
        return machines.stream().map(MachineTranslator::facts).toList();
    }

    static FleetEvent.MachineFacts facts(MachineReported machine) {
        var failed = machine.getBootFailedReason().isEmpty() || machine.getBootFailedStep().isEmpty()
                ? machine.getBootFailedStep() + machine.getBootFailedReason()
                : machine.getBootFailedStep() + ": " + machine.getBootFailedReason();
        return new FleetEvent.MachineFacts(machine.getMachineId(), machine.getPool(), machine.getCloudId(), machine.getBatchId(),
                machine.getLaunchIndex(), Words.offerOrNull(machine.hasOffer(), machine.getOffer()), Words.cloudState(machine.getState()),
                Words.ending(machine.getEnding()), Times.instantOrNull(machine.hasLaunchedAt(), machine.getLaunchedAt()),
                Words.markOrNull(machine.getMark()), failed, new CloudNote(machine.getReason(), machine.getMessage(), machine.getFaultOfTask()),
                machine.getTask());
    }

    static MachineReported facts(FleetEvent.MachineFacts machine) {
        var reported = MachineReported.newBuilder().setMachineId(machine.machineId()).setPool(machine.pool()).setCloudId(machine.cloudId())
                .setBatchId(machine.batchId()).setLaunchIndex(machine.launchIndex()).setState(Words.cloudState(machine.state()))
                .setEnding(Words.ending(machine.ending())).setMark(Words.mark(machine.mark())).setBootFailedReason(machine.bootFailed())
                .setReason(machine.note().reason()).setMessage(machine.note().message()).setFaultOfTask(machine.note().faultOfTask()).setTask(machine.task());
        if (machine.offer() != null) {
            reported.setOffer(Words.offer(machine.offer()));
        }
        if (machine.launchedAt() != null) {
            reported.setLaunchedAt(Times.timestamp(machine.launchedAt()));
        }
        return reported.build();
    }

    /** The planner's view of a machine with what its workers show, as it is published and stored. */
    static MachineRecord record(Fleet fleet, Machine machine) {
        var workers = fleet.workersOn(machine);
        var record = MachineRecord.newBuilder()
                .setMachineId(machine.id()).setFleet(fleet.head().name()).setIncarnation(machine.incarnation()).setPool(machine.pool())
                .setScope(machine.offer().scope()).setBatchId(machine.batchId()).setCloudId(machine.cloudId())
                .setLaunchIndex(machine.launchIndex()).setOffer(Words.offer(machine.offer())).setPhase(Words.phase(machine.phase()))
                .setFailureValue(Words.failure(machine.failure())).setCause(machine.cause() == null ? "" : machine.cause().name())
                .setCauseDetail(machine.detail()).setCounted(machine.isCounted()).setGuarded(machine.readyAt() != null && !machine.isAdopted())
                .setReleased(machine.released()).addAllWorkerIds(workers.stream().map(Worker::id).toList())
                .addAllTasks(workers.stream().map(Worker::task).filter(task -> !task.isEmpty()).sorted().toList())
                .setReplaces(machine.replaces()).setDecisionId(machine.decisionId()).setLastOrdinal(machine.ordinal())
                .setMark(Words.mark(machine.mark())).setSeenMark(Words.mark(machine.seenMark())).setAttempts(machine.attempts())
                .setCloudState(Words.cloudState(machine.cloud())).setEnding(Words.ending(machine.ending()))
                .setAsked(Words.verb(machine.asked())).addAllQueueIds(machine.queueIds()).setQueue(machine.queue()).setProtected(machine.isProtected())
                .setAdopted(machine.isAdopted()).setTask(machine.task()).setReason(machine.note().reason()).setMessage(machine.note().message())
                .setFaultOfTask(machine.note().faultOfTask());
        if (machine.paid() != null) {
            record.setPaid(LedgerTranslator.paid(machine.paid()));
        }
        machine.committed().ifPresent(record::setCommittedMicrosPerHour);
        set(machine.requestedAt(), record::setRequestedAt);
        set(machine.expiresAt(), record::setExpiresAt);
        set(machine.acceptedAt(), record::setAcceptedAt);
        set(machine.bootedAt(), record::setBootedAt);
        set(machine.readyAt(), record::setReadyAt);
        set(machine.idleSince(), record::setIdleSince);
        set(machine.markedAt(), record::setMarkedAt);
        set(machine.endedAt(), record::setEndedAt);
        set(machine.missingSince(), record::setMissingSince);
        set(machine.retryAt(), record::setRetryAt);
        set(machine.impairedSince(), record::setImpairedSince);
        set(machine.unlistedSince(), record::setUnlistedSince);
        set(machine.waitingSince(), record::setWaitingSince);
        set(machine.placedAt(), record::setPlacedAt);
        set(machine.takenSince(), record::setTakenSince);
        return record.build();
    }

    static Machine machine(MachineRecord record) {
        return new Machine(record.getMachineId(), record.getPool(), Words.offer(record.getOffer()), record.getBatchId(),
                record.getLaunchIndex(), record.getCloudId(), Words.phase(record.getPhase()), Words.failureOrNull(record.getFailure()),
                Words.reasonOrNull(record.getCause()), record.getCauseDetail(), record.getReleased(), Words.verbOrNull(record.getAsked()),
                record.getLastOrdinal(), Words.markOrNull(record.getMark()), Words.markOrNull(record.getSeenMark()),
                Words.cloudState(record.getCloudState()), Words.ending(record.getEnding()),
                record.hasCommittedMicrosPerHour() ? OptionalLong.of(record.getCommittedMicrosPerHour()) : OptionalLong.empty(),
                record.getReplaces(), record.getDecisionId(), record.getQueueIdsList(),
                Times.instantOrNull(record.hasRequestedAt(), record.getRequestedAt()),
                Times.instantOrNull(record.hasExpiresAt(), record.getExpiresAt()),
                Times.instantOrNull(record.hasAcceptedAt(), record.getAcceptedAt()),
                Times.instantOrNull(record.hasBootedAt(), record.getBootedAt()),
                Times.instantOrNull(record.hasReadyAt(), record.getReadyAt()),
                Times.instantOrNull(record.hasIdleSince(), record.getIdleSince()),
                Times.instantOrNull(record.hasMarkedAt(), record.getMarkedAt()),
                Times.instantOrNull(record.hasEndedAt(), record.getEndedAt()),
                Times.instantOrNull(record.hasMissingSince(), record.getMissingSince()),
                Times.instantOrNull(record.hasRetryAt(), record.getRetryAt()), record.getAttempts(), record.getQueue(), record.getProtected(),
                record.hasPaid() ? LedgerTranslator.paid(record.getPaid()) : null,
                Times.instantOrNull(record.hasImpairedSince(), record.getImpairedSince()),
                Times.instantOrNull(record.hasUnlistedSince(), record.getUnlistedSince()), record.getTask(),
                new CloudNote(record.getReason(), record.getMessage(), record.getFaultOfTask()),
                Times.instantOrNull(record.hasWaitingSince(), record.getWaitingSince()), Times.instantOrNull(record.hasPlacedAt(), record.getPlacedAt()),
                Times.instantOrNull(record.hasTakenSince(), record.getTakenSince()));
    }

    private static void set(Instant instant, java.util.function.Consumer<com.google.protobuf.Timestamp> field) {
        if (instant != null) {
            field.accept(Times.timestamp(instant));
        }
    }
}
