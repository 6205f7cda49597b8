package dev.muster.planner.console;

import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import dev.muster.contracts.Times;
import dev.muster.planner.StolenTime;
import dev.muster.planner.console.browser.Chromium.Screen;
import dev.muster.planner.control.BrokerResource;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.MachinePaid;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.OfferKey;
import dev.muster.v1.PaidKind;
import dev.muster.v1.Phase;
import dev.muster.v1.Reason;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** How soon the console is there, and whether it stays fluid and small. Run by name, on a computer that does nothing else. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@QuarkusTestResource(value = LabResource.class, restrictToAnnotatedClass = true)
class ConsoleBenchmarks extends ConsoleInBrowser {

    private static final int MACHINES = 1_000;
    private static final int EVENTS_A_SECOND = 20;
    private static final int OPENINGS = 20;

    @Override
    void fill(Lab empty) throws Exception {
        empty.apply(Lab.RESEARCH);
    }

    @Test
    void howSoonItIsThere() throws Exception {
        var stolen = new StolenTime();
        var paints = new ArrayList<Double>();
        var shown = new ArrayList<Double>();
        var bytes = 0;
        for (int opening = 0; opening < OPENINGS; opening++) {
            try (var tab = open(Screen.DESK)) {
                var page = tab.page();
                page.addInitScript("new MutationObserver(() => { if (!window.shownAt && document.querySelector('[data-testid=waiting]')) window.shownAt = performance.now(); })"
                        + ".observe(document, {subtree: true, childList: true})");
                page.navigate(http + "#token=" + LabResource.ADMIN);
                // Not waitForFunction: it asks again by eval, which the page's policy forbids.
                tab.await("it is shown", () -> (Boolean) page.evaluate("() => Boolean(window.shownAt && performance.getEntriesByName('first-contentful-paint').length)"));
                paints.add(number(page, "performance.getEntriesByName('first-contentful-paint')[0].startTime"));
                shown.add(number(page, "window.shownAt"));
                bytes = (int) number(page, "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource').filter(e => !e.name.includes('/v1/'))]"
                        + ".reduce((sum, e) => sum + e.transferSize, 0)");
            }
        }
        System.out.printf("first paint %s ms; figures shown and buttons alive %s ms; %,d bytes transferred; %d openings, each in a browser without cache, %s; %.1f %% stolen%n", spread(paints), spread(shown),
                bytes, OPENINGS, chromium.version(), stolen.percent());
        assertThat(bytes).isLessThanOrEqualTo(250 * 1024);
    }

    @Test
    void howItBearsAThousandMachines() throws Exception {
        for (int number = 0; number < MACHINES; number++) {
            machine(number, number % 3 > 0);
        }
        await("they are shown", () -> lab.machines().size() >= MACHINES);
        var minutes = Double.parseDouble(System.getProperty("minutes", "20"));
        for (var address : System.getProperty("pages", "/,/fleets/research").split(",")) {
            try (var tab = open(Screen.DESK)) {
                var page = tab.page();
                page.navigate(http + "#token=" + LabResource.ADMIN + "&to=" + address);
                tab.await("all machines are shown", () -> (Boolean) page.evaluate("count => Boolean(document.querySelector('[data-testid=machines]')?.innerText.includes(count))",
                        Integer.toString(MACHINES)));
                var random = new Random(1);
                var heaps = new ArrayList<Double>();
                // What opening it costs is the other figure's.
                play(page, random, 20);
                page.evaluate("() => { window.frames_ = []; window.tasks_ = []; let last = performance.now();"
                        + " const frame = now => { window.frames_.push(now - last); last = now; requestAnimationFrame(frame); }; requestAnimationFrame(now => { last = now; requestAnimationFrame(frame); });"
                        + " new PerformanceObserver(list => list.getEntries().forEach(e => window.tasks_.push("
                        + "`${Math.round(e.duration)} (${Math.round(e.scripts.reduce((sum, script) => sum + script.duration, 0))} scripts"
                        + "${e.scripts.map(script => `, ${Math.round(script.duration)} ${script.invoker} ${script.sourceFunctionName} ${script.sourceURL.replace(/.*\\//, '')}`).join('')};"
                        + " ${e.styleAndLayoutStart ? Math.round(e.startTime + e.duration - e.styleAndLayoutStart) : 0} style and layout)`))).observe({type: 'long-animation-frame'}); }");
                var halfMinutes = new ArrayList<HalfMinute>();
                for (double minute = 0; minute < minutes; minute += 0.5) {
                    var stolen = new StolenTime();
                    play(page, random, 30);
                    var stolenPercent = stolen.percent();
                    var frames = (int) number(page, "window.frames_.length");
                    var slow = new ArrayList<String>();
                    page.evaluate("() => { window.frames_.length = 0; }");
                    // A collection is a pause that no page makes itself: what was seen before it counts.
                    for (var task : (List<?>) page.evaluate("() => { const seen = window.tasks_; window.tasks_ = []; return seen; }")) {
                        slow.add((String) task);
                    }
                    halfMinutes.add(new HalfMinute(stolenPercent, frames, slow));
                    page.evaluate("() => { gc(); }");
                    heaps.add(number(page, "performance.memory.usedJSHeapSize") / 1e6);
                    page.evaluate("() => { window.tasks_.length = 0; }");
                }
                System.out.printf("%s: %d machines, %d events a second, %.1f min: heap after a collection %s MB; each half minute %s%n", address, MACHINES, EVENTS_A_SECOND, minutes, spread(heaps),
                        heaps.stream().map("%.1f"::formatted).collect(Collectors.joining(" ")));
                show("all half minutes", halfMinutes);
                show("half minutes of which less than 1 % was stolen", halfMinutes.stream().filter(half -> half.stolenPercent < 1).toList());
                assertThat(heaps.get(heaps.size() - 1)).as("MB at the end").isLessThan(heaps.get(0) * 1.5 + 5);
            }
        }
    }

    private static void show(String which, List<HalfMinute> halfMinutes) {
        var slow = halfMinutes.stream().flatMap(half -> half.slow.stream()).toList();
        System.out.printf("  %s (%d): %d frames, of which %d took longer than 50 ms: %s%n", which, halfMinutes.size(), halfMinutes.stream().mapToInt(HalfMinute::frames).sum(), slow.size(),
                String.join(", ", slow));
    }

    /** The frames of a page in half a minute, and those that took longer than 50 ms, each with the milliseconds that it took and in what. */
    private record HalfMinute(double stolenPercent, int frames, List<String> slow) {
    }

    /** So many seconds of what a busy lab tells. */
    private void play(Page page, Random random, int seconds) {
        for (int tick = 0; tick < seconds * EVENTS_A_SECOND; tick++) {
            if (tick % 4 == 3) {
                var id = "bench-" + System.nanoTime();
                lab.write("decisions", "research", DecisionEvent.newBuilder().setDecisionId(id).setFleet("research").setAt(Times.timestamp(Instant.now())).setDecision(Decision.newBuilder()
                        .setReason(Reason.TASKS_WAIT).setRule("WantEnoughForDemand").setPool("gpu").setText("One machine for one task that waits in training.")).build().toByteArray(), Instant.now());
            } else {
                machine(random.nextInt(MACHINES), random.nextBoolean());
            }
            page.waitForTimeout(1000.0 / EVENTS_A_SECOND);
        }
    }

    private void machine(int number, boolean busy) {
        var id = "mbench-" + number;
        var now = Times.timestamp(Instant.now());
        var machine = MachineRecord.newBuilder().setMachineId(id).setFleet("research").setPool(number % 2 == 0 ? "gpu" : "cpu").setCloudId("i-" + number).setPhase(Phase.READY).setCounted(true)
                .setRequestedAt(now).setAcceptedAt(now).setReadyAt(now).setOffer(OfferKey.newBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType("g4dn.xlarge"))
                .setPaid(MachinePaid.newBuilder().setSince(now).setMicrosPerHour(526_000).setKind(busy ? PaidKind.USEFUL : PaidKind.IDLE_PAID).setKindSince(now));
        if (busy) {
            machine.addTasks("task-" + number);
        } else {
            machine.setIdleSince(now);
        }
        lab.write("machines", "research/" + id, machine.build().toByteArray(), Instant.now());
    }

    private static double number(Page page, String expression) {
        return ((Number) page.evaluate("() => " + expression)).doubleValue();
    }

    private static String spread(List<Double> values) {
        var sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return "%.1f (%.1f to %.1f)".formatted(sorted.get(sorted.size() / 2), sorted.get(0), sorted.get(sorted.size() - 1));
    }
}
