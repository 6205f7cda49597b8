package dev.muster.cli;

import dev.muster.sandbox.suite.Suite;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * What the AWS provisioner of an installation is told: of a local run what it was told, of {@code muster.yaml} what it would be.
 *
 * @param settings by the provisioner's own names
 * @param sandbox its machines are on this computer
 */
record AwsInstallation(String name, Map<String, String> settings, boolean sandbox) {

    private static final String MODULE = "aws-provisioner";

    /**
     * The local run's; of a file if one is named or nothing runs.
     *
     * @param config null: {@code muster.yaml}
     * @throws CliFailure if there is neither, or no account of AWS
     */
    static AwsInstallation of(CommonOptions common, Path config) {
        var running = config == null ? common.run().running() : java.util.Optional.<dev.muster.sandbox.suite.SuiteState>empty();
        if (running.isPresent()) {
            return new AwsInstallation(running.get().installation(), told(common.run().runFolder()), running.get().sandbox());
        }
        var file = config == null ? Path.of("muster.yaml") : config;
        if (config == null && !Files.exists(file)) {
            throw CliFailure.notRunning("nothing runs here and there is no muster.yaml: name one with --config, or ./muster init writes it");
        }
        var yaml = MusterYaml.read(file);
        if (yaml.accounts().isEmpty()) {
            throw CliFailure.failed(file + " names no account: write accounts: {default: {provider: aws, regions: [us-east-1]}}");
        }
        return new AwsInstallation(yaml.installation(), Suite.told(yaml.unchecked(Run.home(), common.run()), MODULE), false);
    }

    private static Map<String, String> told(Path runFolder) {
        var file = runFolder.resolve(MODULE).resolve("config/application.properties");
        var properties = new Properties();
        try (var reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException none) {
            throw CliFailure.failed("the local run has no AWS provisioner: it has no account of AWS (" + file + " can't be read)");
        }
        var settings = new TreeMap<String, String>();
        properties.stringPropertyNames().forEach(name -> settings.put(name, properties.getProperty(name)));
        return settings;
    }
}
