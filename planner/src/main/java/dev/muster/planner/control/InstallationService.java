package dev.muster.planner.control;

import com.google.protobuf.util.Timestamps;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.LogLevels;
import dev.muster.contracts.SpecSecrets;
import dev.muster.contracts.Times;
import dev.muster.planner.Settings;
import dev.muster.planner.access.AccessSettings;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.notify.Notifications;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.Caller;
import dev.muster.v1.FleetState;
import dev.muster.v1.GetCallerRequest;
import dev.muster.v1.GetInstallationRequest;
import dev.muster.v1.Grant;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.InstallationView;
import dev.muster.v1.ListLogLevelsRequest;
import dev.muster.v1.ListLogLevelsResponse;
import dev.muster.v1.ListSecretsRequest;
import dev.muster.v1.ListSecretsResponse;
import dev.muster.v1.LogLevel;
import dev.muster.v1.NamedState;
import dev.muster.v1.SecretView;
import dev.muster.v1.ServiceReported;
import dev.muster.v1.SetLogLevelRequest;
import dev.muster.v1.TestNotificationsRequest;
import dev.muster.v1.TestNotificationsResponse;
import dev.muster.v1.Violation;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Muster itself, over gRPC. */
@GrpcService
final class InstallationService extends InstallationGrpc.InstallationImplBase {

    private final Settings settings;
    private final AccessSettings access;
    /** Those whose logs have levels. */
    private static final List<String> SERVICES = KafkaRights.SERVICES.stream().filter(service -> !service.equals(KafkaRights.CLI)).toList();
    private static final Duration LEVEL_LASTS = Duration.ofHours(1);
    private static final Duration LEVEL_LASTS_AT_MOST = Duration.ofDays(1);

    private final ReadModel model;
    private final Notifications notifications;
    private final LogLevelWrites levels;

    InstallationService(Settings settings, AccessSettings access, ReadModel model, Notifications notifications, LogLevelWrites levels) {
        this.settings = settings;
        this.access = access;
        this.model = model;
        this.notifications = notifications;
        this.levels = levels;
    }

    @Override
    public void getCaller(GetCallerRequest request, StreamObserver<Caller> call) {
        Calls.answer(call, () -> {
            var caller = dev.muster.planner.access.Caller.current();
            var answer = Caller.newBuilder().setName(caller.name());
            new TreeMap<>(caller.roles()).forEach((fleet, role) -> answer.addGrants(Grant.newBuilder().setFleet(fleet).setRole(role)));
            caller.expiresAt().ifPresent(end -> answer.setExpiresAt(Timestamps.fromMillis(end.toEpochMilli())));
            return answer.build();
        });
    }

    @Override
    public void getInstallation(GetInstallationRequest request, StreamObserver<InstallationView> call) {
        Calls.answer(call, () -> {
            var everything = dev.muster.planner.access.Caller.current().mayReadEverything();
            var answer = InstallationView.newBuilder().setName(settings.installation()).setVersion(Settings.version()).setAuthenticated(!access.isOpen());
            model.services().stream().sorted(Comparator.comparing(ServiceReported::getService).thenComparing(ServiceReported::getInstance))
                    .map(service -> everything ? service : withoutWhatOthersOwn(service)).forEach(answer::addServices);
            return answer.build();
        });
    }

    /** Names of accounts, connections and secrets are other fleets', too. */
    private static ServiceReported withoutWhatOthersOwn(ServiceReported service) {
        return service.toBuilder().clearConnections().clearAccounts().clearSecrets().clearOwned().build();
    }

    @Override
    public void testNotifications(TestNotificationsRequest request, StreamObserver<TestNotificationsResponse> call) {
        Calls.answerLater(call, () -> {
            var fleet = Lookup.standing(model, "fleet", request.getFleet());
            if (fleet.getSpec().getNotificationsCount() == 0) {
                throw ApiErrors.notYet("Fleet " + fleet.getFleet() + " has no notifications: name a webhook in its spec first.");
            }
            return notifications.test(fleet.getFleet()).thenApply(outcomes -> TestNotificationsResponse.newBuilder().addAllOutcomes(outcomes).build());
        });
    }

    @Override
    public void listLogLevels(ListLogLevelsRequest request, StreamObserver<ListLogLevelsResponse> call) {
        Calls.answer(call, () -> ListLogLevelsResponse.newBuilder().addAllLevels(levels.all()).build());
    }

    @Override
    public void setLogLevel(SetLogLevelRequest request, StreamObserver<LogLevel> call) {
        var lasts = request.hasLasts() ? Times.duration(request.getLasts()) : LEVEL_LASTS;
        var violations = violations(request, lasts);
        if (!violations.isEmpty()) {
            call.onError(ApiErrors.invalid("The level can't be set.", violations, Map.of()));
            return;
        }
        levels.set(request.getService(), request.getCategory(), request.getLevel(), lasts, dev.muster.planner.access.Caller.current().name())
                .whenComplete((level, failure) -> Calls.answer(call, () -> {
                    if (failure != null) {
                        throw ApiErrors.unavailable("Kafka did not take the level. Try again in a few seconds.");
                    }
                    return level;
                }));
    }

    static List<Violation> violations(SetLogLevelRequest request, Duration lasts) {
        var violations = new ArrayList<Violation>();
        if (!SERVICES.contains(request.getService())) {
            violations.add(violation("service", request.getService().isEmpty() ? "is missing" : "'" + request.getService() + "' is none", "use one of " + String.join(", ", SERVICES)));
        }
        // As configured is always allowed, of whatever can be a category.
        LogLevels.problem(request.getCategory(), request.getLevel().isEmpty() ? "INFO" : request.getLevel()).ifPresent(problem ->
                violations.add(violation("category", "'" + request.getCategory() + "' " + problem, "or leave level empty for what is configured")));
        if (lasts.isNegative() || lasts.isZero() || lasts.compareTo(LEVEL_LASTS_AT_MOST) > 0) {
            violations.add(violation("lasts", "is " + lasts.toSeconds() + " s", "use more than 0 s and at most a day, or leave it out for an hour"));
        }
        return violations;
    }

    private static Violation violation(String field, String problem, String fix) {
        return Violation.newBuilder().setField(field).setProblem(problem).setFix(fix).build();
    }

    @Override
    public void listSecrets(ListSecretsRequest request, StreamObserver<ListSecretsResponse> call) {
        Calls.answer(call, () -> {
            var wanted = new TreeMap<String, Set<SpecSecrets.Wanted>>();
            model.fleets().values().stream().filter(fleet -> fleet.getState() != FleetState.DELETED)
                    .forEach(fleet -> wanted.put(fleet.getFleet(), SpecSecrets.of(fleet.getSpec())));
            return ListSecretsResponse.newBuilder().addAllSecrets(views(model.services(), wanted)).build();
        });
    }

    /**
     * What is there, and what is wanted, by name.
     *
     * @param services those that run, each process
     * @param wanted what each fleet's spec names
     */
    static List<SecretView> views(List<ServiceReported> services, Map<String, Set<SpecSecrets.Wanted>> wanted) {
        var having = new TreeMap<String, Set<String>>();
        var lacking = new HashMap<String, Set<String>>();
        for (var service : services) {
            for (NamedState secret : service.getSecretsList()) {
                (secret.getOk() ? having : lacking).computeIfAbsent(secret.getName(), name -> new TreeSet<>()).add(service.getService());
            }
        }
        var fleets = new TreeMap<String, Set<String>>();
        var readers = new HashMap<String, Set<String>>();
        wanted.forEach((fleet, names) -> names.forEach(each -> {
            fleets.computeIfAbsent(each.name(), name -> new TreeSet<>()).add(fleet);
            readers.computeIfAbsent(each.name(), name -> new HashSet<>()).add(each.service());
        }));
        var running = new HashSet<String>();
        services.forEach(service -> running.add(service.getService()));
        var names = new TreeSet<>(having.keySet());
        names.addAll(fleets.keySet());
        return names.stream().map(name -> {
            var has = having.getOrDefault(name, Set.of());
            var wants = readers.getOrDefault(name, Set.of());
            // One process of a service that lacks it is enough to fail; of a service that doesn't run, nothing is known.
            var missing = wants.stream().anyMatch(service -> running.contains(service)
                    && (!has.contains(service) || lacking.getOrDefault(name, Set.of()).contains(service)));
            return SecretView.newBuilder().setName(name).addAllServices(has).addAllFleets(fleets.getOrDefault(name, Set.of())).setMissing(missing)
                    .setOnMachines(wants.equals(Set.of(""))).build();
        }).toList();
    }
}
