package dev.muster.cli;

import picocli.CommandLine.Command;

@Command(name = "gcp", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Asks Google Cloud what Muster would ask: keys, permissions, quotas, images, networks, and all that each launch would use.",
            "It changes nothing and starts nothing. Exit code 1: something failed."},
        footer = "./muster doctor gcp -f fleet.yaml")
final class GcpDoctorCommand extends CloudDoctorCommand {

    GcpDoctorCommand() {
        super(Cloud.GCP);
    }
}
