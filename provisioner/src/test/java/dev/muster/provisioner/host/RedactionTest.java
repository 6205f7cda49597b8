package dev.muster.provisioner.host;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.BootScript;
import dev.muster.provisioner.boot.Given;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What people may read of a console, and what nobody may. */
class RedactionTest {

    private static final String KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkqhkiG9w0BAQEFAASC\nBKgwggSkAgEAAoIBAQC7\n-----END PRIVATE KEY-----";
    private static final List<String> SECRETS = List.of("QXJ4T0KEN1ACCESSKEY", "kZ9-topsecret_of.clearml~47", "hunter2+hunter2", "s3/secret/key/with/slashes", KEY);

    private final Redaction ofSecrets = new Redaction(SECRETS);
    private final Redaction patternsOnly = new Redaction(List.of());

    private static BootPlan plan() {
        var environment = new TreeMap<>(Map.of("CLEARML_AGENT_GIT_PASS", Given.text(SECRETS.get(2)), "MODE", Given.text("training")));
        var storage = new BootPlan.Storage(List.of(new BootPlan.Storage.S3("data", "", "eu-west-1", Given.text("AKIAIOSFODNN7EXAMPLE"),
                Given.text(SECRETS.get(3)), false)), Optional.of(new BootPlan.Storage.Gcs("lab", Given.text(KEY))), List.of(), false);
        return new BootPlan("lab-train:gpu:any", 1, List.of("0123456789abcdef0123456789abcdef"),
                new BootPlan.Hosts("http://api.lab:8008", "http://app.lab:8080", "http://files.lab:8081"),
                new BootPlan.Keys(Given.text(SECRETS.get(0)), Given.text(SECRETS.get(1))), true, "", BootPlan.DEFAULT_AGENT_VERSION, false, environment,
                Given.NOTHING, Given.text("echo hello\n"), Given.NOTHING, false, storage, Optional.of(Duration.ofHours(9)));
    }

    private static void assertHides(String text) {
        for (var secret : SECRETS) {
            for (var line : secret.split("\n")) {
                assertThat(text).doesNotContain(line);
            }
            var encoded = Base64.getEncoder().encodeToString(secret.getBytes(UTF_8));
            assertThat(text).doesNotContain(encoded.substring(0, Math.min(encoded.length(), 20)));
        }
        assertThat(text).doesNotContain("AKIAIOSFODNN7EXAMPLE");
    }

    /** As a console shows it where somebody has cloud-init print what it runs. */
    @Test
    void hidesAllThatABootScriptIsGiven() {
        var script = new String(BootScript.render(plan(), BootScript.Cloud.EC2, Optional.empty(), 1 << 20), UTF_8);
        assertThat(script).contains(SECRETS.get(0), SECRETS.get(1));
        var environment = Base64.getMimeEncoder(76, new byte[] {'\n'}).encodeToString("export CLEARML_AGENT_GIT_PASS='hunter2+hunter2'\nexport MODE='training'\n".getBytes(UTF_8));
        assertThat(script).contains(environment);

        var shown = ofSecrets.apply(script);

        assertHides(shown);
        environment.lines().forEach(line -> assertThat(shown).doesNotContain(line));
        assertThat(shown).contains("worker.prefix=lab-train:gpu:any\n", "clearml.api=http://api.lab:8008\n", "clearml.access-key=[redacted]\n",
                "clearml.secret-key=[redacted]\n", "hard-age=32400\n");
    }

    /** Also where the folder no longer has them: they were rotated, or the machine fetched them itself. */
    @Test
    void hidesABootScriptsKeysByTheirNamesAlone() {
        var shown = patternsOnly.apply(new String(BootScript.render(plan(), BootScript.Cloud.EC2, Optional.empty(), 1 << 20), UTF_8));

        assertHides(shown);
        assertThat(shown).contains("clearml.access-key=[redacted]\n", "clearml.secret-key=[redacted]\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "MUSTER-BOOT machine=i-0abc worker=lab-train:gpu:m5.large:i-0abc",
        "MUSTER-BOOT the image has clearml-agent 3.0.3",
        "MUSTER-BOOT-DONE machine=i-0abc",
        "MUSTER-GUARD ended with 137, starts again",
        "MUSTER-BOOT-FAILED step=clearml reason=ClearML at http://api.lab:8008 refuses the access key and the secret key (401)",
        "MUSTER-BOOT-FAILED step=agent reason=pip can't install clearml-agent 9.9.9",
        "[   12.334455] cloud-init[812]: Cloud-init v. 24.1.3 running 'modules:final' at Sat, 28 Nov 2026 13:00:00 +0000. Up 12.3 seconds.",
        "Digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "Kernel command line: BOOT_IMAGE=/boot/vmlinuz-6.8.0-1018-aws root=PARTUUID=8b8d2c4a-1111-4a3e-9d0e-1f2e3d4c5b6a ro console=tty1",
        "W: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/noble/InRelease  Could not connect to archive.ubuntu.com:80"})
    void leavesWhatABootSays(String line) {
        assertThat(ofSecrets.apply(line)).isEqualTo(line);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "key AKIAIOSFODNN7EXAMPLE is | key [redacted] is",
        "ASIAIOSFODNN7EXAMPLE | [redacted]",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY | aws_secret_access_key = [redacted]",
        "the secret is wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY here | the secret is [redacted] here",
        "AWS_SESSION_TOKEN='IQoJb3JpZ2luX2VjE==' | AWS_SESSION_TOKEN=[redacted]",
        "Cloning https://bot:hunter3@git.lab/x.git | Cloning https://[redacted]@git.lab/x.git",
        "Cloning https://ghp_0123456789abcdefghij@github.com/x | Cloning https://[redacted]@github.com/x",
        "GET /x Authorization: Bearer eyJhbGciOi.J9x.y-z_1 | GET /x Authorization: Bearer [redacted]",
        "Authorization: Basic bWU6aHVudGVyMw== end | Authorization: Basic [redacted] end",
        "CLEARML_API_SECRET_KEY=abc,next | CLEARML_API_SECRET_KEY=[redacted],next",
        "\"token\": \"abc def\", \"x\": 1 | \"token\": [redacted], \"x\": 1",
        "password: hunter3 | password: [redacted]",
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-1_x back | got [redacted] back",
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=a/b&X-Amz-Signature=0a1b | https://b.s3.amazonaws.com/k?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]"})
    void hidesWhatLooksLikeASecret(String line, String shown) {
        assertThat(patternsOnly.apply(line)).isEqualTo(shown);
    }

    @Test
    void aSecretIsHiddenAlsoWhereColoursAndLineEndsStandInIt() {
        assertThat(ofSecrets.apply("x hunter2\u001b[0m+hunter2\u0007 y\r\nMIIEvgIBADANBgkqhkiG9w0BAQEFAASC\r\n")).isEqualTo("x [redacted] y\n[redacted]\n");
    }

    @Test
    void aLongerSecretIsNotHalfHiddenByAShorterOne() {
        assertThat(new Redaction(List.of("abcdef", "abcdef-and-more")).apply("abcdef-and-more abcdef")).isEqualTo("[redacted] [redacted]");
    }

    @Test
    void valuesOfTheFolderAreReadWhenTheyAreNeeded(@TempDir Path folder) throws Exception {
        var secrets = new SecretsFolder(folder);
        Files.writeString(folder.resolve("a"), "first-value\n");
        Files.createDirectories(folder.resolve("..2026_data"));
        Files.write(folder.resolve("keystore.p12"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        assertThat(Redaction.of(secrets).apply("first-value second-value")).isEqualTo("[redacted] second-value");
        Files.writeString(folder.resolve("b"), "second-value");
        assertThat(Redaction.of(secrets).apply("first-value second-value")).isEqualTo("[redacted] [redacted]");
        assertThat(Redaction.of(new SecretsFolder(folder.resolve("none"))).apply("x")).isEqualTo("x");
        assertThat(Redaction.of(secrets).toString()).doesNotContain("value\n").doesNotContain("first");
    }

    @Test
    @Timeout(10)
    void sixtyFourKilobytesOfAnythingTakeNoTime() {
        for (var piece : List.of("a", "-", "secret", "eyJ", "://", "A/", ".", "BEGIN PRIVATE KEY", "token.", "http")) {
            assertThat(ofSecrets.apply(piece.repeat(64 * 1024 / piece.length()))).isNotNull();
        }
    }
}
