package dev.muster.provisioner.host;

import dev.muster.contracts.Times;
import dev.muster.contracts.UnreadableRecordException;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineIds;
import dev.muster.provisioner.spi.MachineRef;
import dev.muster.provisioner.spi.Mark;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.Command;
import dev.muster.v1.DrainMode;
import dev.muster.v1.GcpLaunch;
import dev.muster.v1.K8sLaunch;
import dev.muster.v1.PodKind;
import dev.muster.v1.LaunchMachines;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.OfferKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** From the message {@code Command} to what the host carries out; what can't be carried out has its reason. */
final class CommandTranslator {

    private final String provider;

    /** @param provider first part of the scopes that are ours */
    CommandTranslator(String provider) {
        this.provider = provider;
    }

    HostCommand translate(Command command) throws UnreadableRecordException {
        try {
            return translated(command);
        } catch (IllegalArgumentException wrong) {
            throw new UnreadableRecordException(wrong.getMessage());
        }
    }

    private HostCommand translated(Command command) throws UnreadableRecordException {
        var fleet = required(command.getFleet(), "fleet");
        var scope = Scope.parse(command.getScope());
        if (!scope.provider().equals(provider)) {
            throw new UnreadableRecordException("scope " + scope + " is not of provider " + provider);
        }
        switch (command.getWhatCase()) {
            case LAUNCH:
                return launch(fleet, scope, command, command.getLaunch());
            case DRAIN: {
                var drain = command.getDrain();
                var word = switch (drain.getMode()) {
                    case WHEN_IDLE -> Mark.Word.DRAIN;
                    case NOW -> Mark.Word.DRAIN_NOW;
                    // Never guessed: one of the two ends running tasks.
                    case DRAIN_MODE_UNSPECIFIED, UNRECOGNIZED -> throw new UnreadableRecordException(
                            "drain.mode is " + drain.getModeValue() + "; known are " + DrainMode.WHEN_IDLE_VALUE + " and " + DrainMode.NOW_VALUE);
                };
                return new HostCommand.MarkMachine(fleet, new MachineRef(scope, drain.getMachineId(), drain.getCloudId()),
                        new Mark(word, drain.getOrdinal()), "drain");
            }
            case CANCEL_DRAIN: {
                var cancel = command.getCancelDrain();
                return new HostCommand.MarkMachine(fleet, new MachineRef(scope, cancel.getMachineId(), cancel.getCloudId()),
                        new Mark(Mark.Word.NONE, cancel.getOrdinal()), "cancel-drain");
            }
            case RELEASE: {
                var release = command.getRelease();
                return new HostCommand.MarkMachine(fleet, new MachineRef(scope, release.getMachineId(), release.getCloudId()),
                        new Mark(Mark.Word.RELEASED, release.getOrdinal()), "release");
            }
            case TERMINATE: {
                var terminate = command.getTerminate();
                return new HostCommand.Terminate(fleet, new MachineRef(scope, terminate.getMachineId(), terminate.getCloudId()),
                        terminate.getOrdinal(), terminate.getCause());
            }
            case ADOPT: {
                var adopt = command.getAdopt();
                var cloudId = required(adopt.getCloudId(), "adopt.cloud_id");
                if (!adopt.getMachineId().equals(MachineIds.ADOPTED + cloudId)) {
                    throw new UnreadableRecordException("adopt.machine_id is '" + adopt.getMachineId() + "' and must be " + MachineIds.ADOPTED + cloudId);
                }
                var offers = new ArrayList<Offer>();
                for (var offer : adopt.getOffersList()) {
                    offers.add(offer(offer));
                }
                return new HostCommand.Adopt(fleet, new MachineRef(scope, adopt.getMachineId(), cloudId), required(adopt.getPool(), "adopt.pool"),
                        List.copyOf(offers), adopt.getOrdinal());
            }
            case FETCH_CONSOLE: {
                var fetch = command.getFetchConsole();
                return new HostCommand.FetchConsole(fleet, new MachineRef(scope, fetch.getMachineId(), required(fetch.getCloudId(), "fetch_console.cloud_id")),
                        Times.instant(command.getIssuedAt()));
            }
            case WHAT_NOT_SET:
                throw new UnreadableRecordException("the command is of no kind that this version knows");
        }
        throw new IllegalStateException("no case for " + command.getWhatCase());
    }

    private HostCommand launch(String fleet, Scope scope, Command command, LaunchMachines launch) throws UnreadableRecordException {
        var offer = offer(launch.getOffer());
        if (!offer.scope().equals(scope)) {
            throw new UnreadableRecordException("launch.offer is of " + offer.scope() + " and the command of " + scope);
        }
        if (!launch.hasExpiresAt()) {
            throw new UnreadableRecordException("launch.expires_at is missing");
        }
        var ids = launch.getMachineIdsList();
        if (ids.isEmpty() || ids.size() > MachineBatch.MOST || !ids.get(0).equals(launch.getBatchId())) {
            throw new UnreadableRecordException("launch.machine_ids must be 1 to " + MachineBatch.MOST + " ids of which the first is the batch_id");
        }
        for (int i = 0; i < ids.size(); i++) {
            if (!ids.get(i).equals(MachineIds.of(launch.getBatchId(), i))) {
                throw new UnreadableRecordException("launch.machine_ids[" + i + "] is " + ids.get(i) + "; ids must count up from the batch_id");
            }
        }
        if (!launch.getTask().isEmpty() && ids.size() != 1) {
            throw new UnreadableRecordException("launch.machine_ids are " + ids.size() + " for one task; need 1");
        }
        if (launch.getMaxPriceMicrosPerHour() < 0) {
            throw new UnreadableRecordException("launch.max_price_micros_per_hour is negative");
        }
        return new HostCommand.Launch(fleet, scope, Times.instant(command.getIssuedAt()), launch.getBatchId(), java.util.List.copyOf(ids),
                launch.getPool(), offer, launch.getMaxPriceMicrosPerHour(), Times.instant(launch.getExpiresAt()),
                required(launch.getWorkerPrefix(), "launch.worker_prefix"), settings(launch.getParameters()), launch.getParameters().getBoot(),
                launch.getTask(), launch.getQueue(), launch.getQueueId());
    }

    static Offer offer(OfferKey key) throws UnreadableRecordException {
        var market = switch (key.getMarket()) {
            case ON_DEMAND -> Offer.Market.ON_DEMAND;
            case SPOT -> Offer.Market.SPOT;
            case MARKET_UNSPECIFIED, UNRECOGNIZED ->
                    throw new UnreadableRecordException("offer.market is " + key.getMarketValue() + ", which is neither on-demand nor spot");
        };
        return new Offer(new Scope(key.getProvider(), key.getAccount(), key.getRegion()), key.getZone(), key.getSubnet(),
                key.getMachineType(), market);
    }

    private static LaunchSettings settings(LaunchParameters parameters) {
        var disks = parameters.getDisksList().stream()
                .map(disk -> new LaunchSettings.Disk(disk.getDevice(), disk.getSizeGib(), disk.getType(), disk.getIops(), disk.getThroughput(),
                        disk.getKmsKey(), disk.getSnapshot()))
                .toList();
        Optional<LaunchSettings.Aws> aws = Optional.empty();
        if (parameters.hasAws()) {
            var only = parameters.getAws();
            aws = Optional.of(new LaunchSettings.Aws(only.getKeyName(), only.getSecurityGroupIdsList(), only.getInstanceProfile(),
                    only.hasAssociatePublicIp() ? Optional.of(only.getAssociatePublicIp()) : Optional.empty(), only.getLaunchTemplate(),
                    only.getLaunchTemplateVersion(), only.getDetailedMonitoring(), only.getLaunchSpec(), only.getTagResourcesList()));
        }
        var gcp = parameters.hasGcp() ? Optional.of(gcp(parameters.getGcp())) : Optional.<LaunchSettings.Gcp>empty();
        var k8s = parameters.hasK8S() ? Optional.of(k8s(parameters.getK8S())) : Optional.<LaunchSettings.K8s>empty();
        return new LaunchSettings(parameters.getImage(), disks, parameters.getTagsMap(), aws, gcp, k8s);
    }

    private static LaunchSettings.K8s k8s(K8sLaunch only) {
        var tolerations = only.getTolerationsList().stream().map(each -> new LaunchSettings.K8s.Toleration(each.getKey(), each.getOperator(),
                each.getValue(), each.getEffect(), each.hasSeconds() ? Optional.of(each.getSeconds()) : Optional.empty())).toList();
        return new LaunchSettings.K8s(only.getPods() == PodKind.TASK_POD, only.getTemplate(), only.getTemplateConfigMap(), only.getRequestsMap(),
                only.getLimitsMap(), only.getNodeSelectorMap(), tolerations, only.getPriorityClass(), only.getServiceAccount(),
                only.getPullSecretsList(), only.getAnnotationsMap(), only.getSecret(), Duration.ofSeconds(only.getCompletedDelay().getSeconds()),
                only.getImageEntrypoint(), only.getForcePull(), only.getClaimImage());
    }

    private static LaunchSettings.Gcp gcp(GcpLaunch only) {
        var migrates = switch (only.getHostMaintenance()) {
            case MIGRATE -> Optional.of(true);
            case TERMINATE -> Optional.of(false);
            case HOST_MAINTENANCE_UNSPECIFIED, UNRECOGNIZED -> Optional.<Boolean>empty();
        };
        return new LaunchSettings.Gcp(only.getGpuType(), only.getGpuType().isEmpty() ? 0 : Math.max(1, only.getGpuCount()), only.getPreemptible(),
                only.getServiceAccount(), only.getScopesList(), only.getNetworkTagsList(), only.getMetadataMap(), !only.hasPublicIp() || only.getPublicIp(),
                only.getLocalSsds(), migrates, only.getMinCpuPlatform(), only.getInstanceTemplate(),
                only.hasMaxRunDuration() ? Optional.of(Times.duration(only.getMaxRunDuration()))
                        : Optional.empty(), only.getInstanceSpec());
    }

    private static String required(String value, String field) throws UnreadableRecordException {
        if (value.isEmpty()) {
            throw new UnreadableRecordException(field + " is missing");
        }
        return value;
    }
}
