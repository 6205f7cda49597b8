package dev.muster.provisioner.host;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.SecretRef;
import dev.muster.contracts.SecretsFolder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Takes what is secret out of what a machine said: every value of the secrets folder, by whatever fleet it is used, and whatever looks like a
 * key, a password or a token. Rather a harmless word too many than a secret: people read a console for what went wrong.
 */
public final class Redaction {

    static final String REDACTED = "[redacted]";

    /** A shorter one keeps nothing secret, and taking it out would leave no text. Characters. */
    private static final int SHORTEST = 4;
    /** Of one that has many lines, such as a script or a key file: a shorter line is in any text. */
    private static final int SHORTEST_LINE = 8;
    /** Of a line that may be a file which somebody encoded. Boot scripts' lines have 76. */
    private static final int ENCODED = 60;

    private record Rule(Pattern pattern, String instead) {}

    private static Rule rule(String pattern, String instead) {
        return new Rule(Pattern.compile(pattern), instead);
    }

    /** A name that says that a secret follows, as in {@code CLEARML_API_SECRET_KEY=} or {@code "token":}. */
    // Bounded, and looked for where a word begins: a machine may write 64 KB without a space.
    private static final String NAME = "(?<![\\w.-])[\\w.-]{0,80}?(?:secret|token|passw(?:or)?d|passphrase|access[_.-]?key|api[_.-]?key|account[_.-]?key|private[_.-]?key|git[_.-]?pass)[\\w.-]{0,80}";

    /** Whole files, whatever is in them. First, since a value that is found in the middle of one would leave its ends. */
    private static final List<Rule> FILES = List.of(
            rule("-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\\z)", REDACTED),
            // An encoded file, to its last and shorter line; but no digest.
            rule("(?m)(?<![A-Za-z0-9+/])(?![0-9a-f]{64}(?![A-Za-z0-9+/]))[A-Za-z0-9+/]{" + ENCODED + ",}={0,2}(?:\\n[A-Za-z0-9+/]+={0,2}$)*", REDACTED));

    private static final List<Rule> RULES = List.of(
            // AWS: ids of keys, and secrets of 40 characters after a word that says so.
            rule("\\b(?:AKIA|ASIA)[A-Z0-9]{16}\\b", REDACTED),
            rule("(?i)(secret[^\\n]{0,40}?[\\s\"'=:])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])", "$1" + REDACTED),
            rule("(?i)(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\\s\"']+", "$1" + REDACTED),
            // URLs with a user, a password or both.
            rule("(?i)\\b([a-z][a-z0-9+.-]{0,20}://)[^\\s/@\"']+@", "$1" + REDACTED + "@"),
            rule("(?i)\\b(bearer|basic)(\\s+)[A-Za-z0-9._~+/=-]{8,}", "$1$2" + REDACTED),
            rule("\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*", REDACTED),
            rule("\\b(?:gh[pousr]_|github_pat_|glpat-|hf_|xox[abprs]-)[A-Za-z0-9_-]{16,}", REDACTED),
            rule("(?i)(" + NAME + "[\"']?\\s*[=:]\\s*)(?:\"[^\"\\n]*\"|'[^'\\n]*'|[^\\s\"',;}]+)", "$1" + REDACTED));

    private final List<String> values;

    /** Of everything that is in the folder now. A reference to a secret is none, and says which one a machine couldn't read. */
    public static Redaction of(SecretsFolder secrets) {
        return new Redaction(secrets.all().stream().map(SecretsFolder.Secret::value).filter(value -> SecretRef.inStore(value).isEmpty()).toList());
    }

    Redaction(Collection<String> secrets) {
        var all = new TreeSet<>(Comparator.comparingInt(String::length).reversed().thenComparing(Comparator.naturalOrder()));
        for (var secret : secrets) {
            var lines = secret.lines().map(String::strip).toList();
            if (lines.size() == 1) {
                add(all, lines.get(0), SHORTEST);
            }
            lines.forEach(line -> add(all, line, SHORTEST_LINE));
        }
        // The longest first: one may be a part of another.
        values = List.copyOf(all);
    }

    private static void add(TreeSet<String> all, String secret, int shortest) {
        if (secret.length() >= shortest) {
            all.add(secret);
            all.addAll(encoded(secret));
        }
    }

    /** The middle of what base64 makes of it, wherever in a text it stands: the ends depend on what is beside it. */
    private static List<String> encoded(String secret) {
        var forms = new ArrayList<String>();
        var bytes = secret.getBytes(UTF_8);
        for (int before = 0; before < 3; before++) {
            var text = new byte[before + bytes.length];
            System.arraycopy(bytes, 0, text, before, bytes.length);
            var encoded = Base64.getEncoder().withoutPadding().encodeToString(text);
            int from = before == 0 ? 0 : before + 1;
            int to = encoded.length() - (text.length % 3 == 0 ? 0 : 1);
            if (to - from >= SHORTEST_LINE) {
                forms.add(encoded.substring(from, to));
            }
        }
        return forms;
    }

    /** The text as a terminal may show it, with what is secret replaced. */
    public String apply(String console) {
        // Colours and control characters say nothing to people, and could stand within a secret.
        var text = console.replaceAll("\\u001b\\[[0-9;?]*[A-Za-z]", "").replaceAll("\\r\\n?", "\n").replaceAll("[\\p{Cntrl}&&[^\\n\\t]]", "");
        text = apply(FILES, text);
        for (var value : values) {
            text = text.replace(value, REDACTED);
        }
        return apply(RULES, text);
    }

    private static String apply(List<Rule> rules, String text) {
        for (var rule : rules) {
            text = rule.pattern.matcher(text).replaceAll(rule.instead);
        }
        return text;
    }

    @Override
    public String toString() {
        return "Redaction[" + values.size() + " values]";
    }
}
