package dev.muster.sandbox.machine;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/**
 * What a machine is told at launch: the properties block of its boot script. A real machine's shell runs the script; a
 * simulated one reads only this block, which the script hands to the guard.
 *
 * @param cloud {@code ec2}, {@code gce} or {@code k8s}
 * @param queues ids, in order of priority
 */
record BootScript(String cloud, String workerPrefix, int agents, List<String> queues, URI api, String accessKey, String secretKey) {

    private static final String END = "MUSTER_PROPERTIES";
    private static final String START = "<<'" + END + "'";
    /** A program of boot scripts whose machines get secrets from AWS's stores. */
    private static final String FETCHES = "fetch_secrets.py";
    private static final String PACKED = "# muster-boot-gzip";
    private static final Pattern HERE_DOCUMENT = Pattern.compile("base64 -d\\s*<<-?\\s*(?<quote>['\"]?)(?<end>\\w+)\\k<quote>[^\\n]*\\n(?<text>.*?)\\n\\k<end>(?:\\n|$)", Pattern.DOTALL);
    private static final int AGENTS_MAX = 64;

    /** Why a machine can't work: one sentence for its console. */
    static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1;

        Unreadable(String reason) {
            super(reason);
        }
    }

    /** Without the secret key. */
    @Override
    public String toString() {
        return "BootScript[cloud=" + cloud + ", workerPrefix=" + workerPrefix + ", agents=" + agents + ", queues=" + queues + ", api=" + api + "]";
    }

    /** The worker id of the agent in {@code slot}, from 0. */
    String worker(String cloudId, int slot) {
        return workerPrefix + ":" + cloudId + (agents > 1 ? "." + slot : "");
    }

    static BootScript read(String userData) throws Unreadable {
        var script = inflated(userData);
        // Such a machine has no shell that could run the program.
        return of(properties(script), script.contains(FETCHES) ? "; it fetches secrets from a store, which only machines that are processes do here" : "");
    }

    /** Of a properties block that was read. */
    static BootScript of(Map<String, String> properties) throws Unreadable {
        return of(properties, "");
    }

    private static BootScript of(Map<String, String> properties, String excuse) throws Unreadable {
        var missing = new ArrayList<String>();
        var prefix = required(properties, "worker.prefix", missing);
        var queues = required(properties, "queues", missing);
        var api = required(properties, "clearml.api", missing);
        var accessKey = required(properties, "clearml.access-key", missing);
        var secretKey = required(properties, "clearml.secret-key", missing);
        if (!missing.isEmpty()) {
            throw new Unreadable("the properties block lacks " + String.join(", ", missing) + excuse);
        }
        int agents;
        try {
            agents = Integer.parseInt(properties.getOrDefault("agents", "1"));
        } catch (NumberFormatException notANumber) {
            throw new Unreadable("agents is \"" + properties.get("agents") + "\"; it must be a number from 1 to " + AGENTS_MAX);
        }
        if (agents < 1 || agents > AGENTS_MAX) {
            throw new Unreadable("agents is " + agents + "; it must be a number from 1 to " + AGENTS_MAX);
        }
        try {
            var uri = URI.create(api);
            if (uri.getHost() != null && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
                return new BootScript(properties.getOrDefault("cloud", "ec2"), prefix, agents, List.of(queues.trim().split("\\s+")), uri, accessKey, secretKey);
            }
        } catch (IllegalArgumentException notAUri) {
            // Said below.
        }
        throw new Unreadable("clearml.api is \"" + api + "\"; it must be an http or https address");
    }

    private static String required(Map<String, String> properties, String key, List<String> missing) {
        var value = properties.getOrDefault(key, "");
        if (value.isBlank()) {
            missing.add(key);
        }
        return value;
    }

    static Map<String, String> properties(String script) throws Unreadable {
        var properties = new HashMap<String, String>();
        boolean inside = false;
        for (var line : script.split("\r?\n", -1)) {
            if (!inside) {
                inside = line.contains(START);
            } else if (line.equals(END)) {
                return properties;
            } else if (!line.isBlank() && !line.startsWith("#")) {
                int equals = line.indexOf('=');
                if (equals <= 0) {
                    // The line itself may hold a secret and stays out of the console.
                    throw new Unreadable("the properties block has a line that isn't key=value");
                }
                properties.put(line.substring(0, equals).trim(), line.substring(equals + 1).trim());
            }
        }
        throw new Unreadable(inside ? "the properties block has no end: no line is " + END
                : "user-data has no properties block: nothing follows " + START);
    }

    /** The script itself, of what it was packed into to be small. */
    private static String inflated(String userData) throws Unreadable {
        if (userData.length() >= 2 && userData.charAt(0) == 0x1f && userData.charAt(1) == 0x8b) {
            // Bytes that aren't text reach a machine as one character each.
            return inflated(userData.getBytes(StandardCharsets.ISO_8859_1));
        }
        int marked = userData.indexOf(PACKED);
        if (marked < 0) {
            return userData;
        }
        // Where a cloud's startup script must be text: a line that unpacks what follows it, and runs it.
        var packed = HERE_DOCUMENT.matcher(userData).region(marked, userData.length());
        if (!packed.find()) {
            throw new Unreadable("no here-document of base64 follows the line " + PACKED);
        }
        try {
            return inflated(Base64.getMimeDecoder().decode(packed.group("text")));
        } catch (IllegalArgumentException broken) {
            throw new Unreadable("what follows the line " + PACKED + " isn't base64: " + broken.getMessage());
        }
    }

    static String inflated(byte[] bytes) throws Unreadable {
        try (var gzip = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            return new String(gzip.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException broken) {
            throw new Unreadable("user-data can't be inflated: " + broken.getMessage());
        }
    }
}
