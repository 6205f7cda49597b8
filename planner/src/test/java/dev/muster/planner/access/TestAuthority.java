package dev.muster.planner.access;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A certificate authority as PEM files in a folder, made by the JDK's own tool. */
final class TestAuthority {

    static final String PASSWORD = "for-a-test";

    private final Path folder;
    private final Path store;

    TestAuthority(Path folder, String name) throws IOException, GeneralSecurityException, InterruptedException {
        this.folder = Files.createDirectories(folder);
        store = folder.resolve("authority.p12");
        keytool("-genkeypair", "-alias", "ca", "-dname", "CN=" + name, "-ext", "bc:c", "-ext", "ku:c=keyCertSign");
        write("ca.pem", "CERTIFICATE", load().getCertificate("ca").getEncoded());
    }

    Path certificate() {
        return folder.resolve("ca.pem");
    }

    /** Makes a certificate of this authority: {@code <alias>.pem} and {@code <alias>.key}. */
    TestAuthority with(String alias, String subject, String alternatives) throws IOException, GeneralSecurityException, InterruptedException {
        keytool("-genkeypair", "-alias", alias, "-dname", subject, "-ext", "san=" + alternatives, "-signer", "ca");
        var keys = load();
        write(alias + ".pem", "CERTIFICATE", keys.getCertificate(alias).getEncoded());
        write(alias + ".key", "PRIVATE KEY", keys.getKey(alias, PASSWORD.toCharArray()).getEncoded());
        return this;
    }

    private KeyStore load() throws IOException, GeneralSecurityException {
        return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
    }

    private void write(String file, String kind, byte[] content) throws IOException {
        Files.writeString(folder.resolve(file), "-----BEGIN " + kind + "-----\n" + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content)
                + "\n-----END " + kind + "-----\n");
    }

    private void keytool(String... what) throws IOException, InterruptedException {
        var log = folder.resolve("keytool.log");
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(what));
        command.addAll(List.of("-keyalg", "EC", "-groupname", "secp256r1", "-validity", "10", "-storetype", "PKCS12", "-storepass", PASSWORD, "-keystore", store.toString()));
        var tool = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        if (!tool.waitFor(60, TimeUnit.SECONDS) || tool.exitValue() != 0) {
            tool.destroyForcibly();
            throw new IOException("keytool failed: " + Files.readString(log));
        }
    }
}
