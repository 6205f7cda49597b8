package dev.muster.planner.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.AriaRole;
import dev.muster.planner.console.browser.Chromium;
import dev.muster.planner.console.browser.Chromium.Screen;
import dev.muster.planner.console.browser.Tab;
import io.grpc.ManagedChannel;
import io.quarkus.test.common.http.TestHTTPResource;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;

/** A browser before the planner of a {@link Lab}, of which each class of tests has its own; and how its pages are gone through. */
abstract class ConsoleInBrowser {

    static Chromium chromium;
    static ManagedChannel channel;
    private static boolean isLookedFor;
    static Lab lab;

    @TestHTTPResource("/")
    URI http;

    @ConfigProperty(name = "muster.kafka.bootstrap-servers")
    String brokers;

    final List<Tab> tabs = new ArrayList<>();

    /** What the lab of this class holds before its first test. */
    void fill(Lab empty) throws Exception {
        empty.begin();
    }

    /** Hosts and their ports that a page may ask beside its planner. */
    Set<String> others() {
        return Set.of();
    }

    @BeforeEach
    void begin() throws Exception {
        if (!isLookedFor) {
            isLookedFor = true;
            PlaywrightAssertions.setDefaultAssertionTimeout(30_000);
            chromium = Chromium.start("the console in a browser").orElse(null);
        }
        Assumptions.assumeTrue(chromium != null, "there is no browser");
        if (lab == null) {
            assertThat(channel).as("the lab's beginning, which failed before").isNull();
            await("the planner is ready", () -> HttpClient.newHttpClient().send(HttpRequest.newBuilder(http.resolve("/q/health/ready")).build(),
                    HttpResponse.BodyHandlers.discarding()).statusCode() == 200);
            channel = LabResource.channel(http);
            lab = new Lab(brokers, channel);
            try {
                fill(lab);
            } catch (Exception | AssertionError failed) {
                lab.close();
                lab = null;
                throw failed;
            }
        }
    }

    @AfterEach
    void nothingWentWrong() {
        try {
            tabs.forEach(Tab::isFine);
            tabs.forEach(tab -> assertThat(tab.hosts()).as("no request leaves for elsewhere").filteredOn(host -> !others().contains(host)).hasSizeLessThanOrEqualTo(1));
        } finally {
            tabs.forEach(Tab::close);
        }
    }

    @AfterAll
    static void end() {
        if (lab != null) {
            lab.close();
            channel.shutdownNow();
        }
        if (chromium != null) {
            chromium.close();
        }
    }

    /** Empty as yet. */
    Tab open(Screen screen) {
        var tab = chromium.open(screen);
        tabs.add(tab);
        return tab;
    }

    Tab open(Screen screen, URI from, String token, String address) {
        var tab = open(screen);
        tab.page().navigate(from + "#token=" + token + "&to=" + URLEncoder.encode(address, StandardCharsets.UTF_8));
        assertThat(tab.page().getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setLevel(1))).isVisible();
        return tab;
    }

    /** As the admin sees it on a desk. */
    Page open(String address) {
        return open(Screen.DESK, http, LabResource.ADMIN, address).page();
    }

    static void goTo(Tab tab, String address) {
        tab.page().evaluate("address => { location.hash = address; }", address);
        assertThat(tab.page().locator("h1").first()).isVisible();
    }

    static Locator part(Page page, String name) {
        return page.getByTestId(name);
    }

    static Locator button(Page page, String name) {
        return page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    static Locator yaml(Page page) {
        return page.getByRole(AriaRole.TEXTBOX, new Page.GetByRoleOptions().setName("As YAML"));
    }

    static Locator dialog(Page page) {
        return page.getByRole(AriaRole.DIALOG);
    }

    static Locator button(Locator in, String name) {
        return in.getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(name).setExact(true));
    }

    static Locator row(Locator table, String text) {
        return table.getByRole(AriaRole.ROW).filter(new Locator.FilterOptions().setHasText(text));
    }

    /** Every page that there is, by a word for it. */
    Map<String, String> pages() {
        var pages = new LinkedHashMap<String, String>();
        pages.put("overview", "/");
        pages.put("fleets", "/fleets");
        pages.put("fleet", "/fleets/research?queue=training");
        pages.put("machine", "/machines/" + lab.running("train-1").getMachineId());
        pages.put("why", "/fleets/research?why=queue/research/training");
        pages.put("log", "/log");
        pages.put("edit", "/fleets/research/edit");
        pages.put("versions", "/fleets/research/versions");
        pages.put("new", "/new");
        return pages;
    }

    /** Tab, until what has the focus is that. */
    static void tabTo(Page page, String role, String name) {
        for (int pressed = 0; pressed < 120; pressed++) {
            page.keyboard().press("Tab");
            var focused = page.evaluate("() => { const e = document.activeElement; const role = e.tagName === 'A' ? 'link' : e.tagName === 'BUTTON' ? 'button' : e.tagName.toLowerCase();"
                    + " return role + ' ' + (e.getAttribute('aria-label') ?? e.innerText).trim(); }");
            if ((role + " " + name).equals(focused)) {
                return;
            }
        }
        throw new AssertionError("120 tabs reach no " + role + " '" + name + "' at " + page.url());
    }
}
