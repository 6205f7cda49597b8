package dev.muster.cli;

import picocli.CommandLine.Command;

@Command(name = "aws", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Asks AWS what Muster would ask: keys, permissions, quotas, images, networks, and each launch as a dry run.",
            "It changes nothing and starts nothing. Exit code 1: something failed."},
        footer = "./muster doctor aws -f fleet.yaml")
final class AwsDoctorCommand extends CloudDoctorCommand {

    AwsDoctorCommand() {
        super(Cloud.AWS);
    }
}
