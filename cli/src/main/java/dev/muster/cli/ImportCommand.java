package dev.muster.cli;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.planner.core.PoolNames;
import dev.muster.planner.foreign.ChartImport;
import dev.muster.planner.foreign.ClearmlImport;
import dev.muster.planner.stream.SpecTrial;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster import …}: fleets from what other products were told. */
@Command(name = "import", mixinStandardHelpOptions = true, description = "Fleet specs from other products' files.", subcommands = {ImportCommand.Clearml.class, ImportCommand.Chart.class})
final class ImportCommand {

    @Command(name = "clearml", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Writes the fleet spec that does what an autoscaler of ClearML does.",
                "Secrets go into files of their own, and what has no field here is noted on standard error."},
            footer = "./muster import clearml aws_autoscaler.yaml -o fleet.yaml")
    static final class Clearml extends Import {

        @Parameters(index = "0", paramLabel = "FILE", description = "The open-source autoscaler's YAML, or JSON that the AWS or GCP application exported.")
        Path file;

        @Option(names = "--region", paramLabel = "REGION", defaultValue = "", description = "Instead of the file's.")
        String region;

        @Override
        Path file() {
            return file;
        }

        @Override
        String what() {
            return "clearml";
        }

        @Override
        ClearmlImport read(String text, String name, boolean named) throws InvalidYamlException {
            return ClearmlImport.read(text, new ClearmlImport.Options(name, named, account, region));
        }

        @Override
        String next() {
            return "stop ClearML's autoscaler";
        }
    }

    @Command(name = "clearml-agent-chart", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Writes the fleet spec that does what ClearML's glue for Kubernetes does.",
                "Secrets go into files of their own, and what has no field here is noted on standard error."},
            footer = "./muster import clearml-agent-chart values.yaml --namespace ml --name cluster -o fleet.yaml")
    static final class Chart extends Import {

        @Parameters(index = "0", paramLabel = "FILE", description = "Values of the Helm chart clearml-agent, as helm get values prints them.")
        Path file;

        @Option(names = "--namespace", paramLabel = "NAMESPACE", defaultValue = "clearml", description = "That the pods run in (default: ${DEFAULT-VALUE}, the glue's own default).")
        String namespace;

        @Override
        Path file() {
            return file;
        }

        @Override
        String what() {
            return "clearml-agent-chart";
        }

        @Override
        ClearmlImport read(String text, String name, boolean named) throws InvalidYamlException {
            return ChartImport.read(text, new ChartImport.Options(name, account, namespace));
        }

        @Override
        String next() {
            return "put the secrets into the namespace's Secret, scale the glue down to 0";
        }
    }

    /** Reads a file, judges what it comes to, writes it, and says what was left out. */
    abstract static class Import implements Runnable {

        @Mixin
        CommonOptions common;

        @Option(names = {"-o", "--output"}, paramLabel = "FILE", description = "Where the spec goes (default: standard output).")
        Path output;

        @Option(names = "--secrets", paramLabel = "FOLDER", defaultValue = "secrets", description = "Where secrets go, one file each, readable by you alone (default: ${DEFAULT-VALUE}).")
        Path secrets;

        @Option(names = "--name", paramLabel = "NAME", description = "Of the fleet (default: the application's instance name, else the file's).")
        String name;

        @Option(names = "--account", paramLabel = "NAME", defaultValue = "default", description = "The installation's account whose keys the file's become (default: ${DEFAULT-VALUE}).")
        String account;

        @Option(names = "--force", description = "Write over what is there.")
        boolean force;

        abstract Path file();

        /** The command's own name. */
        abstract String what();

        /**
         * @param name of the fleet
         * @param named whether somebody asked for that name
         */
        abstract ClearmlImport read(String text, String name, boolean named) throws InvalidYamlException;

        /** What comes before the fleet is applied. */
        abstract String next();

        @Override
        public void run() {
            if (!account.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
                throw CliFailure.usage("--account is '" + account + "': use letters, digits, '.', '_' and '-'");
            }
            var imported = read();
            var spec = "# From " + file().getFileName().toString().replaceAll("\\p{Cntrl}", "?") + ", by muster import " + what() + ". Every field: docs/fleet-spec.md\n" + FleetYaml.write(imported.spec());
            write(spec, imported.secrets());
            report(spec, imported);
        }

        private ClearmlImport read() {
            var file = file();
            var fallback = PoolNames.label(file.getFileName().toString().replaceFirst("\\.[A-Za-z]+$", ""));
            try {
                var imported = read(Files.readString(file), name != null ? name : fallback.isEmpty() ? "clearml" : fallback, name != null);
                // What a planner would refuse is found now, before anything is written.
                var trial = SpecTrial.of(FleetYaml.read(FleetYaml.write(imported.spec())), Instant.EPOCH);
                if (trial.head().isEmpty()) {
                    throw CliFailure.invalid("the fleet of " + file + " would be refused:", trial.violations());
                }
                return imported;
            } catch (NoSuchFileException absent) {
                throw CliFailure.failed("there is no file " + file);
            } catch (CharacterCodingException binary) {
                throw CliFailure.failed(file + " is no text in UTF-8");
            } catch (IOException unreadable) {
                throw CliFailure.failed(file + " can't be read: " + unreadable);
            } catch (InvalidYamlException invalid) {
                throw CliFailure.invalid(file + " can't be imported:", invalid.violations());
            }
        }

        /** All or nothing: what was written before a failure is taken back. */
        private void write(String spec, Map<String, String> found) {
            var todo = new TreeMap<Path, String>();
            found.forEach((secret, value) -> todo.put(secrets.resolve(secret), value));
            if (!force) {
                todo.keySet().forEach(Import::refuseIfThere);
                if (output != null) {
                    refuseIfThere(output);
                }
            }
            var written = new ArrayList<Path>();
            try {
                // A folder that is there keeps its mode: it may hold more than secrets.
                if (!todo.isEmpty() && !Files.isDirectory(secrets)) {
                    SecretFiles.makeFolder(secrets.toAbsolutePath());
                }
                for (var secret : todo.entrySet()) {
                    SecretFiles.write(secret.getKey().toAbsolutePath(), secret.getValue(), force);
                    written.add(secret.getKey());
                }
                if (output != null) {
                    Files.writeString(output, spec);
                }
            } catch (IOException failed) {
                for (var file : written) {
                    file.toFile().delete();
                }
                throw CliFailure.failed(failed instanceof FileAlreadyExistsException there ? there.getFile() + " is there already: --force writes over it"
                        : "could not write: " + failed);
            }
        }

        private static void refuseIfThere(Path file) {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                throw CliFailure.failed(file + " is there already: --force writes over it");
            }
        }

        private void report(String spec, ClearmlImport imported) {
            var out = common.output();
            var written = new ArrayList<String>();
            if (output != null) {
                written.add(output.toString());
            }
            new TreeMap<>(imported.secrets()).keySet().forEach(secret -> written.add(secrets.resolve(secret).toString()));
            if (out.isJson()) {
                var answer = Output.JSON.createObjectNode().put("fleet", imported.spec().getName()).put("spec", spec);
                var files = answer.putArray("written");
                written.forEach(files::add);
                var notes = answer.putArray("notes");
                imported.notes().forEach(note -> notes.addObject().put("field", note.field()).put("note", note.text()));
                out.json(answer);
                return;
            }
            imported.notes().forEach(note -> System.err.println("note: " + note.field() + ": " + note.text()));
            if (output == null) {
                System.out.print(spec);
                written.forEach(file -> System.err.println("written: " + file));
                return;
            }
            written.forEach(file -> out.line("Written: " + file));
            out.line("Next: read the notes, " + next() + ", and then ./muster fleet apply -f " + output);
        }
    }
}
