package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.LinkedHashMap;
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

    private static final String TEMPLATE = template();
    private static final Pattern PLACE = Pattern.compile("@(PROPERTIES|AGENT_VERSION|CPU_ONLY|ENVIRONMENT|CONF|INIT)@");

    private BootScript() {}

    /**
     * @param limit most bytes the cloud takes; a longer script is compressed, which cloud-init undoes
     * @throws IllegalArgumentException if even that is too long, saying what to shorten
     */
    public static byte[] render(BootPlan plan, int limit) {
        var text = text(plan).getBytes(UTF_8);
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

    static String text(BootPlan plan) {
        var values = Map.of(
                "PROPERTIES", properties(plan),
                "AGENT_VERSION", plan.agentVersion(),
                "CPU_ONLY", plan.cpuOnly() ? "yes" : "no",
                "ENVIRONMENT", base64(environment(plan.environment())),
                "CONF", base64(conf(plan)),
                "INIT", base64(plan.initScript()));
        // In one pass, so that a value that looks like a place is left as it is.
        return PLACE.matcher(TEMPLATE).replaceAll(place -> Matcher.quoteReplacement(values.get(place.group(1))));
    }

    private static String properties(BootPlan plan) {
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
        return lines.entrySet().stream().map(line -> line.getKey() + "=" + line.getValue()).collect(Collectors.joining("\n"));
    }

    private static String environment(Map<String, String> environment) {
        return environment.entrySet().stream()
                .map(variable -> "export " + variable.getKey() + "='" + variable.getValue().replace("'", "'\\''") + "'\n")
                .collect(Collectors.joining());
    }

    /** Containers are told where ClearML is: an address that only the machine knows would be of no use in them. */
    private static String conf(BootPlan plan) {
        var hosts = plan.hosts();
        var arguments = Map.of("CLEARML_API_HOST", hosts.api(), "CLEARML_WEB_HOST", hosts.web(), "CLEARML_FILES_HOST", hosts.files())
                .entrySet().stream().sorted(Map.Entry.comparingByKey())
                .map(host -> "\"-e\", " + json(host.getKey() + "=" + host.getValue()))
                .collect(Collectors.joining(", "));
        return "agent.extra_docker_arguments: [" + arguments + "]\n" + plan.extraConf() + (plan.extraConf().endsWith("\n") ? "" : "\n");
    }

    private static String json(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
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

    private static String template() {
        try (var in = BootScript.class.getResourceAsStream("boot.sh")) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException missing) {
            throw new UncheckedIOException(missing);
        }
    }
}
