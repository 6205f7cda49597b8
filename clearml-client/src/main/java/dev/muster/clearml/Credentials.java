package dev.muster.clearml;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Base64;
import java.util.Objects;

/** A key pair of a ClearML user. Neither part shows in {@code toString}. */
public record Credentials(String accessKey, String secretKey) {

    public Credentials {
        Objects.requireNonNull(accessKey, "accessKey");
        Objects.requireNonNull(secretKey, "secretKey");
    }

    String basic() {
        return "Basic " + Base64.getEncoder().encodeToString((accessKey + ":" + secretKey).getBytes(UTF_8));
    }

    @Override
    public String toString() {
        return "Credentials[…]";
    }
}
