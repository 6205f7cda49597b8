package dev.muster.planner.http;

import static dev.muster.planner.Await.await;
import static io.restassured.RestAssured.given;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.control.BrokerResource;
import io.grpc.Metadata;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/http.md shows, as it stands there: each command is run, and what it prints is compared with what the page says that it prints. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class HttpPageTest {

    private static final Path PAGE = Path.of("../docs/http.md");
    private static final Pattern BLOCK = Pattern.compile("^```(\\w*)\\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);

    @TestHTTPResource("/")
    URI http;

    @Inject
    SeenCalls seen;

    @TempDir
    Path folder;

    @BeforeEach
    void ready() throws Exception {
        await("the planner is ready", () -> given().get("/q/health/ready").statusCode() == 200);
    }

    @Test
    void eachCommandPrintsWhatThePageShows() throws Exception {
        if (!hasCurl()) {
            System.out.println("Skipped: the commands of docs/http.md; there is no curl on PATH");
            return;
        }
        var page = Files.readString(PAGE);
        var blocks = BLOCK.matcher(page.substring(page.indexOf("<!-- curl -->"), page.indexOf("<!-- /curl -->"))).results().map(block -> List.of(block.group(1), block.group(2))).toList();
        assertThat(blocks).extracting(block -> block.get(0)).containsExactly("json", "sh", "json", "sh", "json", "sh", "");
        Files.writeString(folder.resolve("fleet.json"), blocks.get(0).get(1));
        for (int i = 1; i < blocks.size(); i += 2) {
            prints(blocks.get(i).get(1), blocks.get(i + 1).get(1));
        }
    }

    @Test
    void aTokenGoesWithTheCallFromAFile() throws Exception {
        assertThat(Files.readString(PAGE)).contains("`-H @token` sends the header from a file with the line `Authorization: Bearer …`");
        if (!hasCurl()) {
            return;
        }
        Files.writeString(folder.resolve("token"), "Authorization: Bearer mst_of-a-file\n");
        prints("curl -s -H @token localhost:8480/v1/fleets", "{…}");
        assertThat(seen.last().headers().get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER))).isEqualTo("Bearer mst_of-a-file");
    }

    @Test
    void thePageAndTheApisKnowEachOther() throws Exception {
        assertThat(Files.readString(PAGE)).contains("](api.md)");
        assertThat(Files.readString(Path.of("../docs/api.md"))).contains("](http.md)");
    }

    private static boolean hasCurl() throws InterruptedException {
        try {
            return new ProcessBuilder("curl", "--version").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException none) {
            return false;
        }
    }

    /**
     * A watch goes on: it is ended once it has printed that.
     *
     * @param page with an ellipsis for what is left out, or is another each time; JSON in more lines than it comes in, so that people can read it
     */
    private void prints(String command, String page) throws Exception {
        var shown = page.startsWith("{") ? page.replace("\n", "") : page;
        var printed = folder.resolve("printed");
        var errors = folder.resolve("errors");
        assertThat(command).contains("localhost:8480");
        var curl = new ProcessBuilder("sh", "-c", "exec " + command.strip().replace("localhost:8480", http.getHost() + ":" + http.getPort())).directory(folder.toFile())
                .redirectOutput(printed.toFile()).redirectError(errors.toFile()).start();
        try {
            var wanted = Pattern.compile(Stream.of(shown.strip().split("…", -1)).map(Pattern::quote).collect(Collectors.joining(".*")), Pattern.DOTALL);
            await(() -> command + "prints\n" + shown + "and printed\n" + Files.readString(printed) + Files.readString(errors),
                    () -> wanted.matcher(new String(Files.readAllBytes(printed), UTF_8).strip()).matches());
            if (!command.contains(":watch")) {
                assertThat(curl.waitFor(20, TimeUnit.SECONDS)).isTrue();
                assertThat(curl.exitValue()).isZero();
            }
            assertThat(errors).isEmptyFile();
        } finally {
            curl.destroyForcibly().waitFor();
        }
    }
}
