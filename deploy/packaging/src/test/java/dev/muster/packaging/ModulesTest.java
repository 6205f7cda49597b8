package dev.muster.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;

/** modules.txt, which the base's Java runtime is made of, against what the classes of all programs name. */
class ModulesTest {

    private static final Path HOME = Path.of("../..");
    /** What runs at a build alone: Vert.x' generator of code reads sources by the compiler. */
    private static final String AT_BUILDS = "vertx-codegen-";

    @Test
    void theRuntimeHasWhatTheProgramsName() throws IOException {
        var listed = Files.readAllLines(Path.of("modules.txt")).stream().filter(line -> !line.startsWith("#")).collect(Collectors.toCollection(TreeSet::new));
        var moduleOf = new HashMap<String, String>();
        for (var module : ModuleFinder.ofSystem().findAll()) {
            // What isn't open to others is named by nobody else.
            module.descriptor().exports().forEach(exported -> moduleOf.put(exported.source(), module.descriptor().name()));
        }
        var there = new HashSet<String>();
        listed.forEach(name -> withItsOwn(name, there));

        var lacking = new TreeMap<String, Set<String>>();
        var looked = new HashSet<Path>();
        for (var program : Program.all(HOME)) {
            for (var jar : program.jars()) {
                if (looked.add(jar.built().getFileName()) && !jar.path().contains(AT_BUILDS)) {
                    named(jar.built()).forEach((inPackage, by) -> {
                        var module = moduleOf.get(inPackage);
                        if (module != null && !there.contains(module)) {
                            lacking.computeIfAbsent(module, one -> new TreeSet<>()).add(jar.built().getFileName() + ": " + by);
                        }
                    });
                }
            }
        }
        assertThat(lacking).isEmpty();
        assertThat(looked).hasSizeGreaterThan(200);
    }

    private static void withItsOwn(String module, Set<String> all) {
        if (all.add(module)) {
            var found = ModuleFinder.ofSystem().find(module);
            assertThat(found).as(module).isPresent();
            found.get().descriptor().requires().forEach(required -> withItsOwn(required.name(), all));
        }
    }

    /** Packages whose classes a jar's classes name, with one of those that name them. */
    private static Map<String, String> named(Path jar) throws IOException {
        var packages = new HashMap<String, String>();
        try (var zip = new ZipInputStream(Files.newInputStream(jar))) {
            for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (entry.getName().endsWith(".class") && !entry.getName().endsWith("module-info.class")) {
                    read(zip, entry.getName(), packages);
                }
            }
        }
        return packages;
    }

    /** The constants of a class file, as "The class File Format" of the JVM's specification has them. */
    private static void read(InputStream file, String name, Map<String, String> packages) throws IOException {
        var in = new DataInputStream(file);
        in.skipNBytes(8);
        var count = in.readUnsignedShort();
        var texts = new String[count];
        var classes = new int[count];
        for (var i = 1; i < count; i++) {
            var tag = in.readUnsignedByte();
            switch (tag) {
                case 1 -> texts[i] = in.readUTF();
                case 7 -> classes[i] = in.readUnsignedShort();
                case 8, 16, 19, 20 -> in.skipNBytes(2);
                case 15 -> in.skipNBytes(3);
                case 3, 4, 9, 10, 11, 12, 17, 18 -> in.skipNBytes(4);
                case 5, 6 -> {
                    in.skipNBytes(8);
                    i++;
                }
                default -> throw new IOException(name + " has a constant of kind " + tag);
            }
        }
        for (var at : classes) {
            if (at != 0) {
                var type = texts[at].replaceFirst("^\\[+L?", "");
                if (type.contains("/")) {
                    packages.putIfAbsent(type.substring(0, type.lastIndexOf('/')).replace('/', '.'), name);
                }
            }
        }
    }
}
