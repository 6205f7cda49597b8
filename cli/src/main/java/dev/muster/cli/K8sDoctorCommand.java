package dev.muster.cli;

import picocli.CommandLine.Command;

@Command(name = "k8s", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Asks a cluster what Muster would ask: certificate, rights, quotas, nodes, and whether it would take the very pod of each launch.",
            "It changes nothing and starts nothing. Exit code 1: something failed."},
        footer = "./muster doctor k8s -f fleet.yaml")
final class K8sDoctorCommand extends CloudDoctorCommand {

    K8sDoctorCommand() {
        super(Cloud.K8S);
    }
}
