package dev.muster.gcp;

import com.google.auth.Credentials;
import com.google.auth.ServiceAccountSigner;
import com.google.auth.oauth2.GoogleCredentials;
import dev.muster.contracts.SecretsFolder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * An account's credentials: its key file from the secrets folder, looked at for every call so that a new one is taken without a restart;
 * Application Default Credentials where there is none. Tokens are kept until shortly before they end, by Google's library. Thread-safe.
 */
final class AccountCredentials extends Credentials {

    private static final long serialVersionUID = 1L;
    private static final List<String> SCOPES = List.of("https://www.googleapis.com/auth/cloud-platform");

    private final transient SecretsFolder secrets;
    private final String account;
    private transient String text = "";
    private transient GoogleCredentials ofKey;
    private transient GoogleCredentials usual;

    AccountCredentials(SecretsFolder secrets, String account) {
        this.secrets = secrets;
        this.account = account;
    }

    /** Name of the secret that holds the account's key file. */
    static String secretName(String account) {
        return "gcp-" + account + "-key";
    }

    /** @throws IOException if there are none, or a key file that can't be read; its message names the fix and nothing secret */
    private synchronized GoogleCredentials now() throws IOException {
        var key = secrets.find(secretName(account));
        if (key.isEmpty()) {
            if (usual == null) {
                usual = usual();
            }
            return usual;
        }
        if (ofKey == null || !key.get().value().equals(text)) {
            ofKey = read(key.get().value());
            text = key.get().value();
        }
        return ofKey;
    }

    private GoogleCredentials read(String json) throws IOException {
        try {
            return GoogleCredentials.fromStream(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8))).createScoped(SCOPES);
        } catch (IOException | RuntimeException unreadable) {
            // What the library says may quote the file.
            throw new NoCredentialsException("the secret " + secretName(account) + " is no key file of Google's; put the JSON file of the service"
                    + " account's key there, whole");
        }
    }

    private GoogleCredentials usual() throws IOException {
        try {
            return GoogleCredentials.getApplicationDefault().createScoped(SCOPES);
        } catch (IOException none) {
            throw new NoCredentialsException("no credentials: put the key file of a service account into the secrets folder as " + secretName(account)
                    + ", or give the process Application Default Credentials");
        }
    }

    /** Whom Google takes the account for; empty where only Google knows. */
    String email() throws IOException {
        return now() instanceof ServiceAccountSigner signer ? signer.getAccount() : "";
    }

    /** There is nothing to call with. */
    static final class NoCredentialsException extends IOException {

        private static final long serialVersionUID = 1L;

        NoCredentialsException(String message) {
            super(message);
        }
    }

    @Override
    public String getAuthenticationType() {
        return "OAuth2";
    }

    @Override
    public Map<String, List<String>> getRequestMetadata(URI uri) throws IOException {
        return now().getRequestMetadata(uri);
    }

    @Override
    public boolean hasRequestMetadata() {
        return true;
    }

    @Override
    public boolean hasRequestMetadataOnly() {
        return true;
    }

    @Override
    public void refresh() throws IOException {
        now().refresh();
    }

    @Override
    public String toString() {
        return "credentials of account " + account;
    }
}
