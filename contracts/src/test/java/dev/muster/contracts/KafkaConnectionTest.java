package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.config.types.Password;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class KafkaConnectionTest {

    @TempDir
    Path secrets;

    @BeforeEach
    void putSecrets() throws Exception {
        Files.writeString(secrets.resolve("kafka-password"), "very secret\n");
        Files.writeString(secrets.resolve("in-store"), "ssm:/muster/kafka\n");
        Files.writeString(secrets.resolve("no-key"), "not PEM\n");
    }

    private KafkaConnection connection(Map<String, String> security) {
        return KafkaConnection.of("kafka:9093", KafkaSecurity.of(key -> Optional.ofNullable(security.get(key.replace("muster.kafka.security.", "")))), new SecretsFolder(secrets));
    }

    @Test
    void nothingSetIsNothingEncryptedAndNobodyAsked() {
        assertThat(connection(Map.of())).isEqualTo(KafkaConnection.plaintext("kafka:9093"));
    }

    @Test
    void everyDefaultOfSasl() {
        assertThat(connection(Map.of("protocol", "SASL_SSL", "username", "muster-planner")).security()).isEqualTo(Map.of(
                "security.protocol", "SASL_SSL",
                "sasl.mechanism", "SCRAM-SHA-512",
                "sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"muster-planner\" passwordFile=\""
                        + secrets.resolve("kafka-password") + "\";",
                "sasl.client.callback.handler.class", "dev.muster.contracts.KafkaLogin",
                "ssl.engine.factory.class", "dev.muster.contracts.KafkaTls"));
    }

    static Stream<Arguments> mistakes() {
        var sasl = Map.of("protocol", "SASL_SSL", "username", "planner");
        return Stream.of(
                Arguments.of(Map.of("protocol", "TLS"), "protocol is 'TLS': it must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
                Arguments.of(with(sasl, "sasl-mechanism", "GSSAPI"), "sasl-mechanism is 'GSSAPI': it must be one of OAUTHBEARER, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
                Arguments.of(Map.of("protocol", "SASL_SSL"), "username is missing"),
                Arguments.of(Map.of("username", "planner"), "username is set, and PLAINTEXT has no SASL: remove it, or use SASL_SSL or SASL_PLAINTEXT"),
                Arguments.of(Map.of("protocol", "SSL", "sasl-mechanism", "PLAIN"), "sasl-mechanism is set, and SSL has no SASL"),
                Arguments.of(Map.of("protocol", "SSL", "password-secret", "kafka-password"), "password-secret is set, and SSL has no SASL"),
                Arguments.of(Map.of("protocol", "SSL", "token-secret", "kafka-token"), "token-secret is set, and SSL has no SASL"),
                Arguments.of(Map.of("protocol", "SASL_PLAINTEXT", "sasl-mechanism", "PLAIN", "username", "planner"), "sasl-mechanism is PLAIN, and the protocol SASL_PLAINTEXT"),
                Arguments.of(with(sasl, "password-secret", "none"), "password-secret names no file of the secrets folder"),
                Arguments.of(with(sasl, "password-secret", "../up"), "password-secret names no file of the secrets folder"),
                Arguments.of(with(sasl, "password-secret", "in-store"), "password-secret is 'in-store', and the file"),
                Arguments.of(with(sasl, "token-secret", "kafka-token"), "token-secret is set, and SCRAM-SHA-512 shows no token"),
                Arguments.of(Map.of("protocol", "SASL_SSL", "sasl-mechanism", "OAUTHBEARER"), "token-secret is 'kafka-token', and no secret kafka-token"),
                Arguments.of(with(sasl, "sasl-mechanism", "OAUTHBEARER"), "username is set, and OAUTHBEARER says no name"),
                Arguments.of(with(sasl, "ca", "/no/such.pem"), "ca is '/no/such.pem', which can't be read"),
                Arguments.of(with(sasl, "key-secret", "no-key"), "certificate is missing, and there is a key-secret"),
                Arguments.of(with(sasl, "certificate", "/dev/null"), "key-secret is missing, and there is a certificate"),
                Arguments.of(Map.of("ca", "/dev/null"), "ca is set, and PLAINTEXT has no TLS: remove it, or use SSL or SASL_SSL"),
                Arguments.of(Map.of("protocol", "SASL_PLAINTEXT", "username", "planner", "certificate", "/dev/null"), "certificate is set, and SASL_PLAINTEXT has no TLS"));
    }

    private static Map<String, String> with(Map<String, String> some, String key, String value) {
        var all = new TreeMap<>(some);
        all.put(key, value);
        return all;
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void aBadCombinationIsNamedByItsKeyWithTheFix(Map<String, String> security, String problem) {
        assertThatThrownBy(() -> connection(security)).isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith("muster.kafka.security." + problem)
                .message().doesNotContain("very secret", "\n");
    }

    @Test
    void whatIsNoPemIsSaidWithoutItsContent() throws Exception {
        var ca = Files.writeString(secrets.resolve("ca.pem"), "rubbish");
        assertThatThrownBy(() -> connection(Map.of("protocol", "SSL", "ca", ca.toString()))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("muster.kafka.security.ca can't be used: ").message().doesNotContain("rubbish");
        assertThatThrownBy(() -> connection(Map.of("protocol", "SSL", "certificate", ca.toString(), "key-secret", "no-key"))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("muster.kafka.security.ca, certificate or key-secret can't be used: ").message().doesNotContain("rubbish", "not PEM");
    }

    @Test
    void noSettingAndNoTextHasASecret() {
        var kafka = connection(Map.of("protocol", "SASL_SSL", "username", "planner"));

        assertThat(kafka.toString() + KafkaSettings.consumer(kafka) + KafkaSettings.producer(kafka)).doesNotContain("very secret");
    }

    @Test
    void namesWithQuotesAreSaidAsTheyAreAndPasswordsAsTheyAreNow() throws Exception {
        var kafka = connection(Map.of("protocol", "SASL_PLAINTEXT", "username", "a \"quoted\" \\ name"));
        var login = new KafkaLogin();
        var jaas = JaasContext.loadClientContext(Map.of("sasl.jaas.config", new Password(kafka.security().get("sasl.jaas.config"))));
        login.configure(Map.of(), "SCRAM-SHA-512", jaas.configurationEntries());
        var name = new NameCallback("name");
        var password = new PasswordCallback("password", false);

        login.handle(new Callback[] {name, password});
        assertThat(name.getName()).isEqualTo("a \"quoted\" \\ name");
        assertThat(new String(password.getPassword())).isEqualTo("very secret");

        Files.writeString(secrets.resolve("kafka-password"), "rotated\n");
        login.handle(new Callback[] {password});
        assertThat(new String(password.getPassword())).isEqualTo("rotated");
    }

    @Test
    void everyServiceHasWhatItNeedsAndNobodyElseCommands() {
        var topics = new Topics("muster.", 4);
        KafkaRights.all(topics).forEach((service, rights) -> assertThat(rights.stream().filter(right -> right.operation().name().equals("WRITE"))
                .filter(right -> right.name().startsWith("muster.commands.")).toList()).as(service).hasSize(service.equals(KafkaRights.PLANNER) ? 4 : 0));
        assertThatThrownBy(() -> KafkaRights.of(topics, "stranger")).hasMessageContaining("there is no service stranger").hasMessageContaining("planner, queue-watcher");
        assertThat(KafkaRights.of(topics, "gcp-provisioner").stream().map(KafkaRights.Right::toString)).isEqualTo(List.of(
                "READ on topic muster.fleets", "READ on topic muster.machines", "READ on topic muster.commands.gcp", "READ on topic muster.log-levels",
                "WRITE on topic muster.machine-reports", "WRITE on topic muster.consoles", "WRITE on topic muster.services", "WRITE on topic muster.dead-letters",
                "READ on group muster.gcp-provisioner", "WRITE on every transactional id muster.gcp-provisioner/…"));
    }
}
