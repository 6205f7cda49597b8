package dev.muster.planner.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import dev.muster.planner.console.browser.Chromium.Screen;
import dev.muster.planner.console.browser.Picture;
import dev.muster.planner.control.BrokerResource;
import dev.muster.v1.FleetState;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.Phase;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The console in a real browser, before the real planner of a {@link Lab}. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@QuarkusTestResource(value = LabResource.class, restrictToAnnotatedClass = true)
class ConsoleTest extends ConsoleInBrowser {

    // Signing in.

    @Test
    void whoIsNotKnownSignsInWithATokenAndSeesTheOverview() {
        // Given
        var page = open(Screen.DESK).page();
        page.navigate(http.toString());
        var field = page.getByLabel("Token");
        // When the token is none
        field.fill("mst_nobody");
        field.press("Enter");
        assertThat(page.getByRole(AriaRole.ALERT)).isVisible();
        assertThat(page.getByRole(AriaRole.ALERT)).containsText(Pattern.compile("token", Pattern.CASE_INSENSITIVE));
        // When it is one
        page.getByLabel("Token").fill(LabResource.ADMIN);
        page.getByLabel("Token").press("Enter");
        // Then
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName("Overview").setExact(true))).isVisible();
        assertThat(page.url()).doesNotContain("mst_");
        button(page, "Sign out").click();
        assertThat(page.getByLabel("Token")).isVisible();
        assertThat(page.getByTestId("waiting")).hasCount(0);
    }

    @Test
    void whoSignsInAfterAnotherSeesNothingThatIsTheirsAlone() {
        var page = open("/log");
        assertThat(part(page, "log")).containsText("research");
        assertThat(part(page, "log")).containsText("nightly");
        button(page, "Sign out").click();
        page.getByLabel("Token").fill(LabResource.NIGHTLY_VIEWER);
        page.getByLabel("Token").press("Enter");
        assertThat(page.locator(".who")).containsText("nils");
        assertThat(part(page, "log")).containsText("nightly");
        assertThat(page.getByText("research")).hasCount(0);
        goTo(tabs.get(0), "/");
        assertThat(row(part(page, "fleets"), "nightly")).hasCount(1);
        assertThat(page.getByText("research")).hasCount(0);
    }

    @Test
    void aFirstFrameThatComesLateShowsThePageAllTheSame() {
        var tab = open(Screen.DESK);
        // As in a browser that has much to do: the planner has answered all that a page begins with before there is a frame.
        tab.page().addInitScript("""
                (() => {
                  const [frame, later, ask] = [requestAnimationFrame.bind(window), setTimeout.bind(window), fetch.bind(window)];
                  let held = [];
                  window.requestAnimationFrame = then => (held ? held.push(then) : frame(then));
                  // Who would rather not wait for a frame waits, too.
                  window.setTimeout = (then, ms, ...more) => (held && ms > 0 && ms < 400 ? 0 : later(then, ms, ...more));
                  window.fetch = async (...what) => {
                    const answer = await ask(...what);
                    if (held && String(what[0]).includes('/v1/caller')) {
                      later(() => {
                        const all = held;
                        held = null;
                        all?.forEach(then => then(performance.now()));
                      }, 700);
                    }
                    return answer;
                  };
                })()""");
        tab.page().navigate(http + "#token=" + LabResource.ADMIN);
        assertThat(tab.page().getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName("Overview").setExact(true))).isVisible();
    }

    // What the API says.

    @Test
    void theOverviewShowsWhatWaitsRunsAndCosts() {
        var page = open("/");
        var research = lab.fleet("research");
        var nightly = lab.fleet("nightly");
        var counted = lab.machines().stream().filter(MachineRecord::getCounted).count();
        assertThat(part(page, "waiting")).containsText(Integer.toString(research.getWaiting() + nightly.getWaiting()));
        assertThat(part(page, "machines")).containsText(Long.toString(counted));
        var busy = lab.machines().stream().filter(machine -> machine.getPhase() == Phase.READY && machine.getTasksCount() > 0).count();
        assertThat(part(page, "machines")).containsText(busy + " busy");
        assertThat(part(page, "rate")).containsText("%.2f".formatted((research.getMicrosPerHour() + nightly.getMicrosPerHour()) / 1e6));
        // A budget binds, a queue is missing: both say so.
        assertThat(part(page, "warnings")).containsText(research.getRefusals(0).getText());
        nightly.getRefusalsList().forEach(refusal -> assertThat(part(page, "warnings")).containsText(refusal.getText()));
        var training = row(part(page, "queues"), "training");
        assertThat(training).containsText("9");
        assertThat(training).containsText("research");
        // The fleet's of a day and its pool's of an hour.
        assertThat(part(page, "budgets").getByRole(AriaRole.LISTITEM).filter(new Locator.FilterOptions().setHasText("research"))).hasCount(2);
        assertThat(part(page, "decisions").getByRole(AriaRole.LISTITEM)).not().hasCount(0);
    }

    @Test
    void aFleetShowsItsPoolsAndEachOfItsMachines() {
        var page = open("/fleets/research");
        var machines = lab.machines().stream().filter(machine -> machine.getFleet().equals("research") && machine.getCounted()).toList();
        assertThat(part(page, "pools")).containsText("5 of 8");
        assertThat(part(page, "pools")).containsText("of 6");
        for (var machine : machines) {
            assertThat(row(part(page, "machine-table"), machine.getMachineId())).hasCount(1);
        }
        assertThat(row(part(page, "machine-table"), lab.machine("gpu", Phase.BOOTING).getMachineId())).containsText(Pattern.compile("booting", Pattern.CASE_INSENSITIVE));
        assertThat(row(part(page, "machine-table"), lab.machine("cpu", Phase.DRAINING).getMachineId())).containsText(Pattern.compile("draining", Pattern.CASE_INSENSITIVE));
        assertThat(row(part(page, "machine-table"), lab.running("train-1").getMachineId())).containsText("train-1");
        assertThat(part(page, "refusals")).containsText(lab.fleet("research").getRefusals(0).getText());
    }

    @Test
    void anIdleMachineCountsDownToItsRelease() throws Exception {
        var page = open("/fleets/research");
        var idle = row(part(page, "machine-table"), lab.idle().getMachineId());
        // Of the fifteen minutes that a pool lets one be idle, some seconds are over.
        assertThat(idle).containsText(Pattern.compile("1[0-4]:\\d\\d"));
        var shown = idle.innerText();
        tabs.get(0).await("it counts", () -> !idle.innerText().equals(shown));
    }

    @Test
    void aFleetsMachinesAreShownOverTimeByPoolPhaseAndType() {
        // The last minute that a chart shows is some two minutes old: what the lab began with may be older or younger than what is told of it.
        var touched = lab.protectsAndUnprotects(lab.running("train-1"));
        var page = open("/fleets/research");
        var chart = part(page, "charts").getByRole(AriaRole.REGION, new Locator.GetByRoleOptions().setName("Machines over time"));
        var drawn = chart.getByRole(AriaRole.IMG);
        assertThat(drawn).hasAttribute("aria-label", Pattern.compile("Machines over time. At last: cpu [1-4], gpu [1-5].*"));
        assertThat(chart.locator("canvas")).hasCount(1);
        button(chart, "By phase").click();
        assertThat(drawn).hasAttribute("aria-label", Pattern.compile("Machines over time. At last: (.*, )?Ready [2-9].*", Pattern.CASE_INSENSITIVE));
        // History knows no types: they are read of machines.
        button(chart, "By type").click();
        assertThat(drawn).hasAttribute("aria-label", Pattern.compile("Machines over time. At last: .*" + Lab.PAST_TYPE + " 0.*"));

        chart.getByText("As a table").click();
        var table = chart.getByRole(AriaRole.TABLE);
        assertThat(table.getByRole(AriaRole.COLUMNHEADER).filter(new Locator.FilterOptions().setHasText(Lab.PAST_TYPE))).hasCount(1);
        assertThat(table.getByRole(AriaRole.CELL).filter(new Locator.FilterOptions().setHasText(Pattern.compile("^1$")))).not().hasCount(0);
        table.getByRole(AriaRole.BUTTON).first().click();
        assertThat(dialog(page)).containsText("What was decided around then");
        assertThat(dialog(page)).containsText(touched.getMachineId());
    }

    @Test
    void howLongTasksWaitedIsShownForAsLongAsAllElse() {
        var page = open("/fleets/research");
        var chart = part(page, "charts").getByRole(AriaRole.REGION, new Locator.GetByRoleOptions().setName("Waiting times"));
        assertThat(chart.getByRole(AriaRole.IMG)).hasAttribute("aria-label", Pattern.compile("Waiting times. At last: Half .*, 9 of 10 .*, 99 of 100 .*"));
        chart.getByText("As a table").click();
        // Five minutes a row, of an hour; the one that runs has none that is over.
        assertThat(chart.getByRole(AriaRole.ROWHEADER)).hasCount(13);
        assertThat(chart.getByRole(AriaRole.CELL).filter(new Locator.FilterOptions().setHasText(Pattern.compile("^\\d+ (s|min)$")))).not().hasCount(0);
    }

    // What can be done.

    @Test
    void aFleetIsPausedAndResumedAfterAQuestionThatSaysWhatItMeans() throws Exception {
        var page = open("/fleets/nightly");
        button(page, "Pause fleet").or(button(page, "Pause")).first().click();
        assertThat(dialog(page)).containsText("Nothing new is launched");
        // Escape asks for nothing.
        page.keyboard().press("Escape");
        assertThat(dialog(page)).hasCount(0);
        assertThat(lab.fleet("nightly").getRecord().getState()).isEqualTo(FleetState.ACTIVE);
        button(page, "Pause fleet").or(button(page, "Pause")).first().click();
        button(dialog(page), "Pause").click();
        tabs.get(0).await("it is paused", () -> lab.fleet("nightly").getRecord().getState() == FleetState.PAUSED);
        assertThat(page.getByText("Paused").first()).isVisible();
        button(page, "Resume fleet").or(button(page, "Resume")).first().click();
        button(dialog(page), "Resume").click();
        tabs.get(0).await("it is resumed", () -> lab.fleet("nightly").getRecord().getState() == FleetState.ACTIVE);
    }

    // Declaring.

    @Test
    void aFormOfEightFieldsMakesAFleet() throws Exception {
        var page = open("/new");
        page.getByLabel("Fleet name").fill("formed");
        page.getByLabel("Queue name").fill("formed-queue");
        page.getByLabel("Pool name").fill("small");
        page.getByLabel("Account").fill("main");
        page.getByLabel("Region").fill("eu-west-1");
        // The planner's own rules speak while one writes.
        assertThat(part(page, "judged")).containsText("to mend");
        assertThat(button(page, "Create fleet")).isDisabled();
        page.getByLabel("Machine type").fill("m5.large");
        page.getByLabel("Most machines").first().fill("2");
        assertThat(part(page, "judged")).containsText("Valid");
        tabs.get(0).await("the YAML beside it is the same", () -> yaml(page).inputValue().contains("type: m5.large"));
        button(page, "Create fleet").click();
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName("formed").setExact(true))).isVisible();
        var pool = lab.fleet("formed").getRecord().getSpec().getPools(0);
        assertThat(pool.getOffers(0).getKey().getMachineType()).isEqualTo("m5.large");
        assertThat(pool.getLimits().getMax()).isEqualTo(2);
    }

    @Test
    void whatIsWrittenAsYamlIsInTheForm() {
        var page = open("/fleets/nightly/edit");
        assertThat(yaml(page)).hasValue(Pattern.compile("max: \\d+"));
        var yaml = yaml(page).inputValue();
        yaml(page).fill(yaml.replaceFirst("max: \\d+", "max: 9"));
        assertThat(page.getByLabel("Most machines").first()).hasValue("9");
        // What can't be read is said, and the form stays.
        yaml(page).fill("pools: [");
        assertThat(page.getByRole(AriaRole.ALERT)).isVisible();
        assertThat(page.getByLabel("Most machines").first()).hasValue("9");
    }

    @Test
    void ofTwoPeoplesEditsNothingIsLost() throws Exception {
        lab.apply(Lab.NIGHTLY.replace("nightly", "shared").replace("archive", "shared-archive"));
        var page = open("/fleets/shared/edit");
        page.getByLabel("Most machines").first().fill("3");
        // Meanwhile somebody else applies another budget.
        lab.apply(Lab.NIGHTLY.replace("nightly", "shared").replace("archive", "shared-archive").replace("month: 500", "month: 600"));
        assertThat(page.getByText(Pattern.compile("has made version 2"))).isVisible();
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Apply").setExact(true)).or(button(page, "Show both")).first().click();
        var conflict = part(page, "conflict");
        assertThat(conflict).containsText("600");
        assertThat(conflict).containsText("3");
        button(conflict, "Put both together").click();
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Apply").click();
        tabs.get(0).await("both hold", () -> lab.fleet("shared").getRecord().getVersion() == 3);
        var spec = lab.fleet("shared").getRecord().getSpec();
        assertThat(spec.getPools(0).getLimits().getMax()).isEqualTo(3);
        assertThat(spec.getBudgets(0).getHardMicros()).isEqualTo(600_000_000);
    }

    @Test
    void aLinkToWhyOpensTheAnswerBesideThePage() {
        var page = open("/fleets/research?why=queue/research/training");
        assertThat(dialog(page)).containsText("Why tasks wait in training");
        assertThat(dialog(page)).containsText(lab.fleet("research").getRefusals(0).getText());
        page.keyboard().press("Escape");
        assertThat(dialog(page)).hasCount(0);
    }

    @Test
    void theLogIsFilteredByItsAddress() {
        var page = open("/log?fleet=nightly&text=m6i.xlarge");
        assertThat(part(page, "log").getByRole(AriaRole.LISTITEM)).not().hasCount(0);
        assertThat(part(page, "log")).not().containsText("research");
        page.getByLabel("Containing").fill("nothing says this");
        assertThat(part(page, "log")).containsText("Nothing that fits.");
        assertThat(page).hasURL(Pattern.compile("text=nothing"));
    }

    @Test
    void aLinkIsCopiedThatLeadsToTheSame() {
        var page = open("/log?fleet=nightly&text=m6i.xlarge");
        page.context().grantPermissions(List.of("clipboard-read", "clipboard-write"));
        button(page, "Copy link").click();
        assertThat(button(page, "Copied")).isVisible();
        assertThat(page.evaluate("() => navigator.clipboard.readText()")).isEqualTo(page.url());
        assertThat(page.url()).endsWith("#/log?fleet=nightly&text=m6i.xlarge");
        // Where the browser doesn't let it, it doesn't say that it did.
        page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})");
        button(page, "Copy link").click();
        assertThat(button(page, "The browser forbids it")).isVisible();
    }

    // Bad input.

    @Test
    void scriptInATasksNameIsText() {
        var tab = open(Screen.DESK, http, LabResource.ADMIN, "/fleets/research?queue=training");
        var page = tab.page();
        assertThat(page.getByText(Lab.SCRIPT).first()).isVisible();
        assertThat(page.getByText(Lab.IMAGE).first()).isVisible();
        for (var address : pages().values()) {
            goTo(tab, address);
        }
        goTo(tab, "/machines/" + lab.running(Lab.SCRIPT).getMachineId());
        assertThat(page.getByText(Lab.SCRIPT).first()).isVisible();
        assertThat((Integer) page.evaluate("() => document.querySelectorAll('script:not([src]):not([type=importmap]), img[src=x]').length")).isZero();
        tab.isFine();
    }

    @Test
    void aViewerSeesNoActionsAndCanDoNothing() {
        var tab = open(Screen.DESK, http, LabResource.VIEWER, "/fleets/research");
        for (var name : List.of("Pause", "Shut down idle", "Delete", "Delete fleet", "Drain", "Terminate", "Protect")) {
            assertThat(button(tab.page(), name)).hasCount(0);
        }
        assertThat(tab.page().getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Edit").setExact(true))).hasCount(0);
        goTo(tab, "/machines/" + lab.running("train-1").getMachineId());
        assertThat(button(tab.page(), "Drain")).hasCount(0);
        // What isn't shown isn't possible either, with what the page holds.
        var answer = tab.page().evaluate("async () => (await fetch('/v1/fleets/research:pause', {method: 'POST', headers: {'Content-Type': 'application/json',"
                + " Authorization: 'Bearer ' + sessionStorage.getItem('muster.token')}, body: '{}'})).status");
        assertThat(answer).isEqualTo(403);
        assertThat(lab.fleet("research").getRecord().getState()).isEqualTo(FleetState.ACTIVE);
    }

    @Test
    void aServerThatIsGoneIsSaidAndComesBackByItself() throws Exception {
        try (var wire = new Wire(http)) {
            var tab = open(Screen.DESK, wire.here(), LabResource.ADMIN, "/");
            var page = tab.page();
            assertThat(part(page, "waiting")).containsText("9");
            // When
            wire.cut();
            // Then it says so, and what it showed stays, with its age.
            assertThat(part(page, "gone")).containsText("The planner does not answer.");
            assertThat(part(page, "gone")).containsText(Pattern.compile("\\d+ s old"));
            assertThat(part(page, "waiting")).containsText("9");
            wire.mend();
            assertThat(part(page, "gone")).hasCount(0);
            assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName("Overview"))).isVisible();
            assertThat(part(page, "waiting")).containsText("9");
        }
    }

    @Test
    void whatNobodyHasLookedAtForLongIsShownWithItsAge() throws Exception {
        var page = open("/");
        var seen = row(part(page, "queues"), "training").getByRole(AriaRole.CELL).last();
        lab.lookAway();
        try {
            assertThat(seen).hasText(Pattern.compile("^(1[6-9]|2\\d) s ago"),
                    new com.microsoft.playwright.assertions.LocatorAssertions.HasTextOptions().setTimeout(25_000));
            assertThat(part(page, "warnings")).containsText(Pattern.compile("ClearML|watcher|look", Pattern.CASE_INSENSITIVE));
        } finally {
            lab.lookAgain();
        }
        assertThat(seen).hasText(Pattern.compile("^[0-5] s ago"));
    }

    /** Written anew by -Ddocs.write=true: each page of docs/console.md as it is now, by day and night, on a desk and a phone. */
    @Test
    void thePicturesOfThePages() throws Exception {
        Assumptions.assumeTrue(Boolean.getBoolean("docs.write"));
        var folder = Files.createDirectories(Path.of("../docs/console"));
        for (var screen : List.of(Screen.DESK, Screen.DESK.inTheDark(), Screen.PHONE, Screen.PHONE.inTheDark())) {
            var tab = open(screen, http, LabResource.ADMIN, "/");
            for (var shown : pages().entrySet()) {
                goTo(tab, shown.getValue());
                tab.page().waitForTimeout(1_500);
                var picture = tab.page().screenshot();
                Files.write(folder.resolve(shown.getKey() + "-" + screen.width() + (screen.dark() ? "-dark" : "-light") + ".png"), Picture.small(picture));
            }
        }
    }
}
