package dev.muster.aws;

import static dev.muster.aws.DoctorCheck.BOOT;
import static dev.muster.aws.DoctorCheck.CLOCK;
import static dev.muster.aws.DoctorCheck.CREDENTIALS;
import static dev.muster.aws.DoctorCheck.DISK;
import static dev.muster.aws.DoctorCheck.ENDPOINT;
import static dev.muster.aws.DoctorCheck.IMAGE;
import static dev.muster.aws.DoctorCheck.LAUNCH;
import static dev.muster.aws.DoctorCheck.MACHINE_HOSTS;
import static dev.muster.aws.DoctorCheck.PERMISSIONS;
import static dev.muster.aws.DoctorCheck.TAGS;
import static dev.muster.aws.DoctorCheck.TYPE;
import static dev.muster.aws.DoctorCheck.USER_DATA;

import dev.muster.provisioner.boot.BootScript;
import dev.muster.provisioner.doctor.DoctorQuestion;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.PlannedLaunches;
import dev.muster.provisioner.doctor.PlannedLaunches.Planned;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import software.amazon.awssdk.services.ec2.model.LaunchTemplateSpecification;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;

/** Looks at one account in one region: at what its fleets are told first, then at AWS. It changes nothing there. Used by one thread. */
final class ScopeDoctor {

    /** Why {@link Images} finds none. */
    private static final Set<String> IMAGE_CODES = Set.of("NoImage", "ParameterNotFound", "NoSuchImage", "AmbiguousImage", "InstanceStoreImage", "ArchitectureMismatch");

    private record Launch(FleetSpec fleet, PoolSpec pool, MachineBatch batch) {}

    private final DoctorQuestion question;
    private final AwsAccounts accounts;
    private final Scope scope;
    private final Findings findings = new Findings();

    ScopeDoctor(DoctorQuestion question, AwsAccounts accounts, Scope scope) {
        this.question = question;
        this.accounts = accounts;
        this.scope = scope;
    }

    List<Findings.Finding> examine() {
        var planned = planned();
        try (var calls = accounts.calls(scope)) {
            var caller = new CallerChecks(calls, scope.account(), findings);
            var pointless = caller.examine();
            if (pointless != null) {
                findings.skipRest(toCome(planned), pointless);
                return findings.inOrder();
            }
            var machines = new Ec2Machines(accounts, question.installation());
            var launches = new LaunchChecks(calls.ec2(), machines, question.installation(), caller.arn(), findings);
            launches.calls();
            var uses = uses(planned, machines, launches);
            var network = new NetworkChecks(calls.ec2(), findings);
            network.examine(uses);
            var types = new TypeChecks(calls, findings, network);
            types.examine(uses);
            launches.images(uses, types);
            new KeyChecks(calls, findings, caller.arn()).examine(uses);
            launches.tryLaunches(uses);
            launches.permissions();
            launches.launches();
        } catch (ProviderException unknown) {
            findings.failed(new About(CREDENTIALS, ""), unknown.getMessage(), "configure the account, or name one that is");
            findings.skipRest(toCome(planned), CREDENTIALS);
        }
        return findings.inOrder();
    }

    /** What AWS is to be asked: with no fleet there, only about the account. */
    private static Set<DoctorCheck> toCome(List<Launch> planned) {
        return planned.isEmpty() ? EnumSet.of(ENDPOINT, CLOCK, CREDENTIALS, PERMISSIONS) : EnumSet.complementOf(EnumSet.of(BOOT, MACHINE_HOSTS, USER_DATA, TAGS));
    }

    // ---- what fleets are told

    private List<Launch> planned() {
        var launches = new ArrayList<Launch>();
        var planned = new PlannedLaunches(question, scope);
        for (var pool : planned.pools()) {
            tags(pool);
            planned.machineHosts(pool, findings, MACHINE_HOSTS, BOOT);
            pool.offers().forEach(offer -> plan(planned, pool, offer, launches));
        }
        return launches;
    }

    private void plan(PlannedLaunches planned, Planned pool, OfferSpec offer, List<Launch> launches) {
        var about = new About(BOOT, pool.name());
        MachineBatch batch;
        try {
            batch = planned.batch(pool, offer);
            findings.ok(about, "has all that it is given");
        } catch (ProviderException wrong) {
            findings.failed(about, wrong.getMessage(), "correct it in the fleet or the configuration");
            findings.skipped(new About(USER_DATA, about.of()), BOOT);
            findings.skipped(new About(LAUNCH, about.of()), BOOT);
            return;
        }
        var size = new About(USER_DATA, about.of());
        try {
            var script = BootScript.render(batch.boot(), BootScript.Cloud.EC2, accounts.endpoint(scope), LaunchRequests.MOST_USER_DATA);
            findings.ok(size, script.length + " of " + LaunchRequests.MOST_USER_DATA + " bytes");
            launches.add(new Launch(pool.fleet(), pool.pool(), batch));
        } catch (IllegalArgumentException tooLong) {
            findings.failed(size, tooLong.getMessage(), "shorten what the pool's boot holds");
            findings.skipped(new About(LAUNCH, about.of()), USER_DATA);
        }
    }

    private void tags(Planned planned) {
        var about = new About(TAGS, planned.name());
        var tags = planned.pool().getLaunch().getTagsMap().keySet();
        try {
            for (var key : tags) {
                Ec2Tags.check(key);
            }
            findings.ok(about, tags.isEmpty() ? "none of its own" : String.join(", ", tags));
        } catch (ProviderException unusable) {
            findings.failed(about, unusable.getMessage(), "rename the key");
        }
    }

    // ---- what launches would be

    private List<Use> uses(List<Launch> planned, Ec2Machines machines, LaunchChecks launches) {
        var uses = new LinkedHashMap<String, Use>();
        for (var launch : planned) {
            var pool = PlannedLaunches.name(launch.fleet(), launch.pool());
            if (findings.state(new About(TAGS, pool)) == Findings.State.FAILED) {
                findings.skipped(new About(LAUNCH, pool), TAGS);
                continue;
            }
            RunInstancesRequest request = null;
            DoctorCheck unwritten = null;
            try {
                request = machines.request(launch.batch());
            } catch (ProviderException unusable) {
                unwritten = unwritten(pool, unusable, launches);
                try {
                    request = machines.request(withoutImage(launch.batch())).toBuilder().launchTemplate((LaunchTemplateSpecification) null).build();
                } catch (ProviderException other) {
                    findings.skipped(new About(LAUNCH, pool), unwritten);
                    continue;
                }
            }
            var use = new Use(launch.fleet(), launch.pool(), launch.batch(), request, unwritten);
            uses.putIfAbsent(use.name(), use);
        }
        return List.copyOf(uses.values());
    }

    /** All else of such a launch can be looked at all the same: an image that a launch template has is looked up by nobody. */
    private static MachineBatch withoutImage(MachineBatch batch) {
        var settings = batch.settings();
        var aws = settings.aws().orElse(LaunchSettings.Aws.DEFAULTS);
        var left = new LaunchSettings.Aws(aws.keyName(), aws.securityGroups(), aws.instanceProfile(), aws.publicIp(), "none", "", aws.detailedMonitoring(), aws.launchSpec(),
                aws.tagResources());
        return new MachineBatch(batch.batchId(), batch.machineIds(), batch.fleet(), batch.pool(), batch.offer(), batch.maxPriceMicros(),
                new LaunchSettings("", List.of(), settings.tags(), Optional.of(left)), batch.boot(), batch.keepUntil());
    }

    /** When a request is written, its image is looked up. */
    private DoctorCheck unwritten(String pool, ProviderException unusable, LaunchChecks launches) {
        if (unusable.kind() == FailureKind.UNAUTHORIZED) {
            launches.refused(pool, unusable);
            return PERMISSIONS;
        }
        if (unusable.kind() != FailureKind.INVALID_SPEC) {
            findings.warning(new About(IMAGE, pool), "can't be told: " + unusable.getMessage(), "ask again");
            return IMAGE;
        }
        if (unusable.code().equals("InvalidInstanceType")) {
            return TYPE;
        }
        var check = unusable.code().equals("NoDevice") ? DISK : IMAGE_CODES.contains(unusable.code()) || unusable.code().startsWith("InvalidAMI") ? IMAGE : LAUNCH;
        findings.failed(new About(check, pool), unusable.getMessage(), "correct it in the pool's launch settings, or the account's image");
        return check;
    }
}
