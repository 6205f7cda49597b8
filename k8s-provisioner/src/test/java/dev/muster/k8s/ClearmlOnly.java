package dev.muster.k8s;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.util.Map;

/** Only what makes ClearML's REST client: nothing of the service is started. */
public class ClearmlOnly implements QuarkusTestProfile {

    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of("quarkus.arc.exclude-types", "dev.muster.provisioner.**,K8sProvisioner,ClearmlSide", "quarkus.devservices.enabled", "false",
                "quarkus.http.test-port", "0");
    }
}
