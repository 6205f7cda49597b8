package dev.muster.sandbox.machine;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.regex.Pattern;

/**
 * What a pod is told at launch, read from its environment and its mounted secrets: the properties block of the script in MUSTER_BOOT, to which
 * the pod adds what its Secret has.
 *
 * @param task the one that the pod was made for; empty of an agent pod
 */
record PodBoot(BootScript script, Optional<String> task) {

    static final String VARIABLE = "MUSTER_BOOT";
    private static final String PROPERTIES = "boot.properties";
    /** Files in which values are missing: each a list of texts and of references to a secret's keys. */
    private static final Pattern PIECES = Pattern.compile("secrets\\.json\"[^\\n]*<<'(?<end>\\w+)'[^\\n]*\\n(?<text>.*?)\\n\\k<end>(?:\\n|$)", Pattern.DOTALL);

    /** Without secrets. */
    @Override
    public String toString() {
        return "PodBoot[script=" + script + ", task=" + task + "]";
    }

    /** Whether the pod is one of Muster's. */
    static boolean isIn(Map<String, String> environment) {
        return environment.containsKey(VARIABLE);
    }

    /** @throws BootScript.Unreadable with a sentence for the pod's log, in which no secret is */
    static PodBoot read(SortedMap<String, String> environment, SortedMap<String, String> secrets) throws BootScript.Unreadable {
        String unpacked;
        try {
            unpacked = BootScript.inflated(Base64.getMimeDecoder().decode(environment.get(VARIABLE)));
        } catch (IllegalArgumentException broken) {
            throw new BootScript.Unreadable(VARIABLE + " isn't base64: " + broken.getMessage());
        }
        var properties = BootScript.properties(unpacked);
        var pieces = PIECES.matcher(unpacked);
        if (pieces.find()) {
            complete(properties, pieces.group("text"), secrets);
        }
        // What runs one task serves no other queue.
        if (properties.containsKey("task.queue")) {
            properties.put("queues", properties.get("task.queue"));
        }
        return new PodBoot(BootScript.of(properties), Optional.ofNullable(properties.get("task")).filter(task -> !task.isBlank()));
    }

    private static void complete(Map<String, String> properties, String encoded, SortedMap<String, String> secrets) throws BootScript.Unreadable {
        JsonNode files;
        try {
            files = ApiClient.MAPPER.readTree(new String(Base64.getMimeDecoder().decode(encoded), StandardCharsets.UTF_8));
        } catch (IOException | IllegalArgumentException broken) {
            throw new BootScript.Unreadable("the references to secrets can't be read");
        }
        var added = new StringBuilder();
        for (var file : files.properties()) {
            for (var piece : file.getValue()) {
                // All references are looked up, as in a pod, and one of a file that a simulated machine doesn't read may be wrong, too.
                var text = piece.isTextual() ? piece.asText() : secret(piece.path(0).asText(), secrets);
                if (file.getKey().equals(PROPERTIES)) {
                    added.append(text);
                }
            }
        }
        for (var line : added.toString().split("\n")) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                properties.put(line.substring(0, equals).trim(), line.substring(equals + 1).trim());
            }
        }
    }

    private static String secret(String reference, SortedMap<String, String> secrets) throws BootScript.Unreadable {
        var value = secrets.get(reference.substring(reference.indexOf(':') + 1));
        if (value == null) {
            throw new BootScript.Unreadable(reference + ": the pod's Secret has no such key");
        }
        return value.stripTrailing();
    }
}
