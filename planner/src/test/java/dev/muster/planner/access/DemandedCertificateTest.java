package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.planner.control.BrokerResource;
import dev.muster.v1.GetCallerRequest;
import dev.muster.v1.InstallationGrpc;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.ConfigProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A planner that lets nobody connect without a client certificate. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@QuarkusTestResource(value = SecuredPlannerResource.class, restrictToAnnotatedClass = true)
@TestProfile(DemandedCertificateTest.Demanded.class)
class DemandedCertificateTest {

    public static final class Demanded implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("muster.api.tls.client-certificate-required", "true");
        }
    }

    @TestHTTPResource(value = "/", tls = true)
    URI https;

    private Path folder;
    private TlsHttp http;

    @BeforeEach
    void connect() {
        folder = Path.of(ConfigProvider.getConfig().getValue("test.access.folder", String.class));
        http = new TlsHttp(folder, https.getPort());
    }

    @Test
    void nobodyConnectsWithoutACertificateNotEvenWithATokenOrToAskHowItIs() {
        for (var path : new String[] {"/v1/caller", "/q/health/live", "/openapi.json"}) {
            assertThatThrownBy(() -> http.get(path, SecuredPlannerResource.token("admin-all"), null)).as(path).isInstanceOf(IOException.class);
        }
        assertThatThrownBy(() -> whoami(TlsChannelCredentials.newBuilder().trustManager(folder.resolve("tls/ca.pem").toFile())))
                .isInstanceOfSatisfying(StatusRuntimeException.class, refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    }

    @Test
    void aCertificateOfAnotherAuthorityIsNone() {
        assertThatThrownBy(() -> http.get("/v1/caller", null, "other/ops")).isInstanceOf(IOException.class);
    }

    @Test
    void whoHasOneIsKnownByItOrByTheTokenThatComesToo() throws Exception {
        assertThat(http.get("/q/health/live", null, "tls/ops").statusCode()).isEqualTo(200);
        assertThat(http.get("/v1/caller", null, "tls/ops").body().replace("\\u003d", "=")).contains("certificate:CN=ops,O=Example");
        assertThat(http.get("/v1/caller", SecuredPlannerResource.token("admin-all"), "tls/stranger").body()).contains("token:admin-all");
        assertThat(whoami(TlsChannelCredentials.newBuilder().trustManager(folder.resolve("tls/ca.pem").toFile())
                .keyManager(folder.resolve("tls/ci.pem").toFile(), folder.resolve("tls/ci.key").toFile()))).isEqualTo("token:admin-all");
    }

    /** With a token that everything is allowed to. */
    private String whoami(TlsChannelCredentials.Builder credentials) {
        var channel = Grpc.newChannelBuilder(https.getHost() + ":" + https.getPort(), credentials.build()).build();
        try {
            var headers = new Metadata();
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + SecuredPlannerResource.token("admin-all"));
            return InstallationGrpc.newBlockingStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).withDeadlineAfter(30, TimeUnit.SECONDS)
                    .getCaller(GetCallerRequest.getDefaultInstance()).getName();
        } finally {
            channel.shutdownNow();
        }
    }
}
