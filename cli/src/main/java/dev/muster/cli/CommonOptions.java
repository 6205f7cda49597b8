package dev.muster.cli;

import dev.muster.sandbox.suite.SuiteState;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What every command understands. */
final class CommonOptions {

    private static final Path DEFAULT_FOLDER = Path.of(".muster");

    @Option(names = "--json", description = "Write one JSON document and nothing else to standard output.")
    boolean json;

    @Option(names = "--yaml", description = "Write the same document as YAML.")
    boolean yaml;

    @Option(names = "--folder", paramLabel = "DIR", description = "Where a local run keeps its files (default: .muster). Named, it is that run's control API that is asked.")
    Path folder = DEFAULT_FOLDER;

    @Option(names = "--server", paramLabel = "HOST:PORT", description = "Control API to talk to, with https:// before it by TLS"
            + " (default: that of --context, $$MUSTER_SERVER, $$MUSTER_CONTEXT, the current context, or else the local run).")
    String server;

    @Option(names = "--context", paramLabel = "CONTEXT", description = "The server of this name: ./muster context list shows them.")
    String context;

    @Option(names = "--token-file", paramLabel = "FILE", description = "File whose one line says who calls (default: $$MUSTER_TOKEN, the context's file, or the local run's).")
    Path tokenFile;

    Output output() {
        return new Output(System.out, format(), Boolean.getBoolean("muster.terminal"));
    }

    private Output.Format format() {
        if (json && yaml) {
            throw CliFailure.usage("--json and --yaml are two ways to write one document: choose one");
        }
        return json ? Output.Format.JSON : yaml ? Output.Format.YAML : Output.Format.LINES;
    }

    /** The local run in the folder. */
    Run run() {
        return new Run(folder.toAbsolutePath().normalize());
    }

    /** Commands are for the local run, and not for a server that was named. */
    boolean isLocal() {
        return chosen(System.getenv(), Contexts.file()).server() == null;
    }

    /** @throws CliFailure if neither a server is given nor a local run is there */
    Control control() {
        var chosen = chosen(System.getenv(), Contexts.file()).server();
        return Control.connect(chosen != null ? chosen : told(run().requireServer()));
    }

    /** The local run's control API. */
    Server local(SuiteState state) {
        return told(run().server(state));
    }

    private Server told(Server own) {
        return tokenFile == null ? own : new Server(own.address(), own.tls(), () -> Optional.of(Contexts.token(tokenFile)));
    }

    /** @param server null: the local run's */
    record Chosen(Server server, String because) {}

    /**
     * The server that options, environment or configuration name; what is nearest to the command counts.
     *
     * @param configuration the file with contexts
     */
    Chosen chosen(Map<String, String> environment, Path configuration) {
        if (isGiven(server)) {
            return new Chosen(Server.of(server, () -> token(environment)), "by --server");
        }
        if (isGiven(context)) {
            return new Chosen(Contexts.read(configuration).require(context).server(() -> token(environment)), "by --context " + context);
        }
        if (folder != DEFAULT_FOLDER) {
            return new Chosen(null, "by --folder");
        }
        if (isGiven(environment.get("MUSTER_SERVER"))) {
            return new Chosen(Server.of(environment.get("MUSTER_SERVER"), () -> token(environment)), "by MUSTER_SERVER");
        }
        var contexts = Contexts.read(configuration);
        var name = environment.get("MUSTER_CONTEXT");
        if (isGiven(name)) {
            return new Chosen(contexts.require(name).server(() -> token(environment)), "by MUSTER_CONTEXT, which is " + name);
        }
        return contexts.current().isEmpty() ? new Chosen(null, "since nothing else is named")
                : new Chosen(contexts.require(contexts.current()).server(() -> token(environment)), "the current context, " + contexts.current());
    }

    private Optional<String> token(Map<String, String> environment) {
        return tokenFile != null ? Optional.of(Contexts.token(tokenFile)) : Optional.ofNullable(environment.get("MUSTER_TOKEN")).filter(CommonOptions::isGiven);
    }

    private static boolean isGiven(String text) {
        return text != null && !text.isEmpty();
    }
}
