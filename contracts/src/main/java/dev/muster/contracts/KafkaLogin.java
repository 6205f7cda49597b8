package dev.muster.contracts;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.scram.ScramExtensionsCallback;

/**
 * Says name and password to a broker that asks for SCRAM or PLAIN. Kafka calls it at each connection, and the password is read from its file then: it
 * is in no setting, and a rotated one is used without a restart.
 */
public final class KafkaLogin implements AuthenticateCallbackHandler {

    /** Options of the login module. */
    static final String USERNAME = "username";
    static final String FILE = "passwordFile";

    private String username;
    private Path file;

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
        var options = entries.get(0).getOptions();
        username = (String) options.get(USERNAME);
        file = Path.of((String) options.get(FILE));
    }

    @Override
    public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
        for (var callback : callbacks) {
            if (callback instanceof NameCallback name) {
                name.setName(username);
            } else if (callback instanceof PasswordCallback password) {
                password.setPassword(secret(file).value().toCharArray());
            } else if (!(callback instanceof ScramExtensionsCallback)) {
                throw new UnsupportedCallbackException(callback);
            }
        }
    }

    /** @throws IOException if it isn't there, without its content */
    static SecretsFolder.Secret secret(Path file) throws IOException {
        try {
            return new SecretsFolder(file.getParent()).requireHere(file.getFileName().toString());
        } catch (IllegalStateException missing) {
            throw new IOException(missing.getMessage());
        }
    }

    @Override
    public void close() {}
}
