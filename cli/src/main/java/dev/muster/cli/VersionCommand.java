package dev.muster.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;

/** {@code muster version}. */
@Command(name = "version", mixinStandardHelpOptions = true, description = "Which release this is.",
        footer = {"./muster version", "./muster version --json"})
final class VersionCommand implements Runnable, IVersionProvider {

    @Mixin
    CommonOptions common;

    /** From the build; "development" when run from classes. */
    static String version() {
        var version = VersionCommand.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    @Override
    public String[] getVersion() {
        return new String[] {"muster " + version()};
    }

    @Override
    public void run() {
        var output = common.output();
        if (output.isJson()) {
            output.json(Output.JSON.createObjectNode().put("version", version()).put("java", System.getProperty("java.version")));
        } else {
            output.line("muster " + version() + " on Java " + System.getProperty("java.version"));
        }
    }
}
