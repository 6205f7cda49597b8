package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What a release left behind, in files that stay as it wrote them: those that follow must still get on with it. Each release has a folder of its
 * number in each module that reads such files.
 *
 * <p>{@code -Dgolden.write=VERSION} has tests write those of this version, as often as is liked until it is released, and of no other.
 */
public final class GoldenFiles {

    private static final String FOLDER = "src/test/resources/golden";
    /** The first one in the parent POM is the project's own. */
    private static final Pattern VERSION = Pattern.compile("<version>([0-9.]+)(-SNAPSHOT)?</version>");

    private final Path root;

    private GoldenFiles(Path root) {
        this.root = root;
    }

    /** Those of the module whose tests run. */
    public static GoldenFiles ofThisModule() {
        return new GoldenFiles(Path.of(FOLDER));
    }

    /** Those of another module, by its folder in the project. */
    public static GoldenFiles of(String module) {
        return new GoldenFiles(Path.of("..", module).resolve(FOLDER));
    }

    /** This version's number, whether it is released or not yet. */
    public static String version() {
        return match().group(1);
    }

    private static boolean isReleased() {
        return match().group(2) == null;
    }

    private static java.util.regex.Matcher match() {
        try {
            var found = VERSION.matcher(Files.readString(Path.of("../pom.xml")));
            if (!found.find()) {
                throw new IllegalStateException("the parent POM names no version");
            }
            return found;
        } catch (IOException unread) {
            throw new UncheckedIOException(unread);
        }
    }

    /** Whether this run writes. */
    public static boolean isToWrite() {
        var wanted = System.getProperty("golden.write");
        if (wanted != null && !wanted.equals(version())) {
            throw new IllegalStateException("-Dgolden.write=" + wanted + ": only the files of " + version() + " can be written; those of others stay as they are");
        }
        return wanted != null;
    }

    /** Every release that has such a folder, this version too. */
    public List<String> versions() {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        try (var folders = Files.list(root)) {
            return folders.map(folder -> folder.getFileName().toString()).sorted().toList();
        } catch (IOException unread) {
            throw new UncheckedIOException(unread);
        }
    }

    public Path file(String version, String name) {
        return root.resolve(version).resolve(name);
    }

    public byte[] bytes(String version, String name) {
        try {
            return Files.readAllBytes(file(version, name));
        } catch (IOException missing) {
            throw new UncheckedIOException("golden files of " + version + " lack " + name + "; -Dgolden.write=" + version() + " writes those of this version", missing);
        }
    }

    public String text(String version, String name) {
        return new String(bytes(version, name), UTF_8);
    }

    /** Of this version. */
    public void write(String name, byte[] bytes) {
        if (!isToWrite()) {
            throw new IllegalStateException("nobody asked to write " + name);
        }
        var file = file(version(), name);
        if (isReleased() && Files.exists(file)) {
            throw new IllegalStateException(file + " is what " + version() + " was released with, and stays");
        }
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException unwritten) {
            throw new UncheckedIOException(unwritten);
        }
    }

    public void write(String name, String text) {
        write(name, text.getBytes(UTF_8));
    }

    /** Names of the files of a folder of one version, sorted; none if it has no such folder. */
    public List<String> names(String version, String folder) {
        var of = file(version, folder);
        if (!Files.isDirectory(of)) {
            return List.of();
        }
        try (var files = Files.list(of)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException unread) {
            throw new UncheckedIOException(unread);
        }
    }

    /**
     * One record as a release wrote it to a topic.
     *
     * @param type as CloudEvents names it; {@code bytes}: of no message
     * @param value what Kafka has
     * @param json what it said, as that release told it
     */
    public record StoredRecord(String type, byte[] value, String json) {

        String line() {
            return type + "\t" + Base64.getEncoder().encodeToString(value) + "\t" + json + "\n";
        }

        static StoredRecord of(String line) {
            var parts = line.split("\t", -1);
            return new StoredRecord(parts[0], Base64.getDecoder().decode(parts[1]), parts[2]);
        }
    }

    /** What a release wrote to a topic, one record of each kind. The topic's name is without a prefix. */
    public static List<StoredRecord> records(String version, String topic) {
        return of("contracts").text(version, "records/" + topic + ".txt").lines().map(StoredRecord::of).toList();
    }

    /** Fields that today's definition doesn't have, anywhere in a message. */
    public static List<String> unknownFields(Message message) {
        var unknown = new ArrayList<String>();
        collect(message.getDescriptorForType().getName(), message, unknown);
        return unknown;
    }

    private static void collect(String path, Message message, List<String> unknown) {
        message.getUnknownFields().asMap().keySet().forEach(number -> unknown.add(path + "." + number));
        message.getAllFields().forEach((field, value) -> {
            var values = field.isRepeated() ? (List<?>) value : List.of(value);
            for (var one : values) {
                if (one instanceof Message inner) {
                    collect(path + "." + field.getName(), inner, unknown);
                }
            }
        });
    }
}
