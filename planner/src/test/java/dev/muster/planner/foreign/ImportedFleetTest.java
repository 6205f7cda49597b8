package dev.muster.planner.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.InvalidYamlException;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.SpecFormat;
import dev.muster.v1.Violation;
import org.junit.jupiter.api.Test;

class ImportedFleetTest {

    private static final String OWN = """
            name: train
            queues: {default: [gpu]}
            pools:
              gpu: {provider: aws, account: main, region: eu-west-1, type: g4dn.xlarge, max: 3}
            """;
    private static final String OPEN_SOURCE = """
            hyper_params: {cloud_credentials_region: us-east-1, workers_prefix: old, git_user: ann, git_pass: CANARY-of-git}
            configurations:
              queues: {train: [[gpu, 2]]}
              resource_configurations:
                gpu: {instance_type: g4dn.xlarge, is_spot: false, availability_zone: us-east-1a}
            """;
    private static final String EXPORT = """
            {"AWS Region": "us-east-1", "Compute Resources": [
              {"Resource Name": "gpu", "EC2 Instance Type": "g4dn.xlarge", "Monitored Queue": "train", "Max Number of Instances": 2, "Amazon Machine Image (AMI)": "ami-0123456789abcdef0"}]}
            """;
    private static final String CHART = """
            clearml: {agentk8sglueKey: AK, agentk8sglueSecret: CANARY-of-glue}
            agentk8sglue: {queue: train, apiServerUrlReference: http://api.clearml.example}
            """;

    private static ImportedFleet read(String text) throws InvalidYamlException {
        return ImportedFleet.read(text, SpecFormat.SPEC_FORMAT_UNSPECIFIED, "moved");
    }

    @Test
    void tellsFormatsApartByWhatOnlyOneOfThemHas() throws Exception {
        assertThat(read(OWN)).satisfies(own -> {
            assertThat(own.format()).isEqualTo(SpecFormat.MUSTER_YAML);
            assertThat(own.spec().getName()).isEqualTo("train");
            assertThat(own.notes()).isEmpty();
        });
        assertThat(read(OPEN_SOURCE).format()).isEqualTo(SpecFormat.CLEARML_AWS_YAML);
        assertThat(read(EXPORT).format()).isEqualTo(SpecFormat.CLEARML_APPLICATION);
        assertThat(read(CHART).format()).isEqualTo(SpecFormat.CLEARML_AGENT_CHART);
        assertThat(read(CHART).spec().getName()).isEqualTo("moved");
    }

    @Test
    void severalFleetsOfOneTextAreAllRead() throws Exception {
        assertThat(read(OWN + "---\n" + OWN.replace("train", "second")).others()).extracting(FleetSpec::getName).containsExactly("second");
    }

    @Test
    void secretsAreLeftOutAndNamed() throws Exception {
        assertThat(read(OPEN_SOURCE).toString()).doesNotContain("CANARY");
        assertThat(read(OPEN_SOURCE).notes()).anySatisfy(note ->
                assertThat(note).isEqualTo("The text holds a secret, which is left out: write it to the file moved-git-password in the services' secrets folder."));
        assertThat(read(CHART).toString()).doesNotContain("CANARY");
        assertThat(read(CHART).notes()).anySatisfy(note -> assertThat(note).startsWith("clearml.agentk8sglueSecret: "));
    }

    @Test
    void whatAPlannerWouldRefuseIsRefusedByItsField() {
        assertThatThrownBy(() -> read(OWN.replace("max: 3", "max: 3, min: 4"))).isInstanceOfSatisfying(InvalidYamlException.class,
                invalid -> assertThat(invalid.violations()).extracting(Violation::getField).containsExactly("pools.gpu.max"));
        assertThatThrownBy(() -> read("")).isInstanceOf(InvalidYamlException.class).hasMessageContaining("is empty");
        assertThatThrownBy(() -> read("{\"a\": ")).isInstanceOf(InvalidYamlException.class);
        assertThatThrownBy(() -> ImportedFleet.read(OWN, SpecFormat.CLEARML_AGENT_CHART, "")).hasMessageContaining("agentk8sglue");
    }
}
