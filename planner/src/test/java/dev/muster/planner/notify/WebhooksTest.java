package dev.muster.planner.notify;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.muster.contracts.SecretsFolder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebhooksTest {

    private static final String KEY = "T0/B0/planted-key";

    @TempDir
    Path folder;

    private final List<String> bodies = new CopyOnWriteArrayList<>();
    private HttpServer server;
    private volatile int status = 200;
    private volatile String header = "";
    private Webhooks webhooks;

    @BeforeEach
    void serve() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            bodies.add(exchange.getRequestURI() + " " + exchange.getRequestHeaders().getFirst("Content-Type") + " " + new String(exchange.getRequestBody().readAllBytes(), "UTF-8"));
            if (!header.isEmpty()) {
                exchange.getResponseHeaders().add(header.split(": ")[0], header.split(": ")[1]);
            }
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
        webhooks = new Webhooks(new SecretsFolder(folder));
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/services/" + KEY;
    }

    private Webhooks.Answer post(String secret, String text) throws Exception {
        return webhooks.post(secret, text).get(20, TimeUnit.SECONDS);
    }

    private Webhooks.Answer postTo(String address) throws Exception {
        Files.writeString(folder.resolve("hook"), address + "\n");
        return post("hook", "hello");
    }

    @Test
    void postsTheJsonThatSlackTakes() throws Exception {
        Files.writeString(folder.resolve("hook"), address() + "\n");

        assertThat(post("hook", "queue \"a\" & <!channel> @here\nnext")).isEqualTo(new Webhooks.Answer(true, "", Optional.empty()));

        assertThat(bodies).containsExactly("/services/" + KEY + " application/json; charset=utf-8 {\"text\":\"queue \\\"a\\\" &amp; &lt;!channel&gt; @\u200bhere\\nnext\"}");
    }

    @Test
    void readsTheFileEachTime() throws Exception {
        assertThat(post("hook", "hello").detail()).isEqualTo("the planner's secrets folder has no file hook");
        assertThat(postTo(address()).ok()).isTrue();
        assertThat(postTo("https://[").detail()).isEqualTo("the file hook of the planner's secrets folder holds no https address");
    }

    @ParameterizedTest
    @CsvSource({"400,400: it does not take the message", "403,403: it does not allow it", "404,'404: there is no such webhook, or no longer'",
            "429,429: it has had too many messages", "500,500: it has failed", "418,418: it refuses"})
    void saysWhatWasAnsweredAndNothingOfTheAddress(int answered, String detail) throws Exception {
        status = answered;
        assertThat(postTo(address())).isEqualTo(new Webhooks.Answer(false, detail, Optional.empty()));
    }

    @Test
    void leavesAServerAloneForAsLongAsItAsks() throws Exception {
        status = 429;
        header = "Retry-After: 17";
        assertThat(postTo(address()).retryAfter()).contains(Duration.ofSeconds(17));
        header = "Retry-After: soon";
        assertThat(postTo(address()).retryAfter()).isEmpty();
    }

    @Test
    void followsNoRedirect() throws Exception {
        status = 302;
        header = "Location: " + address();
        assertThat(postTo(address()).detail()).isEqualTo("302: it points elsewhere, which is not followed");
        assertThat(bodies).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://93.184.215.14/services/planted-key", "ftp://127.0.0.1/planted-key", "https://user:planted-key@127.0.0.1/", "/services/planted-key",
            "planted key", "ssm:/planted-key", "https://169.254.169.254/planted-key", "http://169.254.169.254/planted-key", "https://[fd00:ec2::254]/planted-key",
            "https://[fe80::1]/planted-key", "https://0.0.0.0/planted-key", "https://[::ffff:169.254.169.254]/planted-key", "https://2852039166/planted-key",
            "https://host.invalid/planted-key", "https://127.0.0.1:1/planted-key", "https://127.0.0.1:99999/planted-key"})
    void whatIsNoWebhookIsRefusedWithoutAWordOfIt(String address) throws Exception {
        var answer = postTo(address);
        assertThat(answer.ok()).isFalse();
        assertThat(answer.toString()).doesNotContain("planted").doesNotContain("169.254").doesNotContain("127.0.0.1").doesNotContain("host.invalid");
        assertThat(bodies).isEmpty();
    }

    @Test
    void aMetadataServerIsNoWebhook() throws Exception {
        for (var address : List.of("169.254.169.254", "169.254.0.1", "0.0.0.0", "fd00:ec2::254", "fe80::1", "::", "224.0.0.1", "::ffff:169.254.169.254")) {
            assertThat(Webhooks.isForbidden(InetAddress.getByName(address))).as(address).isTrue();
        }
        for (var address : List.of("127.0.0.1", "10.1.2.3", "93.184.215.14", "::1", "2001:db8::1")) {
            assertThat(Webhooks.isForbidden(InetAddress.getByName(address))).as(address).isFalse();
        }
    }
}
