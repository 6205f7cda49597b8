package dev.muster.cli;

import dev.muster.contracts.InvalidYamlException;
import dev.muster.contracts.YamlValue;
import dev.muster.v1.Violation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * The servers that a person works with, by names of their own: the file {@code muster/config.yaml} in the user's configuration folder. It names
 * files with keys and tokens, and holds none.
 *
 * @param current name of the one that is used unless another is named; empty: none is
 * @param all by name
 */
record Contexts(String current, Map<String, Context> all) {

    static final String NAME = "[A-Za-z0-9]([-._A-Za-z0-9]{0,62}[A-Za-z0-9])?";

    /**
     * One server.
     *
     * @param server host and port; TLS is spoken if {@code https://} is before it, or one of the files is named
     * @param ca authorities in PEM; null: those that Java knows
     * @param certificate and its key, in PEM: what this side shows; null: nothing
     * @param tokenFile null: no token
     */
    record Context(String server, Path ca, Path certificate, Path key, Path tokenFile) {

        /** @param token of the environment or an option; empty: the file's */
        Server server(Supplier<Optional<String>> token) {
            var plain = Server.of(server, () -> token.get().or(() -> tokenFile == null ? Optional.empty() : Optional.of(Contexts.token(tokenFile))));
            return ca == null && certificate == null ? plain : new Server(plain.address(), new Server.Tls(ca, certificate, key), plain.token());
        }

        private Map<String, String> yaml() {
            var yaml = new LinkedHashMap<String, String>();
            yaml.put("server", server);
            put(yaml, "ca", ca);
            put(yaml, "certificate", certificate);
            put(yaml, "key", key);
            put(yaml, "tokenFile", tokenFile);
            return yaml;
        }

        private static void put(Map<String, String> yaml, String key, Path file) {
            if (file != null) {
                yaml.put(key, file.toString());
            }
        }
    }

    Contexts {
        all = new TreeMap<>(all);
    }

    /** {@code muster/config.yaml} in {@code XDG_CONFIG_HOME}, or in {@code ~/.config}; of {@code -Dmuster.config}, which tests name. */
    static Path file() {
        var named = System.getProperty("muster.config");
        if (named != null) {
            return Path.of(named);
        }
        var configuration = System.getenv("XDG_CONFIG_HOME");
        var folder = configuration == null || configuration.isEmpty() ? Path.of(System.getProperty("user.home"), ".config") : Path.of(configuration);
        return folder.resolve("muster/config.yaml");
    }

    /** Those of the file; none where there is no file. @throws CliFailure with everything that is wrong with it */
    static Contexts read(Path file) {
        try {
            return parse(Files.readString(file), file.toAbsolutePath().getParent());
        } catch (NoSuchFileException none) {
            return new Contexts("", Map.of());
        } catch (IOException unreadable) {
            throw CliFailure.failed(file + " can't be read: " + unreadable);
        } catch (InvalidYamlException invalid) {
            throw CliFailure.invalid(file + " has " + invalid.violations().size() + (invalid.violations().size() == 1 ? " mistake:" : " mistakes:"), invalid.violations());
        }
    }

    private static Contexts parse(String text, Path folder) throws InvalidYamlException {
        var violations = new ArrayList<Violation>();
        var all = new LinkedHashMap<String, Context>();
        var current = "";
        for (var yaml : YamlValue.parse(text, violations)) {
            if (!yaml.isObject()) {
                yaml.wrong("is no configuration", "write contexts: {NAME: {server: HOST:PORT}}");
                continue;
            }
            current = yaml.text("current").orElse("");
            yaml.object("contexts").ifPresent(contexts -> contexts.names().forEach(name -> contexts.object(name).ifPresent(one -> all.put(name, context(one, folder)))));
            if (!current.isEmpty() && !all.containsKey(current)) {
                yaml.get("current").orElse(yaml).wrong("is " + current + ", and there is no such context", "name one of contexts, or leave it out");
            }
            yaml.finish();
        }
        if (!violations.isEmpty()) {
            throw new InvalidYamlException(violations);
        }
        return new Contexts(current, all);
    }

    private static Context context(YamlValue yaml, Path folder) {
        var server = yaml.text("server").orElse("");
        if (server.isEmpty()) {
            yaml.missing("server", "write server: HOST:PORT");
        }
        var context = new Context(server, file(yaml, "ca", folder), file(yaml, "certificate", folder), file(yaml, "key", folder), file(yaml, "tokenFile", folder));
        if ((context.certificate() == null) != (context.key() == null)) {
            yaml.wrong("names a certificate or a key, and not both", "name the other one, too");
        }
        yaml.finish();
        return context;
    }

    private static Path file(YamlValue yaml, String key, Path folder) {
        return yaml.text(key).map(folder::resolve).orElse(null);
    }

    /** Replaces the file whole, readable by nobody else: a list of servers is nobody else's business either. */
    void write(Path file) {
        var yaml = new LinkedHashMap<String, Object>();
        if (!current.isEmpty()) {
            yaml.put("current", current);
        }
        var contexts = new LinkedHashMap<String, Object>();
        all.forEach((name, context) -> contexts.put(name, context.yaml()));
        yaml.put("contexts", contexts);
        try {
            var folder = file.toAbsolutePath().getParent();
            Files.createDirectories(folder);
            var written = folder.resolve(file.getFileName() + ".new");
            SecretFiles.write(written, Output.yaml(yaml).stripTrailing(), true);
            Files.move(written, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException unwritable) {
            throw CliFailure.failed(file + " can't be written: " + unwritable);
        }
    }

    /** @throws CliFailure if there is no such context */
    Context require(String name) {
        var context = all.get(name);
        if (context == null) {
            throw CliFailure.usage("there is no context " + name + ": " + (all.isEmpty() ? "./muster context set makes one" : "there are " + String.join(", ", all.keySet())));
        }
        return context;
    }

    /** @throws CliFailure if the file holds none */
    static String token(Path file) {
        try {
            var token = Files.readString(file).strip();
            if (token.isEmpty() || token.lines().count() > 1) {
                throw CliFailure.failed("the token file " + file + " must hold one line, the token");
            }
            return token;
        } catch (NoSuchFileException absent) {
            throw CliFailure.failed("there is no token file " + file);
        } catch (IOException unreadable) {
            throw CliFailure.failed("the token file " + file + " can't be read: " + unreadable);
        }
    }
}
