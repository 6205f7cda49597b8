package dev.muster.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * The task that a pool test gives its machine: it shows its processors and GPUs, and reads what it is asked to with the machine's own keys.
 *
 * @param repository that the agent is to clone first; empty: none
 * @param branch of it; empty: its default
 * @param storage URI of an object to read, such as {@code s3://bucket/key}; empty: none
 */
record PoolTestTask(String repository, String branch, String storage) {

    private static final String FILE = "muster_pool_test.py";
    /** What ClearML's SDK needs for each kind of storage, beside itself. */
    private static final Map<String, String> PACKAGES = Map.of("s3", "boto3", "gs", "google-cloud-storage", "azure", "azure-storage-blob");

    /** The body of {@code tasks.create}. */
    ObjectNode createRequest(String name) {
        var request = Output.JSON.createObjectNode().put("name", name).put("type", "testing");
        var script = request.putObject("script").put("binary", "python3").put("repository", repository).put("working_dir", ".").put("entry_point", FILE)
                .put("diff", repository.isEmpty() ? program() : asPatch(program()));
        if (!branch.isEmpty()) {
            script.put("branch", branch);
        }
        // An empty text, not an absent one: an agent would otherwise look for a requirements file.
        script.putObject("requirements").put("pip", requirements());
        request.putArray("tags").add("muster-pool-test");
        return request;
    }

    private String requirements() {
        if (storage.isEmpty()) {
            return "";
        }
        var colon = storage.indexOf(':');
        var more = colon < 0 ? null : PACKAGES.get(storage.substring(0, colon));
        return more == null ? "clearml\n" : "clearml\n" + more + "\n";
    }

    String program() {
        try (var file = PoolTestTask.class.getResourceAsStream("pool_test.py")) {
            return "REPOSITORY = " + literal(repository) + "\nSTORAGE = " + literal(storage) + "\n" + new String(file.readAllBytes(), UTF_8);
        } catch (IOException ours) {
            throw new UncheckedIOException(ours);
        }
    }

    /** JSON's texts are Python's. */
    private static String literal(String text) {
        try {
            return Output.JSON.writeValueAsString(text);
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** To an agent that clones, a task's own program is an uncommitted change: here a new file. */
    private static String asPatch(String program) {
        var lines = program.split("\n");
        var patch = new StringBuilder("diff --git a/" + FILE + " b/" + FILE + "\nnew file mode 100644\n--- /dev/null\n+++ b/" + FILE + "\n@@ -0,0 +1,"
                + lines.length + " @@\n");
        for (var line : lines) {
            patch.append('+').append(line).append('\n');
        }
        return patch.toString();
    }
}
