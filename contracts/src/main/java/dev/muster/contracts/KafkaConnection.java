package dev.muster.contracts;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;

/**
 * Where Kafka is and who we are there: what every client's settings begin with. It knows where secrets are and holds none: passwords, tokens and
 * keys are read when a connection is made, so that a rotated one is used from the next connection on.
 *
 * @param security Kafka's own settings of it, and those of {@link KafkaLogin}, {@link KafkaToken} and {@link KafkaTls}; empty: nothing is encrypted, nobody asks
 * @param as who we are and where that is set, for people; empty: nobody
 */
public record KafkaConnection(String bootstrapServers, Map<String, String> security, String as) {

    /** Name of the secret that has the password, unless it has another. */
    public static final String PASSWORD = "kafka-password";
    /** Name of the secret that has the token, unless it has another. */
    public static final String TOKEN = "kafka-token";
    /** Before the name of each setting. */
    static final String SECURITY = "muster.kafka.security.";

    private static final List<String> PROTOCOLS = List.of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL");
    private static final Map<String, String> MODULES = Map.of(
            "SCRAM-SHA-512", "org.apache.kafka.common.security.scram.ScramLoginModule",
            "SCRAM-SHA-256", "org.apache.kafka.common.security.scram.ScramLoginModule",
            "PLAIN", "org.apache.kafka.common.security.plain.PlainLoginModule",
            "OAUTHBEARER", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule");

    public KafkaConnection {
        security = Map.copyOf(security);
    }

    /** To a broker that asks nobody who they are. */
    public static KafkaConnection plaintext(String bootstrapServers) {
        return new KafkaConnection(bootstrapServers, Map.of(), "");
    }

    /** @throws IllegalArgumentException in one sentence that names the key and the fix */
    public static KafkaConnection of(String bootstrapServers, KafkaSecurity security, SecretsFolder secrets) {
        var protocol = choice("protocol", security.protocol().orElse("PLAINTEXT"), PROTOCOLS);
        var settings = new TreeMap<String, String>();
        var as = "";
        if (!protocol.equals("PLAINTEXT")) {
            settings.put("security.protocol", protocol);
        }
        if (protocol.startsWith("SASL_")) {
            as = login(protocol, security, secrets, settings);
        } else {
            unless(security.saslMechanism(), "sasl-mechanism", "has no SASL", protocol, protocol.equals("SSL") ? "SASL_SSL" : "SASL_SSL or SASL_PLAINTEXT");
            unless(security.username(), "username", "has no SASL", protocol, protocol.equals("SSL") ? "SASL_SSL" : "SASL_SSL or SASL_PLAINTEXT");
            unless(security.passwordSecret(), "password-secret", "has no SASL", protocol, "SASL_SSL");
            unless(security.tokenSecret(), "token-secret", "has no SASL", protocol, "SASL_SSL");
        }
        if (protocol.endsWith("SSL")) {
            var certificate = tls(security, secrets, settings);
            as = as.isEmpty() ? certificate : as;
        } else {
            var encrypted = protocol.equals("PLAINTEXT") ? "SSL or SASL_SSL" : "SASL_SSL";
            unless(security.ca(), "ca", "has no TLS", protocol, encrypted);
            unless(security.certificate(), "certificate", "has no TLS", protocol, encrypted);
            unless(security.keySecret(), "key-secret", "has no TLS", protocol, encrypted);
        }
        return new KafkaConnection(bootstrapServers, settings, as);
    }

    private static String login(String protocol, KafkaSecurity security, SecretsFolder secrets, Map<String, String> settings) {
        var mechanism = choice("sasl-mechanism", security.saslMechanism().orElse("SCRAM-SHA-512"), MODULES.keySet().stream().sorted().toList());
        if (mechanism.equals("PLAIN") && protocol.equals("SASL_PLAINTEXT")) {
            throw wrong("sasl-mechanism", "is PLAIN, and the protocol SASL_PLAINTEXT: anybody on the way could read the password; use SASL_SSL, or SCRAM-SHA-512");
        }
        settings.put("sasl.mechanism", mechanism);
        var jaas = MODULES.get(mechanism) + " required";
        if (mechanism.equals("OAUTHBEARER")) {
            unless(security.username(), "username", "says no name", mechanism, "another mechanism: the name is in the token");
            unless(security.passwordSecret(), "password-secret", "says no password", mechanism, "token-secret");
            var secret = security.tokenSecret().orElse(TOKEN);
            require("token-secret", secret, secrets);
            settings.put("sasl.jaas.config", jaas + option(KafkaToken.FILE, file(secrets, secret)) + ";");
            settings.put("sasl.login.callback.handler.class", KafkaToken.class.getName());
            return "whom the token in the secret " + secret + " names";
        }
        unless(security.tokenSecret(), "token-secret", "shows no token", mechanism, "OAUTHBEARER, or password-secret");
        var username = security.username().orElseThrow(() -> wrong("username", "is missing, and the protocol is " + protocol + ": set it to the service's name at Kafka"));
        var secret = security.passwordSecret().orElse(PASSWORD);
        require("password-secret", secret, secrets);
        settings.put("sasl.jaas.config", jaas + option(KafkaLogin.USERNAME, username) + option(KafkaLogin.FILE, file(secrets, secret)) + ";");
        settings.put("sasl.client.callback.handler.class", KafkaLogin.class.getName());
        return "user " + username + " with the password in the secret " + secret;
    }

    /** @return who the certificate's owner is, for people; empty: there is none */
    private static String tls(KafkaSecurity security, SecretsFolder secrets, Map<String, String> settings) {
        settings.put("ssl.engine.factory.class", KafkaTls.class.getName());
        security.ca().ifPresent(ca -> settings.put(KafkaTls.CA, readable("ca", ca)));
        if (security.certificate().isPresent() != security.keySecret().isPresent()) {
            throw security.certificate().isPresent()
                    ? wrong("key-secret", "is missing, and there is a certificate: name the secret with its private key")
                    : wrong("certificate", "is missing, and there is a key-secret: name the PEM file with the key's certificate");
        }
        security.certificate().ifPresent(certificate -> {
            settings.put(KafkaTls.CERTIFICATE, readable("certificate", certificate));
            require("key-secret", security.keySecret().get(), secrets);
            settings.put(KafkaTls.KEY, file(secrets, security.keySecret().get()));
        });
        try (var check = new KafkaTls()) {
            check.configure(new TreeMap<String, Object>(settings));
        } catch (KafkaException unusable) {
            throw new IllegalArgumentException(SECURITY + (security.certificate().isPresent() ? "ca, certificate or key-secret" : "ca") + " can't be used: " + root(unusable)
                    + "; they must be PEM, the key as PKCS #8 without a password");
        }
        return security.certificate().map(certificate -> "whom the certificate " + certificate + " names").orElse("");
    }

    private static String option(String name, String value) {
        return " " + name + "=\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private static String file(SecretsFolder secrets, String name) {
        return secrets.folder().resolve(name).toAbsolutePath().toString();
    }

    private static void require(String key, String secret, SecretsFolder secrets) {
        if (!isThere(secret, secrets) && !List.of(PASSWORD, TOKEN).contains(secret)) {
            // Not repeated: somebody may have written the secret itself in place of its file's name.
            throw wrong(key, "names no file of the secrets folder " + secrets.folder() + ": put the secret into a file there, and write the file's name");
        }
        try {
            secrets.requireHere(secret);
        } catch (IllegalStateException | IllegalArgumentException missing) {
            throw wrong(key, "is '" + secret + "', and " + missing.getMessage());
        }
    }

    private static boolean isThere(String secret, SecretsFolder secrets) {
        try {
            return secrets.find(secret).isPresent();
        } catch (IllegalArgumentException noName) {
            return false;
        } catch (IllegalStateException unreadable) {
            return true;
        }
    }

    private static String readable(String key, String name) {
        var path = Path.of(name).toAbsolutePath();
        if (!Files.isReadable(path)) {
            throw wrong(key, "is '" + name + "', which can't be read: name a PEM file");
        }
        return path.toString();
    }

    private static String choice(String key, String value, List<String> choices) {
        if (!choices.contains(value)) {
            throw wrong(key, "is '" + value + "': it must be one of " + String.join(", ", choices));
        }
        return value;
    }

    private static void unless(Optional<String> value, String key, String lacks, String chosen, String instead) {
        if (value.isPresent()) {
            throw wrong(key, "is set, and " + chosen + " " + lacks + ": remove it, or use " + instead);
        }
    }

    private static IllegalArgumentException wrong(String key, String problem) {
        return new IllegalArgumentException(SECURITY + key + " " + problem);
    }

    /** What a failed call at Kafka means, in words that a person can act on. */
    public String problem(Throwable failure) {
        for (var cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SslAuthenticationException tls) {
                return "Kafka at " + bootstrapServers + " and we can't agree on TLS: " + root(tls) + "; look at " + SECURITY + "ca and " + SECURITY + "certificate";
            } else if (cause instanceof AuthenticationException refused) {
                return "Kafka at " + bootstrapServers + " refuses " + (as.isEmpty() ? "whoever says no name" : as) + ": " + refused.getMessage()
                        + "; look at " + SECURITY + "* and at the secret";
            } else if (cause instanceof KafkaRights.Missing missing) {
                return missing.getMessage();
            } else if (cause instanceof AuthorizationException refused) {
                return "Kafka at " + bootstrapServers + " doesn't allow " + (as.isEmpty() ? "us" : as) + " " + what(refused) + "; docs/kafka.md has what each service must be allowed";
            }
        }
        return "Kafka at " + bootstrapServers + " does not answer as it should: " + root(failure);
    }

    /** Trying again within moments changes nothing: somebody must act first. */
    public static boolean isRefusal(Throwable failure) {
        for (var cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof AuthenticationException || cause instanceof AuthorizationException) {
                return true;
            }
        }
        return false;
    }

    private static String what(AuthorizationException refused) {
        if (refused instanceof TopicAuthorizationException topics && !topics.unauthorizedTopics().isEmpty()) {
            return "what it needs at topic " + String.join(", ", topics.unauthorizedTopics().stream().sorted().toList());
        } else if (refused instanceof GroupAuthorizationException group && group.groupId() != null) {
            return "READ on the group " + group.groupId();
        } else if (refused instanceof TransactionalIdAuthorizationException) {
            return "WRITE on its transactional ids";
        } else if (refused instanceof ClusterAuthorizationException) {
            return "what it asks of the cluster: " + refused.getMessage();
        }
        return "this: " + refused.getMessage();
    }

    private static String root(Throwable failure) {
        var root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }
}
