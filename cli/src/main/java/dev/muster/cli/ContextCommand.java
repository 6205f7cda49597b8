package dev.muster.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster context …}. */
@Command(name = "context", mixinStandardHelpOptions = true, description = "Servers by name, so that commands need not be told where to ask.",
        subcommands = {ContextCommand.List_.class, ContextCommand.Show.class, ContextCommand.Use.class, ContextCommand.Set.class, ContextCommand.Remove.class})
final class ContextCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "All contexts; * is the current one.", footer = "./muster context list")
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Override
        public void run() {
            var output = common.output();
            var contexts = Contexts.read(Contexts.file());
            if (output.isJson()) {
                output.json(json(contexts));
            } else if (contexts.all().isEmpty()) {
                output.line("no contexts yet: ./muster context set NAME --server HOST:PORT");
            } else {
                output.table(List.of("", "CONTEXT", "SERVER", "CA", "CERTIFICATE", "TOKEN FILE"), contexts.all().entrySet().stream().map(one -> List.of(
                        one.getKey().equals(contexts.current()) ? "*" : "", one.getKey(), one.getValue().server(), text(one.getValue().ca()),
                        text(one.getValue().certificate()), text(one.getValue().tokenFile()))).toList());
            }
        }
    }

    @Command(name = "show", mixinStandardHelpOptions = true, sortOptions = false, description = "Which server commands ask now, and why that one.",
            footer = {"./muster context show", "./muster context show --context production"})
    static final class Show implements Runnable {
        @Mixin
        CommonOptions common;

        @Override
        public void run() {
            var output = common.output();
            var chosen = common.chosen(System.getenv(), Contexts.file());
            if (output.isJson()) {
                output.json(Output.JSON.createObjectNode().put("server", chosen.server() == null ? "" : chosen.server().toString()).put("because", chosen.because()));
            } else if (chosen.server() == null) {
                output.line("the local run in " + common.run().folder() + ": no server is named, and no context is the current one");
            } else {
                output.line(chosen.server() + ", " + chosen.because());
            }
        }
    }

    @Command(name = "use", mixinStandardHelpOptions = true, sortOptions = false, description = "Makes a context the current one, or with --none the local run.",
            footer = {"./muster context use production", "./muster context use --none"})
    static final class Use implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "CONTEXT", arity = "0..1")
        String name;

        @Option(names = "--none", description = "No context is the current one.")
        boolean none;

        @Override
        public void run() {
            if ((name == null) != none) {
                throw CliFailure.usage("name a context, or write --none");
            }
            var file = Contexts.file();
            var contexts = Contexts.read(file);
            if (!none) {
                contexts.require(name);
            }
            new Contexts(none ? "" : name, contexts.all()).write(file);
            said(none ? "commands ask the local run from now on" : "commands ask " + contexts.all().get(name).server() + " from now on", common.output());
        }
    }

    @Command(name = "set", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Makes a context, or changes what is named of one. The first becomes the current one.", "Paths are kept as whole paths; no key and no token is copied."},
            footer = {"./muster context set production --server muster.example.org:8480 --ca ca.pem --token-file token", "./muster context set staging --server https://muster-staging.example.org"
                    + " --certificate ann.pem --key ann.key"})
    static final class Set implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "NAME")
        String name;

        @Option(names = "--ca", paramLabel = "FILE", description = "Authorities of the server's certificate, in PEM; \"\": those that Java knows.")
        String ca;

        @Option(names = "--certificate", paramLabel = "FILE", description = "Shown to the server, in PEM; \"\": none.")
        String certificate;

        @Option(names = "--key", paramLabel = "FILE", description = "Of the certificate, PKCS#8 in PEM; \"\": none.")
        String key;

        @Override
        public void run() {
            if (!name.matches(Contexts.NAME)) {
                throw CliFailure.usage("'" + name + "' is no name of a context: use letters, digits, '.', '-' and '_'");
            }
            var file = Contexts.file();
            var contexts = Contexts.read(file);
            var before = contexts.all().getOrDefault(name, new Contexts.Context(common.server, null, null, null, null));
            var after = new Contexts.Context(common.server == null ? before.server() : common.server, path(ca, before.ca()), path(certificate, before.certificate()),
                    path(key, before.key()), path(common.tokenFile == null ? null : common.tokenFile.toString(), before.tokenFile()));
            if (after.server() == null) {
                throw CliFailure.usage("--server is missing: where is the control API of " + name + "?");
            }
            if ((after.certificate() == null) != (after.key() == null)) {
                throw CliFailure.usage("--certificate and --key belong together");
            }
            var all = new TreeMap<>(contexts.all());
            all.put(name, after);
            new Contexts(contexts.all().isEmpty() ? name : contexts.current(), all).write(file);
            said("context " + name + " is " + after.server() + (contexts.all().isEmpty() ? ", and the current one" : ""), common.output());
        }

        private static Path path(String given, Path before) {
            return given == null ? before : given.isEmpty() ? null : Path.of(given).toAbsolutePath().normalize();
        }
    }

    @Command(name = "remove", mixinStandardHelpOptions = true, sortOptions = false, description = "Forgets a context. Its files stay.", footer = "./muster context remove staging")
    static final class Remove implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(paramLabel = "CONTEXT")
        String name;

        @Override
        public void run() {
            var file = Contexts.file();
            var contexts = Contexts.read(file);
            contexts.require(name);
            var all = new TreeMap<>(contexts.all());
            all.remove(name);
            new Contexts(contexts.current().equals(name) ? "" : contexts.current(), all).write(file);
            said("context " + name + " is forgotten" + (contexts.current().equals(name) ? ", and no context is the current one" : ""), common.output());
        }
    }

    private static String text(Path file) {
        return file == null ? "" : file.toString();
    }

    private static ObjectNode json(Contexts contexts) {
        var answer = Output.JSON.createObjectNode().put("current", contexts.current());
        var all = answer.putArray("contexts");
        contexts.all().forEach((name, context) -> all.add(json(name, context)));
        return answer;
    }

    private static ObjectNode json(String name, Contexts.Context context) {
        return Output.JSON.createObjectNode().put("name", name).put("server", context.server()).put("ca", text(context.ca())).put("certificate", text(context.certificate()))
                .put("key", text(context.key())).put("tokenFile", text(context.tokenFile()));
    }

    private static void said(String what, Output output) {
        if (output.isJson()) {
            output.json(json(Contexts.read(Contexts.file())));
        } else {
            output.line(what);
        }
    }
}
