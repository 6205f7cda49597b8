package dev.muster.contracts;

import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where a secret is kept, as people write it: a file of the services' secrets folder, or a store which the machine that is given the secret
 * reads itself: {@code git-password}, {@code ssm:/muster/git-password}, {@code secretsmanager:muster/git#password}, {@code kubernetes:git-password}.
 *
 * @param name of the file, the parameter or the secret; in a store also its ARN
 * @param key of a secret that is a JSON object; empty: the whole secret
 */
public record SecretRef(Store store, String name, String key) {

    /** What to write, for whoever wrote something else. */
    public static final String FORMS = "write the name of a file in the secrets folder, ssm:<name> or secretsmanager:<name or ARN>, the last two"
            + " with #<key> for one key of a JSON secret";

    /** Who keeps it. Names and ARNs are as the stores' own documentation has them. */
    public enum Store {
        FILE("", "[A-Za-z0-9][A-Za-z0-9._-]*"),
        SSM("ssm", "[A-Za-z0-9/._-]+|arn:aws[a-z-]*:ssm:[a-z0-9-]+:\\d{12}:parameter/[A-Za-z0-9/._-]+"),
        SECRETS_MANAGER("secretsmanager", "[A-Za-z0-9/_+=.@-]+|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+"),
        /** A key of the Secret that is mounted into the pod. */
        KUBERNETES("kubernetes", "[A-Za-z0-9._-]{1,253}");

        private final String prefix;
        private final Pattern names;

        Store(String prefix, String names) {
            this.prefix = prefix;
            this.names = Pattern.compile(names);
        }
    }

    /** SSM takes names of 1011 characters at most, its ARN included; Secrets Manager's are shorter. */
    private static final int LONGEST_NAME = 1011;

    public SecretRef {
        Objects.requireNonNull(store);
        if (!store.names.matcher(name).matches() || name.length() > LONGEST_NAME) {
            throw new IllegalArgumentException("'" + shown(store, name, "") + "' is no name of a secret");
        }
        if (!key.isEmpty() && (store == Store.FILE || store == Store.KUBERNETES || key.chars().anyMatch(c -> c < ' ' || c == '#'))) {
            throw new IllegalArgumentException("'" + shown(store, name, key) + "' names a key that can't be one");
        }
    }

    /** @throws IllegalArgumentException if it is no reference, saying why; {@link #FORMS} says what is one */
    public static SecretRef parse(String text) {
        var colon = text.indexOf(':');
        if (colon < 0) {
            return new SecretRef(Store.FILE, text, "");
        }
        var prefix = text.substring(0, colon);
        for (var store : Store.values()) {
            if (store != Store.FILE && store.prefix.equals(prefix)) {
                var rest = text.substring(colon + 1);
                int hash = rest.indexOf('#');
                if (hash == rest.length() - 1) {
                    throw new IllegalArgumentException("'" + text + "' ends where the name of a key should follow");
                }
                return hash < 0 ? new SecretRef(store, rest, "") : new SecretRef(store, rest.substring(0, hash), rest.substring(hash + 1));
            }
        }
        throw new IllegalArgumentException("'" + text + "' names a secret store that machines can't read");
    }

    /** The reference to a secret store that the text is as a whole; empty if it is anything else. */
    public static Optional<SecretRef> inStore(String text) {
        try {
            return text.indexOf(':') < 0 ? Optional.empty() : Optional.of(parse(text));
        } catch (IllegalArgumentException anythingElse) {
            return Optional.empty();
        }
    }

    /** Read by the machine itself, with its own role; no service of Muster ever has the value. */
    public boolean isInStore() {
        return store != Store.FILE;
    }

    /** As it is written. */
    @Override
    public String toString() {
        return shown(store, name, key);
    }

    private static String shown(Store store, String name, String key) {
        return (store == Store.FILE ? "" : store.prefix + ":") + name + (key.isEmpty() ? "" : "#" + key);
    }
}
