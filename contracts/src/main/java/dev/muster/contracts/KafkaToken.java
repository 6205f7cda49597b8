package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.auth.SaslExtensionsCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;

/**
 * Shows a token (a JWT) from a file to a broker that asks for OAUTHBEARER, such as the one that Kubernetes keeps in a pod. Kafka asks again before it
 * expires, and the file is read anew. Only the broker judges it; here its own words about when it expires are believed.
 */
public final class KafkaToken implements AuthenticateCallbackHandler {

    /** Option of the login module. */
    static final String FILE = "tokenFile";

    private Path file;

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
        file = Path.of((String) entries.get(0).getOptions().get(FILE));
    }

    @Override
    public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
        for (var callback : callbacks) {
            if (callback instanceof OAuthBearerTokenCallback asked) {
                asked.token(token(KafkaLogin.secret(file)));
            } else if (!(callback instanceof SaslExtensionsCallback)) {
                throw new UnsupportedCallbackException(callback);
            }
        }
    }

    private OAuthBearerToken token(SecretsFolder.Secret secret) throws IOException {
        try {
            var claims = JsonParser.parseString(new String(Base64.getUrlDecoder().decode(secret.value().split("\\.")[1]), UTF_8)).getAsJsonObject();
            return new Token(secret, claims.get("sub").getAsString(), millis(claims, "exp"), claims.has("iat") ? millis(claims, "iat") : null);
        } catch (RuntimeException unreadable) {
            // Its message would have parts of the token.
            throw new IOException("the file " + file + " holds no token with the claims sub and exp");
        }
    }

    private static long millis(JsonObject claims, String name) {
        return (long) (claims.get(name).getAsDouble() * 1000);
    }

    /** Never shows its value. */
    private record Token(SecretsFolder.Secret secret, String principalName, long lifetimeMs, Long startTimeMs) implements OAuthBearerToken {

        @Override
        public String value() {
            return secret.value();
        }

        @Override
        public Set<String> scope() {
            return Set.of();
        }
    }

    @Override
    public void close() {}
}
