package dev.muster.clearml;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where a ClearML API server is and how to get there.
 *
 * @param api its base, such as {@code https://api.example.com} or {@code https://example.com/api}
 * @param connectTimeout for a connection to be there; positive
 * @param timeout for a whole answer, connection included; positive
 * @param caBundle PEM file of the authorities to trust instead of the JVM's own
 * @param proxy HTTP proxy to go through, as {@code http://host:port}
 * @param isCompressed answers may be: less comes over the network, and unpacking it costs more than taking it from a network that is near
 */
public record ClearmlAddress(URI api, Duration connectTimeout, Duration timeout, Optional<Path> caBundle, Optional<URI> proxy, boolean isCompressed) {

    public static final Duration DEFAULT_CONNECT_TIMEOUT = Duration.ofSeconds(3);
    /** A look is two calls, and may not be older than 10 s when it is published. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(8);

    public ClearmlAddress {
        // Addresses are logged and shown; what has more than an address is not even repeated here.
        if (!isPlain(api)) {
            throw new IllegalArgumentException("ClearML API address has a user name, a password, a query or a fragment: write http://host[:port][/path] or https://…, "
                    + "and put keys into files of the secrets folder");
        }
        if (!proxy.map(ClearmlAddress::isPlain).orElse(true)) {
            throw new IllegalArgumentException("ClearML proxy has a user name, a password, a query or a fragment: write http://host:port");
        }
        if (api.getHost() == null || !("http".equals(api.getScheme()) || "https".equals(api.getScheme()))) {
            throw new IllegalArgumentException("ClearML API address '" + api + "' must be http://host[:port][/path] or https://…");
        }
        if (connectTimeout.isNegative() || connectTimeout.isZero() || timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("ClearML timeouts must be positive, are " + connectTimeout + " and " + timeout);
        }
        proxy.ifPresent(address -> {
            if (address.getHost() == null || address.getPort() < 0) {
                throw new IllegalArgumentException("ClearML proxy '" + address + "' must be http://host:port");
            }
        });
    }

    private static boolean isPlain(URI address) {
        return address.getRawUserInfo() == null && address.getRawQuery() == null && address.getRawFragment() == null
                && (address.getRawAuthority() == null || !address.getRawAuthority().contains("@")) && !address.getRawSchemeSpecificPart().contains("@");
    }

    /** With default timeouts, the JVM's own authorities and no proxy, compressed if the server can. */
    public static ClearmlAddress at(URI api) {
        return new ClearmlAddress(api, DEFAULT_CONNECT_TIMEOUT, DEFAULT_TIMEOUT, Optional.empty(), Optional.empty(), true);
    }
}
