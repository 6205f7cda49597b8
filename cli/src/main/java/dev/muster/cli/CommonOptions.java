package dev.muster.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** What every command understands. */
final class CommonOptions {

    @Option(names = "--json", description = "Write one JSON document and nothing else to standard output.")
    boolean json;

    @Option(names = "--folder", paramLabel = "DIR", defaultValue = ".muster",
            description = "Where a local run keeps its files (default: ${DEFAULT-VALUE}).")
    Path folder;

    @Option(names = "--server", paramLabel = "HOST:PORT", defaultValue = "${env:MUSTER_SERVER}",
            description = "Control API to talk to (default: $MUSTER_SERVER, else the local run's).")
    String server;

    Output output() {
        return new Output(System.out, json, Boolean.getBoolean("muster.terminal"));
    }

    /** The local run in the folder. */
    Run run() {
        return new Run(folder.toAbsolutePath().normalize());
    }

    /** Commands are for the local run, and not for a server that was named. */
    boolean isLocal() {
        return server == null || server.isEmpty();
    }

    /** @throws CliFailure if neither a server is given nor a local run is there */
    Control control() {
        return Control.connect(!isLocal() ? server : run().requireRunning().control());
    }
}
