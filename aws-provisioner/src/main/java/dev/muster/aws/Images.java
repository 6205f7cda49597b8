package dev.muster.aws;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.model.DescribeImagesRequest;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceTypesRequest;
import software.amazon.awssdk.services.ec2.model.DeviceType;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ssm.model.GetParameterRequest;

/**
 * Which image a machine boots: by its id, by its name, or by an SSM parameter that holds its id. What was found holds for ten minutes,
 * so that a batch is one call and not four. An image that the type can't run is refused here, before a launch is tried.
 *
 * <p>A name or a parameter may mean another image in the next call. Where two calls of one batch fall on either side of that, EC2
 * answers that they differ, and the batch is taken as it was first asked for. Thread-safe.
 */
final class Images {

    private static final Logger LOG = Logger.getLogger(Images.class);

    /** Amazon moves its aliases every few days; a launch that is asked for twice comes within seconds. */
    static final Duration HOLDS = Duration.ofMinutes(10);
    static final String PARAMETER = "ssm:";
    /** "AWS Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)" in the Deep Learning AMIs developer guide: drivers, Docker, and a Python. */
    static final String DEEP_LEARNING = "/aws/service/deeplearning/ami/%s/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id";
    private static final Set<String> DEEP_LEARNING_ARCHITECTURES = Set.of("x86_64", "arm64");
    /** Whose images a name may mean. Anybody may publish an image under any name. */
    private static final List<String> OWNERS = List.of("self", "amazon");
    private static final String ID = "ami-([0-9a-f]{8}|[0-9a-f]{17})";

    /** What one image is wanted for: the same name may mean one image for each architecture. */
    private record Wish(Scope scope, String image, Set<String> architectures) {}

    private record Held(Image image, long since) {}

    /**
     * @param architecture empty if EC2 did not say
     * @param unread why EC2 did not say what the image is; null if it did
     */
    record Image(String id, String architecture, String device, ProviderException unread) {

        /** @throws ProviderException what EC2 answered when it was asked */
        String rootDevice() throws ProviderException {
            if (unread != null) {
                throw unread;
            }
            return device;
        }
    }

    private final AwsAccounts accounts;
    private final LongSupplier nanos;
    private final Map<Wish, Held> held = new ConcurrentHashMap<>();
    private final Map<Scope, Map<String, Set<String>>> types = new ConcurrentHashMap<>();

    /** @param nanos a clock as {@link System#nanoTime} */
    Images(AwsAccounts accounts, LongSupplier nanos) {
        this.accounts = accounts;
        this.nanos = nanos;
    }

    /**
     * @param wanted as the spec has it; empty: the account's, else Amazon's deep-learning base image
     * @throws ProviderException INVALID_SPEC if there is no such image, several, or one that the type can't run
     */
    Image of(Scope scope, String machineType, String wanted) throws ProviderException {
        var named = wanted.isEmpty() ? accounts.image(scope).orElse("") : wanted;
        var architectures = architectures(scope, machineType, named.isEmpty());
        if (named.isEmpty()) {
            var architecture = architectures.stream().filter(DEEP_LEARNING_ARCHITECTURES::contains).findFirst().orElseThrow(() -> invalid("NoImage",
                    "the pool names no image, account '" + scope.account() + "' has no default, and Amazon's deep-learning base image is for "
                            + DEEP_LEARNING_ARCHITECTURES.stream().sorted().toList() + ", not for " + machineType + "; set the pool's image"));
            named = PARAMETER + DEEP_LEARNING.formatted(architecture);
        }
        var image = held(new Wish(scope, named, architectures));
        if (!image.architecture().isEmpty() && !architectures.isEmpty() && !architectures.contains(image.architecture())) {
            throw invalid("ArchitectureMismatch", "image " + shown(named, image) + " is for " + image.architecture() + ", and " + machineType + " is "
                    + String.join(" or ", architectures) + "; name an image for that, or another type");
        }
        return image;
    }

    private Image held(Wish wish) throws ProviderException {
        var before = held.get(wish);
        if (before != null && nanos.getAsLong() - before.since() < HOLDS.toNanos()) {
            return before.image();
        }
        try {
            var image = found(wish);
            if (image.unread() == null) {
                held.put(wish, new Held(image, nanos.getAsLong()));
            }
            return image;
        } catch (ProviderException failed) {
            if (before == null || failed.kind() == FailureKind.INVALID_SPEC) {
                throw failed;
            }
            LOG.warnf("An image can't be looked up again, and is taken as it was: scope=%s image=%s is=%s reason=%s %s", wish.scope(), wish.image(),
                    before.image().id(), failed.code(), failed.getMessage());
            return before.image();
        }
    }

    private Image found(Wish wish) throws ProviderException {
        if (wish.image().startsWith(PARAMETER)) {
            return byId(wish.scope(), parameter(wish.scope(), wish.image().substring(PARAMETER.length())), wish.image());
        }
        return wish.image().matches(ID) ? byId(wish.scope(), wish.image(), wish.image()) : byName(wish);
    }

    private String parameter(Scope scope, String name) throws ProviderException {
        String value;
        try {
            value = accounts.images(scope).getParameter(GetParameterRequest.builder().name(name).build()).parameter().value();
        } catch (SdkException failure) {
            var code = Ec2Failures.codeOf(failure);
            if (code.equals("ParameterNotFound")) {
                throw invalid(code, "there is no SSM parameter " + name + " in " + scope + "; name another image");
            }
            throw Ec2Failures.translate(failure);
        }
        if (value == null || !value.strip().matches(ID)) {
            throw invalid("InvalidAMIID.Malformed", "the SSM parameter " + name + " in " + scope + " holds no AMI id; name one that does");
        }
        return value.strip();
    }

    /** What EC2 refuses to say of an id that is there is no reason not to launch: EC2 itself judges the launch. */
    private Image byId(Scope scope, String id, String named) throws ProviderException {
        List<software.amazon.awssdk.services.ec2.model.Image> images;
        try {
            images = describe(scope, DescribeImagesRequest.builder().imageIds(id).build());
        } catch (ProviderException failed) {
            if (failed.kind() == FailureKind.INVALID_SPEC) {
                throw failed;
            }
            LOG.warnf("EC2 does not say what an image is, and it is not held against the machine type: scope=%s image=%s reason=%s %s", scope, named, failed.code(),
                    failed.getMessage());
            return new Image(id, "", "", failed);
        }
        if (images.isEmpty()) {
            throw invalid("InvalidAMIID.NotFound", "image " + (named.equals(id) ? id : id + ", which is what " + named + " holds,") + " is not there, or not to be seen, in " + scope
                    + "; name another");
        }
        return checked(images.get(0), named);
    }

    private Image byName(Wish wish) throws ProviderException {
        var filters = new java.util.ArrayList<>(List.of(filter("name", List.of(wish.image())), filter("state", List.of("available"))));
        if (!wish.architectures().isEmpty()) {
            filters.add(filter("architecture", List.copyOf(wish.architectures())));
        }
        var found = describe(wish.scope(), DescribeImagesRequest.builder().owners(OWNERS).filters(filters).build());
        var sought = "image named '" + wish.image() + "'" + (wish.architectures().isEmpty() ? "" : " for " + String.join(" or ", wish.architectures())) + ", available and owned by "
                + String.join(" or ", OWNERS) + ", in " + wish.scope();
        var newest = found.stream().map(image -> image.creationDate() == null ? "" : image.creationDate()).max(String::compareTo)
                .orElseThrow(() -> invalid("NoSuchImage", "there is no " + sought + "; name another, or an id"));
        // EC2 writes times in one form, of one length.
        var latest = found.stream().filter(image -> newest.equals(image.creationDate() == null ? "" : image.creationDate())).toList();
        if (latest.size() > 1) {
            throw invalid("AmbiguousImage", "there are " + latest.size() + " newest: " + latest.stream().map(image -> image.imageId()).sorted().collect(Collectors.joining(", "))
                    + " of " + newest + "; looked for an " + sought + "; write an id");
        }
        return checked(latest.get(0), wish.image());
    }

    private static Image checked(software.amazon.awssdk.services.ec2.model.Image image, String named) throws ProviderException {
        if (image.rootDeviceType() != null && image.rootDeviceType() != DeviceType.EBS || image.rootDeviceName() == null) {
            throw invalid("InstanceStoreImage", "the root device of image " + (named.equals(image.imageId()) ? named : named + " (" + image.imageId() + ")")
                    + " is no EBS volume; name an image whose is");
        }
        return new Image(image.imageId(), image.architectureAsString() == null ? "" : image.architectureAsString(), image.rootDeviceName(), null);
    }

    private List<software.amazon.awssdk.services.ec2.model.Image> describe(Scope scope, DescribeImagesRequest request) throws ProviderException {
        try {
            return accounts.images(scope).describeImages(request).images();
        } catch (SdkException failure) {
            throw Ec2Failures.translate(failure);
        }
    }

    /** @param needed whether nothing can be done without; else none if EC2 doesn't say */
    private Set<String> architectures(Scope scope, String type, boolean needed) throws ProviderException {
        var known = types.computeIfAbsent(scope, fresh -> new ConcurrentHashMap<>());
        if (known.containsKey(type)) {
            return known.get(type);
        }
        try {
            var found = accounts.images(scope).describeInstanceTypes(DescribeInstanceTypesRequest.builder().instanceTypesWithStrings(type).build()).instanceTypes();
            if (!found.isEmpty() && found.get(0).processorInfo() != null) {
                var architectures = (Set<String>) new java.util.TreeSet<>(found.get(0).processorInfo().supportedArchitecturesAsStrings());
                known.put(type, architectures);
                return architectures;
            }
            return Set.of();
        } catch (SdkException failure) {
            var failed = Ec2Failures.translate(failure);
            if (needed || failed.kind() == FailureKind.INVALID_SPEC) {
                throw failed;
            }
            return Set.of();
        }
    }

    private static String shown(String named, Image image) {
        return named.equals(image.id()) ? named : named + " (" + image.id() + ")";
    }

    private static Filter filter(String name, List<String> values) {
        return Filter.builder().name(name).values(values).build();
    }

    private static ProviderException invalid(String code, String message) {
        return new ProviderException(FailureKind.INVALID_SPEC, code, message);
    }
}
