package dev.muster.cli;

import dev.muster.contracts.SecretsFolder;
import dev.muster.sandbox.suite.SuiteState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The ClearML servers of an installation and the keys to them, as a local run or {@code muster.yaml} has them.
 *
 * @param secrets folder with the keys
 * @param servers by the connection's name, in an order that stays
 * @param sandbox its machines are on this computer
 */
record Installation(String name, Path secrets, Map<String, Server> servers, boolean sandbox) {

    /** @param machineApi what machines are given; null: {@code api} */
    record Server(String api, String machineApi) {}

    /**
     * The local run's; of a file if one is named or nothing runs.
     *
     * @param config null: {@code muster.yaml}
     * @throws CliFailure if there is neither
     */
    static Installation of(CommonOptions common, Path config) {
        var running = config == null ? common.run().running() : Optional.<SuiteState>empty();
        return running.map(Installation::of).orElseGet(() -> configured(config));
    }

    static Installation of(SuiteState running) {
        var servers = new LinkedHashMap<String, Server>();
        running.connections().entrySet().stream().sorted(Map.Entry.comparingByKey())
                .forEach(one -> servers.put(one.getKey(), new Server(one.getValue(), null)));
        return new Installation(running.installation(), Path.of(running.secrets()), servers, running.sandbox());
    }

    private static Installation configured(Path config) {
        var file = config == null ? Path.of("muster.yaml") : config;
        if (config == null && !Files.exists(file)) {
            throw CliFailure.notRunning("nothing runs here and there is no muster.yaml: name one with --config, or ./muster init writes it");
        }
        var yaml = MusterYaml.read(file);
        var servers = new LinkedHashMap<String, Server>();
        yaml.connections().forEach((name, one) -> servers.put(name, new Server(one.api(), one.machineApi())));
        return new Installation(yaml.installation(), yaml.secrets(), servers, false);
    }

    /** @throws CliFailure if there is no such connection */
    Server server(String connection) {
        var server = servers.get(connection);
        if (server == null) {
            throw CliFailure.usage("there is no connection " + connection + ": there are " + String.join(", ", servers.keySet()));
        }
        return server;
    }

    /** Logs in. @throws CliFailure if there is no such connection, no key, or no server that takes it */
    ClearmlApi clearml(String connection) {
        var server = server(connection);
        var folder = new SecretsFolder(secrets);
        try {
            return new ClearmlApi(server.api(), folder.requireHere(SecretsFolder.clearmlAccessKey(connection)).value(), folder.requireHere(SecretsFolder.clearmlSecretKey(connection)).value());
        } catch (IllegalStateException missing) {
            throw CliFailure.failed(missing.getMessage());
        }
    }

    /**
     * What a login is authorized by; empty if a part of it is missing.
     *
     * @throws IllegalStateException if a file can't be read
     */
    Optional<String> authorization(String connection) {
        var folder = new SecretsFolder(secrets);
        return folder.find(SecretsFolder.clearmlAccessKey(connection)).flatMap(one -> folder.find(SecretsFolder.clearmlSecretKey(connection)).map(other -> ClearmlApi.basic(one.value(), other.value())));
    }

    /** Where a person puts the keys. */
    String keyFiles(String connection) {
        return "the files " + SecretsFolder.clearmlAccessKey(connection) + " and " + SecretsFolder.clearmlSecretKey(connection) + " in " + secrets;
    }
}
