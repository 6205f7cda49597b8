package dev.muster.sandbox.ec2;

import dev.muster.sandbox.CloudTime;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * STS: who calls, and roles that a caller may take on for a while. Every caller whom the stand-in knows may take on every role that
 * is there; of a role's trust policy there is only its external id. Thread-safe.
 */
final class Sts {

    static final Set<String> ACTIONS = Set.of("GetCallerIdentity", "AssumeRole");

    private static final String NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";
    private static final Pattern ROLE = Pattern.compile("arn:aws:iam::(\\d{12}):role/(?:.*/)?([\\w+=,.@-]{1,64})");
    private static final Pattern SESSION_NAME = Pattern.compile("[\\w+=,.@-]{2,64}");
    private static final Set<String> KNOWN = Set.of("Action", "Version", "RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds");
    /** A role's sessions last an hour at most unless somebody raised that. Seconds. */
    private static final int LONGEST = 3_600;
    private static final int SHORTEST = 900;
    /** Of a machine's role: about what EC2 gives, and when it gives new ones. */
    private static final Duration MACHINE_KEYS_LAST = Duration.ofHours(6);
    private static final Duration RENEWED_BEFORE = Duration.ofMinutes(5);

    private final CloudTime time;
    private final Map<String, String> accessKeys;
    private final Map<String, Role> roles = new HashMap<>();
    private final Map<String, Session> sessions = new HashMap<>();
    private final Map<String, MachineKeys> machines = new HashMap<>();

    /** Whose key signed a call. */
    record Caller(String account, String arn, String userId, boolean expired) {
    }

    /**
     * @param externalId null if the role asks for none
     * @param lasts null: as long as the caller asks for
     */
    private record Role(String externalId, Duration lasts) {
    }

    /** Temporary keys of a machine's role. */
    record MachineKeys(String id, String secret, String token, Instant updated, Instant expires) {
    }

    private record Session(String token, Caller caller, Instant expires) {
    }

    Sts(CloudTime time, Map<String, String> accessKeys) {
        this.time = time;
        this.accessKeys = accessKeys;
    }

    synchronized void role(String arn, String externalId, Duration lasts) {
        if (!ROLE.matcher(arn).matches()) {
            throw new IllegalArgumentException("arn is " + arn + "; it must be arn:aws:iam::<12 digits>:role/<name>");
        }
        roles.put(arn, new Role(externalId, lasts));
    }

    /**
     * @param token what came as X-Amz-Security-Token; null if nothing did
     * @return empty if the key is unknown, or is a temporary one without its own token
     */
    synchronized Optional<Caller> caller(String accessKey, String token) {
        var account = accessKeys.get(accessKey);
        if (account != null) {
            return Optional.of(new Caller(account, "arn:aws:iam::" + account + ":user/sandbox", "AIDASANDBOX", false));
        }
        var session = sessions.get(accessKey);
        if (session == null || !session.token().equals(token)) {
            return Optional.empty();
        }
        var of = session.caller();
        return Optional.of(new Caller(of.account(), of.arn(), of.userId(), !session.expires().isAfter(time.now())));
    }

    /** What a machine's metadata tells of its role. Told again until they are near their end. */
    synchronized MachineKeys ofMachine(String account, String role, String instanceId) {
        var known = machines.get(instanceId);
        if (known != null && time.now().isBefore(known.expires().minus(RENEWED_BEFORE))) {
            return known;
        }
        var id = "AROA" + Geography.id("role", account + role).substring("role-0".length()).toUpperCase();
        var keys = new MachineKeys(newKeyId(), UUID.randomUUID().toString(), UUID.randomUUID().toString(), time.now(), time.now().plus(MACHINE_KEYS_LAST));
        sessions.put(keys.id(), new Session(keys.token(),
                new Caller(account, "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + instanceId, id + ":" + instanceId, false), keys.expires()));
        machines.put(instanceId, keys);
        return keys;
    }

    private static String newKeyId() {
        return "ASIA" + UUID.randomUUID().toString().replace("-", "").substring(0, 16).toUpperCase();
    }

    /** @throws Refusal as STS would */
    synchronized String answer(Caller caller, String action, SortedMap<String, String> parameters) {
        for (var name : parameters.keySet()) {
            if (!KNOWN.contains(name) && !name.startsWith("X-Amz-")) {
                throw Refusal.of("UnsupportedOperation", "This stand-in for STS does not simulate " + name + " of " + action);
            }
        }
        var xml = Xml.bare().openIn(action + "Response", NAMESPACE).open(action + "Result");
        if (action.equals("AssumeRole")) {
            assume(caller, parameters, xml);
        } else {
            xml.put("Arn", caller.arn()).put("UserId", caller.userId()).put("Account", caller.account());
        }
        return xml.close(action + "Result").open("ResponseMetadata").put("RequestId", UUID.randomUUID()).close("ResponseMetadata")
                .close(action + "Response").toString();
    }

    static String error(Refusal refusal) {
        return Xml.bare().openIn("ErrorResponse", NAMESPACE).open("Error").put("Type", refusal.status() < 500 ? "Sender" : "Receiver")
                .put("Code", refusal.code()).put("Message", refusal.getMessage()).close("Error").put("RequestId", UUID.randomUUID()).close("ErrorResponse")
                .toString();
    }

    /** One sentence for a role that isn't there and for one that the caller may not have: STS tells nobody which roles there are. */
    static Refusal denied(Caller caller, String roleArn) {
        return new Refusal(403, "AccessDenied", "User: " + caller.arn() + " is not authorized to perform: sts:AssumeRole on resource: " + roleArn);
    }

    private void assume(Caller caller, SortedMap<String, String> parameters, Xml xml) {
        var arn = required(parameters, "RoleArn", "roleArn");
        var name = required(parameters, "RoleSessionName", "roleSessionName");
        if (!SESSION_NAME.matcher(name).matches()) {
            throw invalid("Value '" + name + "' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*");
        }
        var named = ROLE.matcher(arn);
        if (!named.matches()) {
            throw Refusal.of("ValidationError", arn + " is invalid");
        }
        var role = roles.get(arn);
        if (role == null || (role.externalId() != null && !role.externalId().equals(parameters.get("ExternalId")))) {
            throw denied(caller, arn);
        }
        var id = "AROA" + Geography.id("role", arn).substring("role-0".length()).toUpperCase();
        var of = new Caller(named.group(1), "arn:aws:sts::" + named.group(1) + ":assumed-role/" + named.group(2) + "/" + name, id + ":" + name, false);
        var key = newKeyId();
        var asked = Duration.ofSeconds(seconds(parameters));
        var session = new Session(UUID.randomUUID().toString(), of, time.now().plus(role.lasts() == null ? asked : role.lasts()));
        sessions.put(key, session);
        xml.open("Credentials").put("AccessKeyId", key).put("SecretAccessKey", UUID.randomUUID()).put("SessionToken", session.token())
                .put("Expiration", session.expires()).close("Credentials").open("AssumedRoleUser").put("AssumedRoleId", of.userId()).put("Arn", of.arn())
                .close("AssumedRoleUser");
    }

    private static int seconds(SortedMap<String, String> parameters) {
        var text = parameters.getOrDefault("DurationSeconds", String.valueOf(LONGEST));
        int seconds;
        try {
            seconds = Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw Refusal.of("MalformedInput", "DurationSeconds is no number");
        }
        if (seconds < SHORTEST) {
            throw invalid("Value '" + seconds + "' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to " + SHORTEST);
        }
        if (seconds > LONGEST) {
            throw Refusal.of("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
        }
        return seconds;
    }

    private static String required(SortedMap<String, String> parameters, String name, String member) {
        var value = parameters.get(name);
        if (value == null || value.isEmpty()) {
            throw invalid("Value null at '" + member + "' failed to satisfy constraint: Member must not be null");
        }
        return value;
    }

    private static Refusal invalid(String what) {
        return Refusal.of("ValidationError", "1 validation error detected: " + what);
    }
}
