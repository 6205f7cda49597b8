package dev.muster.sandbox.process;

import java.io.IOException;
import java.lang.instrument.Instrumentation;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A Java agent that ends its process when the process that started it is gone, however it went: the parent alone holds the
 * other end of standard input, so the end of input is the end of the parent. A process needs to know nothing of it.
 */
public final class EndWithParent {

    /** How long shutdown hooks may take before the process is halted. */
    private static final long GRACE_MILLIS = 10_000;

    private EndWithParent() {}

    /** Called by the JVM before the program's own main method. */
    public static void premain(String arguments, Instrumentation instrumentation) {
        start("end-with-parent", EndWithParent::awaitEndOfInput);
    }

    private static void awaitEndOfInput() {
        try {
            while (System.in.read() >= 0) {
                // The parent writes nothing; whatever came is not the end.
            }
        } catch (IOException gone) {
            // As good as the end of input.
        }
        start("halt-with-parent", () -> {
            try {
                Thread.sleep(GRACE_MILLIS);
            } catch (InterruptedException interrupted) {
                // Halt at once.
            }
            Runtime.getRuntime().halt(143);
        });
        System.exit(143);
    }

    private static void start(String name, Runnable task) {
        var thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Writes this class as an agent's jar, so that a child gets nothing else onto its class path.
     *
     * @return {@code folder/end-with-parent.jar}
     */
    public static Path writeJar(Path folder) throws IOException {
        Files.createDirectories(folder);
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(new Attributes.Name("Premain-Class"), EndWithParent.class.getName());
        var written = Files.createTempFile(folder, "end-with-parent", ".tmp");
        var file = EndWithParent.class.getName().replace('.', '/') + ".class";
        try (var jar = new JarOutputStream(Files.newOutputStream(written), manifest);
                var bytes = EndWithParent.class.getClassLoader().getResourceAsStream(file)) {
            jar.putNextEntry(new JarEntry(file));
            bytes.transferTo(jar);
            jar.closeEntry();
        }
        // Moved into place whole: another child may be starting from it.
        return Files.move(written, folder.resolve("end-with-parent.jar"), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }
}
