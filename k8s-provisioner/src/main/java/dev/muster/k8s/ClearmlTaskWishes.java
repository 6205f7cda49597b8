package dev.muster.k8s;

import dev.muster.clearml.Clearml;
import dev.muster.clearml.ClearmlException;
import dev.muster.clearml.Task;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** Reads at ClearML what waiting tasks ask for: one call a task, and one more for the name of a project that is not known. */
final class ClearmlTaskWishes implements TaskWishes {

    static final String TASK_GONE = "TaskGone";
    /** Names of projects hardly ever change, and are for labels and placeholders only. */
    private static final Duration NAMES_LAST = Duration.ofMinutes(10);
    /** Of names kept: as many as a large server has projects in use. */
    private static final int MOST_NAMES = 10_000;

    private final ClearmlServers servers;
    private final Clock clock;
    private final Map<Project, Named> names = new ConcurrentHashMap<>();

    private record Project(String connection, String id) {}

    private record Named(String name, Instant at) {}

    ClearmlTaskWishes(ClearmlServers servers, Clock clock) {
        this.servers = servers;
        this.clock = clock;
    }

    @Override
    public TaskWish read(String connection, String task) throws ProviderException {
        var server = servers.find(connection).orElseThrow(() -> new ProviderException(FailureKind.INVALID_SPEC, "UnknownConnection",
                "no connection '" + connection + "' is configured here; known are " + servers.known() + ": set muster.connections." + connection
                        + ".api, or name one of these"));
        try {
            var found = server.taskAndContainer(task, TaskOverrides.SECTION);
            if (found.isEmpty()) {
                throw gone("ClearML has no task " + task);
            }
            var read = found.get();
            if (!read.task().status().equals(Task.QUEUED)) {
                throw gone("task " + task + " does not wait any more: it is " + read.task().status());
            }
            var overrides = new TreeMap<>(read.parameters());
            // The section may hold what is meant for others.
            overrides.keySet().removeIf(name -> !name.startsWith(TaskOverrides.PREFIX));
            var project = read.task().project();
            return new TaskWish(task, read.name(), project, project.isEmpty() ? "" : nameOf(server, new Project(connection, project)),
                    read.task().user(), read.image(), read.arguments().isEmpty() ? List.of() : List.of(read.arguments()), read.setupScript(), overrides);
        } catch (ClearmlException failed) {
            throw failure(connection, failed);
        }
    }

    /** The launch comes too late, and nothing is wrong with the task: it may be put back and wait again, and then has a machine of its own. */
    private static ProviderException gone(String message) {
        return new ProviderException(FailureKind.EXPIRED, TASK_GONE, message);
    }

    private String nameOf(Clearml server, Project project) throws ClearmlException {
        var now = clock.instant();
        var known = names.get(project);
        if (known != null && now.isBefore(known.at.plus(NAMES_LAST))) {
            return known.name;
        }
        var name = server.projectName(project.id).orElse("");
        if (names.size() >= MOST_NAMES) {
            names.clear();
        }
        names.put(project, new Named(name, now));
        return name;
    }

    private static ProviderException failure(String connection, ClearmlException failed) {
        if (failed.kind() == ClearmlException.Kind.REFUSED) {
            return new ProviderException(FailureKind.UNAUTHORIZED, "ClearmlRefused", "ClearML (connection " + connection
                    + ") does not let Muster read the task: put valid keys into the secrets clearml-" + connection + "-access-key and clearml-" + connection
                    + "-secret-key. " + failed.getMessage(), failed);
        }
        return new ProviderException(FailureKind.UNAVAILABLE, "Clearml" + failed.code(), "ClearML (connection " + connection
                + ") doesn't say what the task asks for: " + failed.getMessage(), failed);
    }
}
