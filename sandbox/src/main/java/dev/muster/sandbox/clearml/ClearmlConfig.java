package dev.muster.sandbox.clearml;

import java.time.Clock;
import java.time.Duration;
import java.util.List;

/**
 * How a stand-in server is set up.
 *
 * @param credentials   who may log in; at least one
 * @param clock         the server's own clock, which worker expiry, scroll expiry, tokens and the watchdog follow; never scaled
 * @param workerTimeout how long after its last report a worker's entry lives unless it registered with another; ClearML's is 600 s
 * @param watchdogAfter how long an in-progress task may go without an update before it is stopped; ClearML's is 7200 s
 * @param watchdogEvery how often the watchdog looks; ClearML's is 900 s
 * @param apiVersion    the newest API version that it says it speaks, such as 2.34; answers are the same for all
 */
public record ClearmlConfig(List<Credential> credentials, Clock clock, Duration workerTimeout, Duration watchdogAfter,
                            Duration watchdogEvery, String apiVersion) {

    /** One key pair and the user it stands for. Several pairs may name one user. */
    public record Credential(String accessKey, String secretKey, String user, String company) {

        public Credential {
            if (accessKey.isBlank() || secretKey.isBlank() || user.isBlank() || company.isBlank()) {
                throw new IllegalArgumentException("a credential needs an access key, a secret key, a user and a company");
            }
        }

        /** Without the secret. */
        @Override
        public String toString() {
            return "Credential[accessKey=" + accessKey + ", user=" + user + ", company=" + company + "]";
        }
    }

    public ClearmlConfig {
        credentials = List.copyOf(credentials);
        if (credentials.isEmpty()) {
            throw new IllegalArgumentException("credentials is empty; nobody could log in");
        }
        if (credentials.stream().map(Credential::accessKey).distinct().count() < credentials.size()) {
            throw new IllegalArgumentException("two credentials have the same access key");
        }
    }

    /** ClearML's own times, on the system clock. */
    public static ClearmlConfig of(Credential... credentials) {
        return new ClearmlConfig(List.of(credentials), Clock.systemUTC(), Duration.ofSeconds(600), Duration.ofSeconds(7200),
                Duration.ofSeconds(900), ClearmlServer.API_VERSION);
    }

    public ClearmlConfig withClock(Clock other) {
        return new ClearmlConfig(credentials, other, workerTimeout, watchdogAfter, watchdogEvery, apiVersion);
    }

    public ClearmlConfig withApiVersion(String other) {
        return new ClearmlConfig(credentials, clock, workerTimeout, watchdogAfter, watchdogEvery, other);
    }
}
