package dev.muster.k8s;

import dev.muster.clearml.Clearml;
import dev.muster.clearml.ClearmlAddress;
import dev.muster.clearml.Credentials;
import dev.muster.contracts.SecretsFolder;
import io.vertx.core.Vertx;
import java.nio.file.Files;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** The ClearML servers of the installation, called with Muster's own keys. Thread-safe. */
final class ClearmlServers implements AutoCloseable {

    private final Vertx vertx;
    private final SecretsFolder secrets;
    private final SortedMap<String, ClearmlAddress> addresses;
    private final Map<String, Clearml> made = new ConcurrentHashMap<>();

    /** Connects nothing yet. @param addresses by the connection's name */
    ClearmlServers(Vertx vertx, SecretsFolder secrets, Map<String, ClearmlAddress> addresses) {
        this.vertx = vertx;
        this.secrets = secrets;
        this.addresses = new TreeMap<>(addresses);
    }

    /** @throws IllegalArgumentException with a sentence that names the key and the fix */
    static SortedMap<String, ClearmlAddress> addresses(ClearmlConfig config) {
        var addresses = new TreeMap<String, ClearmlAddress>();
        config.connections().forEach((name, settings) -> {
            var at = "muster.connections." + name + ".";
            var api = settings.api().orElseThrow(() -> new IllegalArgumentException(at + "api is missing; set it to the URL of the ClearML API server"));
            settings.caBundle().filter(file -> !Files.isReadable(file)).ifPresent(file -> {
                throw new IllegalArgumentException("file " + file + " of " + at + "ca-bundle can't be read");
            });
            try {
                addresses.put(name, new ClearmlAddress(api, settings.connectTimeout(), settings.timeout(), settings.caBundle(), settings.proxy(),
                        settings.compression()));
            } catch (IllegalArgumentException wrong) {
                throw new IllegalArgumentException("connection " + name + ": " + wrong.getMessage(), wrong);
            }
        });
        return addresses;
    }

    /** Empty: none of that name is configured. */
    Optional<Clearml> find(String connection) {
        var address = addresses.get(connection);
        return Optional.ofNullable(address).map(found -> made.computeIfAbsent(connection,
                name -> new Clearml(vertx, found, () -> credentials(name))));
    }

    /** For people. */
    String known() {
        return addresses.keySet().toString();
    }

    /** Read from their files at each login, so that rotated keys are used. */
    private Credentials credentials(String connection) {
        return new Credentials(secrets.requireHere(SecretsFolder.clearmlAccessKey(connection)).value(),
                secrets.requireHere(SecretsFolder.clearmlSecretKey(connection)).value());
    }

    @Override
    public void close() {
        made.values().forEach(Clearml::close);
    }
}
