package dev.muster.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Secrets as files that nobody but their owner can read, where the file system knows owners. */
final class SecretFiles {

    private SecretFiles() {}

    /** The folder, made if it isn't there, with mode 0700. */
    static void makeFolder(Path folder) throws IOException {
        Files.createDirectories(folder);
        if (isPosix(folder)) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
    }

    /**
     * Writes the value and a line end, with mode 0600 from the first byte on.
     *
     * @param file in a folder that is there
     * @param force instead of a file that is there
     * @throws FileAlreadyExistsException without {@code force}, if the file is there
     */
    static void write(Path file, String value, boolean force) throws IOException {
        if (force) {
            // Made anew, so that neither old permissions nor a link decide who reads it.
            Files.deleteIfExists(file);
        }
        if (isPosix(file.getParent())) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } else if (Files.exists(file)) {
            throw new FileAlreadyExistsException(file.toString());
        }
        Files.writeString(file, value + "\n");
    }

    private static boolean isPosix(Path folder) throws IOException {
        return Files.getFileStore(folder).supportsFileAttributeView("posix");
    }
}
