package dev.muster.sandbox.suite;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/** Stands for a service: reads its settings where a service does, and is ready at once. */
public final class FakeService {

    private FakeService() {}

    public static void main(String[] arguments) throws IOException {
        var settings = new Properties();
        try (var reader = Files.newBufferedReader(Path.of("config/application.properties"))) {
            settings.load(reader);
        }
        var server = HttpServer.create(new InetSocketAddress(settings.getProperty("quarkus.http.host"),
                Integer.parseInt(settings.getProperty("quarkus.http.port"))), 0);
        server.createContext("/q/health/ready", exchange -> {
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    /** A source folder in which every service is this one, and the broker the real one. */
    static void fillHome(Path home, Path brokerLibrary) throws IOException {
        for (var module : new String[] {"planner", "queue-watcher", "aws-provisioner", "gcp-provisioner", "k8s-provisioner"}) {
            var jar = home.resolve(module).resolve("target/quarkus-app/quarkus-run.jar");
            Files.createDirectories(jar.getParent());
            var manifest = new Manifest();
            manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
            manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, FakeService.class.getName());
            var file = FakeService.class.getName().replace('.', '/') + ".class";
            try (var out = new JarOutputStream(Files.newOutputStream(jar), manifest);
                    var bytes = FakeService.class.getClassLoader().getResourceAsStream(file)) {
                out.putNextEntry(new JarEntry(file));
                bytes.transferTo(out);
                out.closeEntry();
            }
        }
        var library = home.resolve("sandbox/broker/target/lib");
        Files.createDirectories(library.getParent());
        Files.createSymbolicLink(library, brokerLibrary);
    }
}
