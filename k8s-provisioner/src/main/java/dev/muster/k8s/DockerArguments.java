package dev.muster.k8s;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What a task's arguments of {@code docker run} ask of a pod, and what of them a pod can't have. The last word on a thing counts, as with Docker.
 *
 * @param environment as the container is to see it: Kubernetes would replace {@code $(NAME)} in it, Docker doesn't
 * @param sharedMemory size of /dev/shm in bytes
 * @param gpus empty: nothing is said of them
 * @param runAsGroup only with a user
 * @param untranslated what was left out, in order
 */
record DockerArguments(SortedMap<String, String> environment, OptionalLong sharedMemory, List<HostPath> hostPaths, Optional<Gpus> gpus, boolean hostIpc,
        boolean hostNetwork, OptionalLong runAsUser, OptionalLong runAsGroup, List<Untranslated> untranslated) {

    /** A folder or file of the node, and where the container sees it. */
    record HostPath(String source, String target, boolean isReadOnly) {}

    /** How many GPUs. @param count none with {@code all}, which are as many as the pool has */
    record Gpus(boolean all, int count) {}

    /** An argument that a pod does not get. @param name the flag, and never its value, which may be a secret */
    record Untranslated(String name, String why) {
        @Override
        public String toString() {
            return name + ": " + why;
        }
    }

    /** Those of {@code docker run} without a value. */
    private static final Set<String> SWITCHES = Set.of("detach", "disable-content-trust", "help", "init", "interactive", "no-healthcheck", "oom-kill-disable",
            "privileged", "publish-all", "quiet", "read-only", "rm", "sig-proxy", "tty", "use-api-socket");

    /** One-letter names of all that have one. */
    private static final Map<Character, String> SHORT = Map.ofEntries(Map.entry('a', "attach"), Map.entry('c', "cpu-shares"), Map.entry('d', "detach"),
            Map.entry('e', "env"), Map.entry('h', "hostname"), Map.entry('i', "interactive"), Map.entry('l', "label"), Map.entry('m', "memory"),
            Map.entry('P', "publish-all"), Map.entry('p', "publish"), Map.entry('q', "quiet"), Map.entry('t', "tty"), Map.entry('u', "user"),
            Map.entry('v', "volume"), Map.entry('w', "workdir"));

    private static final String TEMPLATE = "the pool's pod template can say it";
    private static final String AS_EVERY_POD = "every pod of a task is so";
    private static final String POOL_RESOURCES = "the pool says it, or the task with the hyperparameter Muster/k8s/";

    /** Why the better known of the others are not. */
    private static final Map<String, String> REASONS = reasons();

    private static Map<String, String> reasons() {
        var reasons = new HashMap<String, String>();
        reasons.put("env-file", "it is a file of a Docker host, which no cluster has; write its lines as -e NAME=value");
        reasons.put("name", "a pod has its machine's name");
        reasons.put("hostname", "a pod has its machine's name");
        reasons.put("runtime", "pods get GPUs by asking for them, with --gpus");
        reasons.put("cpus", POOL_RESOURCES + "cpu");
        reasons.put("cpu-shares", POOL_RESOURCES + "cpu");
        reasons.put("memory", POOL_RESOURCES + "memory");
        reasons.put("memory-reservation", POOL_RESOURCES + "memory");
        reasons.put("memory-swap", "pods have no swap");
        reasons.put("publish", "a pod's ports are open within its cluster as they are");
        reasons.put("publish-all", "a pod's ports are open within its cluster as they are");
        reasons.put("expose", "a pod's ports are open within its cluster as they are");
        reasons.put("entrypoint", "the pod runs Muster's own first, or the image's where the pool says so");
        reasons.put("restart", "Muster says whether a task is run again");
        reasons.put("pull", "the hyperparameter Muster/k8s/force-pull says it");
        reasons.put("ulimit", "Kubernetes has no such setting of a container: it is the node's");
        reasons.put("rm", AS_EVERY_POD);
        reasons.put("detach", AS_EVERY_POD);
        for (var terminal : List.of("interactive", "tty", "attach")) {
            reasons.put(terminal, "no terminal is attached to a task");
        }
        return Map.copyOf(reasons);
    }

    /** As Kubernetes takes them. */
    private static final Pattern VARIABLE = Pattern.compile("[-._a-zA-Z][-._a-zA-Z0-9]*");
    /** As Docker takes it: units are powers of 1024. */
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,12})(\\.[0-9]{1,6})? ?([kKmMgGtTpP]?)[iI]?[bB]?");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,10}");
    /** A flag and its value in one word, as where each line of a list is a flag. */
    private static final Pattern TWO_IN_ONE = Pattern.compile("--?[A-Za-z][A-Za-z-]*\\s[\\s\\S]*");
    /** Of a volume; the others say who else may see what is mounted in it. */
    private static final Set<String> HARMLESS_OPTIONS = Set.of("rw", "z", "Z", "cached", "delegated", "consistent", "nocopy");

    DockerArguments {
        environment = Collections.unmodifiableSortedMap(new TreeMap<>(environment));
        hostPaths = List.copyOf(hostPaths);
        untranslated = List.copyOf(untranslated);
    }

    /** @param arguments one string in shell words, or words, of which one may be a flag with its value */
    static DockerArguments of(List<String> arguments) {
        var reader = new Reader();
        var words = new ArrayList<String>();
        for (var argument : arguments) {
            if (arguments.size() == 1 || TWO_IN_ONE.matcher(argument).matches()) {
                var split = ShellWords.of(argument);
                words.addAll(split.words());
                if (!split.isComplete()) {
                    reader.leaveOut("the last word", "its quote is not closed");
                }
            } else {
                words.add(argument);
            }
        }
        return reader.read(words);
    }

    /** Values of the environment may be secrets. */
    @Override
    public String toString() {
        return "DockerArguments[environment=" + environment.keySet() + ", sharedMemory=" + sharedMemory + ", hostPaths=" + hostPaths + ", gpus=" + gpus
                + ", hostIpc=" + hostIpc + ", hostNetwork=" + hostNetwork + ", runAsUser=" + runAsUser + ", runAsGroup=" + runAsGroup + ", untranslated="
                + untranslated + "]";
    }

    /** What was read so far. */
    private static final class Reader {
        private final TreeMap<String, String> environment = new TreeMap<>();
        private OptionalLong sharedMemory = OptionalLong.empty();
        private final List<HostPath> hostPaths = new ArrayList<>();
        private Optional<Gpus> gpus = Optional.empty();
        private boolean hostIpc;
        private boolean hostNetwork;
        private OptionalLong user = OptionalLong.empty();
        private OptionalLong group = OptionalLong.empty();
        private final List<Untranslated> untranslated = new ArrayList<>();

        void leaveOut(String name, String why) {
            var left = new Untranslated(name, why);
            if (!untranslated.contains(left)) {
                untranslated.add(left);
            }
        }

        DockerArguments read(List<String> words) {
            for (int at = 0; at < words.size(); ) {
                var word = words.get(at++);
                if (word.startsWith("--") && word.length() > 2) {
                    at = readLong(words, at, word);
                } else if (word.startsWith("-") && word.length() > 1 && !word.equals("--")) {
                    at = readShort(words, at, word);
                } else if (!word.isBlank() && !word.equals("--")) {
                    // It may be the end of a secret that was cut by a missing quote.
                    leaveOut("a word that is no flag", "the image and its command are said elsewhere; a value with spaces needs quotes");
                }
            }
            return new DockerArguments(environment, sharedMemory, hostPaths, gpus, hostIpc, hostNetwork, user, group, untranslated);
        }

        /** @return where to read on */
        private int readLong(List<String> words, int at, String word) {
            var equals = word.indexOf('=');
            var name = word.substring(2, equals < 0 ? word.length() : equals);
            if (equals >= 0) {
                take(name, "--" + name, word.substring(equals + 1));
                return at;
            }
            if (SWITCHES.contains(name)) {
                take(name, "--" + name, "");
                return at;
            }
            return takeNext(words, at, name, "--" + name);
        }

        /** Several may be in one word, of which the last may have a value. */
        private int readShort(List<String> words, int at, String word) {
            for (int i = 1; i < word.length(); i++) {
                var flag = "-" + word.charAt(i);
                var name = SHORT.get(word.charAt(i));
                if (name == null) {
                    leaveOut(flag, "docker run has no such flag");
                    return at;
                }
                if (!SWITCHES.contains(name)) {
                    var rest = word.substring(i + 1);
                    if (rest.isEmpty()) {
                        return takeNext(words, at, name, flag);
                    }
                    take(name, flag, rest.startsWith("=") ? rest.substring(1) : rest);
                    return at;
                }
                take(name, flag, "");
            }
            return at;
        }

        private int takeNext(List<String> words, int at, String name, String flag) {
            // A flag that Docker doesn't know may have none, and the next one is not to be lost with it. Some values are negative numbers.
            if (at >= words.size() || words.get(at).matches("-[^0-9][\\s\\S]*")) {
                leaveOut(flag, REASONS.getOrDefault(name, "it has no value"));
                return at;
            }
            take(name, flag, words.get(at));
            return at + 1;
        }

        /** @param flag as it was written */
        private void take(String name, String flag, String value) {
            switch (name) {
                case "env" -> variable(flag, value);
                case "shm-size" -> size(flag, value);
                case "volume" -> volume(flag, value);
                case "mount" -> mount(flag, value);
                case "gpus" -> gpus(flag, value);
                case "ipc" -> {
                    hostIpc = value.equals("host");
                    if (!hostIpc && !value.isEmpty() && !value.equals("private")) {
                        leaveOut(flag, "only host and private have their like in a pod");
                    }
                }
                case "network", "net" -> {
                    hostNetwork = value.equals("host");
                    if (!hostNetwork) {
                        leaveOut(flag, "pods are on their cluster's network; only host has its like");
                    }
                }
                case "user" -> user(flag, value);
                default -> leaveOut(flag, REASONS.getOrDefault(name, TEMPLATE));
            }
        }

        private void variable(String flag, String value) {
            var equals = value.indexOf('=');
            var name = equals < 0 ? value : value.substring(0, equals);
            if (!VARIABLE.matcher(name).matches()) {
                leaveOut(flag, "its value begins with no name that a variable may have");
            } else if (equals < 0) {
                leaveOut(flag + " " + name, "its value would come from the environment of a Docker host, which no cluster has; write " + name + "=value");
            } else if (name.equals("NVIDIA_VISIBLE_DEVICES")) {
                leaveOut(flag + " " + name, "the cluster says which GPUs a pod has; it could reach others' with it");
            } else {
                environment.put(name, value.substring(equals + 1));
            }
        }

        private void size(String flag, String value) {
            var size = SIZE.matcher(value);
            if (!size.matches()) {
                leaveOut(flag, "it is no size such as 8g");
                return;
            }
            var unit = size.group(3).isEmpty() ? 0 : "kmgtp".indexOf(size.group(3).toLowerCase(Locale.ROOT)) + 1;
            var number = Double.parseDouble(size.group(1) + (size.group(2) == null ? "" : size.group(2)));
            var bytes = number * Math.pow(1024, unit);
            if (bytes < 1 || bytes > 1L << 50) {
                leaveOut(flag, "no pod can have that much or little");
            } else {
                sharedMemory = OptionalLong.of((long) bytes);
            }
        }

        private void volume(String flag, String value) {
            var parts = value.split(":", -1);
            if (parts.length == 1) {
                leaveOut(flag, "a volume without a source is Docker's own; " + TEMPLATE + " with an emptyDir");
                return;
            }
            if (parts.length > 3) {
                leaveOut(flag, "it is not source:target[:options]");
                return;
            }
            var options = parts.length == 3 ? Arrays.asList(parts[2].split(",")) : List.<String>of();
            var others = options.stream().filter(option -> !option.equals("ro") && !HARMLESS_OPTIONS.contains(option)).toList();
            if (hostPath(flag, parts[0], parts[1], options.contains("ro")) && !others.isEmpty()) {
                leaveOut(flag + " (options of a volume)", "the folder is mounted without them; " + TEMPLATE);
            }
        }

        private boolean hostPath(String flag, String source, String target, boolean isReadOnly) {
            if (!source.startsWith("/")) {
                leaveOut(flag, source.matches("[A-Za-z0-9][A-Za-z0-9_.-]+") ? "a named volume is a Docker host's; " + TEMPLATE + " with a volume of the cluster"
                        : "only an absolute path means the same on every node");
                return false;
            }
            if (!target.startsWith("/") || Arrays.asList((source + "/" + target).split("/")).contains("..")) {
                leaveOut(flag, "both paths must be absolute and without '..'");
                return false;
            }
            // Kubernetes refuses two on one place; Docker too.
            hostPaths.removeIf(other -> other.target().equals(target));
            hostPaths.add(new HostPath(source, target, isReadOnly));
            return true;
        }

        private void mount(String flag, String value) {
            var fields = new HashMap<String, String>();
            for (var field : value.split(",")) {
                var equals = field.indexOf('=');
                var key = (equals < 0 ? field : field.substring(0, equals)).strip().toLowerCase(Locale.ROOT);
                fields.put(switch (key) {
                    case "src" -> "source";
                    case "dst", "destination" -> "target";
                    case "ro" -> "readonly";
                    default -> key;
                }, equals < 0 ? "true" : field.substring(equals + 1).strip());
            }
            var type = fields.getOrDefault("type", "volume");
            if (!type.equals("bind")) {
                leaveOut(flag, "only type=bind has its like; " + TEMPLATE + " with a volume of the cluster");
                return;
            }
            var readOnly = fields.getOrDefault("readonly", "false");
            hostPath(flag, fields.getOrDefault("source", ""), fields.getOrDefault("target", ""), readOnly.equals("true") || readOnly.equals("1"));
        }

        private void gpus(String flag, String value) {
            // Quotes of a shell within quotes: '"device=0,1"'.
            var plain = value.replace("\"", "").replace("'", "").strip();
            if (plain.equals("none")) {
                gpus = Optional.of(new Gpus(false, 0));
                return;
            }
            var devices = 0;
            var count = Optional.<Gpus>empty();
            var key = "";
            for (var part : plain.split(",")) {
                var equals = part.indexOf('=');
                // A part without a key goes on with the list of the last one: device=0,1.
                key = equals >= 0 ? part.substring(0, equals).strip() : key;
                var text = part.substring(equals + 1).strip();
                switch (key) {
                    case "", "count" -> count = text.equals("all") || text.equals("-1") ? Optional.of(new Gpus(true, 0))
                            : text.matches("[0-9]{1,4}") ? Optional.of(new Gpus(false, Integer.parseInt(text))) : count;
                    case "device" -> devices += text.isEmpty() ? 0 : 1;
                    default -> leaveOut(flag + " (" + (key.matches("[a-z]{1,20}") ? key : "a part") + ")", "the cluster's GPU driver decides it");
                }
            }
            if (devices > 0) {
                count = Optional.of(new Gpus(false, devices));
                leaveOut(flag + " (device)", "the pod gets as many GPUs; which ones, the cluster says");
            }
            if (count.isEmpty()) {
                leaveOut(flag, "it is neither all, a number nor a list of devices");
            } else {
                gpus = count;
            }
        }

        private void user(String flag, String value) {
            var parts = value.split(":", -1);
            var id = id(parts[0]);
            var groupId = parts.length > 1 ? id(parts[1]) : OptionalLong.empty();
            if (id.isEmpty() || parts.length > 2 || parts.length == 2 && groupId.isEmpty()) {
                leaveOut(flag, "Kubernetes takes numbers only, not the names of an image's own users: write such as 1000:1000");
                return;
            }
            user = id;
            group = groupId;
        }

        private static OptionalLong id(String text) {
            if (text.equals("root")) {
                return OptionalLong.of(0);
            }
            if (!NUMBER.matcher(text).matches() || Long.parseLong(text) > Integer.MAX_VALUE) {
                return OptionalLong.empty();
            }
            return OptionalLong.of(Long.parseLong(text));
        }
    }
}
