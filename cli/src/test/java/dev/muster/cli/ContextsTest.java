package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContextsTest {

    @TempDir
    Path folder;

    private Path file;
    private String before;

    @BeforeEach
    void ownConfiguration() {
        file = folder.resolve("muster/config.yaml");
        Ran.of("version");
        before = System.setProperty("muster.config", file.toString());
    }

    @AfterEach
    void restoreConfiguration() {
        System.setProperty("muster.config", before);
    }

    private CommonOptions options(String server, String context) {
        var options = new CommonOptions();
        options.server = server;
        options.context = context;
        return options;
    }

    private String chosen(CommonOptions options, Map<String, String> environment) {
        var chosen = options.chosen(environment, file);
        return chosen.server() + " " + chosen.because();
    }

    @Test
    void contextsAreMadeUsedChangedAndForgotten() throws IOException {
        assertThat(Ran.of("context", "list").out()).isEqualTo("no contexts yet: ./muster context set NAME --server HOST:PORT\n");
        assertThat(Ran.of("context", "set", "live", "--server", "live.example.org:8480", "--ca", folder.resolve("ca.pem").toString()))
                .isEqualTo(new Ran(0, "context live is live.example.org:8480, and the current one\n", ""));
        assertThat(Ran.of("context", "set", "test", "--server", "https://test.example.org", "--token-file", folder.resolve("t").toString()).out())
                .isEqualTo("context test is https://test.example.org\n");
        assertThat(Files.readString(file)).isEqualTo("""
                current: live
                contexts:
                  live:
                    server: live.example.org:8480
                    ca: %1$s/ca.pem
                  test:
                    server: https://test.example.org
                    tokenFile: %1$s/t
                """.formatted(folder));
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));

        assertThat(Ran.of("context", "use", "test").out()).isEqualTo("commands ask https://test.example.org from now on\n");
        assertThat(Ran.of("context", "set", "test", "--token-file", "").exitCode()).isZero();
        assertThat(Ran.of("context", "list").out()).isEqualTo("""
                   CONTEXT  SERVER                    CA%1$s  CERTIFICATE  TOKEN FILE
                   live     live.example.org:8480     %2$s/ca.pem
                *  test     https://test.example.org
                """.formatted(" ".repeat((folder + "/ca.pem").length() - 2), folder));
        assertThat(Ran.of("context", "show").out()).isEqualTo("https://test.example.org, the current context, test\n");
        assertThat(Output.JSON.readTree(Ran.of("context", "remove", "test", "--json").out()).toString())
                .isEqualTo("{\"current\":\"\",\"contexts\":[{\"name\":\"live\",\"server\":\"live.example.org:8480\",\"ca\":\"" + folder
                        + "/ca.pem\",\"certificate\":\"\",\"key\":\"\",\"tokenFile\":\"\"}]}");
        assertThat(Ran.of("context", "use", "test")).isEqualTo(new Ran(2, "", "muster: there is no context test: there are live\n"));
    }

    @Test
    void whatIsNearestToTheCommandNamesTheServer() throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "current: a\ncontexts: {a: {server: 'a:1'}, b: {server: 'b:1'}, c: {server: 'c:1'}}\n");
        var everything = Map.of("MUSTER_SERVER", "s:1", "MUSTER_CONTEXT", "b");

        assertThat(chosen(options("o:1", "c"), everything)).isEqualTo("o:1 by --server");
        assertThat(chosen(options(null, "c"), everything)).isEqualTo("c:1 by --context c");
        assertThat(chosen(options(null, null), everything)).isEqualTo("s:1 by MUSTER_SERVER");
        assertThat(chosen(options(null, null), Map.of("MUSTER_CONTEXT", "b"))).isEqualTo("b:1 by MUSTER_CONTEXT, which is b");
        assertThat(chosen(options(null, null), Map.of())).isEqualTo("a:1 the current context, a");
        var named = options(null, null);
        named.folder = Path.of("somewhere");
        assertThat(chosen(named, everything)).isEqualTo("null by --folder");
        Files.delete(file);
        assertThat(chosen(options(null, null), Map.of())).isEqualTo("null since nothing else is named");
    }

    @Test
    void aTokenIsOfTheOptionTheEnvironmentOrTheContextAndOfNoOtherServer() throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file.getParent().resolve("token"), "of-file\n");
        Files.writeString(folder.resolve("given"), "of-option\n");
        Files.writeString(file, "current: a\ncontexts: {a: {server: 'a:1', ca: ca.pem, tokenFile: token}}\n");

        var current = options(null, null).chosen(Map.of(), file).server();
        assertThat(current.tls()).isEqualTo(new Server.Tls(file.getParent().resolve("ca.pem"), null, null));
        assertThat(current.token().get()).contains("of-file");
        assertThat(options(null, null).chosen(Map.of("MUSTER_TOKEN", "of-env"), file).server().token().get()).contains("of-env");
        var given = options(null, "a");
        given.tokenFile = folder.resolve("given");
        assertThat(given.chosen(Map.of("MUSTER_TOKEN", "of-env"), file).server().token().get()).contains("of-option");
        assertThat(options("other:1", null).chosen(Map.of(), file).server().token().get()).isEqualTo(Optional.empty());
    }

    @Test
    void aTokenGoesToNobodyInClearButThisComputer() {
        var far = Server.of("far.example.org:1", () -> Optional.of("secret"));
        try (var control = Control.connect(far)) {
            assertThatThrownBy(control::allFleets).isInstanceOf(CliFailure.class)
                    .hasMessage("a token is not sent to far.example.org:1 in clear: write https:// before the server, or give its context a CA file");
        }
        assertThat(Server.of("127.0.0.1:1", Optional::empty).isLoopback()).isTrue();
        assertThat(Server.of("[::1]:1", Optional::empty).isLoopback()).isTrue();
        assertThat(Server.of("127.example.org:1", Optional::empty).isLoopback()).isFalse();
        assertThat(Server.of("https://far.example.org/", Optional::empty)).hasToString("https://far.example.org");
    }

    @Test
    void aBrokenFileIsSaidWhole() throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "current: z\ncontexts: {a: {sever: 'a:1', key: k}}\n");

        assertThat(Ran.of("fleet", "list")).isEqualTo(new Ran(1, "", """
                muster: %s has 4 mistakes:
                  contexts.a.server: line 2: is missing; write server: HOST:PORT
                  contexts.a: line 2: names a certificate or a key, and not both; name the other one, too
                  contexts.a.sever: line 2: there is no such key; write 'server'
                  current: line 1: is z, and there is no such context; name one of contexts, or leave it out
                """.formatted(file)));
    }
}
