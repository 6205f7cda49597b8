package dev.muster.k8s;

import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a waiting task asks of the pod that is made for it. Texts are empty where it asks for nothing.
 *
 * @param image empty: the pool's
 * @param arguments of {@code docker run}, as {@link DockerArguments#of} takes them
 * @param setupScript run in the container before the task
 * @param overrides hyperparameters that change the pod, by name, as {@link TaskOverrides#of} takes them
 */
public record TaskWish(String id, String name, String projectId, String projectName, String userId, String image, List<String> arguments,
        String setupScript, SortedMap<String, String> overrides) {

    public TaskWish {
        if (id.isEmpty()) {
            throw new IllegalArgumentException("a task without an id");
        }
        Objects.requireNonNull(name);
        Objects.requireNonNull(projectId);
        Objects.requireNonNull(projectName);
        Objects.requireNonNull(userId);
        Objects.requireNonNull(image);
        Objects.requireNonNull(setupScript);
        arguments = List.copyOf(arguments);
        overrides = Collections.unmodifiableSortedMap(new TreeMap<>(overrides));
    }

    /** Whether the pod is other than the pool's own. */
    boolean asks() {
        return !image.isEmpty() || !arguments.isEmpty() || !setupScript.isEmpty() || !overrides.isEmpty();
    }

    /** The same task, content with what the pool has. */
    TaskWish askingNothing() {
        return new TaskWish(id, name, projectId, projectName, userId, "", List.of(), "", new TreeMap<>());
    }

    /** Without arguments and script: people write secrets into both. */
    @Override
    public String toString() {
        return "TaskWish[" + id + ", image=" + image + ", overrides=" + overrides + "]";
    }
}
