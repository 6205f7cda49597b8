package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class K8sDoctorCommandTest extends CloudDoctorContract {

    @Override
    Cloud cloud() {
        return Cloud.K8S;
    }

    @Override
    String accounts() {
        return """
                {research: {provider: k8s, kubeconfig: secrets/kubeconfig, namespaces: [muster-machines, trial], image: "python:3.12"},
                  elsewhere: {provider: aws, regions: [us-east-1]}}""";
    }

    @Override
    String region() {
        return "muster-machines";
    }

    /** Which is the pool's name, where a spec has no other. */
    @Override
    String machineType() {
        return "main";
    }

    @Override
    String place() {
        return "namespace: " + region();
    }

    @Override
    JsonNode answer() throws IOException {
        return Output.JSON.readTree("""
                {"account": "default", "region": "muster-machines", "checks": [
                  {"check": "endpoint", "of": "", "state": "ok", "seen": "https://10.0.0.1:6443 answers in 12 ms", "fix": ""},
                  {"check": "credentials", "of": "", "state": "ok", "seen": "system:serviceaccount:muster:muster", "fix": ""},
                  {"check": "permissions", "of": "", "state": "failed", "seen": "not allowed in muster-machines: pods patch",
                    "fix": "bind a role that has them to the account in that namespace: deploy/k8s/rights.yaml has one"},
                  {"check": "secret", "of": "muster-machines", "state": "ok", "seen": "is not looked at; pods need of it clearml-default-access-key, clearml-default-secret-key", "fix": ""},
                  {"check": "quota", "of": "most pods", "state": "warning", "seen": "3 of 3, and the fleets may grow to 4",
                    "fix": "raise the quota, kubectl edit resourcequota most --namespace muster-machines, or lower the limits of the fleets"},
                  {"check": "dry-run", "of": "train/main", "state": "skipped", "seen": "can't be told before permissions is in order", "fix": ""},
                  {"check": "nodes", "of": "train/main", "state": "warning", "seen": "none of 2 could take it: 2 without the label accelerator=a100",
                    "fix": "nothing, if an autoscaler of the cluster makes such nodes; else correct nodeSelector, tolerations or requests of the pool"}]}
                """);
    }

    @Test
    void asksWhatTheProvisionerWouldBeTold() throws Exception {
        assertThat(told().settings()).containsAllEntriesOf(Map.of("muster.k8s.accounts.\"research\".namespaces", "muster-machines,trial",
                "muster.k8s.accounts.\"research\".kubeconfig", folder.resolve("secrets/kubeconfig").toString(), "muster.k8s.accounts.\"research\".image", "python:3.12"));
    }
}
