package dev.muster.cli;

/** A cloud whose provisioner looks around before it launches anything. */
enum Cloud {

    AWS("aws", "AWS", "aws-provisioner", "dev.muster.aws.AwsDoctor", "default: {provider: aws, regions: [us-east-1]}"),
    GCP("gcp", "Google Cloud", "gcp-provisioner", "dev.muster.gcp.GcpDoctor", "default: {provider: gcp, project: my-project-123, regions: [us-central1]}"),
    K8S("k8s", "Kubernetes", "k8s-provisioner", "dev.muster.k8s.K8sDoctor", "default: {provider: k8s, kubeconfig: kubeconfig, namespaces: [muster-machines]}");

    private final String provider;
    private final String label;
    private final String module;
    private final String doctor;
    private final String sample;

    Cloud(String provider, String label, String module, String doctor, String sample) {
        this.provider = provider;
        this.label = label;
        this.module = module;
        this.doctor = doctor;
        this.sample = sample;
    }

    /** As fleets and accounts name it, and the provisioner's settings after {@code muster.}. */
    String provider() {
        return provider;
    }

    /** For people. */
    String label() {
        return label;
    }

    /** Its provisioner's. */
    String module() {
        return module;
    }

    /** The program in that module. */
    String doctor() {
        return doctor;
    }

    /** An account in muster.yaml. */
    String sample() {
        return sample;
    }
}
