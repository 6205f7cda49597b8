package dev.muster.planner.stream;

import java.util.List;
import java.util.Set;

/** Names of what the planner writes to, inside the topology. They are those of the topics without the installation's prefix. */
final class Sinks {

    static final String FLEETS = "fleets";
    static final String FLEET_VERSIONS = "fleet-versions";
    static final String MACHINES = "machines";
    static final String DECISIONS = "decisions";
    static final String HISTORY = "history";
    static final String DEAD_LETTERS = "dead-letters";

    /** Whom commands can be for; each has a topic. */
    static final List<String> COMMANDED = List.of("aws", "gcp", "k8s", "clearml");

    /** What nobody waits for: it tells of what has happened. */
    static final Set<String> FOR_THE_BOOKS = Set.of(MACHINES, HISTORY);

    private Sinks() {}

    static String commands(String provider) {
        return "commands." + provider;
    }
}
