package dev.muster.packaging;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarFile;

/**
 * An image in a tar, as {@code docker save} and Jib write it.
 *
 * @param config what the image says of itself and how it is started
 * @param layers their names in the tar, the lowest first
 */
record SavedImage(Path tar, JsonNode config, List<String> layers) {

    private static final ObjectMapper JSON = new ObjectMapper();
    /** A file of this beginning says that the one of the rest of its name is gone, or with nothing more, all that was in the folder. */
    private static final String GONE = ".wh.";
    private static final String ALL_GONE = ".wh..wh..opq";

    static SavedImage open(Path tar) throws IOException {
        try (var file = new TarFile(tar.toFile())) {
            var manifest = JSON.readTree(content(file, "manifest.json")).path(0);
            var layers = new ArrayList<String>();
            manifest.path("Layers").forEach(layer -> layers.add(layer.asText()));
            return new SavedImage(tar, JSON.readTree(content(file, manifest.path("Config").asText())), List.copyOf(layers));
        }
    }

    /** As a container sees it. @return the folder */
    Path unpack(Path folder) throws IOException {
        Files.createDirectories(folder);
        try (var file = new TarFile(tar.toFile())) {
            for (var layer : layers) {
                try (var content = new TarArchiveInputStream(plain(content(file, layer)))) {
                    for (var entry = content.getNextEntry(); entry != null; entry = content.getNextEntry()) {
                        unpack(entry, content, folder);
                    }
                }
            }
        }
        return folder;
    }

    /** Where a command is in the unpacked image, by its PATH. */
    Optional<Path> find(String command, Path unpacked) {
        for (var variable : config.path("config").path("Env")) {
            if (variable.asText().startsWith("PATH=")) {
                for (var folder : variable.asText().substring("PATH=".length()).split(":")) {
                    var file = unpacked.resolve(folder.substring(1)).resolve(command);
                    if (Files.isExecutable(file)) {
                        return Optional.of(file);
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static InputStream content(TarFile file, String name) throws IOException {
        for (var entry : file.getEntries()) {
            if (entry.getName().equals(name)) {
                return file.getInputStream(entry);
            }
        }
        throw new IOException("there is no " + name + " in it: it is no image as docker save writes one");
    }

    private static InputStream plain(InputStream layer) throws IOException {
        var content = new BufferedInputStream(layer, 1 << 16);
        content.mark(2);
        var isZipped = content.read() == 0x1f && content.read() == 0x8b;
        content.reset();
        return isZipped ? new BufferedInputStream(new GZIPInputStream(content), 1 << 16) : content;
    }

    private static void unpack(TarArchiveEntry entry, InputStream content, Path folder) throws IOException {
        var file = inside(folder, entry.getName());
        var name = file.getFileName().toString();
        if (name.equals(ALL_GONE)) {
            deleteBelow(file.getParent());
        } else if (name.startsWith(GONE)) {
            delete(file.resolveSibling(name.substring(GONE.length())));
        } else if (entry.isDirectory()) {
            Files.createDirectories(file);
            permit(file, entry.getMode());
        } else {
            Files.createDirectories(file.getParent());
            if (!file.getParent().toRealPath().startsWith(folder.toRealPath())) {
                throw new IOException(entry.getName() + " leads out of the image");
            }
            if (entry.isSymbolicLink()) {
                delete(file);
                Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
            } else if (entry.isLink()) {
                delete(file);
                Files.createLink(file, inside(folder, entry.getLinkName()));
            } else if (entry.isFile()) {
                delete(file);
                Files.copy(content, file, StandardCopyOption.REPLACE_EXISTING);
                permit(file, entry.getMode());
                // A JVM takes class data only for jars of the very time that it was made with.
                Files.setLastModifiedTime(file, FileTime.from(entry.getLastModifiedDate().toInstant()));
            }
        }
    }

    private static Path inside(Path folder, String name) throws IOException {
        var file = folder.resolve(name.replaceFirst("^/+", "")).normalize();
        if (!file.startsWith(folder)) {
            throw new IOException(name + " leads out of the image");
        }
        return file;
    }

    private static void permit(Path file, int mode) throws IOException {
        if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
            return;
        }
        var all = PosixFilePermission.values();
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        for (var i = 0; i < all.length; i++) {
            // They are listed as they are written: rwxrwxrwx.
            if ((mode & (1 << (all.length - 1 - i))) != 0) {
                permissions.add(all[i]);
            }
        }
        Files.setPosixFilePermissions(file, permissions);
    }

    static void delete(Path file) throws IOException {
        if (Files.isDirectory(file, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            deleteBelow(file);
        }
        Files.deleteIfExists(file);
    }

    private static void deleteBelow(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                if (!file.equals(folder)) {
                    Files.delete(file);
                }
            }
        }
    }
}
