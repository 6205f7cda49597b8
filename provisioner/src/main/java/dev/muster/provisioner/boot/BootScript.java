package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Writes the script that turns a fresh Ubuntu or Amazon Linux machine into ClearML workers; {@code boot.sh} beside this class is
 * its text. The same plan gives the same bytes.
 *
 * <p>No value ever meets the shell's expansion: plain lines stand in one quoted here-document, everything else in base64. What a secret
 * store keeps is not in the script at all: {@code fetch_secrets.py} gets it on the machine, where there is any.
 */
public final class BootScript {

    private static final String TEMPLATE = ScriptText.compact(ScriptText.read("boot.sh"));
    private static final String GUARD = ScriptText.compact(ScriptText.read("guard.py"));
    private static final String SECRETS = ScriptText.compact(ScriptText.read("secrets.sh"));
    private static final String FETCH = ScriptText.compact(ScriptText.read("fetch_secrets.py"));
    private static final Pattern PLACE = Pattern.compile("@(PROPERTIES|AGENT_VERSION|ENVIRONMENT|CONF|INIT|CHECKPOINT|GCS_KEY|GUARD|SECRETS)@");
    private static final Pattern SECRETS_PLACE = Pattern.compile("@(FETCH|PIECES)@");

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
        var compressed = ScriptText.compress(text);
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
                + ScriptText.base64(ScriptText.compress(text(plan, Cloud.GCE, Optional.empty()).getBytes(UTF_8))) + "\nMUSTER\nsh \"$boot\"\n";
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
        var files = BootFiles.ofVm(plan, cloud.name().toLowerCase(Locale.ROOT));
        return ScriptText.filled(TEMPLATE, PLACE, Map.of(
                // A here-document ends its last line itself.
                "PROPERTIES", files.get("boot.properties").known().replaceFirst("\n$", ""),
                "AGENT_VERSION", plan.agentVersion(),
                "ENVIRONMENT", ScriptText.base64(files.get("agent.env").known()),
                "CONF", ScriptText.base64(files.get("clearml.conf").known()),
                "INIT", ScriptText.base64(files.get("init.sh").known()),
                "CHECKPOINT", ScriptText.base64(files.get("checkpoint.sh").known()),
                "GCS_KEY", ScriptText.base64(files.get("gcs.json").known()),
                "SECRETS", secrets(files, cloud, endpoint),
                "GUARD", GUARD));
    }

    /** The step that fetches; nothing where there is nothing to fetch. */
    private static String secrets(Map<String, MachineFile> files, Cloud cloud, Optional<URI> endpoint) {
        var pieces = BootFiles.pieces(files);
        if (pieces.isEmpty()) {
            return "";
        }
        if (cloud != Cloud.EC2) {
            throw new IllegalArgumentException("machines of " + cloud + " can't read AWS's secret stores; put the secret into a file of the secrets folder");
        }
        return ScriptText.filled(SECRETS, SECRETS_PLACE, Map.of("FETCH", FETCH, "PIECES",
                // One line, which no here-document ends at; in base64 it would take a third more.
                "{\"endpoint\":" + MachineFile.json(endpoint.map(URI::toString).orElse("")) + ",\"files\":{" + pieces + "}}"));
    }
}
