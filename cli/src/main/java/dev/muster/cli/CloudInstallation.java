package dev.muster.cli;

import dev.muster.sandbox.suite.Suite;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * What a cloud's provisioner of an installation is told: of a local run what it was told, of {@code muster.yaml} what it would be.
 *
 * @param settings by the provisioner's own names
 * @param sandbox its machines are on this computer
 */
record CloudInstallation(String name, Map<String, String> settings, boolean sandbox) {

    /**
     * The local run's; of a file if one is named or nothing runs.
     *
     * @param config null: {@code muster.yaml}
     * @throws CliFailure if there is neither, or no account of the cloud
     */
    static CloudInstallation of(Cloud cloud, CommonOptions common, Path config) {
        var running = config == null ? common.run().running() : java.util.Optional.<dev.muster.sandbox.suite.SuiteState>empty();
        if (running.isPresent()) {
            return new CloudInstallation(running.get().installation(), told(cloud, common.run().runFolder()), running.get().sandbox());
        }
        var file = config == null ? Path.of("muster.yaml") : config;
        if (config == null && !Files.exists(file)) {
            throw CliFailure.notRunning("nothing runs here and there is no muster.yaml: name one with --config, or ./muster init writes it");
        }
        var yaml = MusterYaml.read(file);
        if (yaml.accounts().values().stream().noneMatch(account -> account.provider().equals(cloud.provider()))) {
            throw CliFailure.failed(file + " names no account of " + cloud.label() + ": write accounts: {" + cloud.sample() + "}");
        }
        return new CloudInstallation(yaml.installation(), Suite.told(yaml.unchecked(Run.home(), common.run()), cloud.module()), false);
    }

    private static Map<String, String> told(Cloud cloud, Path runFolder) {
        var file = runFolder.resolve(cloud.module()).resolve("config/application.properties");
        var properties = new Properties();
        try (var reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException none) {
            throw CliFailure.failed("the local run has no " + cloud.module() + ": it has no account of " + cloud.label() + " (" + file + " can't be read)");
        }
        var settings = new TreeMap<String, String>();
        properties.stringPropertyNames().forEach(name -> settings.put(name, properties.getProperty(name)));
        return settings;
    }
}
