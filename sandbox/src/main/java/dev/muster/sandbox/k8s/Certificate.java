package dev.muster.sandbox.k8s;

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
 * A certificate for 127.0.0.1, of which a key file names no other. kubectl sends a token only over TLS, so the stand-in needs one.
 *
 * @param keyStore PKCS #12
 * @param password of it; made for a file that is gone, so no secret
 * @param pem the certificate, which is its own authority
 */
record Certificate(byte[] keyStore, String password, String pem) {

    private static final String PASSWORD = "loopback";
    private static Certificate made;

    /** One for all servers of this process: to make it takes a second, by the JDK's own tool. */
    static synchronized Certificate own() {
        if (made == null) {
            try {
                made = make();
            } catch (IOException | GeneralSecurityException failed) {
                throw new IllegalStateException("the stand-in's certificate could not be made: " + failed.getMessage(), failed);
            }
        }
        return made;
    }

    private static Certificate make() throws IOException, GeneralSecurityException {
        var folder = Files.createTempDirectory("muster-k8s");
        try {
            var file = folder.resolve("server.p12");
            var log = folder.resolve("keytool.log");
            var tool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-alias", "server", "-keyalg", "EC",
                    "-groupname", "secp256r1", "-validity", "365", "-dname", "CN=muster-sandbox", "-ext", "san=ip:127.0.0.1,dns:localhost", "-storetype", "PKCS12",
                    "-storepass", PASSWORD, "-keystore", file.toString()).redirectErrorStream(true).redirectOutput(log.toFile()).start();
            if (!tool.waitFor(60, TimeUnit.SECONDS) || tool.exitValue() != 0) {
                tool.destroyForcibly();
                throw new IOException("keytool failed: " + Files.readString(log));
            }
            var store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
            var pem = "-----BEGIN CERTIFICATE-----\n" + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(store.getCertificate("server").getEncoded())
                    + "\n-----END CERTIFICATE-----\n";
            return new Certificate(Files.readAllBytes(file), PASSWORD, pem);
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
}
