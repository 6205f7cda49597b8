package dev.muster.planner.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import dev.muster.planner.console.browser.Chromium.Screen;
import dev.muster.planner.console.browser.Tab;
import dev.muster.planner.control.BrokerResource;
import dev.muster.v1.CloudState;
import dev.muster.v1.FleetState;
import dev.muster.v1.Phase;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The console by day and night, in small windows and large ones, by keyboard alone, and as a screen reader has it. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@QuarkusTestResource(value = LabResource.class, restrictToAnnotatedClass = true)
class ConsoleForEverybodyTest extends ConsoleInBrowser {

    /** Keeps what screen readers are given to say: the text of a live region whenever it changes, but for parts that are not live. */
    private static final String LISTEN = """
            () => {
              window.said = [];
              const region = node => {
                for (let at = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement; at; at = at.parentElement) {
                  const live = at.getAttribute('aria-live');
                  if (live === 'off' || at.getAttribute('aria-hidden') === 'true') {
                    return null;
                  }
                  if (live || ['status', 'alert', 'log'].includes(at.getAttribute('role'))) {
                    return at;
                  }
                }
                return null;
              };
              new MutationObserver(changes => {
                const regions = new Set(changes.flatMap(change => [change.target, ...change.addedNodes]).flatMap(node =>
                    [region(node), ...(node.querySelectorAll?.('[role=status], [role=alert]') ?? [])]).filter(Boolean));
                window.said.push(...[...regions].filter(one => one.isConnected).map(one => one.textContent.trim().replaceAll(/\\s+/g, ' ')).filter(text => text !== ''));
              }).observe(document.body, {childList: true, characterData: true, subtree: true});
            }""";

    /** Pages of which none is empty, and what else can be looked at. */
    private Map<String, String> places() {
        var places = pages();
        places.put("why of a decision", "/log?why=" + pages().get("why").substring(pages().get("why").indexOf("why=") + 4));
        places.put("import", "/new?import=yes");
        places.put("a fleet that nobody made", "/fleets/nobody");
        places.put("no page", "/nowhere");
        return places;
    }

    /** Questions, each with the page and the button that opens it. */
    private Map<String, List<String>> questions() {
        var busy = "/machines/" + lab.running("train-1").getMachineId();
        return Map.of("pause", List.of("/fleets/research", "Pause"), "shut down idle", List.of("/fleets/research", "Shut down idle now"), "clone", List.of("/fleets/research", "Clone"),
                "delete", List.of("/fleets/research", "Delete"), "shutdown action", List.of("/fleets/research", "Shutdown action"), "terminate", List.of(busy, "Terminate"),
                "protect", List.of(busy, "Protect"));
    }

    private interface Look {
        List<String> at(Tab tab, Locator part) throws Exception;
    }

    /** What there is of it at each place, in each window. */
    private Map<String, List<String>> look(List<Screen> screens, Look look) throws Exception {
        var found = new TreeMap<String, List<String>>();
        var tab = open(screens.get(0), http, LabResource.ADMIN, "/");
        var page = tab.page();
        for (var place : places().entrySet()) {
            goTo(tab, place.getValue());
            lookAt(tab, place.getKey(), page.locator("html"), screens, look, found);
        }
        for (var question : questions().entrySet()) {
            goTo(tab, question.getValue().get(0));
            tab.settle();
            button(page.locator(".page-actions"), question.getValue().get(1)).click();
            // Of four windows the two that differ most: a question is made of what the pages are made of.
            lookAt(tab, question.getKey(), page.locator("dialog"), screens.size() > 2 ? List.of(screens.get(0), screens.get(2)) : screens, look, found);
            page.keyboard().press("Escape");
        }
        button(page, "Sign out").click();
        assertThat(page.getByLabel("Token")).isVisible();
        lookAt(tab, "signing in", page.locator("html"), screens, look, found);
        return found;
    }

    private static void lookAt(Tab tab, String place, Locator part, List<Screen> screens, Look look, Map<String, List<String>> found) throws Exception {
        for (var screen : screens) {
            tab.show(screen);
            tab.settle();
            var what = look.at(tab, part);
            if (!what.isEmpty()) {
                found.put(place + " at " + screen.width() + (screen.dark() ? " in the dark" : " in the light"), what);
            }
        }
    }

    private static List<?> said(Page page) {
        return (List<?>) page.evaluate("() => window.said");
    }

    @Test
    void axeHasNothingAgainstAnyPageByDayOrNightOnADeskOrAPhone() throws Exception {
        // A build looks at the two that differ most: each width, and each of the light and the dark.
        assertThat(look("all".equals(System.getProperty("windows")) ? List.of(Screen.DESK, Screen.DESK.inTheDark(), Screen.PHONE.inTheDark(), Screen.PHONE)
                : List.of(Screen.DESK, Screen.PHONE.inTheDark()), Tab::violations)).isEmpty();
    }

    @Test
    void fromThePhoneToTheWallNothingIsCutOffAndAllHasAName() throws Exception {
        var narrow = open("/");
        narrow.evaluate("() => Object.assign(document.querySelector('h1').style, {width: '30px', overflow: 'hidden', overflowWrap: 'normal'})");
        assertThat(tabs.get(0).clipped()).as("what is found where a heading is cut off").containsExactly("'Overview' in h1");
        assertThat(look(List.of(Screen.PHONE, Screen.WALL), (tab, part) -> {
            var wrong = new ArrayList<>(tab.clipped());
            if (tab.page().viewportSize().width == Screen.WALL.width()) {
                wrong.addAll(tab.unnamed());
            }
            if (tab.overflow() > 0) {
                wrong.add(tab.overflow() + " pixels wider than the window");
            }
            return wrong;
        })).isEmpty();
    }

    @Test
    void theKeyboardAloneReachesAMachineAndDrainsIt() throws Exception {
        var machine = lab.running("quick-0");
        var tab = open(Screen.DESK, http, LabResource.ADMIN, "/");
        var page = tab.page();
        tabTo(page, "link", "research");
        page.keyboard().press("Enter");
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName("research").setExact(true))).isFocused();
        tabTo(page, "link", machine.getMachineId());
        page.keyboard().press("Enter");
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setLevel(1))).containsText(machine.getMachineId());
        tabTo(page, "button", "Drain");
        page.keyboard().press("Enter");
        assertThat(dialog(page)).containsText("finishes 1 task");
        tabTo(page, "button", "Drain");
        page.keyboard().press("Enter");
        assertThat(dialog(page)).hasCount(0);
        tab.await("it drains", () -> lab.running("quick-0").getPhase() == Phase.DRAINING);
        assertThat(page.getByText("Draining").first()).isVisible();
        // The button that asked offers the way back now, and still has the focus.
        assertThat(button(page, "Cancel drain")).isFocused();
    }

    @Test
    void aQuestionHoldsTheFocusAndGivesItBack() throws Exception {
        var tab = open(Screen.DESK, http, LabResource.ADMIN, "/fleets/nightly");
        var page = tab.page();
        tabTo(page, "button", "Pause");
        page.keyboard().press("Enter");
        assertThat(dialog(page)).containsText("Nothing new is launched");
        for (int pressed = 0; pressed < 8; pressed++) {
            page.keyboard().press("Tab");
            assertThat((Boolean) page.evaluate("() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null")).as("after %s tabs", pressed + 1).isTrue();
        }
        page.keyboard().press("Escape");
        assertThat(dialog(page)).hasCount(0);
        assertThat(button(page.locator(".page-actions"), "Pause")).isFocused();
        // What is answered leaves it where it was, also where the button has another name by then.
        page.keyboard().press("Enter");
        tabTo(page, "button", "Pause");
        page.keyboard().press("Enter");
        assertThat(button(page.locator(".page-actions"), "Resume")).isFocused();
        page.keyboard().press("Enter");
        tabTo(page, "button", "Resume");
        page.keyboard().press("Enter");
        assertThat(button(page.locator(".page-actions"), "Pause")).isFocused();
        tab.await("it is resumed", () -> lab.fleet("nightly").getRecord().getState() == FleetState.ACTIVE);
    }

    @Test
    void anAnswerBesideThePageGivesTheFocusBack() {
        var page = open("/fleets/research");
        var why = part(page, "queues").getByRole(AriaRole.ROW).nth(1).getByRole(AriaRole.LINK).last();
        why.focus();
        page.keyboard().press("Enter");
        assertThat(dialog(page)).containsText("Why tasks wait in");
        page.keyboard().press("Escape");
        assertThat(dialog(page)).hasCount(0);
        assertThat(why).isFocused();
        // Of a link that was sent there is nothing to go back to but the page.
        page = open("/fleets/research?why=queue/research/training");
        assertThat(dialog(page)).containsText("Why tasks wait in");
        page.keyboard().press("Escape");
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setLevel(1))).isFocused();
    }

    @Test
    void aButtonThatIsNoMoreLeavesTheFocusToThePage() {
        var machine = lab.running("batch-0");
        var page = open("/machines/" + machine.getMachineId());
        tabTo(page, "button", "Terminate");
        lab.ends(machine, CloudState.SHUTTING_DOWN);
        assertThat(button(page, "Terminate")).hasCount(0);
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setLevel(1))).isFocused();
    }

    @Test
    void whatIsDoneAndWhatTheFormIsWorthIsAnnounced() throws Exception {
        var tab = open(Screen.DESK, http, LabResource.ADMIN, "/fleets/research");
        var page = tab.page();
        page.evaluate(LISTEN);
        var machine = row(part(page, "machine-table"), lab.running("train-2").getMachineId());
        button(machine, "Protect").click();
        button(dialog(page), "Protect").click();
        tab.await("it is said", () -> said(page).contains("Protect " + lab.running("train-2").getMachineId() + ": done."));
        goTo(tab, "/fleets/nightly/edit");
        tab.settle();
        page.getByLabel("Machine type").fill("");
        tab.await("what is to mend is said", () -> said(page).stream().anyMatch(text -> text.toString().contains("to mend")));
        page.evaluate("() => { window.said.length = 0; }");
        page.getByLabel("Machine type").fill("m6i.large");
        tab.await("that it is valid is said", () -> said(page).stream().anyMatch(text -> text.toString().startsWith("Valid")));
    }

    @Test
    void anOutageIsAnnouncedOnceAndNotEachSecond() throws Exception {
        try (var wire = new Wire(http)) {
            var tab = open(Screen.DESK, wire.here(), LabResource.ADMIN, "/");
            var page = tab.page();
            assertThat(part(page, "waiting")).containsText("9");
            page.evaluate(LISTEN);
            wire.cut();
            assertThat(part(page, "gone")).containsText("The planner does not answer.");
            // For some seconds, in which the age that is shown and the ages of all parts of the page change.
            assertThat(part(page, "gone")).containsText(Pattern.compile("\\b([6-9]|\\d\\d) s old"));
            assertThat(said(page)).as("what was said").filteredOn(text -> text.toString().contains("does not answer")).hasSize(1);
            assertThat(said(page)).as("what was said").hasSizeLessThan(8);
            wire.mend();
            assertThat(part(page, "gone")).hasCount(0);
            tab.await("that it is back is said", () -> said(page).contains("Live"));
        }
    }
}
