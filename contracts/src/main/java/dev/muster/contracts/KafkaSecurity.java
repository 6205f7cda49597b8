package dev.muster.contracts;

import java.util.Optional;
import java.util.function.Function;

/**
 * How a service proves to Kafka who it is, and how it knows Kafka: the settings {@code muster.kafka.security.*} of every service and of the
 * command line. {@link KafkaConnection} is what is made of them, checked. With none of them set nothing is encrypted and nobody asks.
 *
 * <p>Part of each service's configuration interface, so that all have the same names and defaults.
 */
public interface KafkaSecurity {

    /** PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, as Kafka calls them. Default: PLAINTEXT. */
    Optional<String> protocol();

    /** SCRAM-SHA-512, SCRAM-SHA-256, PLAIN or OAUTHBEARER. Default where the protocol has SASL: SCRAM-SHA-512. */
    Optional<String> saslMechanism();

    /** The name that SCRAM and PLAIN say. */
    Optional<String> username();

    /** Name of the secret with the password. Default: {@link KafkaConnection#PASSWORD}. */
    Optional<String> passwordSecret();

    /** Name of the secret with the token (a JWT) that OAUTHBEARER shows. Default: {@link KafkaConnection#TOKEN}. */
    Optional<String> tokenSecret();

    /** PEM file of the authorities that may vouch for the brokers. Default: the JVM's own. */
    Optional<String> ca();

    /** PEM file with the service's own certificate and those between it and its authority. */
    Optional<String> certificate();

    /** Name of the secret with the certificate's private key, as PEM (PKCS #8, not encrypted). */
    Optional<String> keySecret();

    /** As any source of settings has them. @param setting the value of a whole key, such as {@code muster.kafka.security.protocol} */
    static KafkaSecurity of(Function<String, Optional<String>> setting) {
        record Told(Optional<String> protocol, Optional<String> saslMechanism, Optional<String> username, Optional<String> passwordSecret,
                Optional<String> tokenSecret, Optional<String> ca, Optional<String> certificate, Optional<String> keySecret) implements KafkaSecurity {}
        Function<String, Optional<String>> of = name -> setting.apply(KafkaConnection.SECURITY + name).filter(value -> !value.isBlank());
        return new Told(of.apply("protocol"), of.apply("sasl-mechanism"), of.apply("username"), of.apply("password-secret"), of.apply("token-secret"),
                of.apply("ca"), of.apply("certificate"), of.apply("key-secret"));
    }
}
