package dev.muster.planner.console;

import io.quarkus.runtime.util.ClassPathUtils;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/**
 * The console's files as they are served: packed once, under a digest of them all, so that a browser keeps them for ever and asks for others
 * once there are others. The page itself is made here, since it names them.
 */
final class ConsoleFiles {

    private static final String PAGE = "index.html";
    private static final Map<String, String> TYPES = Map.of("html", "text/html; charset=utf-8", "js", "text/javascript; charset=utf-8", "css", "text/css; charset=utf-8",
            "svg", "image/svg+xml", "txt", "text/plain; charset=utf-8");
    private static final Pattern IMPORT_MAP = Pattern.compile("<script type=\"importmap\">(.*?)</script>", Pattern.DOTALL);

    /** @param packed by gzip */
    record File(String type, byte[] plain, byte[] packed) {

        static File of(String name, byte[] plain) {
            var type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
            if (type == null) {
                throw new IllegalArgumentException("the console's " + name + " is of no kind that is served");
            }
            return new File(type, plain, gzip(plain));
        }
    }

    private final String digest;
    private final SortedMap<String, File> files;
    private final File page;
    private final String importMapHash;

    private ConsoleFiles(SortedMap<String, byte[]> read) {
        var sha = sha256();
        read.forEach((name, bytes) -> {
            sha.update(name.getBytes(StandardCharsets.UTF_8));
            sha.update(bytes);
        });
        digest = HexFormat.of().formatHex(sha.digest(), 0, 8);
        var served = new TreeMap<String, File>();
        read.forEach((name, bytes) -> {
            if (!name.equals(PAGE)) {
                served.put(name, File.of(name, bytes));
            }
        });
        files = Collections.unmodifiableSortedMap(served);
        var text = page(new String(read.get(PAGE), StandardCharsets.UTF_8), base(), modules());
        page = File.of(PAGE, text.getBytes(StandardCharsets.UTF_8));
        var map = IMPORT_MAP.matcher(text);
        if (!map.find()) {
            throw new IllegalStateException("the console's page has no import map");
        }
        importMapHash = Base64.getEncoder().encodeToString(sha256().digest(map.group(1).getBytes(StandardCharsets.UTF_8)));
    }

    /** Those beside the page on the class path, libraries included. */
    static ConsoleFiles load() {
        var read = new TreeMap<String, byte[]>();
        try {
            // The page's own folder and not "console": of a folder a jar need have no entry.
            ClassPathUtils.consumeAsPaths(ConsoleFiles.class.getClassLoader(), "console/" + PAGE, page -> readFolder(page.getParent(), read));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        if (!read.containsKey(PAGE)) {
            throw new IllegalStateException("the console's files are not on the class path");
        }
        return new ConsoleFiles(read);
    }

    private static void readFolder(Path folder, SortedMap<String, byte[]> into) {
        try (var found = Files.walk(folder)) {
            for (var file : found.filter(Files::isRegularFile).toList()) {
                into.put(folder.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
            }
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** @param base of all files' addresses, which the text calls {base} */
    private static String page(String text, String base, List<String> modules) {
        var early = modules.stream().map(module -> "<link rel=\"modulepreload\" href=\"" + base + module + "\">").collect(Collectors.joining("\n"));
        return text.replace("{modules}", early).replace("{base}", base);
    }

    /** Named early: a browser that learns of modules one by one is slow to begin. */
    private List<String> modules() {
        return files.keySet().stream().filter(name -> name.endsWith(".js")).toList();
    }

    String base() {
        return "/console/" + digest + "/";
    }

    File page() {
        return page;
    }

    String digest() {
        return digest;
    }

    /** Of the import map, as Content-Security-Policy wants it. */
    String importMapHash() {
        return "'sha256-" + importMapHash + "'";
    }

    /** By name, such as lib/htm.js. */
    SortedMap<String, File> files() {
        return files;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static byte[] gzip(byte[] plain) {
        var packed = new ByteArrayOutputStream(plain.length / 2);
        try (var out = new GZIPOutputStream(packed)) {
            out.write(plain);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return packed.toByteArray();
    }
}
