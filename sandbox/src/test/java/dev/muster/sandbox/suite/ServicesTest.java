package dev.muster.sandbox.suite;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What a service of a local run is told. */
class ServicesTest {

    @Test
    void anAwsAccountIsToldAsItIsConfigured() {
        var services = new Services(SuiteSettings.sandbox(Path.of("home"), Path.of("run"), 1));
        var aws = services.running(Map.of("theirs", new SuiteSettings.Account("aws", List.of(), null, null))).stream()
                .filter(service -> "aws".equals(service.provider())).findFirst().orElseThrow();

        var told = new TreeMap<>(services.properties(aws, "127.0.0.1:9092", 0, Map.of(), Map.of("theirs", new SuiteSettings.Account("aws", List.of("us-east-1", "eu-west-1"),
                "ssm:/team/image", "http://127.0.0.1:4566", "arn:aws:iam::210987654321:role/muster", "lab-7", "lab"))));

        told.keySet().removeIf(key -> !key.startsWith("muster.aws."));
        assertThat(told).isEqualTo(Map.of("muster.aws.accounts.\"theirs\".endpoint", "http://127.0.0.1:4566", "muster.aws.accounts.\"theirs\".image", "ssm:/team/image",
                "muster.aws.accounts.\"theirs\".regions", "us-east-1,eu-west-1", "muster.aws.accounts.\"theirs\".role-arn", "arn:aws:iam::210987654321:role/muster",
                "muster.aws.accounts.\"theirs\".external-id", "lab-7", "muster.aws.accounts.\"theirs\".role-session-name", "lab"));
    }

    @Test
    void aProvisionerRunsOnlyWhereItsCloudHasAnAccountAndIsToldOfItsOwnOnly() {
        var services = new Services(SuiteSettings.sandbox(Path.of("home"), Path.of("run"), 1));
        var aws = new SuiteSettings.Account("aws", List.of("us-east-1"), null, null);
        var google = SuiteSettings.Account.google("lab-1234", List.of("us-central1", "europe-west4"), "projects/ml-images/global/images/family/gpu", "http://127.0.0.1:4567");

        assertThat(services.running(Map.of("default", aws))).extracting(Services.Service::module).containsExactly("planner", "queue-watcher", "aws-provisioner");
        assertThat(services.running(Map.of("google", google))).extracting(Services.Service::module).containsExactly("planner", "queue-watcher", "gcp-provisioner");
        var both = Map.of("default", aws, "google", google);
        assertThat(services.running(both)).extracting(Services.Service::module).containsExactly("planner", "queue-watcher", "aws-provisioner", "gcp-provisioner");

        var told = new TreeMap<>(services.properties(services.running(both).get(3), "127.0.0.1:9092", 0, Map.of(), both));
        told.keySet().removeIf(key -> !key.contains(".accounts."));
        assertThat(told).isEqualTo(Map.of("muster.gcp.accounts.\"google\".project", "lab-1234", "muster.gcp.accounts.\"google\".endpoint", "http://127.0.0.1:4567",
                "muster.gcp.accounts.\"google\".image", "projects/ml-images/global/images/family/gpu", "muster.gcp.accounts.\"google\".regions", "us-central1,europe-west4"));
    }

    @Test
    void aClusterIsToldAsItIsConfigured() {
        var services = new Services(SuiteSettings.sandbox(Path.of("home"), Path.of("run"), 1));
        var accounts = Map.of("lab", SuiteSettings.Account.kubernetes(new SuiteSettings.Cluster("/home/me/.kube/lab", "admin", null, null, "tasks", "ml-secrets"), List.of("ml", "trial"), "python:3.12"),
                "other", SuiteSettings.Account.kubernetes(new SuiteSettings.Cluster(null, null, "https://10.0.0.1:6443", "/etc/ca.pem", null, null), List.of(), null));
        assertThat(services.running(accounts)).extracting(Services.Service::module).containsExactly("planner", "queue-watcher", "k8s-provisioner");

        var told = new TreeMap<>(services.properties(services.running(accounts).get(2), "127.0.0.1:9092", 0, Map.of(), accounts));
        told.keySet().removeIf(key -> !key.contains(".accounts."));
        assertThat(told).isEqualTo(Map.of("muster.k8s.accounts.\"lab\".kubeconfig", "/home/me/.kube/lab", "muster.k8s.accounts.\"lab\".context", "admin",
                "muster.k8s.accounts.\"lab\".service-account", "tasks", "muster.k8s.accounts.\"lab\".secret", "ml-secrets", "muster.k8s.accounts.\"lab\".namespaces", "ml,trial",
                "muster.k8s.accounts.\"lab\".image", "python:3.12", "muster.k8s.accounts.\"other\".server", "https://10.0.0.1:6443", "muster.k8s.accounts.\"other\".ca-file", "/etc/ca.pem"));
    }
}
