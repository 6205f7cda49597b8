package dev.muster.planner.console;

import static io.restassured.RestAssured.given;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.emptyString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import dev.muster.planner.control.BrokerResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The console as a browser is sent it: what is there, how it is kept and packed, and what the page may do. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class ConsolePagesTest {

    /** What all of it may weigh on its way, packed. */
    private static final int BUDGET_BYTES = 250 * 1024;

    @TestHTTPResource("/")
    URI http;

    private final HttpClient client = HttpClient.newHttpClient();

    private static String page() {
        return given().get("/").then().statusCode(200).extract().asString();
    }

    /** Addresses that the page names. */
    private static List<String> named(String page) {
        return Pattern.compile("\"(/console/[^\"]+)\"").matcher(page).results().map(found -> found.group(1)).distinct().toList();
    }

    private java.net.http.HttpResponse<byte[]> packed(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(http.resolve(path)).header("Accept-Encoding", "gzip, deflate, br").build(), BodyHandlers.ofByteArray());
    }

    @Test
    void thePageNamesFilesThatAreThere() {
        var named = named(page());
        assertThat(named).hasSizeGreaterThan(15).allMatch(path -> path.matches("/console/[0-9a-f]{16}/[a-z0-9./-]+"));
        assertThat(named).allSatisfy(path -> given().get(path).then().statusCode(200));
    }

    @Test
    void thePageIsAskedForAnewAndItsFilesNever() {
        var tag = given().get("/").then().header("Cache-Control", equalTo("no-cache")).header("Content-Type", equalTo("text/html; charset=utf-8")).extract().header("ETag");
        given().header("If-None-Match", tag).get("/").then().statusCode(304).body(emptyString());
        var script = named(page()).stream().filter(path -> path.endsWith("/app.js")).findFirst().orElseThrow();
        given().get(script).then().header("Cache-Control", equalTo("public, max-age=31536000, immutable")).header("Content-Type", equalTo("text/javascript; charset=utf-8"));
        given().header("If-None-Match", tag).get(script).then().statusCode(304);
    }

    @Test
    void theScriptsAreOwnOnesAndTheImportMapIsTheOneThatIsAllowed() throws Exception {
        var page = page();
        var map = Pattern.compile("<script type=\"importmap\">(.*?)</script>").matcher(page);
        assertThat(map.find()).isTrue();
        var hash = Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(map.group(1).getBytes(UTF_8)));
        given().get("/").then().header("Content-Security-Policy", equalTo("default-src 'none'; script-src 'self' 'sha256-" + hash + "'; style-src 'self'; img-src 'self' data:;"
                + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"))
                .header("X-Content-Type-Options", equalTo("nosniff")).header("Referrer-Policy", equalTo("no-referrer"));
        assertThat(page).doesNotContain("http://", "https://", " style=", "onclick");
    }

    @Test
    void noFileOfOursAsksAnotherHost() throws Exception {
        for (var path : named(page())) {
            if (!path.contains("/lib/") && !path.endsWith(".svg")) {
                assertThat(given().get(path).asString()).as(path).doesNotContain("://", "innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "document.write", "eval(");
            }
        }
    }

    @Test
    void allOfItIsSmallOnItsWay() throws Exception {
        var sum = packed("/").body().length;
        for (var path : named(page())) {
            var answer = packed(path);
            assertThat(answer.headers().firstValue("Content-Encoding")).as(path).hasValue("gzip");
            sum += answer.body().length;
        }
        assertThat(sum).isLessThan(BUDGET_BYTES);
    }

    @Test
    void whoTakesNoGzipIsSentNone() throws Exception {
        for (var request : List.of(HttpRequest.newBuilder(http).build(), HttpRequest.newBuilder(http).header("Accept-Encoding", "br, gzip;q=0").build())) {
            var answer = client.send(request, BodyHandlers.ofString());
            assertThat(answer.headers().firstValue("Content-Encoding")).isEmpty();
            assertThat(answer.headers().firstValue("Vary")).hasValue("Accept-Encoding");
            assertThat(answer.body()).contains("<title>Muster</title>");
        }
    }

    @Test
    void librariesComeWithTheirLicenses() {
        var base = named(page()).get(0).replaceAll("^(/console/[0-9a-f]+/).*", "$1");
        assertThat(List.of("preact", "htm", "uplot")).allSatisfy(library -> given().get(base + "lib/" + library + "-LICENSE.txt").then().statusCode(200).body(containsString("opyright")));
    }

    /** A release and its images carry this notice. */
    @Test
    void theNoticeNamesEachLibraryInItsVersion() throws Exception {
        var notice = Files.readString(Path.of("../NOTICE"));
        var pom = Files.readString(Path.of("pom.xml"));
        var libraries = Pattern.compile("<artifactItem>\\s*<groupId>[^<]+</groupId><artifactId>([^<]+)</artifactId><version>([^<]+)</version>").matcher(pom).results()
                .map(item -> item.group(1) + " " + item.group(2)).toList();
        assertThat(libraries).hasSize(3).allSatisfy(library -> assertThat(notice).containsIgnoringCase("\n" + library + ", Copyright"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/console/", "/console/0123456789abcdef/app.js", "/console/0123456789abcdef/", "/console/index.html"})
    void whatIsNotThereIsNotFound(String path) {
        given().urlEncodingEnabled(false).get(path).then().statusCode(404).header("Cache-Control", equalTo("no-store"));
    }

    @Test
    void thePageIsOnlyRead() {
        given().post("/").then().statusCode(405).header("Allow", equalTo("GET, HEAD"));
        given().head("/").then().statusCode(200).body(emptyString());
    }

    @Test
    void itSaysHowOneSignsIn() {
        given().get("/console/sign-in.json").then().statusCode(200).body("ways", equalTo(List.of())).body("oidc", nullValue()).header("Cache-Control", equalTo("no-store"));
    }
}
