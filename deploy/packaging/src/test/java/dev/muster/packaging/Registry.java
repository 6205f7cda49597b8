package dev.muster.packaging;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.commons.compress.archivers.tar.TarFile;

/** A registry with one image out of a tar, on loopback, with a certificate that nobody vouches for: as much of the OCI distribution specification as a pull needs. */
final class Registry implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String IMAGE = "tools/java";
    private static final String DOCKER = "application/vnd.docker.";
    private static final String MANIFEST = DOCKER + "distribution.manifest.v2+json";
    private static final String LIST = DOCKER + "distribution.manifest.list.v2+json";
    private static final String CONFIG = DOCKER + "container.image.v1+json";
    private static final String LAYER = DOCKER + "image.rootfs.diff.tar.gzip";

    private final HttpsServer server;
    private final Map<String, Stored> stored = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(4);
    private final String digest;

    private record Stored(String type, byte[] content) {}

    /** Under a list of platforms, as images for several are kept: this computer's, and one that is not there. @param folder for its certificate */
    Registry(SavedImage image, Path folder) throws Exception {
        var manifest = JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", MANIFEST);
        manifest.set("config", store(CONFIG, JSON.writeValueAsBytes(image.config())));
        var layers = manifest.putArray("layers");
        try (var tar = new TarFile(image.tar().toFile())) {
            for (var name : image.layers()) {
                var entry = tar.getEntries().stream().filter(one -> one.getName().equals(name)).findFirst().orElseThrow();
                var zipped = new ByteArrayOutputStream();
                try (var zip = new GZIPOutputStream(zipped); var content = tar.getInputStream(entry)) {
                    content.transferTo(zip);
                }
                layers.add(store(LAYER, zipped.toByteArray()));
            }
        }
        var list = JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", LIST);
        var platforms = list.putArray("manifests");
        var absent = platforms.addObject().put("mediaType", MANIFEST).put("size", 7).put("digest", "sha256:" + sha256("another".getBytes(UTF_8)));
        absent.putObject("platform").put("architecture", "s390x").put("os", "linux");
        var here = store(MANIFEST, JSON.writeValueAsBytes(manifest));
        here.putObject("platform").put("architecture", image.config().path("architecture").asText()).put("os", "linux");
        platforms.add(here);
        digest = store(LIST, JSON.writeValueAsBytes(list)).path("digest").asText();
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls(folder)));
        server.setExecutor(threads);
        server.createContext("/v2/", this::answer);
        server.start();
    }

    private static SSLContext tls(Path folder) throws Exception {
        var file = folder.resolve("registry.p12");
        var made = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-keyalg", "RSA", "-storetype", "PKCS12", "-keystore",
                file.toString(), "-storepass", "changeit", "-alias", "registry", "-dname", "CN=registry").redirectErrorStream(true).start();
        var said = new String(made.getInputStream().readAllBytes(), UTF_8);
        if (made.waitFor() != 0) {
            throw new IOException("keytool: " + said);
        }
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(KeyStore.getInstance(file.toFile(), "changeit".toCharArray()), "changeit".toCharArray());
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    private ObjectNode store(String type, byte[] content) {
        var of = "sha256:" + sha256(content);
        stored.put(of, new Stored(type, content));
        return JSON.createObjectNode().put("mediaType", type).put("size", content.length).put("digest", of);
    }

    private void answer(HttpExchange call) throws IOException {
        var path = call.getRequestURI().getPath().substring("/v2/".length());
        var asked = path.substring(path.lastIndexOf('/') + 1);
        var found = path.equals(IMAGE + "/manifests/" + asked) || path.equals(IMAGE + "/blobs/" + asked) ? stored.get(asked) : null;
        if (path.isEmpty()) {
            call.sendResponseHeaders(200, -1);
        } else if (found == null) {
            call.sendResponseHeaders(404, -1);
        } else {
            call.getResponseHeaders().set("Content-Type", found.type());
            call.getResponseHeaders().set("Docker-Content-Digest", asked);
            call.sendResponseHeaders(200, call.getRequestMethod().equals("HEAD") ? -1 : found.content().length);
            if (!call.getRequestMethod().equals("HEAD")) {
                call.getResponseBody().write(found.content());
            }
        }
        call.close();
    }

    /** The image's name with the registry's, without its digest. */
    String name() {
        return "127.0.0.1:" + server.getAddress().getPort() + "/" + IMAGE;
    }

    /** Of the list of platforms. */
    String digest() {
        return digest;
    }

    /** From now on the layers are others than their digests say. */
    void tamper() {
        stored.replaceAll((of, one) -> one.type().equals(LAYER) ? new Stored(LAYER, ("not " + of).getBytes(UTF_8)) : one);
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JVM has SHA-256", impossible);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
