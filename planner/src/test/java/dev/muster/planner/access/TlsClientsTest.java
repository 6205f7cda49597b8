package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.PlannerConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.http.HttpServerOptions;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which clients are asked for a certificate. */
class TlsClientsTest {

    private static ClientAuth asked(Map<String, String> keys) {
        var config = new SmallRyeConfigBuilder().addDiscoveredConverters().withMapping(PlannerConfig.class).withValidateUnknown(false)
                .withSources(new PropertiesConfigSource(keys, "test", 500)).build().getConfigMapping(PlannerConfig.class);
        var options = new HttpServerOptions();
        new TlsClients(config).customizeHttpsServer(options);
        return options.getClientAuth();
    }

    @Test
    void noneWithoutAnAuthorityToJudgeThemBy() {
        assertThat(asked(Map.of())).isEqualTo(ClientAuth.NONE);
    }

    @Test
    void allMayShowOneWithAnAuthorityAndMustIfItIsSaid() {
        assertThat(asked(Map.of("muster.api.tls.client-ca", "ca.pem"))).isEqualTo(ClientAuth.REQUEST);
        assertThat(asked(Map.of("muster.api.tls.client-ca", "ca.pem", "muster.api.tls.client-certificate-required", "true"))).isEqualTo(ClientAuth.REQUIRED);
    }
}
