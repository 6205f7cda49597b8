package dev.muster.acceptance;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.AriaRole;
import dev.muster.planner.console.browser.Chromium;
import dev.muster.planner.console.browser.Chromium.Screen;
import dev.muster.planner.console.browser.Picture;
import dev.muster.planner.console.browser.Tab;
import dev.muster.sandbox.ec2.Ec2Config;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A person with a browser and no code, from the address that {@code ./muster up} prints to the last machine's end; in the second window sits a colleague.
 * What the pages say is held against ClearML's and EC2's own books.
 */
@Tag("long")
class ConsoleStoryIT {

    private static final int SPEED = 5;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCY";
    private static final Pattern LINK = Pattern.compile("http://\\S+/#token=[^\\s\\x1b]+");

    @TempDir
    Path folder;

    private Chromium chromium;
    private Sandbox muster;
    private CloudStandIn ec2;
    private Tab own;
    private Tab colleagues;
    private String link;

    @BeforeEach
    void up() throws Exception {
        chromium = Chromium.start("the console's whole story").orElse(null);
        Assumptions.assumeTrue(chromium != null, "there is no browser");
        PlaywrightAssertions.setDefaultAssertionTimeout(60_000);
        muster = Sandbox.atATerminal(folder, SPEED, CloudStandIn.Kind.AWS);
        ec2 = muster.cloud(CloudStandIn.Kind.AWS);
    }

    @AfterEach
    void down() {
        if (muster != null) {
            muster.close();
        }
        if (chromium != null) {
            chromium.close();
        }
    }

    @Test
    void aPersonSetsABudgetAndWatchesMachinesComeAndGo() throws Exception {
        var chapters = new LinkedHashMap<String, Step>();
        chapters.put("the printed address signs in", this::thePrintedAddressSignsIn);
        chapters.put("a fleet by form", this::aFormMakesAFleet);
        chapters.put("machines come, work and go", this::machinesComeWorkAndGo);
        chapters.put("a budget binds", this::aBudgetBindsAndThePageSaysWhy);
        chapters.put("drain, protect, shut down idle", this::machinesAreDrainedProtectedAndLetGo);
        chapters.put("pause and resume", this::aPausedFleetLaunchesNothing);
        chapters.put("import", this::aFileOfClearmlsAutoscalerIsImported);
        chapters.put("conflict and roll-back", this::ofTwoEditsNothingIsLost);
        chapters.put("log", this::theLogIsFilteredFollowedAndLinked);
        chapters.put("the end", this::nothingIsLeft);
        if (Boolean.getBoolean("docs.write")) {
            chapters.put("pictures", this::picturesOfIt);
        }
        for (var chapter : chapters.entrySet()) {
            var began = System.nanoTime();
            try {
                chapter.getValue().go();
            } catch (Throwable failed) {
                throw new AssertionError(chapter.getKey() + ": " + failed.getMessage() + shown("own", own) + shown("colleague's", colleagues), failed);
            }
            System.out.printf("%s: %.1f s%n", chapter.getKey(), (System.nanoTime() - began) / 1e9);
        }
        System.out.println("Chromium " + chromium.version() + ": " + muster.enqueued() + " tasks on " + ec2.machines().size() + " machines");
    }

    private interface Step {
        void go() throws Exception;
    }

    private static String shown(String whose, Tab tab) {
        return tab == null ? "" : "\n" + whose + " page, at " + tab.page().url() + ":\n" + tab.page().innerText("body");
    }

    // The story.

    private void thePrintedAddressSignsIn() {
        var found = LINK.matcher(muster.told);
        assertThat(found.find()).as("a link that signs in, at a terminal").isTrue();
        link = found.group();
        own = opened(Screen.DESK);
        assertThat(own.page().getByText("No fleet yet")).isVisible();
        colleagues = opened(Screen.DESK);
    }

    private void aFormMakesAFleet() throws Exception {
        var page = own.page();
        link(page, "Create a fleet").click();
        write(page, "Fleet name", "My fleet!");
        assertThat(field(page, "Fleet name")).hasAttribute("aria-invalid", "true");
        assertThat(part(page, "judged")).containsText("to mend");
        assertThat(button(page, "Create fleet")).isDisabled();
        write(page, "Fleet name", "story");
        assertThat(field(page, "Fleet name")).not().hasAttribute("aria-invalid", "true");
        write(page, "Queue name", "gpu");
        write(page, "Pool name", "t4");
        field(page, "Cloud").selectOption("aws");
        write(page, "Account", "default");
        write(page, "Region", "us-east-1");
        write(page, "Machine type", "g4dn.xlarge");
        write(page, "Most machines", "4");
        assertThat(part(page, "judged")).containsText("Valid");
        // Beyond the eight: the price, and a time-out that nobody has to wait for.
        write(page, "Price an hour", "0.526");
        write(page, "Idle time-out", "20");
        assertThat(page.getByText("Write a span")).isVisible();
        button(page, "Create fleet").click();
        assertThat(field(page, "Idle time-out")).isFocused();
        assertThat(heading(page, "Create a fleet")).isVisible();
        write(page, "Idle time-out", "20s");
        assertThat(yaml(page)).hasValue(Pattern.compile("type: g4dn\\.xlarge[\\s\\S]*idle: 20s"));
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Preview").click();
        assertThat(part(page, "preview")).containsText("$0.00/h with it");
        button(page, "Create fleet").click();
        assertThat(heading(page, "story")).isVisible();
        assertThat(muster.shell.run("./muster fleet list").succeeded().out()).contains("story");
    }

    private void machinesComeWorkAndGo() throws Exception {
        var page = own.page();
        link(page, "Overview").click();
        assertThat(heading(page, "Overview")).isVisible();
        goTo(colleagues, "/fleets/story");
        page.evaluate("""
                () => {
                  window.stages = [];
                  const look = () => {
                    const line = [...document.querySelectorAll('[data-testid=phases] .life > li')].filter(lane => lane.querySelector('.count').textContent !== '0')
                      .map(lane => lane.querySelector('.badge').textContent + ' ' + lane.querySelector('.count').textContent).join(', ');
                    if (line && line !== window.stages.at(-1)) {
                      window.stages.push(line);
                    }
                    if (!window.seen) {
                      requestAnimationFrame(look);
                    }
                  };
                  look();
                }""");
        var tasks = muster.enqueue("gpu", 3, 10);
        assertThat(row(part(page, "queues"), "gpu").getByRole(AriaRole.CELL).nth(1)).hasText("3");
        assertThat(part(page, "waiting")).containsText("3");
        assertThat(part(page, "machines")).containsText("3 busy");
        assertThat(part(page, "rate")).containsText("$1.59/h");
        assertThat(row(part(colleagues.page(), "machine-table"), "Busy")).hasCount(3);
        assertThat(part(colleagues.page(), "machine-table").locator("code").allInnerTexts()).containsExactlyInAnyOrderElementsOf(tasks);
        await("all to be done", () -> muster.tasks("completed") == muster.enqueued());

        // Each idle machine counts down to its release.
        var countdown = row(part(colleagues.page(), "machine-table"), "Idle").first().getByRole(AriaRole.CELL).nth(4);
        assertThat(countdown).hasText(Pattern.compile("^0:[0-2]\\d$"));
        var first = countdown.innerText();
        colleagues.await("it counts", () -> countdown.innerText().compareTo(first) < 0);
        assertThat(part(colleagues.page(), "machine-table")).containsText("None.");
        assertThat(part(page, "phases").locator(".chip")).hasCount(0);
        assertThat(ec2.live()).isZero();

        @SuppressWarnings("unchecked")
        var stages = (List<String>) page.evaluate("() => { window.seen = true; return window.stages; }");
        System.out.println("Machines by phase, as the overview showed them:\n  " + String.join("\n  ", stages));
        var all = String.join(", ", stages);
        assertThat(all).contains("Booting", "Busy 3", "Idle", "Just ended 3").containsPattern("Requested|Launching").containsPattern("Draining|Terminating");
    }

    private void aBudgetBindsAndThePageSaysWhy() throws Exception {
        var page = own.page();
        link(part(page, "fleets"), "story").click();
        link(part(page, "budgets"), "Set one").click();
        button(page.getByRole(AriaRole.REGION, new Page.GetByRoleOptions().setName("Budgets of the whole fleet")), "Add a budget").click();
        page.getByLabel("Counts what is spent in").selectOption("PER_HOUR");
        var limit = page.getByLabel("Limit (USD)", new Page.GetByLabelOptions().setExact(true));
        limit.click();
        page.keyboard().type("1.20");
        assertThat(yaml(page)).hasValue(Pattern.compile("1\\.20?"));
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Apply").click();
        assertThat(heading(page, "story")).isVisible();
        assertThat(part(page, "budgets")).containsText("of $1.20/h");

        // Two machines' money, and four tasks.
        muster.enqueue("gpu", 4, 30);
        assertThat(part(page, "refusals")).containsText("1.062/h of 1.20/h");
        assertThat(part(page, "budgets")).containsText("At hard limit");
        assertThat(part(page, "budgets")).containsText("$1.06/h of $1.20/h");
        assertThat(part(page, "rate")).containsText("$1.06/h");
        assertThat(row(part(page, "machine-table"), "Busy")).hasCount(2);
        assertThat(ec2.live()).isEqualTo(2);
        link(part(page, "refusals"), "Why").first().click();
        assertThat(dialog(page)).containsText("Why tasks wait in gpu");
        assertThat(dialog(page)).containsText("What is in the way");
        assertThat(dialog(page)).containsText("1.062/h of 1.20/h");
        assertThat(dialog(page)).containsText(Pattern.compile("Ends when.*higher limit"));
        page.keyboard().press("Escape");
        assertThat(dialog(page)).hasCount(0);

        // One of those that wait.
        link(part(page, "queues"), "gpu").click();
        var waiting = row(page.getByRole(AriaRole.GROUP, new Page.GetByRoleOptions().setName("Tasks waiting in gpu")), "Why").last();
        var task = waiting.getByRole(AriaRole.ROWHEADER).innerText();
        assertThat(task(task).path("status").asText()).isEqualTo("queued");
        link(waiting, "Why").click();
        assertThat(dialog(page)).containsText("Why task " + task);
        assertThat(dialog(page)).containsText("What binds");
        assertThat(dialog(page)).containsText("1.062/h of 1.20/h");
        button(dialog(page), "Close").click();
        goTo(colleagues, "/");
        assertThat(part(colleagues.page(), "warnings")).containsText("1.062/h of 1.20/h");
    }

    private void machinesAreDrainedProtectedAndLetGo() throws Exception {
        var page = own.page();
        var machines = part(page, "machine-table");
        var busy = row(machines, "Busy").first();
        var drained = busy.getByRole(AriaRole.ROWHEADER).innerText();
        var itsTask = busy.locator("code").innerText();
        button(busy, "Drain").click();
        assertThat(dialog(page)).containsText("finishes 1 task");
        assertThat(dialog(page)).containsText(itsTask);
        button(dialog(page), "Drain").click();
        assertThat(row(machines, drained)).containsText("Draining");

        var kept = row(machines, "Busy").first().getByRole(AriaRole.ROWHEADER).innerText();
        button(row(machines, kept), "Protect").click();
        assertThat(dialog(page)).containsText("Neither idleness nor age lets it go");
        button(dialog(page), "Protect").click();
        assertThat(row(machines, kept)).containsText("Protected");

        await("all to be done", () -> muster.tasks("completed") == muster.enqueued());
        var ended = task(itsTask);
        assertThat(ended.path("starts").asInt()).as("what the drained machine ran: %s", ended).isEqualTo(1);
        assertThat(ended.path("lastWorker").asText()).contains(cloudId(drained));
        assertThat(muster.standIns.tasks().stream().filter(task -> task.path("lastWorker").asText().contains(cloudId(drained)))).as("it took no other").hasSize(1);

        // Whatever else is idle goes at once; the protected one stays.
        var other = machines.getByRole(AriaRole.ROW).filter(new Locator.FilterOptions().setHasText("Idle").setHasNotText(kept));
        assertThat(other).hasCount(1);
        var released = other.getByRole(AriaRole.ROWHEADER).innerText();
        button(page, "Shut down idle now").click();
        assertThat(dialog(page)).containsText("1 idle machine goes now");
        assertThat(dialog(page)).containsText(released);
        assertThat(dialog(page)).containsText("nor 1 protected");
        button(dialog(page), "Shut down idle").click();
        await("it to be gone", () -> ec2.live() == 1);
        assertThat(part(page, "decisions").getByRole(AriaRole.LISTITEM).filter(new Locator.FilterOptions().setHasText("a person asked about " + released))).hasCount(1);
        assertThat(row(machines, kept)).containsText("Idle");

        // Its page: what it did, and what it wrote.
        link(row(machines, kept), kept).click();
        assertThat(heading(page, kept)).isVisible();
        assertThat(part(page, "tasks").getByRole(AriaRole.ROWHEADER)).hasCount((int) muster.standIns.tasks().stream()
                .filter(task -> task.path("lastWorker").asText().contains(cloudId(kept))).count());
        button(page, "Read the console").click();
        var written = muster.standIns.text("/ec2/instances/" + cloudId(kept) + "/console").lines().filter(line -> line.length() > 20).findFirst().orElseThrow();
        assertThat(page.locator("pre.console")).containsText(written.strip());
        button(page, "Unprotect").click();
        assertThat(dialog(page)).containsText("It is released as any other");
        button(dialog(page), "Unprotect").click();
        await("its time to be over, too", () -> ec2.live() == 0);
        assertThat(page.locator(".page-title")).containsText(Pattern.compile("Gone|Terminating"));
        // What was spent in this very hour, whose books are still open, is not nothing.
        assertThat(part(colleagues.page(), "today").locator(".value")).hasText(Pattern.compile("^\\$0\\.(0[1-9]|[1-9]|00[1-9])\\d*$"));
    }

    private void aPausedFleetLaunchesNothing() throws Exception {
        var page = own.page();
        link(page.locator(".page-title"), "story").click();
        button(page.locator(".page-actions"), "Pause").click();
        assertThat(dialog(page)).containsText("Nothing new is launched");
        button(dialog(page), "Pause").click();
        assertThat(page.locator(".page-title")).containsText("Paused");
        var launches = ec2.launchCalls().size();
        muster.enqueue("gpu", 1, 5);
        assertThat(part(page, "queues")).containsText(Pattern.compile("paused", Pattern.CASE_INSENSITIVE));
        assertThat(ec2.launchCalls()).hasSize(launches);
        button(page.locator(".page-actions"), "Resume").click();
        assertThat(dialog(page)).containsText("1 task waits now");
        button(dialog(page), "Resume").click();
        await("it to be done", () -> muster.tasks("completed") == muster.enqueued());
        assertThat(page.locator(".page-title")).containsText("Active");
    }

    private void aFileOfClearmlsAutoscalerIsImported() throws Exception {
        var file = Files.writeString(folder.resolve("aws_autoscaler.yaml"), """
                hyper_params:
                  cloud_provider: AWS
                  cloud_credentials_key: AKIAIOSFODNN7EXAMPLE
                  cloud_credentials_secret: %s
                  cloud_credentials_region: us-east-1
                  max_idle_time_min: 15
                  max_spin_up_time_min: 30
                  polling_interval_time_min: 5
                  workers_prefix: dynamic_worker
                configurations:
                  extra_vm_bash_script: echo imported
                  queues:
                    imported: [[t4_spot, 2]]
                  resource_configurations:
                    t4_spot:
                      instance_type: g4dn.xlarge
                      is_spot: true
                      availability_zone: us-east-1a
                      ami_id: %s
                      tags: team=vision
                """.formatted(SECRET, Ec2Config.UBUNTU.id()));
        var page = own.page();
        link(page, "Fleets").click();
        link(page, "Import").click();
        page.getByLabel("File").setInputFiles(file);
        assertThat(page.getByLabel("Its text")).hasValue(Pattern.compile("t4_spot"));
        button(page, "Read it").click();
        assertThat(part(page, "import-notes")).containsText("workers_prefix");
        assertThat(field(page, "Queue name")).hasValue("imported");
        assertThat(field(page, "Bought as")).hasValue("SPOT");
        assertThat(field(page, "Idle time-out")).hasValue("15m");
        assertThat(yaml(page)).hasValue(Pattern.compile("team: vision"));
        assertThat(page.content() + yaml(page).inputValue()).as("the key stays in the file").doesNotContain(SECRET);
        write(page, "Fleet name", "taken-over");
        write(page, "Idle time-out", "10s");
        assertThat(yaml(page)).hasValue(Pattern.compile("idle: 10s"));
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Create fleet").click();
        assertThat(heading(page, "taken-over")).isVisible();
        muster.enqueue("imported", 1, 5);
        await("its task to be done", () -> muster.tasks("completed") == muster.enqueued());
        assertThat(ec2.briefly()).last().isEqualTo("us-east-1a spot x 1: Success");
        assertThat(part(page, "pools")).containsText("of 2");
    }

    private void ofTwoEditsNothingIsLost() throws Exception {
        var page = own.page();
        var other = colleagues.page();
        for (var tab : List.of(own, colleagues)) {
            goTo(tab, "/fleets/story/edit");
            assertThat(heading(tab.page(), "Edit story")).isVisible();
        }
        // Of the form, the budget, the pause and its end.
        var version = 4;
        assertThat(page.getByText("from version " + version)).isVisible();
        assertThat(other.getByText("from version " + version)).isVisible();
        write(page, "Idle time-out", "15s");
        assertThat(yaml(page)).hasValue(Pattern.compile("idle: 15s"));
        write(other, "Most machines", "6");
        assertThat(yaml(other)).hasValue(Pattern.compile("max: 6"));
        assertThat(part(other, "judged")).containsText("Valid");
        button(other, "Apply").click();
        assertThat(heading(other, "story")).isVisible();

        assertThat(page.getByText("has made version " + (version + 1))).isVisible();
        button(page, "Show both").click();
        var conflict = part(page, "conflict");
        assertThat(row(conflict, "max")).containsText("6");
        assertThat(row(conflict, "idle")).containsText("15s");
        button(conflict, "Put both together").click();
        assertThat(field(page, "Most machines")).hasValue("6");
        assertThat(field(page, "Idle time-out")).hasValue("15s");
        assertThat(yaml(page)).hasValue(Pattern.compile("max: 6"));
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Apply").click();
        assertThat(page.getByText("version " + (version + 2) + ", by")).isVisible();
        assertThat(muster.shell.run("./muster fleet get story").succeeded().out()).contains("max: 6", "idle: 15s");

        link(page, "Versions").click();
        var differences = part(page, "differences");
        assertThat(row(differences, "idle")).containsText("20s");
        assertThat(row(differences, "idle")).containsText("15s");
        page.getByLabel("From").first().selectOption(Integer.toString(version));
        assertThat(row(differences, "max")).containsText("6");
        button(row(part(page, "versions"), "Roll back").filter(new Locator.FilterOptions().setHas(
                page.getByRole(AriaRole.ROWHEADER, new Page.GetByRoleOptions().setName(Integer.toString(version)).setExact(true)))), "Roll back to it").click();
        assertThat(row(dialog(page), "max")).containsText("4");
        assertThat(row(dialog(page), "idle")).containsText("20s");
        button(dialog(page), "Roll back").click();
        assertThat(page.getByText("version " + (version + 3) + ", by")).isVisible();
        assertThat(muster.shell.run("./muster fleet get story").succeeded().out()).contains("max: 4", "idle: 20s");
    }

    private void theLogIsFilteredFollowedAndLinked() throws Exception {
        var page = own.page();
        link(page, "Log").click();
        var log = part(page, "log");
        assertThat(log).containsText("taken-over");
        page.getByLabel("Fleet").first().selectOption("story");
        assertThat(log).not().containsText("taken-over");
        page.getByLabel("What").first().selectOption("audited");
        assertThat(log.getByText("Changed").first()).isVisible();
        assertThat(log.getByText("Done", new Locator.GetByTextOptions().setExact(true))).hasCount(0);

        // It follows: what happens from now on is there by itself.
        page.getByLabel("What").first().selectOption("machine");
        await("no other to be there", () -> ec2.live() == 0);
        muster.enqueue("gpu", 1, 5);
        await("its machine to come", () -> ec2.live() == 1);
        var machine = ec2.machines().stream().filter(one -> one.ended() == null).findFirst().orElseThrow().machineId();
        page.getByLabel("Containing").click();
        page.keyboard().type(machine);
        assertThat(page).hasURL(Pattern.compile("text=" + machine));
        await("its task to be done", () -> muster.tasks("completed") == muster.enqueued());
        await("it to be gone", () -> ec2.live() == 0);
        assertThat(log.getByRole(AriaRole.LISTITEM).first()).containsText("Gone");
        @SuppressWarnings("unchecked")
        var moves = (List<String>) log.getByRole(AriaRole.LISTITEM).evaluateAll("lines => lines.map(line => [...line.querySelectorAll('p:nth-child(2) .badge')].at(-1).textContent).reverse()");
        System.out.println(machine + ", as the log followed it: " + String.join(", ", moves));
        assertThat(moves).containsSubsequence("Requested", "Booting", "Busy", "Idle", "Gone");

        // A line has an address of its own, which anybody may be sent.
        page.getByLabel("What").first().selectOption("done");
        var launch = log.getByRole(AriaRole.LISTITEM).last().getByRole(AriaRole.LINK);
        var said = launch.innerText();
        launch.click();
        assertThat(dialog(page)).containsText(said);
        assertThat(dialog(page)).containsText(machine);
        assertThat(dialog(page)).containsText("What was weighed");
        var address = page.url().substring(page.url().indexOf('#') + 1);
        assertThat(page.url()).contains("why=decision");
        goTo(colleagues, address);
        assertThat(dialog(colleagues.page())).containsText(said);
        page.keyboard().press("Escape");
        colleagues.page().keyboard().press("Escape");
        assertThat(dialog(page)).hasCount(0);
    }

    private void nothingIsLeft() throws Exception {
        muster.awaitRest(PATIENCE);
        muster.everyTaskRanOnce();
        muster.everyMachineIsOne("story");
        muster.everyMachineIsOne("taken-over");
        for (var tab : List.of(own, colleagues)) {
            goTo(tab, "/");
            assertThat(part(tab.page(), "machines")).containsText("0 busy, 0 idle");
            tab.isFine();
            assertThat(tab.hosts()).as("no request to elsewhere").containsExactly(URI.create(link).getHost() + ":" + URI.create(link).getPort());
        }
    }

    /** Written anew by -Ddocs.write=true: more of it at once than a story needs, by day and night, on a desk and a phone. */
    private void picturesOfIt() throws Exception {
        muster.apply("story", """
                name: story
                currency: USD
                budgets: {hour: 4.3, day: {limit: 60, soft: 40}}
                queues: {gpu: [t4], cpu: [small]}
                pools:
                  t4: {provider: aws, region: us-east-1, type: g4dn.xlarge, price: 0.526, max: 12, idle: 20s}
                  small: {provider: aws, region: us-east-1, type: m6i.large, price: 0.096, max: 6, idle: 20s}
                """);
        var screens = List.of(Screen.DESK, Screen.DESK.inTheDark(), Screen.PHONE, Screen.PHONE.inTheDark());
        var windows = new LinkedHashMap<Screen, Tab>();
        for (var screen : screens) {
            windows.put(screen, opened(screen));
        }
        muster.enqueue("cpu", 3, 20);
        muster.enqueue("imported", 2, 120);
        await("some to work", () -> muster.tasks("in_progress") == 5);
        muster.enqueue("gpu", 11, 150);
        assertThat(part(windows.get(Screen.DESK).page(), "warnings")).containsText("blocked");
        assertThat(row(part(windows.get(Screen.DESK).page(), "queues"), "blocked")).hasCount(1);
        windows.forEach((screen, tab) -> take("live-overview", screen, tab));
        await("seven of them to work", () -> muster.tasks("in_progress") >= 9);
        // A minute's row is there once the minute is over.
        own.page().waitForTimeout(70_000);
        windows.forEach((screen, tab) -> {
            goTo(tab, "/fleets/story");
            assertThat(part(tab.page(), "charts").locator("canvas").first()).isVisible();
            part(tab.page(), "charts").evaluate("charts => charts.scrollIntoView()");
            tab.page().waitForTimeout(1_500);
            take("live-fleet", screen, tab);
            goTo(tab, "/fleets/story?why=queue/story/gpu");
            assertThat(dialog(tab.page())).containsText("What is in the way");
            take("live-why", screen, tab);
        });
        windows.values().forEach(tab -> {
            tab.isFine();
            tab.close();
        });
    }

    private static void take(String name, Screen screen, Tab tab) {
        try {
            Files.write(Files.createDirectories(Shell.SOURCES.resolve("docs/console")).resolve(name + "-" + screen.width() + (screen.dark() ? "-dark" : "-light") + ".png"),
                    Picture.small(tab.page().screenshot()));
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    // What a person does and sees.

    /** A window of its own, at the address that was printed. */
    private Tab opened(Screen screen) {
        var tab = chromium.open(screen);
        tab.page().navigate(link);
        assertThat(heading(tab.page(), "Overview")).isVisible();
        assertThat(tab.page().url()).as("the token has left the address").doesNotContain("token");
        return tab;
    }

    private static void goTo(Tab tab, String address) {
        tab.page().evaluate("address => { location.hash = address; }", address);
        assertThat(tab.page().locator("h1").first()).isVisible();
    }

    /** As one does it who finds something there: marks all, and types over it. */
    private static void write(Page page, String label, String text) {
        field(page, label).click();
        page.keyboard().press("Control+A");
        page.keyboard().type(text);
    }

    private static Locator part(Page page, String name) {
        return page.getByTestId(name);
    }

    /** The first of a form that has it more than once. */
    private static Locator field(Page page, String label) {
        return page.getByLabel(label).first();
    }

    private static Locator heading(Page page, String name) {
        return page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setLevel(1).setName(name).setExact(true));
    }

    private static Locator yaml(Page page) {
        return page.getByRole(AriaRole.TEXTBOX, new Page.GetByRoleOptions().setName("As YAML"));
    }

    private static Locator dialog(Page page) {
        return page.getByRole(AriaRole.DIALOG);
    }

    private static Locator button(Page page, String name) {
        return page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator button(Locator in, String name) {
        return in.getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator link(Page page, String name) {
        return page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator link(Locator in, String name) {
        return in.getByRole(AriaRole.LINK, new Locator.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator row(Locator table, String text) {
        return table.getByRole(AriaRole.ROW).filter(new Locator.FilterOptions().setHasText(text));
    }

    /** Waits for what others' books say, while the browser goes on: a driver that waits otherwise hears nothing of it. */
    private void await(String what, Callable<Boolean> condition) throws Exception {
        muster.await(PATIENCE, what, () -> {
            own.page().waitForTimeout(50);
            return condition.call();
        });
    }

    // The books of others.

    private JsonNode task(String id) throws Exception {
        return muster.standIns.tasks().stream().filter(task -> task.path("id").asText().equals(id)).findFirst().orElseThrow();
    }

    private String cloudId(String machine) {
        return muster.machines().get(machine).getCloudId();
    }
}
