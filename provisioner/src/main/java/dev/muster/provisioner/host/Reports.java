package dev.muster.provisioner.host;

import dev.muster.contracts.Times;
import dev.muster.provisioner.boot.BootFailure;
import dev.muster.provisioner.spi.Adoption;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.EndedBy;
import dev.muster.provisioner.spi.MachineSeen;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.AdoptRefusal;
import dev.muster.v1.CloudState;
import dev.muster.v1.CommandAnswered;
import dev.muster.v1.Ending;
import dev.muster.v1.FailureKind;
import dev.muster.v1.InventoryReported;
import dev.muster.v1.LaunchAccepted;
import dev.muster.v1.LaunchRefused;
import dev.muster.v1.MachineReport;
import dev.muster.v1.MachineReported;
import dev.muster.v1.Market;
import dev.muster.v1.Observation;
import dev.muster.v1.OfferKey;
import dev.muster.v1.PricesReported;
import dev.muster.v1.ScopeState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** From what a cloud shows and answers to the messages of {@code machine-reports}. */
final class Reports {

    /** Of the machines in one part, so that a record with its envelope and headers stays below Kafka's 512 KiB. Bytes. */
    private static final int MOST_IN_PART = 480 * 1024;

    private final String source;

    /** @param source {@code <service>/<instance>} */
    Reports(String source) {
        this.source = source;
    }

    MachineReport accepted(String fleet, Scope scope, long generation, Instant askedAt, String batchId, Delivery delivery) {
        var accepted = LaunchAccepted.newBuilder().setBatchId(batchId);
        delivery.machines().forEach(machine -> accepted.addMachines(machine(machine)));
        return report(fleet, scope, seen(generation, 0, askedAt)).setLaunchAccepted(accepted).build();
    }

    MachineReport refused(HostCommand.Launch launch, long generation, Instant askedAt, List<String> machineIds, ProviderException why) {
        return report(launch.fleet(), launch.scope(), seen(generation, 0, askedAt)).setLaunchRefused(LaunchRefused.newBuilder()
                .setBatchId(launch.batchId())
                .addAllMachineIds(machineIds)
                .setKind(kind(why.kind()))
                .setCode(why.code())
                .setMessage(why.getMessage())
                .setFaultOfTask(why.isFaultOfTask())
                .setQuota(why.kind() == dev.muster.provisioner.spi.FailureKind.QUOTA_EXCEEDED ? why.code() : "")
                .setOffer(offer(launch.offer()))).build();
    }

    MachineReport answered(HostCommand.OfMachine command, long generation, Instant askedAt, Optional<ProviderException> failure) {
        var answer = CommandAnswered.newBuilder()
                .setMachineId(command.machine().machineId())
                .setOrdinal(command.ordinal())
                .setVerb(command.verb())
                .setDone(failure.isEmpty());
        failure.ifPresent(why -> answer.setKind(kind(why.kind())).setCode(why.code()).setMessage(why.getMessage()));
        return report(command.fleet(), command.scope(), seen(generation, 0, askedAt)).setCommandAnswered(answer).build();
    }

    MachineReport answered(HostCommand.Adopt command, long generation, Instant askedAt, Adoption adoption) {
        var answer = CommandAnswered.newBuilder().setMachineId(command.machine().machineId()).setOrdinal(command.ordinal()).setVerb(command.verb())
                .setDone(adoption.machine().isPresent()).setMessage(adoption.detail());
        if (adoption.refusal() != null) {
            answer.setAdoptRefusal(switch (adoption.refusal()) {
                case NOT_THERE -> AdoptRefusal.NOT_THERE;
                case OF_ANOTHER -> AdoptRefusal.OF_ANOTHER;
                case NO_SUCH_OFFER -> AdoptRefusal.NO_SUCH_OFFER;
            });
        }
        return report(command.fleet(), command.scope(), seen(generation, 0, askedAt)).setCommandAnswered(answer).build();
    }

    MachineReport prices(String fleet, Scope scope, long generation, Instant readAt, PricesReported prices) {
        return report(fleet, scope, seen(generation, 0, readAt)).setPrices(prices).build();
    }

    MachineReport changed(String fleet, Scope scope, long generation, Instant readStartedAt, MachineReported machine) {
        return report(fleet, scope, seen(generation, 0, readStartedAt)).setMachine(machine).build();
    }

    /** One fleet's machines in one scope, in as many parts as needed; at least one. */
    List<MachineReport> inventory(String fleet, Scope scope, long generation, long sequence, Instant startedAt, List<MachineReported> machines,
            Optional<ProviderException> incomplete, boolean nothingKnown, Optional<InventoryReported> foreign) {
        var parts = new ArrayList<List<MachineReported>>();
        var part = new ArrayList<MachineReported>();
        int bytes = 0;
        for (var machine : machines) {
            int size = machine.getSerializedSize() + 8;
            if (bytes + size > MOST_IN_PART) {
                parts.add(part);
                part = new ArrayList<>();
                bytes = 0;
            }
            part.add(machine);
            bytes += size;
        }
        parts.add(part);
        var reports = new ArrayList<MachineReport>();
        for (int i = 0; i < parts.size(); i++) {
            var inventory = foreign.map(InventoryReported::toBuilder).orElseGet(InventoryReported::newBuilder)
                    .setListStartedAt(Times.timestamp(startedAt))
                    .setScopeState(incomplete.isEmpty() ? ScopeState.LISTED_ALL : nothingKnown ? ScopeState.LIST_FAILED : ScopeState.PARTIAL)
                    .addAllMachines(parts.get(i));
            incomplete.ifPresent(why -> inventory.setKind(kind(why.kind())).setDetail(why.code() + ": " + why.getMessage()));
            var seen = seen(generation, sequence, startedAt).setPart(i + 1).setParts(parts.size());
            reports.add(report(fleet, scope, seen).setInventory(inventory).build());
        }
        return reports;
    }

    private static MachineReport.Builder report(String fleet, Scope scope, Observation.Builder seen) {
        return MachineReport.newBuilder().setFleet(fleet).setScope(scope.toString()).setSeen(seen);
    }

    private Observation.Builder seen(long generation, long sequence, Instant readStartedAt) {
        return Observation.newBuilder().setSource(source).setGeneration(generation).setSequence(sequence)
                .setReadStartedAt(Times.timestamp(readStartedAt)).setPart(1).setParts(1);
    }

    static MachineReported machine(MachineSeen machine) {
        var reported = MachineReported.newBuilder()
                .setMachineId(machine.machineId())
                .setPool(machine.pool())
                .setCloudId(machine.cloudId())
                .setBatchId(machine.batchId())
                .setLaunchIndex(machine.launchIndex())
                .setOffer(offer(machine.offer()))
                .setState(state(machine.status()))
                .setEnding(ending(machine.endedBy()))
                .setMark(mark(machine.mark().word()))
                .setMarkOrdinal(machine.mark().ordinal());
        if (machine.launchedAt() != null) {
            reported.setLaunchedAt(Times.timestamp(machine.launchedAt()));
        }
        reported.setTask(machine.task());
        machine.note().ifPresent(note -> reported.setReason(note.reason()).setMessage(note.message()).setFaultOfTask(note.faultOfTask()));
        machine.keepUntil().ifPresent(keep -> reported.setKeepUntil(Times.timestamp(keep.until())).setMarkCluster(keep.cluster()));
        return reported.build();
    }

    /** The same, with why it never became a worker. */
    static MachineReported machine(MachineSeen machine, BootFailure failure) {
        return machine(machine).toBuilder().setBootFailedStep(failure.step()).setBootFailedReason(failure.reason()).build();
    }

    /** Of a machine of which nothing is known but how it stands. */
    static MachineReported machine(HostCommand.OfMachine command, CloudStatus status) {
        return MachineReported.newBuilder()
                .setMachineId(command.machine().machineId())
                .setCloudId(command.machine().cloudId())
                .setState(state(status))
                .build();
    }

    static OfferKey offer(Offer offer) {
        return OfferKey.newBuilder()
                .setProvider(offer.scope().provider())
                .setAccount(offer.scope().account())
                .setRegion(offer.scope().region())
                .setZone(offer.zone())
                .setSubnet(offer.subnet())
                .setMachineType(offer.machineType())
                .setMarket(switch (offer.market()) {
                    case ON_DEMAND -> Market.ON_DEMAND;
                    case SPOT -> Market.SPOT;
                })
                .build();
    }

    static CloudState state(CloudStatus status) {
        return switch (status) {
            case WAITING -> CloudState.WAITING;
            case PENDING -> CloudState.PENDING;
            case RUNNING -> CloudState.RUNNING_STATE;
            case IMPAIRED -> CloudState.IMPAIRED;
            case SHUTTING_DOWN -> CloudState.SHUTTING_DOWN;
            case STOPPED -> CloudState.STOPPED_STATE;
            case TERMINATED -> CloudState.TERMINATED;
            case NOT_FOUND -> CloudState.NOT_FOUND;
            case UNKNOWN -> CloudState.CLOUD_STATE_UNSPECIFIED;
        };
    }

    private static Ending ending(EndedBy ending) {
        return switch (ending) {
            case UNKNOWN -> Ending.ENDING_UNSPECIFIED;
            case INSIDE -> Ending.INSIDE;
            case ASKED -> Ending.ASKED;
            case INTERRUPTED -> Ending.INTERRUPTED;
            case CLOUD -> Ending.BY_CLOUD;
            case UNSEEN -> Ending.UNSEEN;
        };
    }

    private static dev.muster.v1.Mark mark(Mark.Word word) {
        return switch (word) {
            case NONE -> dev.muster.v1.Mark.NO_MARK;
            case DRAIN -> dev.muster.v1.Mark.DRAIN;
            case DRAIN_NOW -> dev.muster.v1.Mark.DRAIN_NOW;
            case RELEASED -> dev.muster.v1.Mark.RELEASED;
        };
    }

    static FailureKind kind(dev.muster.provisioner.spi.FailureKind kind) {
        return switch (kind) {
            case OUT_OF_CAPACITY -> FailureKind.OUT_OF_CAPACITY;
            case QUOTA_EXCEEDED -> FailureKind.QUOTA_EXCEEDED;
            case THROTTLED -> FailureKind.THROTTLED;
            case UNAVAILABLE -> FailureKind.UNAVAILABLE;
            case UNAUTHORIZED -> FailureKind.UNAUTHORIZED;
            case INVALID_SPEC -> FailureKind.INVALID_SPEC;
            case EXPIRED -> FailureKind.EXPIRED;
        };
    }
}
