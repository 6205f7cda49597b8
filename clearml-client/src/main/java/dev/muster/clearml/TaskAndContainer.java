package dev.muster.clearml;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A task with what it asks of whatever runs it. Texts are empty where the server has none.
 *
 * @param statusMessage what people see beside its status
 * @param image of its container
 * @param arguments of {@code docker run}, in shell words
 * @param setupScript run in the container before the task
 * @param parameters by name, those of the section that was asked for
 */
public record TaskAndContainer(Task task, String name, String statusMessage, String image, String arguments, String setupScript,
        SortedMap<String, String> parameters) {

    public TaskAndContainer {
        parameters = Collections.unmodifiableSortedMap(new TreeMap<>(parameters));
    }

    /** Without what people write secrets into. */
    @Override
    public String toString() {
        return "TaskAndContainer[" + task.id() + ", " + task.status() + "]";
    }
}
