package dev.muster.contracts;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The folder that secrets are mounted in, one file a secret. Each read looks at the file, so that a rotated secret is seen
 * without a restart. Values never show in {@code toString}.
 *
 * <p>Names in use: {@link #clearmlAccessKey} and {@link #clearmlSecretKey} of each connection, {@link #machineAccessKey} and
 * {@link #machineSecretKey} where machines have keys of their own, {@code aws-<account>-access-key-id},
 * {@code aws-<account>-secret-access-key}, {@code gcp-<account>-key} (a key file's JSON), and whatever a fleet's secret_ref names. What
 * only machines need may be a {@link SecretRef} to a secret store in place of the secret, if it is the file's whole content.
 */
public record SecretsFolder(Path folder) {

    private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]*";

    /** A value that must not be shown. */
    public record Secret(String value) {
        @Override
        public String toString() {
            return "Secret[…]";
        }
    }

    /** Name of a connection's access key. */
    public static String clearmlAccessKey(String connection) {
        return "clearml-" + connection + "-access-key";
    }

    /** Name of a connection's secret key. */
    public static String clearmlSecretKey(String connection) {
        return "clearml-" + connection + "-secret-key";
    }

    /** Name of the access key that a connection's machines get in place of the connection's own. */
    public static String machineAccessKey(String connection) {
        return "clearml-" + connection + "-machine-access-key";
    }

    /** Name of the secret key that a connection's machines get in place of the connection's own. */
    public static String machineSecretKey(String connection) {
        return "clearml-" + connection + "-machine-secret-key";
    }

    /**
     * The secret without its trailing line end; empty if there is no such file.
     *
     * @throws IllegalArgumentException if the name is no plain file name
     * @throws IllegalStateException if the file is there and can't be read
     */
    public Optional<Secret> find(String name) {
        if (!name.matches(NAME)) {
            throw new IllegalArgumentException("secret name '" + name + "' may hold only letters, digits, '.', '_' and '-'");
        }
        try {
            return Optional.of(new Secret(Files.readString(folder.resolve(name)).stripTrailing()));
        } catch (NoSuchFileException absent) {
            return Optional.empty();
        } catch (IOException unreadable) {
            throw new IllegalStateException("secret " + name + " in " + folder + " can't be read: " + unreadable.getClass().getSimpleName());
        }
    }

    /** Every secret that is in the folder now. One that can't be read as text is left out: nobody is given it. */
    public List<Secret> all() {
        return names().stream().flatMap(name -> findReadable(name).stream()).toList();
    }

    /** Names of the files that are there now, sorted. @throws IllegalStateException if the folder is there and can't be listed */
    public List<String> names() {
        try (var files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).map(file -> file.getFileName().toString()).filter(name -> name.matches(NAME)).sorted().toList();
        } catch (NotDirectoryException | NoSuchFileException absent) {
            return List.of();
        } catch (IOException unreadable) {
            throw new IllegalStateException("the secrets in " + folder + " can't be listed: " + unreadable.getClass().getSimpleName());
        }
    }

    private Optional<Secret> findReadable(String name) {
        try {
            return find(name);
        } catch (IllegalStateException unreadable) {
            return Optional.empty();
        }
    }

    /** As {@link #find}. @throws IllegalStateException if there is none, naming the file to make */
    public Secret require(String name) {
        return find(name).orElseThrow(() -> new IllegalStateException(
                "no secret " + name + ": put it in the file " + folder.resolve(name)));
    }

    /** As {@link #require}, for whoever needs the secret itself. @throws IllegalStateException also if the file names a secret store, which only machines read */
    public Secret requireHere(String name) {
        var secret = require(name);
        SecretRef.inStore(secret.value()).ifPresent(reference -> {
            throw new IllegalStateException("the file " + folder.resolve(name) + " holds " + reference + ", which only machines read: put the secret itself there,"
                    + " and for machines the reference into the file of the same name with -machine- before access-key or secret-key");
        });
        return secret;
    }
}
