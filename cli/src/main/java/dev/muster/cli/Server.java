package dev.muster.cli;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Where a control API is, how to speak to it, and by what a caller is known there. Holds no token, only where one comes from.
 *
 * @param address host and port
 * @param tls null: in clear
 * @param token asked with each call; empty: none is sent
 */
record Server(String address, Tls tls, Supplier<Optional<String>> token) {

    /**
     * What a server is believed by, and what this side shows it.
     *
     * @param ca authorities in PEM; null: those that Java knows
     * @param certificate chain in PEM; null: none is shown
     * @param key of the certificate, in PEM
     */
    record Tls(Path ca, Path certificate, Path key) {

        Tls {
            if ((certificate == null) != (key == null)) {
                throw new IllegalArgumentException("a client certificate needs its key, and a key its certificate");
            }
        }
    }

    /** @param text host and port; with {@code https://} before it TLS is spoken, by the authorities that Java knows */
    static Server of(String text, Supplier<Optional<String>> token) {
        return text.startsWith("https://") ? new Server(text.substring(8).replaceFirst("/$", ""), new Tls(null, null, null), token) : new Server(text, null, token);
    }

    /** Of a program on this computer, which nobody else can listen to. */
    boolean isLoopback() {
        try {
            var host = URI.create("grpc://" + address).getHost();
            return host != null && (host.equals("localhost") || host.matches("127(\\.[0-9]{1,3}){3}") || host.equals("[::1]"));
        } catch (IllegalArgumentException noAddress) {
            return false;
        }
    }

    @Override
    public String toString() {
        return (tls == null ? "" : "https://") + address;
    }
}
