package dev.muster.planner.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import dev.muster.planner.console.PlayedProvider.Person;
import dev.muster.planner.console.browser.Chromium.Screen;
import dev.muster.planner.console.browser.Tab;
import dev.muster.planner.control.BrokerResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.ConfigProvider;
import org.junit.jupiter.api.Test;

/** Signing in to the console at an identity provider, by authorization code with PKCE. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@QuarkusTestResource(value = OidcLabResource.class, restrictToAnnotatedClass = true)
class ConsoleSignInTest extends ConsoleInBrowser {

    private static final String VERIFIER = "a-verifier-that-is-long-enough-to-be-one-0123456789";


    /** Not injected: what is must be there for the planners of all classes of tests. */
    private static URI provider() {
        return ConfigProvider.getConfig().getValue("muster.api.oidc.issuer", URI.class);
    }

    @Override
    void fill(Lab empty) throws Exception {
        empty.apply(Lab.RESEARCH);
    }

    @Override
    Set<String> others() {
        return Set.of(provider().getAuthority());
    }

    /** At an address of the console, before somebody is known. */
    private Tab come(String address) {
        var tab = open(Screen.DESK);
        tab.page().navigate(http + "#" + address);
        assertThat(tab.page().getByLabel("Token")).isVisible();
        return tab;
    }

    private void leave(Page page) {
        button(page, "Sign in with " + provider().getAuthority()).click();
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName("Who are you?"))).isVisible();
    }

    private static void choose(Page page, String name) {
        page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName(name).setExact(true)).click();
    }

    private void signIn(Page page, Person person) {
        leave(page);
        choose(page, person.name());
    }

    private static void assertRefused(Page page, String because) {
        assertThat(page.getByRole(AriaRole.ALERT)).containsText(because);
        assertThat(page.getByLabel("Token")).isVisible();
        assertThat(token(page)).isNull();
        assertThat(page.url()).doesNotContain("code=").doesNotContain("state=");
    }

    private static Object token(Page page) {
        return page.evaluate("() => sessionStorage.getItem('muster.token')");
    }

    private static com.microsoft.playwright.Locator heading(Page page, String name) {
        return page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    @Test
    void anAdminComesBackToThePageThatWasAskedFor() {
        var page = come("/fleets/research").page();
        signIn(page, OidcLabResource.ADMIN);
        assertThat(heading(page, "research")).isVisible();
        assertThat(page.locator(".who")).containsText("oidc:ida");
        assertThat(page.locator(".who")).containsText("admin");
        assertThat(button(page, "Delete")).isVisible();
        // The code is gone from the address, and the verifier from the tab.
        assertThat(page.url()).isEqualTo(http + "#/fleets/research");
        assertThat(page.evaluate("() => Object.keys(sessionStorage).join()")).isEqualTo("muster.token");
        page.reload();
        assertThat(heading(page, "research")).isVisible();
        button(page, "Sign out").click();
        assertThat(page.getByLabel("Token")).isVisible();
        assertThat(token(page)).isNull();
    }

    @Test
    void aViewerSeesTheOverviewAndNothingToDo() {
        var page = come("/").page();
        signIn(page, OidcLabResource.VIEWER);
        assertThat(heading(page, "Overview")).isVisible();
        assertThat(page.locator(".who")).containsText("viewer");
        assertThat(row(part(page, "fleets"), "research")).hasCount(1);
        assertThat(page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Create a fleet"))).hasCount(0);
        row(part(page, "fleets"), "research").getByRole(AriaRole.LINK).first().click();
        assertThat(heading(page, "research")).isVisible();
        assertThat(button(page, "Pause")).hasCount(0);
        assertThat(button(page, "Delete")).hasCount(0);
        // Nor by what the page holds.
        assertThat(page.evaluate("async () => (await fetch('/v1/fleets/research:pause', {method: 'POST', headers: {'Content-Type': 'application/json',"
                + " Authorization: 'Bearer ' + sessionStorage.getItem('muster.token')}, body: '{}'})).status")).isEqualTo(403);
    }

    @Test
    void whoHoldsNoRoleIsToldSo() {
        var page = come("/").page();
        signIn(page, OidcLabResource.STRANGER);
        assertThat(page.getByRole(AriaRole.MAIN)).containsText("You hold no role");
        assertThat(page.getByRole(AriaRole.MAIN)).containsText("oidc:eve");
        assertThat(page.getByRole(AriaRole.MAIN)).not().containsText("No fleet yet");
        assertThat(button(page, "Sign out")).isVisible();
    }

    @Test
    void aRefusedSignInSaysSoAndCanBeTriedAgain() {
        var page = come("/log").page();
        leave(page);
        choose(page, "nobody");
        assertRefused(page, "The identity provider refused: The sign-in was refused at the provider.");
        signIn(page, OidcLabResource.ADMIN);
        assertThat(heading(page, "Log")).isVisible();
    }

    @Test
    void aCodeIsOfNoUseToAnotherVerifier() {
        var page = come("/").page();
        leave(page);
        page.navigate(page.url().replaceFirst("code_challenge=[^&]+", "code_challenge=" + PlayedProvider.challenge(VERIFIER)));
        choose(page, OidcLabResource.ADMIN.name());
        assertRefused(page, "The identity provider refused: The verifier is not that of the challenge.");
    }

    @Test
    void anAnswerToNoQuestionOfThisTabIsNotTaken() {
        // Somebody's own code, sent as a link, would sign in others as that somebody.
        var page = open(Screen.DESK).page();
        page.navigate(http + "?code=stolen&state=guessed");
        assertRefused(page, "to no question of this tab");
        leave(page);
        page.navigate(page.url().replaceFirst("([?&])state=[^&]+", "$1state=another"));
        choose(page, OidcLabResource.ADMIN.name());
        assertRefused(page, "to no question of this tab");
    }

    @Test
    void atTheEndOfATokenOneSignsInAgainAndIsWhereOneWas() {
        var page = come("/fleets/research?range=6h").page();
        signIn(page, OidcLabResource.BRIEF);
        assertThat(heading(page, "research")).isVisible();
        assertThat(page.getByRole(AriaRole.ALERT)).containsText("has expired");
        assertThat(heading(page, "Sign in to Muster")).isVisible();
        assertThat(page).hasURL(Pattern.compile("#/fleets/research\\?range=6h$"));
        signIn(page, OidcLabResource.ADMIN);
        assertThat(heading(page, "research")).isVisible();
        assertThat(page).hasURL(Pattern.compile("#/fleets/research\\?range=6h$"));
        assertThat(page.getByRole(AriaRole.ALERT)).hasCount(0);
    }

    @Test
    void whatWasWrittenOutlivesTheTokenAndIsNobodyElses() {
        var page = come("/fleets/research/edit").page();
        signIn(page, OidcLabResource.BRIEF);
        assertThat(page.getByLabel("Most machines").first()).hasValue("8");
        page.getByLabel("Most machines").first().fill("5");
        assertThat(page.getByRole(AriaRole.ALERT)).containsText("has expired");
        signIn(page, OidcLabResource.BRIEF);
        assertThat(part(page, "restored")).containsText("What you had written is here again");
        assertThat(page.getByLabel("Most machines").first()).hasValue("5");
        // Another, in the same tab, finds the spec as it is.
        page.evaluate("() => sessionStorage.removeItem('muster.token')");
        page.reload();
        signIn(page, OidcLabResource.VIEWER);
        assertThat(page.getByLabel("Most machines").first()).hasValue("8");
        assertThat(part(page, "restored")).hasCount(0);
    }

    @Test
    void aTokenIsRenewedBeforeItIsOver() throws Exception {
        var tab = come("/");
        var page = tab.page();
        signIn(page, OidcLabResource.REFRESHED);
        assertThat(heading(page, "Overview")).isVisible();
        var first = token(page);
        assertThat(first).isNotNull();
        tab.await("there is another token", () -> !first.equals(token(page)));
        var second = token(page);
        // The refresh token was good once, and a new one came with the answer.
        tab.await("and another", () -> !second.equals(token(page)));
        assertThat(heading(page, "Overview")).isVisible();
        assertThat(page.evaluate("() => JSON.stringify({...sessionStorage, ...localStorage})").toString()).doesNotContain("refresh");
    }

    /** Else what it takes would say nothing of the console. */
    @Test
    void theProviderThatIsPlayedTakesNothingThatIsWrong() throws Exception {
        var redirect = "http://localhost:1/";
        var good = Map.of("client_id", PlayedProvider.CLIENT, "redirect_uri", redirect, "response_type", "code", "scope", "openid", "state", "s", "code_challenge_method", "S256",
                "code_challenge", PlayedProvider.challenge(VERIFIER), "as", OidcLabResource.ADMIN.name());
        assertThat(authorize(good)).startsWith(redirect + "?").contains("code=").contains("state=s");
        assertThat(authorize(with(good, "client_id", "another"))).isEmpty();
        assertThat(authorize(with(good, "redirect_uri", "https://elsewhere.example/"))).isEmpty();
        assertThat(authorize(with(good, "redirect_uri", "http://localhost:1/other"))).isEmpty();
        assertThat(authorize(with(good, "code_challenge_method", "plain"))).contains("error=invalid_request").doesNotContain("code=");
        assertThat(authorize(with(good, "code_challenge", ""))).contains("error=invalid_request").doesNotContain("code=");
        assertThat(authorize(with(good, "response_type", "token"))).contains("error=unsupported_response_type").doesNotContain("code=");
        for (var wrong : Map.of("client_id", "another", "redirect_uri", "http://localhost:2/", "code_verifier", VERIFIER + "x", "code", "none", "grant_type", "password").entrySet()) {
            assertThat(token(with(redeemed(good, redirect), wrong.getKey(), wrong.getValue())).statusCode()).as("with another %s", wrong.getKey()).isEqualTo(400);
        }
        var once = redeemed(good, redirect);
        assertThat(token(once).statusCode()).isEqualTo(200);
        assertThat(token(once).body()).contains("invalid_grant");
    }

    private Map<String, String> redeemed(Map<String, String> asked, String redirect) throws Exception {
        var code = authorize(asked).replaceFirst(".*[?&]code=([^&]+).*", "$1");
        return Map.of("grant_type", "authorization_code", "client_id", PlayedProvider.CLIENT, "redirect_uri", redirect, "code", code, "code_verifier", VERIFIER);
    }

    private static Map<String, String> with(Map<String, String> fields, String name, String value) {
        return fields.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getKey().equals(name) ? value : entry.getValue()));
    }

    private static String form(Map<String, String> fields) {
        return fields.entrySet().stream().map(entry -> entry.getKey() + "=" + URLEncoder.encode(entry.getValue(), StandardCharsets.UTF_8)).collect(Collectors.joining("&"));
    }

    /** To where it leads; empty: nowhere. */
    private String authorize(Map<String, String> fields) throws Exception {
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(provider().resolve("/authorize?" + form(fields))).build(), HttpResponse.BodyHandlers.discarding())
                .headers().firstValue("Location").orElse("");
    }

    private HttpResponse<String> token(Map<String, String> fields) throws Exception {
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(provider().resolve("/token")).POST(HttpRequest.BodyPublishers.ofString(form(fields))).build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
