package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.SecretRef;
import dev.muster.provisioner.boot.MachineFile.Quoting;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What a pod runs, so that it becomes ClearML workers or runs one task: {@code pod.sh} beside this class, packed into one variable that the
 * command unpacks. The same plan gives the same pod.
 *
 * <p>No secret is in it: each is a key of the Secret that the pod mounts, and {@code pod.py} puts it where it belongs. The pod has its volumes at
 * {@value #WORK}, {@value #POD} (files {@code annotations} and {@code uid} of the downward API) and {@value #SECRETS}, and may be told in
 * {@code MUSTER_GRACE} how many seconds it has from SIGTERM to SIGKILL, where that is not 30.
 *
 * @param command     command and arguments of the container; empty: the image's own
 * @param environment of the container; what looks like a reference to a variable is one, as Kubernetes has it
 * @param secretEnvironment variables of the container that have the value of a key of the Secret
 * @param secretKeys  of the Secret, that the pod needs
 * @param claim       what goes before an image's own entrypoint
 */
public record PodScript(List<String> command, SortedMap<String, String> environment, SortedMap<String, String> secretEnvironment,
        SortedSet<String> secretKeys, Optional<Claim> claim) {

    /** An empty folder that lives as long as the pod. */
    public static final String WORK = "/muster/work";
    /** What the pod knows of itself. */
    public static final String POD = "/muster/pod";
    /** A file for each key of the Secret. */
    public static final String SECRETS = "/muster/secrets";
    /** Its value must be the field {@code metadata.uid}, and stand before the variables that refer to it: those of an image's own entrypoint. */
    public static final String UID_VARIABLE = "MUSTER_POD_UID";

    private static final String BOOT_VARIABLE = "MUSTER_BOOT";
    private static final String ETC = WORK + "/etc/muster";
    /** Linux starts no program with a longer variable: MAX_ARG_STRLEN, with its name and its end. */
    private static final int LONGEST = 128 * 1024 - BOOT_VARIABLE.length() - 2;
    private static final String TEMPLATE = ScriptText.compact(ScriptText.read("pod.sh"));
    private static final String GUARD = ScriptText.compact(ScriptText.read("guard.py"));
    private static final String POD_GUARD = ScriptText.compact(ScriptText.read("pod.py"));
    private static final Pattern PLACE = Pattern.compile("@(PROPERTIES|AGENT_VERSION|ENVIRONMENT|CONF|INIT|CHECKPOINT|GCS_KEY|SETUP|PIECES|GUARD|POD)@");
    /** Python where the image has no gzip. No dollar before a parenthesis: Kubernetes would take it for a variable of its own. */
    private static final String UNPACK = """
            umask 077
            boot="${MUSTER_ROOT:-%s}/boot.sh"
            if printf %%s "$MUSTER_BOOT" | base64 -d 2> /dev/null | gzip -dc > "$boot" 2> /dev/null && [ -s "$boot" ]; then :
            elif python3 -c 'import base64, os, sys, zlib; sys.stdout.buffer.write(zlib.decompress(base64.b64decode(os.environ["MUSTER_BOOT"]), 31))' > "$boot"; then :
            else echo "MUSTER-BOOT-FAILED step=unpack reason=the image has neither base64 and gzip nor python3, or nothing can be written to $boot"; exit 78
            fi
            unset MUSTER_BOOT
            exec /bin/sh "$boot" "$1"
            """.formatted(WORK);

    /**
     * The task that a pod is made for.
     *
     * @param queueId         of the queue that it waits in until the pod claims it
     * @param setupScript     the task's own, run before its agent in the same shell; may be empty
     * @param imageEntrypoint the image's entrypoint runs the task, and not an agent
     */
    public record TaskToRun(String task, String queueId, String setupScript, boolean imageEntrypoint) {

        public TaskToRun {
            for (var id : List.of(task, queueId)) {
                if (!id.matches("[A-Za-z0-9_-]+")) {
                    throw new IllegalArgumentException("'" + id.replaceAll("\\p{Cntrl}", "?") + "' is no id of a task or a queue");
                }
            }
        }

        /** Without the script. */
        @Override
        public String toString() {
            return "TaskToRun[task=" + task + ", queueId=" + queueId + ", imageEntrypoint=" + imageEntrypoint + "]";
        }
    }

    /**
     * Before an image's own entrypoint, with the same volumes, and with an image that has Python: an init container that exits with 0 if the task is
     * this pod's and with 1 if not; and after it one with {@code restartPolicy: Always}, which shows ClearML the worker while the entrypoint runs.
     */
    public record Claim(List<String> command, List<String> attendCommand, SortedMap<String, String> environment) {

        public Claim {
            command = List.copyOf(command);
            attendCommand = List.copyOf(attendCommand);
            environment = Collections.unmodifiableSortedMap(new TreeMap<>(environment));
        }

        @Override
        public String toString() {
            return "Claim[environment=" + environment.keySet() + "]";
        }
    }

    public PodScript {
        command = List.copyOf(command);
        environment = Collections.unmodifiableSortedMap(new TreeMap<>(environment));
        secretEnvironment = Collections.unmodifiableSortedMap(new TreeMap<>(secretEnvironment));
        secretKeys = Collections.unmodifiableSortedSet(new TreeSet<>(secretKeys));
    }

    /**
     * @param task empty: an agent pod
     * @throws IllegalArgumentException if a secret is not a key of a Kubernetes Secret, or the whole is too long; it says which
     */
    public static PodScript of(BootPlan plan, Optional<TaskToRun> task) {
        var keys = new TreeSet<String>();
        plan.given().forEach(given -> {
            if (given instanceof Given.Kept kept) {
                if (kept.reference().store() != SecretRef.Store.KUBERNETES) {
                    throw new IllegalArgumentException(kept.reference() + " can't be read by pods; name a key of the pool's Kubernetes Secret");
                }
                keys.add(kept.reference().name());
            }
        });
        // Whoever may read pods may read what is in them.
        if (!(plan.keys().access() instanceof Given.Kept && plan.keys().secret() instanceof Given.Kept)) {
            throw new IllegalArgumentException("a pod's key of ClearML must be a key of its Kubernetes Secret");
        }
        var boot = new TreeMap<>(Map.of(BOOT_VARIABLE, packed(text(plan, task))));
        if (task.isPresent() && task.get().imageEntrypoint()) {
            var environment = new TreeMap<String, String>();
            var secretEnvironment = new TreeMap<String, String>();
            plan.environment().forEach((name, given) -> put(name, given, environment, secretEnvironment));
            environment.put("CLEARML_TASK_ID", task.get().task());
            environment.put("CLEARML_WORKER_ID", literal(plan.workerPrefix()) + ":$(" + UID_VARIABLE + ")");
            environment.put("CLEARML_API_HOST", literal(plan.hosts().api()));
            environment.put("CLEARML_WEB_HOST", literal(plan.hosts().web()));
            environment.put("CLEARML_FILES_HOST", literal(plan.hosts().files()));
            environment.put("CLEARML_CONFIG_FILE", ETC + "/clearml.conf");
            put("CLEARML_API_ACCESS_KEY", plan.keys().access(), environment, secretEnvironment);
            put("CLEARML_API_SECRET_KEY", plan.keys().secret(), environment, secretEnvironment);
            return new PodScript(List.of(), environment, secretEnvironment, keys, Optional.of(new Claim(command("claim"), command("attend"), boot)));
        }
        return new PodScript(command(task.isPresent() ? "task" : "run"), boot, new TreeMap<>(), keys, Optional.empty());
    }

    private static void put(String name, Given given, SortedMap<String, String> environment, SortedMap<String, String> secretEnvironment) {
        if (given instanceof Given.Kept kept) {
            secretEnvironment.put(name, kept.reference().name());
        } else {
            environment.put(name, literal(((Given.Text) given).text()));
        }
    }

    /** Kubernetes replaces {@code $(NAME)}; a doubled dollar is one. */
    public static String literal(String text) {
        return text.replace("$", "$$");
    }

    private static List<String> command(String mode) {
        return List.of("/bin/sh", "-c", UNPACK, "muster", mode);
    }

    static String text(BootPlan plan, Optional<TaskToRun> task) {
        var files = BootFiles.ofPod(plan, ETC, task);
        var setup = new MachineFile().value(Given.text(task.map(TaskToRun::setupScript).orElse("")), Quoting.NONE);
        return ScriptText.filled(TEMPLATE, PLACE, Map.ofEntries(
                // A here-document ends its last line itself.
                Map.entry("PROPERTIES", files.get("boot.properties").known().replaceFirst("\n$", "")),
                Map.entry("AGENT_VERSION", plan.agentVersion()),
                Map.entry("ENVIRONMENT", ScriptText.base64(files.get("agent.env").known())),
                Map.entry("CONF", ScriptText.base64(files.get("clearml.conf").known())),
                Map.entry("INIT", ScriptText.base64(files.get("init.sh").known())),
                Map.entry("CHECKPOINT", ScriptText.base64(files.get("checkpoint.sh").known())),
                Map.entry("GCS_KEY", ScriptText.base64(files.get("gcs.json").known())),
                Map.entry("SETUP", ScriptText.base64(setup.known())),
                Map.entry("PIECES", ScriptText.base64("{" + BootFiles.pieces(files) + "}")),
                Map.entry("GUARD", GUARD),
                Map.entry("POD", POD_GUARD)));
    }

    private static String packed(String text) {
        var packed = Base64.getEncoder().encodeToString(ScriptText.compress(text.getBytes(UTF_8)));
        if (packed.length() > LONGEST) {
            throw new IllegalArgumentException("the pod's script takes " + packed.length() + " bytes packed and Linux allows " + LONGEST
                    + "; shorten init_script, extra_conf, environment or the task's setup script, or keep them in the pool's Kubernetes Secret");
        }
        return packed;
    }

    /** Without the script, and without what a fleet gives its tasks. */
    @Override
    public String toString() {
        return "PodScript[environment=" + environment.keySet() + ", secretEnvironment=" + secretEnvironment.keySet() + ", secretKeys=" + secretKeys
                + ", claim=" + claim.isPresent() + "]";
    }
}
