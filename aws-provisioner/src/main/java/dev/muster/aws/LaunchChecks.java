package dev.muster.aws;

import static dev.muster.aws.DoctorCheck.DISK;
import static dev.muster.aws.DoctorCheck.IMAGE;
import static dev.muster.aws.DoctorCheck.INSTANCE_PROFILE;
import static dev.muster.aws.DoctorCheck.LAUNCH;
import static dev.muster.aws.DoctorCheck.PASS_ROLE;
import static dev.muster.aws.DoctorCheck.PERMISSIONS;

import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.spi.ProviderException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.Ec2Client;
import software.amazon.awssdk.services.ec2.model.BlockDeviceMapping;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.IamInstanceProfileSpecification;
import software.amazon.awssdk.services.ec2.model.Image;
import software.amazon.awssdk.services.ec2.model.ImageState;
import software.amazon.awssdk.services.ec2.model.Instance;
import software.amazon.awssdk.services.ec2.model.InstanceStateName;
import software.amazon.awssdk.services.ec2.model.RunInstancesRequest;
import software.amazon.awssdk.services.ec2.model.Tag;

/**
 * Whether EC2 would do what the provisioner asks: each of its calls as a dry run, launches as pools make them. A dry run passes all of
 * EC2's looks at permissions and parameters, and starts nothing. Used by one thread.
 */
final class LaunchChecks {

    /** How EC2 says that a dry run would have gone well. */
    private static final String WOULD_SUCCEED = "DryRunOperation";
    private static final String DENIED = "UnauthorizedOperation";
    /** For calls about a machine where there is none. */
    private static final String NO_MACHINE = "i-00000000000000000";

    private final Ec2Client ec2;
    private final Ec2Machines machines;
    private final String installation;
    private final String caller;
    private final Findings findings;
    private final List<String> refused = new ArrayList<>();
    private final Map<Use, String> answers = new HashMap<>();
    private final Map<Use, String> reasons = new HashMap<>();

    /** One call that the provisioner makes, harmlessly. */
    interface Probe {
        void call(Ec2Client ec2, String machine);
    }

    /** The provisioner's calls beside RunInstances. Those about one machine can be tried in earnest only where there is one. */
    static final Map<String, Probe> PROBES = probes();

    private static final Set<String> OF_MACHINE = Set.of("CreateTags", "DeleteTags", "TerminateInstances", "GetConsoleOutput");

    private static Map<String, Probe> probes() {
        var probes = new LinkedHashMap<String, Probe>();
        probes.put("DescribeInstances", (ec2, machine) -> ec2.describeInstances(asked -> asked.dryRun(true)));
        probes.put("DescribeInstanceStatus", (ec2, machine) -> ec2.describeInstanceStatus(asked -> asked.dryRun(true)));
        probes.put("DescribeInstanceTypes", (ec2, machine) -> ec2.describeInstanceTypes(asked -> asked.dryRun(true)));
        probes.put("DescribeImages", (ec2, machine) -> ec2.describeImages(asked -> asked.dryRun(true)));
        probes.put("DescribeSubnets", (ec2, machine) -> ec2.describeSubnets(asked -> asked.dryRun(true)));
        probes.put("DescribeSpotPriceHistory", (ec2, machine) -> ec2.describeSpotPriceHistory(asked -> asked.dryRun(true)));
        var mark = Tag.builder().key(Ec2Tags.MARK).value("").build();
        probes.put("CreateTags", (ec2, machine) -> ec2.createTags(asked -> asked.dryRun(true).resources(machine).tags(mark)));
        probes.put("DeleteTags", (ec2, machine) -> ec2.deleteTags(asked -> asked.dryRun(true).resources(machine).tags(mark)));
        probes.put("TerminateInstances", (ec2, machine) -> ec2.terminateInstances(asked -> asked.dryRun(true).instanceIds(machine)));
        probes.put("GetConsoleOutput", (ec2, machine) -> ec2.getConsoleOutput(asked -> asked.dryRun(true).instanceId(machine)));
        return probes;
    }

    LaunchChecks(Ec2Client ec2, Ec2Machines machines, String installation, String caller, Findings findings) {
        this.ec2 = ec2;
        this.machines = machines;
        this.installation = installation;
        this.caller = caller;
        this.findings = findings;
    }

    /** What isn't allowed, apart from launches. */
    void calls() {
        var machine = machine();
        var untold = new ArrayList<String>();
        PROBES.forEach((action, probe) -> {
            var failure = answer(() -> probe.call(ec2, machine.orElse(NO_MACHINE)));
            if (failure.isPresent() && Ec2Failures.codeOf(failure.get()).equals(DENIED)) {
                (OF_MACHINE.contains(action) && machine.isEmpty() ? untold : refused).add("ec2:" + action);
            }
        });
        if (!untold.isEmpty()) {
            findings.warning(new About(PERMISSIONS, ""), "refused for a machine that isn't there: " + String.join(", ", untold)
                    + "; a policy with a condition on tags does that, too", "see that they are allowed to " + caller + ", or ask again once a machine runs");
        }
    }

    /** One of ours, with the tags that a policy may ask for. */
    private Optional<String> machine() {
        try {
            var ours = Filter.builder().name("tag:" + Ec2Tags.INSTALLATION).values(installation).build();
            return ec2.describeInstances(asked -> asked.filters(ours)).reservations().stream().flatMap(reservation -> reservation.instances().stream())
                    .filter(one -> one.state().name() == InstanceStateName.RUNNING).map(Instance::instanceId).findFirst();
        } catch (SdkException denied) {
            return Optional.empty();
        }
    }

    private static Optional<SdkException> answer(Runnable call) {
        try {
            call.run();
            return Optional.empty();
        } catch (SdkException answer) {
            return Optional.of(answer);
        }
    }

    /** Tries each launch; what its parameters did is said by {@link #launches} once all else was looked at. */
    void tryLaunches(List<Use> uses) {
        for (var use : uses) {
            if (use.unwritten != null) {
                untried(use);
                continue;
            }
            var code = run(use, use.request);
            answers.put(use, code);
            var profile = use.instanceProfile();
            if (!profile.isEmpty()) {
                profile(use, profile, code);
            } else if (code.equals(DENIED)) {
                refuse(use);
            }
        }
    }

    private void untried(Use use) {
        if (use.unwritten != LAUNCH) {
            findings.skipped(new About(LAUNCH, use.name()), use.unwritten);
        }
        if (!use.instanceProfile().isEmpty()) {
            findings.skipped(new About(PASS_ROLE, use.instanceProfile()), use.unwritten);
            findings.skipped(new About(INSTANCE_PROFILE, use.instanceProfile()), use.unwritten);
        }
    }

    /** A pool's launch can't be written for want of a permission: that of a parameter store which holds its image, or one that was tried already. */
    void refused(String pool, ProviderException unusable) {
        if (unusable.getMessage().contains("ssm:")) {
            refused.add("ssm:GetParameter for " + pool + " (" + unusable.getMessage() + ")");
        }
    }

    private void refuse(Use use) {
        use.look(PERMISSIONS, "");
        refused.add("ec2:RunInstances for " + use.name() + " (" + reasons.get(use) + ")");
    }

    private void profile(Use use, String profile, String code) {
        var role = use.look(PASS_ROLE, profile);
        var there = use.look(INSTANCE_PROFILE, profile);
        var reason = reasons.getOrDefault(use, "");
        if (code.equals(DENIED)) {
            var without = use.request.toBuilder().iamInstanceProfile((IamInstanceProfileSpecification) null).build();
            if (reason.contains("iam:PassRole") || !run(use, without).equals(DENIED)) {
                findings.failed(role, "is refused: " + reason, "allow iam:PassRole on the profile's role to " + caller);
                findings.skipped(there, PASS_ROLE);
            } else {
                refuse(use);
                findings.skipped(role, PERMISSIONS);
                findings.skipped(there, PERMISSIONS);
            }
            reasons.put(use, reason);
        } else if (code.equals("InvalidParameterValue") && reason.toLowerCase(java.util.Locale.ROOT).contains("iaminstanceprofile")) {
            findings.failed(there, "is not there: " + reason, "correct aws.instanceProfile of the pool, or make the profile");
            findings.skipped(role, INSTANCE_PROFILE);
        } else if (code.equals(WOULD_SUCCEED)) {
            findings.ok(role, "is allowed");
            findings.ok(there, "is there");
        } else {
            findings.skipped(role, LAUNCH);
            findings.skipped(there, LAUNCH);
        }
    }

    /** @return EC2's code; its words are kept */
    private String run(Use use, RunInstancesRequest request) {
        try {
            // EC2 counts dry runs, too.
            TimeUnit.NANOSECONDS.sleep(machines.reserve(use.batch).toNanos());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        var failure = answer(() -> ec2.runInstances(request.toBuilder().dryRun(true).build()));
        failure.ifPresent(answer -> reasons.put(use, DoctorReads.words(answer)));
        return failure.map(Ec2Failures::codeOf).orElse(WOULD_SUCCEED);
    }

    void permissions() {
        var about = new About(PERMISSIONS, "");
        if (refused.isEmpty()) {
            var launches = answers.size() == 1 ? "1 launch" : answers.size() + " launches";
            findings.ok(about, answers.isEmpty() ? "all calls but launches, of which none was tried" : "all calls, and " + launches);
        } else {
            findings.failed(about, "not allowed: " + String.join(", ", refused), "allow them to " + caller);
        }
    }

    /** A launch that EC2 refuses for what another check found is not one more fault. */
    void launches() {
        answers.forEach((use, code) -> {
            var about = new About(LAUNCH, use.name());
            if (code.equals(WOULD_SUCCEED)) {
                findings.ok(about, "EC2 would start it");
                return;
            }
            var known = use.looked.stream().filter(one -> findings.state(one) == Findings.State.FAILED).findFirst();
            if (known.isPresent()) {
                findings.skipped(about, known.get().check());
            } else {
                findings.failed(about, reasons.get(use), "correct what it names, in the fleet or in the account");
            }
        });
    }

    // ---- images

    void images(List<Use> uses, TypeChecks types) {
        var read = new HashMap<String, Optional<Image>>();
        for (var use : uses) {
            if (use.unwritten != null) {
                unread(use);
                continue;
            }
            var id = use.request.imageId();
            if (id == null) {
                findings.ok(use.look(IMAGE, use.poolName()), "is left to the launch template");
                continue;
            }
            var about = use.look(IMAGE, id);
            var disk = use.look(DISK, use.poolName());
            read.computeIfAbsent(id, none -> image(about)).ifPresentOrElse(image -> image(about, image, use, types), () -> findings.skipped(disk, IMAGE));
            if (findings.state(about) == Findings.State.FAILED) {
                findings.skipped(disk, IMAGE);
            } else {
                read.get(id).ifPresent(image -> disk(disk, image, use));
            }
        }
    }

    private void unread(Use use) {
        if (use.unwritten != IMAGE && use.unwritten != DISK) {
            findings.skipped(new About(IMAGE, use.poolName()), use.unwritten);
        }
        if (use.unwritten != DISK) {
            findings.skipped(new About(DISK, use.poolName()), use.unwritten);
        }
    }

    private Optional<Image> image(About about) {
        var id = about.of();
        try {
            var images = ec2.describeImages(asked -> asked.imageIds(id)).images();
            if (!images.isEmpty()) {
                return Optional.of(images.get(0));
            }
            findings.failed(about, "is not there in this region", fix());
        } catch (SdkException failure) {
            if (Ec2Failures.codeOf(failure).startsWith("InvalidAMIID")) {
                findings.failed(about, "is not there in this region", fix());
            } else if (Ec2Failures.codeOf(failure).equals(DENIED)) {
                findings.skipped(about, PERMISSIONS);
            } else {
                DoctorReads.untold(findings, about, "ec2:DescribeImages", DoctorReads.words(failure));
            }
        }
        return Optional.empty();
    }

    private static String fix() {
        return "correct launch.image of the pool, or the account's image: ids differ from region to region";
    }

    private void image(About about, Image image, Use use, TypeChecks types) {
        var architectures = types.type(use.type()).map(type -> type.processorInfo().supportedArchitecturesAsStrings());
        if (image.state() != ImageState.AVAILABLE) {
            findings.failed(about, "is in state " + image.stateAsString(), "wait until it is available, or name another one");
        } else if (architectures.isPresent() && !architectures.get().contains(image.architectureAsString())) {
            findings.failed(about, "is for " + image.architectureAsString() + ", and " + use.type() + " of " + use.poolName() + " is "
                    + String.join(" or ", architectures.get()), "name an image for that architecture in launch.image of the pool");
        } else if (!"ebs".equals(image.rootDeviceTypeAsString())) {
            findings.failed(about, "has a root device of kind " + image.rootDeviceTypeAsString(), "name an image whose root device is an EBS volume");
        } else {
            findings.ok(about, image.name() + ", " + image.architectureAsString());
        }
    }

    /** GiB; empty if nobody says. */
    private static Optional<Integer> size(List<BlockDeviceMapping> disks, String device) {
        return disks.stream().filter(disk -> disk.deviceName().equals(device) && disk.ebs() != null && disk.ebs().volumeSize() != null)
                .map(disk -> disk.ebs().volumeSize()).findFirst();
    }

    private void disk(About about, Image image, Use use) {
        var own = size(image.blockDeviceMappings(), image.rootDeviceName());
        var asked = size(use.request.blockDeviceMappings(), image.rootDeviceName());
        if (own.isPresent() && asked.isPresent() && asked.get() < own.get()) {
            findings.failed(about, asked.get() + " GiB, and the image's own has " + own.get(), "let the pool's disk have " + own.get() + " GiB at least");
        } else {
            findings.ok(about, asked.or(() -> own).map(gib -> gib + " GiB").orElse("as the image has it"));
        }
    }
}
