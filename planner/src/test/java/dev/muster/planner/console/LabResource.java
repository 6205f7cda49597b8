package dev.muster.planner.console;

import dev.muster.planner.ResourceFolder;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;

/** Callers known by tokens: an admin, and people who may do less. */
public class LabResource implements QuarkusTestResourceLifecycleManager {

    static final String ADMIN = "mst_for-a-test-ann";
    static final String OPERATOR = "mst_for-a-test-olaf";
    static final String VIEWER = "mst_for-a-test-vera";
    /** Of one of the lab's fleets. */
    static final String NIGHTLY_VIEWER = "mst_for-a-test-nils";

    private ResourceFolder folder;

    @Override
    public Map<String, String> start() {
        try {
            folder = new ResourceFolder("console-test");
            var grants = Files.writeString(folder.path().resolve("grants.yaml"), """
                    grants:
                      - {token: %s, name: ann, role: admin, fleets: ["*"]}
                      - {token: %s, name: olaf, role: operator, fleets: ["*"]}
                      - {token: %s, name: vera, role: viewer, fleets: ["*"]}
                      - {token: %s, name: nils, role: viewer, fleets: [nightly]}
                    """.formatted(sha256(ADMIN), sha256(OPERATOR), sha256(VIEWER), sha256(NIGHTLY_VIEWER)));
            return Map.of("muster.api.authentication", "tokens", "muster.api.grants", grants.toString());
        } catch (Exception failed) {
            throw new IllegalStateException("what the console's planner needs could not be made", failed);
        }
    }

    private static String sha256(String token) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
    }

    /** By which an administrator calls. */
    static ManagedChannel channel(URI http) {
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + ADMIN);
        return ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().intercept(MetadataUtils.newAttachHeadersInterceptor(headers)).build();
    }

    @Override
    public void stop() {
        if (folder != null) {
            folder.close();
        }
    }
}
