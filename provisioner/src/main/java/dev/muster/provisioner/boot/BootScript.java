package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/**
 * Writes the script that turns a fresh Ubuntu or Amazon Linux machine into ClearML workers; {@code boot.sh} beside this class is
 * its text. The same plan gives the same bytes.
 *
 * <p>No value ever meets the shell's expansion: plain lines stand in one quoted here-document, everything else in base64.
 */
public final class BootScript {

    private static final String TEMPLATE = compact(read("boot.sh"));
    private static final String GUARD = compact(read("guard.py"));
    private static final Pattern PLACE = Pattern.compile("@(PROPERTIES|AGENT_VERSION|ENVIRONMENT|CONF|INIT|CHECKPOINT|GCS_KEY|GUARD)@");
    /** Where the machine finds the key of Google's storage, and a task in a container, too. */
    private static final String GCS_KEY = "/etc/muster/gcs.json";

    /** Whose metadata service a machine finds. */
    public enum Cloud { EC2, GCE }

    private BootScript() {}

    /**
     * @param cloud whose metadata service the machine will find
     * @param limit most bytes the cloud takes; a longer script is compressed, which cloud-init undoes
     * @throws IllegalArgumentException if even that is too long, saying what to shorten
     */
    public static byte[] render(BootPlan plan, Cloud cloud, int limit) {
        var text = text(plan, cloud).getBytes(UTF_8);
        if (text.length <= limit) {
            return text;
        }
        var compressed = compress(text);
        if (compressed.length > limit) {
            throw new IllegalArgumentException("the boot script takes " + compressed.length + " bytes compressed and the cloud allows " + limit
                    + "; shorten init_script, extra_conf or environment, or fetch them from the init script");
        }
        return compressed;
    }

    static String text(BootPlan plan, Cloud cloud) {
        var values = Map.of(
                "PROPERTIES", properties(plan, cloud),
                "AGENT_VERSION", plan.agentVersion(),
                "ENVIRONMENT", base64(environment(plan.environment())),
                "CONF", base64(conf(plan)),
                "INIT", base64(plan.initScript()),
                "CHECKPOINT", base64(plan.checkpointHook()),
                "GCS_KEY", base64(plan.storage().gcs().map(BootPlan.Storage.Gcs::key).orElse("")),
                "GUARD", GUARD);
        // In one pass, so that a value that looks like a place is left as it is.
        return PLACE.matcher(TEMPLATE).replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1))));
    }

    private static String properties(BootPlan plan, Cloud cloud) {
        var lines = new LinkedHashMap<String, String>();
        lines.put("worker.prefix", plan.workerPrefix());
        lines.put("agents", Integer.toString(plan.agents()));
        lines.put("queues", String.join(" ", plan.queueIds()));
        lines.put("clearml.api", plan.hosts().api());
        lines.put("clearml.web", plan.hosts().web());
        lines.put("clearml.files", plan.hosts().files());
        lines.put("clearml.access-key", plan.keys().access());
        lines.put("clearml.secret-key", plan.keys().secret());
        lines.put("docker", Boolean.toString(plan.docker()));
        lines.put("default-image", plan.defaultImage());
        lines.put("cloud", cloud.name().toLowerCase(Locale.ROOT));
        if (plan.cpuOnly()) {
            lines.put("cpu-only", "true");
        }
        plan.hardAge().ifPresent(age -> lines.put("hard-age", Long.toString(age.toSeconds())));
        if (plan.shellProfile()) {
            lines.put("shell-profile", "true");
        }
        return lines.entrySet().stream().map(line -> line.getKey() + "=" + line.getValue()).collect(Collectors.joining("\n"));
    }

    private static String environment(Map<String, String> environment) {
        return environment.entrySet().stream()
                .map(variable -> "export " + variable.getKey() + "='" + variable.getValue().replace("'", "'\\''") + "'\n")
                .collect(Collectors.joining());
    }

    /**
     * Containers are told where ClearML is: an address that only the machine knows would be of no use in them. It is added last, since a
     * fleet's own arguments would otherwise stand in its place; and one word of it comes first, since ClearML's parser can't add to nothing.
     */
    private static String conf(BootPlan plan) {
        var hosts = plan.hosts();
        var web = List.of("-e", "CLEARML_WEB_HOST=" + hosts.web());
        var arguments = new ArrayList<>(List.of("-e", "CLEARML_API_HOST=" + hosts.api(), "-e", "CLEARML_FILES_HOST=" + hosts.files()));
        arguments.addAll(web);
        if (plan.storage().gcs().isPresent()) {
            arguments.addAll(List.of("-v", GCS_KEY + ":" + GCS_KEY + ":ro"));
        }
        return "agent.extra_docker_arguments: " + list(web) + "\n"
                + git(plan.environment().getOrDefault("CLEARML_AGENT_GIT_PASS", ""))
                + storage(plan.storage()) + plan.extraConf() + (plan.extraConf().endsWith("\n") ? "" : "\n")
                + "agent.extra_docker_arguments: ${agent.extra_docker_arguments} " + list(arguments) + "\n";
    }

    /** The agent hands git its password through a shell that expands these; it then has git take it from the URL, where each is encoded. */
    private static String git(String password) {
        return password.matches(".*[$`\\\\].*") ? "agent.enable_git_ask_pass: false\n" : "";
    }

    private static String list(List<String> words) {
        return words.stream().map(BootScript::json).collect(Collectors.joining(", ", "[", "]"));
    }

    /** In ClearML's own terms; the agent hands this part to containers. */
    private static String storage(BootPlan.Storage storage) {
        var lines = new StringBuilder();
        if (storage.machineIdentity()) {
            lines.append("sdk.aws.s3.use_credentials_chain: true\n");
        }
        var s3 = new ArrayList<String>();
        for (var keys : storage.s3()) {
            if (keys.bucket().isEmpty() && keys.host().isEmpty()) {
                line(lines, "sdk.aws.s3.key", keys.key());
                line(lines, "sdk.aws.s3.secret", keys.secret());
                line(lines, "sdk.aws.s3.region", keys.region());
            } else {
                // Servers that are not Amazon's may not know uploads in parts; ClearML's own examples leave them out there.
                s3.add("{" + members(List.of("bucket", keys.bucket(), "host", keys.host(), "region", keys.region(), "key", keys.key(),
                        "secret", keys.secret())) + (keys.host().isEmpty() ? "" : ", multipart: false, secure: " + !keys.insecure()) + "}");
            }
        }
        if (!s3.isEmpty()) {
            lines.append("sdk.aws.s3.credentials: [").append(String.join(", ", s3)).append("]\n");
        }
        storage.gcs().ifPresent(gcs -> {
            line(lines, "sdk.google.storage.project", gcs.project());
            line(lines, "sdk.google.storage.credentials_json", GCS_KEY);
        });
        if (!storage.azure().isEmpty()) {
            lines.append("sdk.azure.storage.containers: [").append(storage.azure().stream()
                    .map(azure -> "{" + members(List.of("account_name", azure.account(), "account_key", azure.key(),
                            "container_name", azure.container())) + "}")
                    .collect(Collectors.joining(", "))).append("]\n");
        }
        return lines.toString();
    }

    private static void line(StringBuilder lines, String key, String value) {
        if (!value.isEmpty()) {
            lines.append(key).append(": ").append(json(value)).append('\n');
        }
    }

    /** Keys and values in turn, those without a value left out. */
    private static String members(List<String> pairs) {
        var members = new ArrayList<String>();
        for (int i = 0; i < pairs.size(); i += 2) {
            if (!pairs.get(i + 1).isEmpty()) {
                members.add(pairs.get(i) + ": " + json(pairs.get(i + 1)));
            }
        }
        return String.join(", ", members);
    }

    private static String json(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"';
    }

    private static String base64(String text) {
        return Base64.getMimeEncoder(76, new byte[] {'\n'}).encodeToString(text.getBytes(UTF_8));
    }

    private static byte[] compress(byte[] text) {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return bytes.toByteArray();
    }

    /** Without lines that only explain, which are a fifth of what EC2 takes: comments, and Python's where a body goes on after them. */
    private static String compact(String program) {
        return program.replaceAll("(?m)^ *#(?!!).*\n", "").replaceAll("(?m)^( +)\"\"\"[^\"\n]*\"\"\"\n+(?=\\1\\S)", "");
    }

    private static String read(String name) {
        try (var in = BootScript.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException missing) {
            throw new UncheckedIOException(missing);
        }
    }
}
