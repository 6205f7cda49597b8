package dev.muster.sandbox.ec2;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What an account has around its machines: ways out of its subnets, key pairs, instance profiles, the role of the spot market, the key
 * of its volumes, and the clock that its answers tell. All of it is in order, and any key pair and instance profile that a call names
 * is there, until a test says otherwise. Thread-safe.
 */
public final class Surroundings {

    /** The role that EC2 itself uses for spot machines. */
    static final String SPOT_ROLE = "AWSServiceRoleForEC2Spot";

    /** What can be missing. */
    public enum Kind { KEY_PAIR, INSTANCE_PROFILE, ROLE }

    /** How the key that volumes are encrypted with is. */
    public enum VolumeKey {
        /** Amazon's own, which every account has. */
        MANAGED,
        /** One that the account made itself. */
        CUSTOMER,
        /** As {@link #CUSTOMER}, and nobody may use it at present. */
        DISABLED
    }

    private final Map<Kind, Set<String>> missing = new HashMap<>();
    private final Set<String> withoutRoute = new HashSet<>();
    private final Set<String> full = new HashSet<>();
    private VolumeKey volumeKey = VolumeKey.MANAGED;
    private Duration clockAhead = Duration.ZERO;

    public synchronized void missing(Kind kind, String name) {
        missing.computeIfAbsent(kind, none -> new HashSet<>()).add(name);
    }

    /** The subnet has a route table of its own, in which no route leads out. */
    public synchronized void withoutRoute(String subnet) {
        withoutRoute.add(subnet);
    }

    /** No address of the subnet is free. */
    public synchronized void full(String subnet) {
        full.add(subnet);
    }

    public synchronized void volumeKey(VolumeKey key) {
        volumeKey = key;
    }

    /** Answers tell a time that is this much ahead of the true one; it may be negative. */
    public synchronized void clockAhead(Duration by) {
        clockAhead = by;
    }

    /** All in order again. */
    public synchronized void reset() {
        missing.clear();
        withoutRoute.clear();
        full.clear();
        volumeKey = VolumeKey.MANAGED;
        clockAhead = Duration.ZERO;
    }

    synchronized boolean has(Kind kind, String name) {
        return !missing.getOrDefault(kind, Set.of()).contains(name);
    }

    synchronized boolean leadsOut(String subnet) {
        return !withoutRoute.contains(subnet);
    }

    synchronized boolean isFull(String subnet) {
        return full.contains(subnet);
    }

    synchronized VolumeKey volumeKey() {
        return volumeKey;
    }

    synchronized Duration clockAhead() {
        return clockAhead;
    }

    /** What a launch meets here. @throws Refusal as EC2 would */
    void admit(LaunchSpec spec, Call.Scope scope, boolean mayPassRoles) {
        if (spec.keyName() != null && !has(Kind.KEY_PAIR, spec.keyName())) {
            throw noKeyPair(spec.keyName());
        }
        if (spec.profile() != null) {
            var name = spec.profile().substring(spec.profile().lastIndexOf('/') + 1);
            if (!has(Kind.INSTANCE_PROFILE, name)) {
                throw Refusal.invalidValue("Value (" + name + ") for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name");
            }
            if (!mayPassRoles) {
                throw new Refusal(403, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::" + scope.account()
                        + ":user/sandbox is not authorized to perform: iam:PassRole on resource: arn:aws:iam::" + scope.account() + ":role/" + name);
            }
        }
        if (spec.spot() && !has(Kind.ROLE, SPOT_ROLE)) {
            throw new Refusal(403, "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
                    "The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.");
        }
    }

    static Refusal noKeyPair(String name) {
        return Refusal.of("InvalidKeyPair.NotFound", "The key pair '" + name + "' does not exist");
    }

    /** As the admin routes write it: {@code key-pair}. @throws IllegalArgumentException if there is none of that name */
    static <T extends Enum<T>> T parse(Class<T> type, String word) {
        return Arrays.stream(type.getEnumConstants()).filter(one -> text(one).equals(word)).findFirst().orElseThrow(
                () -> new IllegalArgumentException(word + " is none of " + Arrays.stream(type.getEnumConstants()).map(Surroundings::text).toList()));
    }

    private static String text(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
