package dev.muster.sandbox.broker;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSecurity;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.Topics;
import dev.muster.sandbox.process.Certificate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AclBinding;

/**
 * A real broker for tests that lets in nobody it doesn't know, and allows nothing that it wasn't told to: TLS, SCRAM, PLAIN, OAUTHBEARER and client
 * certificates, Kafka's own authorizer, no topic that nobody made. Beside those it has a plain listener whose user may do everything, for whoever sets it up.
 */
public final class SecuredBroker implements AutoCloseable {

    /** Whom the certificate of {@link #certificate} names. */
    public static final String CERTIFIED = "User:CN=muster-certified";
    /** Of the user {@code plain} of the mechanism PLAIN, which Kafka has in its own settings. */
    private static final String PLAIN_PASSWORD = "plain-secret";
    private static final int ITERATIONS = 4096;

    private final KafkaBroker broker;
    private final Map<String, Integer> ports;
    private final Path folder;
    private final Admin admin;

    private SecuredBroker(KafkaBroker broker, Map<String, Integer> ports, Path folder) {
        this.broker = broker;
        this.ports = ports;
        this.folder = folder;
        this.admin = Admin.create(Map.<String, Object>of("bootstrap.servers", broker.bootstrapServers()));
    }

    /** @param folder for all that it keeps, certificates and secrets too; made if absent */
    public static SecuredBroker start(Path folder) throws IOException, InterruptedException {
        Files.createDirectories(folder.resolve("secrets"));
        var server = Certificate.of("kafka");
        var client = Certificate.of("muster-certified");
        Files.writeString(folder.resolve("ca.pem"), server.pem());
        Files.writeString(folder.resolve("server.pem"), server.keyPem() + server.pem());
        Files.writeString(folder.resolve("clients.pem"), client.pem());
        Files.writeString(folder.resolve("client.pem"), client.pem());
        Files.writeString(folder.resolve("secrets/client-key"), client.keyPem());
        var ports = Map.of("SSL", KafkaBroker.freePort(), "SASL_SSL", KafkaBroker.freePort(), "SASL_PLAINTEXT", KafkaBroker.freePort());
        var data = folder.resolve("data");
        var settings = new KafkaBroker.Settings(data, 0, KafkaBroker.builtLibrary(), folder.resolve("broker.log"), () -> {}, ports, server(folder));
        return new SecuredBroker(KafkaBroker.start(settings), ports, folder);
    }

    private static Map<String, String> server(Path folder) {
        var server = new TreeMap<String, String>();
        server.put("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
        server.put("super.users", "User:ANONYMOUS");
        server.put("ssl.keystore.type", "PEM");
        server.put("ssl.keystore.location", folder.resolve("server.pem").toAbsolutePath().toString());
        server.put("ssl.truststore.type", "PEM");
        server.put("ssl.truststore.location", folder.resolve("clients.pem").toAbsolutePath().toString());
        server.put("listener.name.ssl.ssl.client.auth", "required");
        server.put("sasl.enabled.mechanisms", "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER");
        for (var listener : List.of("sasl_ssl", "sasl_plaintext")) {
            var prefix = "listener.name." + listener + ".";
            server.put(prefix + "scram-sha-512.sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required;");
            server.put(prefix + "scram-sha-256.sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required;");
            server.put(prefix + "plain.sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required user_plain=\"" + PLAIN_PASSWORD + "\";");
            server.put(prefix + "oauthbearer.sasl.jaas.config",
                    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";");
        }
        return server;
    }

    /** Makes a user of SCRAM, or gives it another password. */
    public void user(String name, String password) throws Exception {
        var made = new UserScramCredentialUpsertion(name, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS), password);
        get(admin.alterUserScramCredentials(List.of(made)).all());
    }

    public void allow(String principal, Collection<KafkaRights.Right> rights) throws Exception {
        get(admin.createAcls(rights.stream().map(right -> right.to(principal)).toList()).all());
    }

    public void forbid(String principal, Collection<KafkaRights.Right> rights) throws Exception {
        get(admin.deleteAcls(rights.stream().map(right -> right.to(principal)).map(AclBinding::toFilter).toList()).all());
    }

    /** A user for the service with its documented rights and no others, and its password among the secrets. @return how the service connects */
    public KafkaConnection service(Topics topics, String service) throws Exception {
        var user = "muster-" + service;
        user(user, "secret of " + user);
        allow("User:" + user, KafkaRights.of(topics, service));
        return as(user, "secret of " + user);
    }

    /** By SCRAM over TLS. The password becomes the secret {@code kafka-password-<user>}. */
    public KafkaConnection as(String user, String password) throws IOException {
        Files.writeString(secrets().resolve("kafka-password-" + user), password);
        return connection(settings(user));
    }

    /** The settings {@code muster.kafka.*} of a SCRAM user, as a service has them. */
    public Map<String, String> settings(String user) {
        return Map.of("muster.kafka.bootstrap-servers", address("SASL_SSL"), "muster.kafka.security.protocol", "SASL_SSL", "muster.kafka.security.username", user,
                "muster.kafka.security.password-secret", "kafka-password-" + user, "muster.kafka.security.ca", ca().toString(),
                "muster.secrets.folder", secrets().toString());
    }

    /** As a service with these settings connects. */
    public KafkaConnection connection(Map<String, String> settings) {
        return KafkaConnection.of(settings.get("muster.kafka.bootstrap-servers"), KafkaSecurity.of(key -> Optional.ofNullable(settings.get(key))), new SecretsFolder(secrets()));
    }

    /** By the protocol's name. */
    public String address(String protocol) {
        return "127.0.0.1:" + ports.get(protocol);
    }

    /** Whoever may do everything. */
    public Admin admin() {
        return admin;
    }

    public KafkaBroker broker() {
        return broker;
    }

    public Path ca() {
        return folder.resolve("ca.pem");
    }

    /** Its key is the secret {@code client-key}. */
    public Path certificate() {
        return folder.resolve("client.pem");
    }

    public Path secrets() {
        return folder.resolve("secrets");
    }

    private static void get(KafkaFuture<?> done) throws ExecutionException, InterruptedException, java.util.concurrent.TimeoutException {
        done.get(30, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        admin.close();
        broker.close();
    }
}
