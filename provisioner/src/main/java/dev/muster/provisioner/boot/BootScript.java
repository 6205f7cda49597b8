package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.provisioner.boot.MachineFile.Quoting;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/**
 * Writes the script that turns a fresh Ubuntu or Amazon Linux machine into ClearML workers; {@code boot.sh} beside this class is
 * its text. The same plan gives the same bytes.
 *
 * <p>No value ever meets the shell's expansion: plain lines stand in one quoted here-document, everything else in base64. What a secret
 * store keeps is not in the script at all: {@code fetch_secrets.py} gets it on the machine, where there is any.
 */
public final class BootScript {

    private static final String TEMPLATE = compact(read("boot.sh"));
    private static final String GUARD = compact(read("guard.py"));
    private static final String SECRETS = compact(read("secrets.sh"));
    private static final String FETCH = compact(read("fetch_secrets.py"));
    private static final Pattern PLACE = Pattern.compile("@(PROPERTIES|AGENT_VERSION|ENVIRONMENT|CONF|INIT|CHECKPOINT|GCS_KEY|GUARD|SECRETS)@");
    private static final Pattern SECRETS_PLACE = Pattern.compile("@(FETCH|PIECES)@");
    /** Where the machine finds the key of Google's storage, and a task in a container, too. */
    private static final String GCS_KEY = "/etc/muster/gcs.json";

    /** Says to whoever reads it that the script is packed. */
    private static final String PACKED = "# muster-boot-gzip";

    /** Whose metadata service a machine finds. */
    public enum Cloud { EC2, GCE }

    private BootScript() {}

    /**
     * @param cloud whose metadata service the machine will find
     * @param endpoint of the cloud's API in place of its own, for secrets that the machine fetches
     * @param limit most bytes the cloud takes; a longer script is compressed, which cloud-init undoes
     * @throws IllegalArgumentException if even that is too long, saying what to shorten
     */
    public static byte[] render(BootPlan plan, Cloud cloud, Optional<URI> endpoint, int limit) {
        var text = text(plan, cloud, endpoint).getBytes(UTF_8);
        if (text.length <= limit) {
            return text;
        }
        var compressed = compress(text);
        if (compressed.length > limit) {
            throw tooLong(compressed.length, limit);
        }
        return compressed;
    }

    /**
     * The script as a start-up script of Compute Engine, which takes text only: it unpacks itself, since Google lists a machine's metadata with the
     * machine, and a thousand machines' scripts are in each list.
     *
     * @param limit most bytes the cloud takes
     * @throws IllegalArgumentException as {@link #render}
     */
    public static String startupScript(BootPlan plan, int limit) {
        var packed = "#!/bin/sh\n" + PACKED + "\nboot=$(mktemp) && base64 -d << 'MUSTER' | gunzip > \"$boot\" || exit 1\n"
                + base64(compress(text(plan, Cloud.GCE, Optional.empty()).getBytes(UTF_8))) + "\nMUSTER\nsh \"$boot\"\n";
        if (packed.length() > limit) {
            throw tooLong(packed.length(), limit);
        }
        return packed;
    }

    private static IllegalArgumentException tooLong(int length, int limit) {
        return new IllegalArgumentException("the boot script takes " + length + " bytes compressed and the cloud allows " + limit
                + "; shorten init_script, extra_conf or environment, or keep them in a secret store, from which machines fetch them");
    }

    static String text(BootPlan plan, Cloud cloud, Optional<URI> endpoint) {
        var files = new LinkedHashMap<String, MachineFile>();
        files.put("boot.properties", properties(plan, cloud));
        files.put("agent.env", environment(plan.environment()));
        files.put("clearml.conf", conf(plan));
        files.put("init.sh", new MachineFile().value(plan.initScript(), Quoting.NONE));
        files.put("checkpoint.sh", new MachineFile().value(plan.checkpointHook(), Quoting.NONE));
        files.put("gcs.json", new MachineFile().value(plan.storage().gcs().map(BootPlan.Storage.Gcs::key).orElse(Given.NOTHING), Quoting.NONE));
        return filled(TEMPLATE, PLACE, Map.of(
                // A here-document ends its last line itself.
                "PROPERTIES", files.get("boot.properties").known().replaceFirst("\n$", ""),
                "AGENT_VERSION", plan.agentVersion(),
                "ENVIRONMENT", base64(files.get("agent.env").known()),
                "CONF", base64(files.get("clearml.conf").known()),
                "INIT", base64(files.get("init.sh").known()),
                "CHECKPOINT", base64(files.get("checkpoint.sh").known()),
                "GCS_KEY", base64(files.get("gcs.json").known()),
                "SECRETS", secrets(files, cloud, endpoint),
                "GUARD", GUARD));
    }

    /** The step that fetches; nothing where there is nothing to fetch. */
    private static String secrets(Map<String, MachineFile> files, Cloud cloud, Optional<URI> endpoint) {
        var pieces = files.entrySet().stream().filter(file -> !file.getValue().isKnown())
                .map(file -> MachineFile.json(file.getKey()) + ":" + file.getValue().rest()).collect(Collectors.joining(","));
        if (pieces.isEmpty()) {
            return "";
        }
        if (cloud != Cloud.EC2) {
            throw new IllegalArgumentException("machines of " + cloud + " can't read AWS's secret stores; put the secret into a file of the secrets folder");
        }
        return filled(SECRETS, SECRETS_PLACE, Map.of("FETCH", FETCH, "PIECES",
                // One line, which no here-document ends at; in base64 it would take a third more.
                "{\"endpoint\":" + MachineFile.json(endpoint.map(URI::toString).orElse("")) + ",\"files\":{" + pieces + "}}"));
    }

    /** In one pass, so that a value that looks like a place is left as it is. */
    private static String filled(String template, Pattern place, Map<String, String> values) {
        return place.matcher(template).replaceAll(found -> Matcher.quoteReplacement(values.get(found.group(1))));
    }

    private static MachineFile properties(BootPlan plan, Cloud cloud) {
        var lines = new LinkedHashMap<String, String>();
        lines.put("worker.prefix", plan.workerPrefix());
        lines.put("agents", Integer.toString(plan.agents()));
        lines.put("queues", String.join(" ", plan.queueIds()));
        lines.put("clearml.api", plan.hosts().api());
        lines.put("clearml.web", plan.hosts().web());
        lines.put("clearml.files", plan.hosts().files());
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
        var file = new MachineFile();
        lines.forEach((key, value) -> file.text(key + "=" + value + "\n"));
        return file.text("clearml.access-key=").value(plan.keys().access(), Quoting.LINE)
                .text("\nclearml.secret-key=").value(plan.keys().secret(), Quoting.LINE).text("\n");
    }

    /** What is fetched comes last: a proxy that the fetching itself needs stands before it. */
    private static MachineFile environment(Map<String, Given> environment) {
        var file = new MachineFile();
        environment.entrySet().stream().sorted(Comparator.comparing(variable -> variable.getValue() instanceof Given.Kept)).forEach(variable ->
                file.text("export " + variable.getKey() + "='").value(variable.getValue(), Quoting.SHELL).text("'\n"));
        return file;
    }

    /**
     * Containers are told where ClearML is: an address that only the machine knows would be of no use in them. It is added last, since a
     * fleet's own arguments would otherwise stand in its place; and one word of it comes first, since ClearML's parser can't add to nothing.
     */
    private static MachineFile conf(BootPlan plan) {
        var hosts = plan.hosts();
        var web = List.of("-e", "CLEARML_WEB_HOST=" + hosts.web());
        var arguments = new ArrayList<>(List.of("-e", "CLEARML_API_HOST=" + hosts.api(), "-e", "CLEARML_FILES_HOST=" + hosts.files()));
        arguments.addAll(web);
        if (plan.storage().gcs().isPresent()) {
            arguments.addAll(List.of("-v", GCS_KEY + ":" + GCS_KEY + ":ro"));
        }
        var file = new MachineFile().text("agent.extra_docker_arguments: " + list(web) + "\n")
                .text(git(plan.environment().getOrDefault("CLEARML_AGENT_GIT_PASS", Given.NOTHING)));
        storage(file, plan.storage());
        file.value(plan.extraConf(), Quoting.NONE);
        if (!(plan.extraConf() instanceof Given.Text known && known.text().endsWith("\n"))) {
            file.text("\n");
        }
        return file.text("agent.extra_docker_arguments: ${agent.extra_docker_arguments} " + list(arguments) + "\n");
    }

    /**
     * The agent hands git its password through a shell that expands these; it then has git take it from the URL, where each is encoded. A
     * password that nobody here has seen may hold any of them.
     */
    private static String git(Given password) {
        return password instanceof Given.Text known && !known.text().matches("(?s).*[$`\\\\].*") ? "" : "agent.enable_git_ask_pass: false\n";
    }

    private static String list(List<String> words) {
        return words.stream().map(MachineFile::json).collect(Collectors.joining(", ", "[", "]"));
    }

    /** In ClearML's own terms; the agent hands this part to containers. */
    private static void storage(MachineFile file, BootPlan.Storage storage) {
        if (storage.machineIdentity()) {
            file.text("sdk.aws.s3.use_credentials_chain: true\n");
        }
        var named = new ArrayList<BootPlan.Storage.S3>();
        for (var keys : storage.s3()) {
            if (keys.bucket().isEmpty() && keys.host().isEmpty()) {
                line(file, "sdk.aws.s3.key", keys.key());
                line(file, "sdk.aws.s3.secret", keys.secret());
                line(file, "sdk.aws.s3.region", Given.text(keys.region()));
            } else {
                named.add(keys);
            }
        }
        for (int i = 0; i < named.size(); i++) {
            var keys = named.get(i);
            file.text(i == 0 ? "sdk.aws.s3.credentials: [{" : ", {");
            members(file, List.of(new Member("bucket", Given.text(keys.bucket())), new Member("host", Given.text(keys.host())),
                    new Member("region", Given.text(keys.region())), new Member("key", keys.key()), new Member("secret", keys.secret())));
            // Servers that are not Amazon's may not know uploads in parts; ClearML's own examples leave them out there.
            file.text((keys.host().isEmpty() ? "" : ", multipart: false, secure: " + !keys.insecure()) + (i == named.size() - 1 ? "}]\n" : "}"));
        }
        storage.gcs().ifPresent(gcs -> {
            line(file, "sdk.google.storage.project", Given.text(gcs.project()));
            line(file, "sdk.google.storage.credentials_json", Given.text(GCS_KEY));
        });
        for (int i = 0; i < storage.azure().size(); i++) {
            var azure = storage.azure().get(i);
            file.text(i == 0 ? "sdk.azure.storage.containers: [{" : ", {");
            members(file, List.of(new Member("account_name", Given.text(azure.account())), new Member("account_key", azure.key()),
                    new Member("container_name", Given.text(azure.container()))));
            file.text(i == storage.azure().size() - 1 ? "}]\n" : "}");
        }
    }

    private static void line(MachineFile file, String key, Given value) {
        if (!value.isEmpty()) {
            file.text(key + ": \"").value(value, Quoting.JSON).text("\"\n");
        }
    }

    private record Member(String key, Given value) {}

    /** Those without a value are left out. */
    private static void members(MachineFile file, List<Member> members) {
        var separator = "";
        for (var member : members) {
            if (!member.value().isEmpty()) {
                file.text(separator + member.key() + ": \"").value(member.value(), Quoting.JSON).text("\"");
                separator = ", ";
            }
        }
    }

    private static String base64(String text) {
        return base64(text.getBytes(UTF_8));
    }

    private static String base64(byte[] bytes) {
        return Base64.getMimeEncoder(76, new byte[] {'\n'}).encodeToString(bytes);
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

    /** Without lines that only explain, which are a fifth of what EC2 takes: comments, and Python's where a body goes on after them or the file begins. */
    private static String compact(String program) {
        return program.replaceFirst("(?s)(\\A#!.*?\n)\"\"\".*?\"\"\"\n", "$1").replaceAll("(?m)^ *#(?!!).*\n", "").replaceAll("(?m)^( +)\"\"\"[^\"\n]*\"\"\"\n+(?=\\1\\S)", "");
    }

    private static String read(String name) {
        try (var in = BootScript.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException missing) {
            throw new UncheckedIOException(missing);
        }
    }
}
