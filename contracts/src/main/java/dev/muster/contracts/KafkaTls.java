package dev.muster.contracts;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.SignatureException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.auth.SslEngineFactory;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/**
 * TLS as Kafka's own clients do it, from PEM files that are read anew when they have changed: a certificate that is renewed every month is used from
 * the next connection on, and Kafka's own way would need a restart. The key is in no setting.
 */
public final class KafkaTls implements SslEngineFactory {

    /** Settings: files. */
    static final String CA = "muster.tls.ca";
    static final String CERTIFICATE = "muster.tls.certificate";
    static final String KEY = "muster.tls.key";

    /** By the key's kind; of others it is the broker who tells. */
    private static final Map<String, String> SIGNATURES = Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA");

    private Map<String, ?> configs;
    private List<FileTime> read;
    private DefaultSslEngineFactory engines;

    @Override
    public synchronized void configure(Map<String, ?> configs) {
        this.configs = configs;
        read();
    }

    @Override
    public synchronized SSLEngine createClientSslEngine(String host, int port, String endpointIdentification) {
        if (!written().equals(read)) {
            try {
                read();
            } catch (KafkaException between) {
                // One of two files is new and the other not yet, or half written: what was read before holds until they belong together.
                if (engines == null) {
                    throw between;
                }
            }
        }
        return engines.createClientSslEngine(host, port, endpointIdentification);
    }

    private void read() {
        var written = written();
        var settings = new HashMap<String, Object>(configs);
        settings.putIfAbsent("ssl.protocol", "TLSv1.3");
        settings.putIfAbsent("ssl.enabled.protocols", List.of("TLSv1.2", "TLSv1.3"));
        settings.putIfAbsent("ssl.keymanager.algorithm", javax.net.ssl.KeyManagerFactory.getDefaultAlgorithm());
        settings.putIfAbsent("ssl.trustmanager.algorithm", javax.net.ssl.TrustManagerFactory.getDefaultAlgorithm());
        file(CA).ifPresent(file -> {
            settings.put("ssl.truststore.type", "PEM");
            settings.put("ssl.truststore.certificates", text(file));
        });
        file(CERTIFICATE).ifPresent(file -> {
            settings.put("ssl.keystore.type", "PEM");
            settings.put("ssl.keystore.certificate.chain", text(file));
            settings.put("ssl.keystore.key", text(file(KEY).orElseThrow()));
        });
        var next = new DefaultSslEngineFactory();
        next.configure(settings);
        if (next.keystore() != null) {
            requirePair(next.keystore());
        }
        engines = next;
        read = written;
    }

    /** Kafka takes any two: the broker would refuse us, and say nothing of why. */
    private static void requirePair(KeyStore keys) {
        try {
            var alias = keys.aliases().nextElement();
            var key = (PrivateKey) keys.getKey(alias, null);
            var algorithm = SIGNATURES.get(key.getAlgorithm());
            if (algorithm == null) {
                return;
            }
            var signing = Signature.getInstance(algorithm);
            signing.initSign(key);
            var signature = signing.sign();
            var verifying = Signature.getInstance(algorithm);
            verifying.initVerify(keys.getCertificate(alias));
            if (!verifying.verify(signature)) {
                throw new KafkaException("the key is not the certificate's");
            }
        } catch (InvalidKeyException | SignatureException otherKind) {
            throw new KafkaException("the key is not the certificate's");
        } catch (GeneralSecurityException unusable) {
            throw new KafkaException("the key can't be used: " + unusable.getClass().getSimpleName());
        }
    }

    private java.util.Optional<Path> file(String key) {
        return java.util.Optional.ofNullable((String) configs.get(key)).map(Path::of);
    }

    private static Password text(Path file) {
        try {
            return new Password(Files.readString(file));
        } catch (IOException unreadable) {
            throw new KafkaException(file + " can't be read: " + unreadable.getClass().getSimpleName());
        }
    }

    private List<FileTime> written() {
        return Stream.of(CA, CERTIFICATE, KEY).flatMap(key -> file(key).stream()).map(file -> {
            try {
                return Files.getLastModifiedTime(file);
            } catch (IOException gone) {
                return FileTime.fromMillis(0);
            }
        }).toList();
    }

    @Override
    public SSLEngine createServerSslEngine(String host, int port) {
        throw new UnsupportedOperationException("only for clients");
    }

    @Override
    public boolean shouldBeRebuilt(Map<String, Object> nextConfigs) {
        return false;
    }

    @Override
    public Set<String> reconfigurableConfigs() {
        return Set.of();
    }

    @Override
    public KeyStore keystore() {
        return engines.keystore();
    }

    @Override
    public KeyStore truststore() {
        return engines.truststore();
    }

    @Override
    public void close() {}
}
