package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;

/**
 * A task that takes a given time and does nothing else, for simulated machines and real agents alike: a stand-alone Python
 * file without a repository or requirements. The seconds are its hyper-parameter {@code General/seconds}, and are written into
 * the program too, so that it needs no SDK.
 *
 * @param name    at least 3 characters
 * @param runTime how long it runs, unscaled
 * @param fails   true if it is to end as failed
 * @param project the project's id; null for none
 */
public record SampleTask(String name, Duration runTime, boolean fails, String project) {

    private static final String SCRIPT = """
            import sys
            import time

            seconds = %s
            print("Working for %%g seconds" %% seconds, flush=True)
            time.sleep(seconds)
            print("Done", flush=True)
            sys.exit(%d)
            """;

    public SampleTask {
        if (name == null || name.length() < 3) {
            throw new IllegalArgumentException("name is \"" + name + "\"; a task's name has at least 3 characters");
        }
        if (runTime.isNegative()) {
            throw new IllegalArgumentException("runTime is " + runTime + "; it must not be negative");
        }
    }

    public static SampleTask running(String name, Duration runTime) {
        return new SampleTask(name, runTime, false, null);
    }

    public SampleTask failing() {
        return new SampleTask(name, runTime, true, project);
    }

    public SampleTask in(String projectId) {
        return new SampleTask(name, runTime, fails, projectId);
    }

    /** The body of {@code tasks.create}. */
    public ObjectNode createRequest() {
        var request = Json.object();
        request.put("name", name);
        request.put("type", "training");
        if (project != null) {
            request.put("project", project);
        }
        var script = request.putObject("script");
        script.put("binary", "python3");
        script.put("repository", "");
        script.put("entry_point", "sample.py");
        script.put("working_dir", ".");
        script.put("diff", SCRIPT.formatted(seconds(), fails ? 1 : 0));
        // An empty text, not an absent one: an agent would otherwise look for a requirements file.
        script.putObject("requirements").put("pip", "");
        var general = request.putObject("hyperparams").putObject("General");
        parameter(general, "seconds", seconds());
        if (fails) {
            parameter(general, "exit", "fail");
        }
        request.putArray("tags").add("muster-sample");
        return request;
    }

    private String seconds() {
        long millis = runTime.toMillis();
        return millis % 1000 == 0 ? Long.toString(millis / 1000) : Double.toString(millis / 1000.0);
    }

    private static void parameter(ObjectNode section, String name, String value) {
        section.putObject(name).put("section", "General").put("name", name).put("value", value);
    }
}
