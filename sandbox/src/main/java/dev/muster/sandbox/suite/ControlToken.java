package dev.muster.sandbox.suite;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/**
 * The token by which a local run's control API is called, made anew at each start: others who use this computer reach its loopback too, and the
 * run may be against clouds that cost money. It is in a file that only its owner reads; what the planner is told is its hash.
 */
public final class ControlToken {

    private static final int BYTES = 32;
    /** As the planner's own tokens begin. */
    private static final String PREFIX = "mst_";

    private ControlToken() {}

    /** Where a run keeps it. */
    public static Path file(Path folder) {
        return folder.resolve("token");
    }

    /** Where a run keeps who may do what: whoever has the token may do everything. */
    static Path grants(Path folder) {
        return folder.resolve("grants.yaml");
    }

    /** Makes a token and the grants that it holds. */
    public static void make(Path folder) throws IOException {
        var random = new byte[BYTES];
        new SecureRandom().nextBytes(random);
        var token = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        write(grants(folder), "# Made at the run's start.\ngrants:\n  - {token: " + sha256(token) + ", name: local, role: admin, fleets: [\"*\"]}\n");
        write(file(folder), token + "\n");
    }

    static void forget(Path folder) throws IOException {
        Files.deleteIfExists(file(folder));
    }

    private static String sha256(String token) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(token.getBytes(UTF_8)));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JVM has SHA-256", impossible);
        }
    }

    /** Nobody else can read it, from its first byte on. */
    private static void write(Path file, String content) throws IOException {
        Files.deleteIfExists(file);
        Files.createFile(file, FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))} : new FileAttribute<?>[0]);
        Files.writeString(file, content);
    }
}
