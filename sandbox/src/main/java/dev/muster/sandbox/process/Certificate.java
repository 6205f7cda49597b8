package dev.muster.sandbox.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;

/**
 * A certificate for 127.0.0.1, which is its own authority: kubectl sends a token only over TLS, so the stand-in for Kubernetes needs one, and a broker that
 * demands to know who speaks does, too.
 *
 * @param keyStore PKCS #12
 * @param password of it; made for a file that is gone, so no secret
 * @param pem the certificate
 * @param keyPem its private key, as PKCS #8
 */
public record Certificate(byte[] keyStore, String password, String pem, String keyPem) {

    private static final String PASSWORD = "loopback";
    private static Certificate made;

    /** One for all servers of this process: to make it takes a second, by the JDK's own tool. */
    public static synchronized Certificate own() {
        if (made == null) {
            made = of("muster-sandbox");
        }
        return made;
    }

    /** A new one. @param commonName whom it names */
    public static Certificate of(String commonName) {
        try {
            return make(commonName);
        } catch (IOException | GeneralSecurityException failed) {
            throw new IllegalStateException("a certificate could not be made: " + failed.getMessage(), failed);
        }
    }

    private static Certificate make(String commonName) throws IOException, GeneralSecurityException {
        var folder = Files.createTempDirectory("muster-certificate");
        try {
            var file = folder.resolve("server.p12");
            var log = folder.resolve("keytool.log");
            var tool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-alias", "server", "-keyalg", "EC",
                    "-groupname", "secp256r1", "-validity", "365", "-dname", "CN=" + commonName, "-ext", "san=ip:127.0.0.1,dns:localhost", "-storetype", "PKCS12",
                    "-storepass", PASSWORD, "-keystore", file.toString()).redirectErrorStream(true).redirectOutput(log.toFile()).start();
            if (!tool.waitFor(60, TimeUnit.SECONDS) || tool.exitValue() != 0) {
                tool.destroyForcibly();
                throw new IOException("keytool failed: " + Files.readString(log));
            }
            var store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
            return new Certificate(Files.readAllBytes(file), PASSWORD, pem("CERTIFICATE", store.getCertificate("server").getEncoded()),
                    pem("PRIVATE KEY", store.getKey("server", PASSWORD.toCharArray()).getEncoded()));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", interrupted);
        } finally {
            try (var files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> {
                    try {
                        Files.delete(file);
                    } catch (IOException left) {
                        throw new UncheckedIOException(left);
                    }
                });
            }
        }
    }

    private static String pem(String what, byte[] content) {
        return "-----BEGIN " + what + "-----\n" + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content) + "\n-----END " + what + "-----\n";
    }
}
