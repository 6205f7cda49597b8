package dev.muster.contracts;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import dev.muster.v1.AzureStorage;
import dev.muster.v1.BootSpec;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.GcpLaunch;
import dev.muster.v1.GcsStorage;
import dev.muster.v1.LaunchParameters;
import dev.muster.v1.NotificationSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.S3Storage;
import dev.muster.v1.Value;
import dev.muster.v1.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Keys and passwords that stand in a fleet spec as text, where whoever reads Kafka, the API or a backup of either would find them. Who takes a
 * spec in looks before it is written anywhere, and nobody repeats what was found.
 *
 * <p>It knows them by their shape, by what stands before them, or by the name of the variable. A password that looks like a word, in a variable with a
 * harmless name, can't be known.
 */
public final class KeysInClear {

    /** Names of the services and shapes that people paste keys of: AWS, Google, PEM files, GitHub, GitLab, Slack, Hugging Face, JWT; Muster's own tokens. */
    private static final Pattern KEY = Pattern.compile("\\b(AKIA|ASIA)[A-Z0-9]{16}\\b|-----BEGIN [A-Z ]*PRIVATE KEY|\\bgh[pousr]_[A-Za-z0-9]{20,}"
            + "|\\bgithub_pat_[A-Za-z0-9_]{20,}|\\bglpat-[A-Za-z0-9_-]{16,}|\\bxox[abp]-[A-Za-z0-9-]{10,}|\\bhf_[A-Za-z]{20,}"
            + "|\\beyJ[A-Za-z0-9_-]{10,}\\.eyJ|\\bAIza[0-9A-Za-z_-]{35}|\\bya29\\.[A-Za-z0-9_-]{20,}|\\bmst_[A-Za-z0-9_-]{20,}|https://hooks\\.slack\\.com/services/");
    private static final Pattern LONG_RUN = Pattern.compile("[A-Za-z0-9+/]{40,}={0,2}");
    /** {@code https://user:password@host}; what a shell or ClearML's configuration fills in is no password. */
    private static final Pattern PASSWORD_IN_URL = Pattern.compile("\\b[a-z][a-z0-9+.-]{1,20}://[^\\s/:@\"']{0,200}:[^\\s/@$\"'{}<>]{1,500}@");
    /** {@code git_pass: "…"} and the like in clearml.conf, scripts and JSON. */
    private static final Pattern ASSIGNED = Pattern.compile("(?i)(?<![a-z0-9_])[a-z0-9_]*(git_pass|password|passwd|secret|secret_key|secret_access_key|account_key|api_key|auth_token|access_token)"
            + "[\"']?\\s*[:=]\\s*[\"']?(?![\\s\"'$<%{\\[(/`])(?!(null|none|true|false)\\b)[^\\s\"',;}]{3,}");
    /** Command lines that log in. */
    private static final Pattern LOGIN = Pattern.compile("\\b(docker|podman|oras|helm registry)\\s{1,4}login\\b.{0,200}\\s(-p|--password)[ =]?[\"']?(?![\\s\"'$-])\\S"
            + "|\\bcurl\\b.{0,200}\\s(-u|--user)[ =]?[\"']?[\\w.@-]+:(?![\\s\"'$])\\S");
    /** Variables that hold secrets by their name. */
    private static final Pattern VARIABLE = Pattern.compile("(?i).*(PASSWORD|PASSWD|_PASS|SECRET|SECRET_KEY|API_KEY|ACCESS_KEY|ACCOUNT_KEY|(AUTH|ACCESS|API|GIT|GITHUB|GITLAB|HF|BEARER)_TOKEN)");
    /** What the YAML calls otherwise; empty: it doesn't have that step. */
    private static final Map<String, String> STEPS = Map.of(PoolSpec.getDescriptor().findFieldByName("launch").getFullName(), "",
            LaunchParameters.getDescriptor().findFieldByName("boot").getFullName(), "agent", Value.getDescriptor().findFieldByName("text").getFullName(), "",
            NotificationSpec.getDescriptor().findFieldByName("webhook_secret").getFullName(), "secret");

    /** Keys to data are always secrets, whatever they look like. */
    private static final List<Descriptor> KEYS_TO_DATA = List.of(S3Storage.getDescriptor(), GcsStorage.getDescriptor(), AzureStorage.getDescriptor());

    private KeysInClear() {}

    /** Whether the text is or holds a key or a password, as far as that shows. */
    public static boolean isIn(String text) {
        return KEY.matcher(text).find() || PASSWORD_IN_URL.matcher(text).find() || ASSIGNED.matcher(text).find() || LOGIN.matcher(text).find();
    }

    /** As above, and also anything long and random. Public keys and digests may be that, too. */
    public static boolean isLikelyIn(String text) {
        return isIn(text) || LONG_RUN.matcher(text).results().anyMatch(run -> looksRandom(run.group()));
    }

    /** The text without what is long and random: for texts that hold public keys. */
    public static String withoutLongRuns(String text) {
        return LONG_RUN.matcher(text).replaceAll("");
    }

    /** Whether a variable holds a secret by its name, such as {@code DB_PASSWORD}. */
    public static boolean isSecretByName(String variable) {
        return VARIABLE.matcher(variable).matches();
    }

    /** Where the spec holds some, in its order, by the paths of its YAML. */
    public static List<Violation> in(FleetSpec spec) {
        var found = new ArrayList<Violation>();
        look(spec, "", found);
        return found;
    }

    private static void look(Message message, String path, List<Violation> found) {
        for (var field : message.getAllFields().entrySet()) {
            look(field.getKey(), field.getValue(), under(path, STEPS.getOrDefault(field.getKey().getFullName(), field.getKey().getJsonName())), found);
        }
    }

    private static void look(FieldDescriptor field, Object value, String path, List<Violation> found) {
        if (field.isMapField()) {
            var entries = new TreeMap<String, Object>();
            ((List<?>) value).forEach(entry -> entries.put(((MapEntry<?, ?>) entry).getKey().toString(), ((MapEntry<?, ?>) entry).getValue()));
            entries.forEach((name, entry) -> lookAt(field, name, entry, under(path, name), found));
        } else if (field.isRepeated()) {
            var items = (List<?>) value;
            for (int i = 0; i < items.size(); i++) {
                var name = name(items.get(i));
                lookAt(field, "", items.get(i), name.isEmpty() ? path + "[" + i + "]" : under(path, name), found);
            }
        } else {
            lookAt(field, "", value, path, found);
        }
    }

    /** @param name of a map's entry; else empty */
    private static void lookAt(FieldDescriptor field, String name, Object value, String path, List<Violation> found) {
        if (value instanceof Value variable && isEnvironment(field) && !variable.getText().isEmpty() && isSecretByName(name)) {
            found.add(violation(path, "is a secret by its name, and stands in clear"));
        } else if (value instanceof Value key && key.hasText() && KEYS_TO_DATA.contains(field.getContainingType())) {
            found.add(violation(path, "a key may not stand in a spec"));
        } else if (value instanceof Message message) {
            look(message, path, found);
        } else if (value instanceof String text) {
            judge(field, name, text, path, found);
        }
    }

    private static boolean isEnvironment(FieldDescriptor field) {
        return field.getContainingType() == BootSpec.getDescriptor() && field.isMapField();
    }

    /** By which the YAML's paths call it; empty: by its place. */
    private static String name(Object item) {
        return item instanceof PoolSpec pool ? pool.getName() : item instanceof QueueSpec queue ? queue.getName() : "";
    }

    private static void judge(FieldDescriptor field, String key, String text, String path, List<Violation> found) {
        if (field.getContainingType() == Value.getDescriptor() && field.getName().equals("secret_ref") && !isReference(text)) {
            // Somebody may have written the secret itself in place of its name.
            found.add(Violation.newBuilder().setField(path).setProblem("is no reference to a secret").setFix(SecretRef.FORMS).build());
            return;
        }
        var isText = field.getContainingType() == Value.getDescriptor() && field.getName().equals("text") || field.getName().endsWith("_spec") || field.getName().equals("template");
        var isMap = field.isMapField() && List.of("tags", "metadata", "annotations").contains(field.getName());
        var isPublic = field.getContainingType() == GcpLaunch.getDescriptor() && key.equals("ssh-keys");
        if ((isText || isMap) && !isPublic ? isLikelyIn(text) : isIn(text)) {
            found.add(violation(path, "the text looks like a key"));
        }
    }

    private static boolean isReference(String text) {
        try {
            SecretRef.parse(text);
            return true;
        } catch (IllegalArgumentException none) {
            return false;
        }
    }

    private static Violation violation(String path, String problem) {
        return Violation.newBuilder().setField(path).setProblem(problem)
                .setFix("put the secret into a file of the secrets folder, on Kubernetes into the pool's Secret, and write {secretRef: <its name there>}").build();
    }

    private static String under(String path, String step) {
        return step.isEmpty() ? path : path.isEmpty() ? step : path + "." + step;
    }

    /** Keys mix capitals, small letters and digits all over; paths, sentences and hexadecimal digests don't. */
    private static boolean looksRandom(String run) {
        int changes = 0;
        for (int i = 1; i < run.length(); i++) {
            if (kind(run.charAt(i)) != kind(run.charAt(i - 1))) {
                changes++;
            }
        }
        return run.chars().anyMatch(Character::isUpperCase) && run.chars().anyMatch(Character::isLowerCase)
                && run.chars().anyMatch(Character::isDigit) && changes * 3 > run.length();
    }

    private static int kind(char c) {
        return Character.isUpperCase(c) ? 0 : Character.isLowerCase(c) ? 1 : Character.isDigit(c) ? 2 : 3;
    }
}
