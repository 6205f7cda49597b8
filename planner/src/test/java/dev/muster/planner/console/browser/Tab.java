package dev.muster.planner.console.browser;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Page;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.StreamSupport;

/** One window, and what went wrong in it: scripts that failed, dialogs that no page of ours opens, policies that were broken. */
public final class Tab implements AutoCloseable {

    private static final double PATIENCE_MS = 15_000;

    private final BrowserContext context;
    private final Page page;
    private final String axe;
    private final List<String> problems = new ArrayList<>();
    private final Set<String> hosts = new TreeSet<>();

    Tab(BrowserContext context, String axe) {
        this.context = context;
        this.axe = axe;
        context.setDefaultTimeout(PATIENCE_MS);
        page = context.newPage();
        page.onPageError(error -> problems.add("script: " + error));
        page.onDialog(dialog -> {
            problems.add("dialog: " + dialog.message());
            dialog.dismiss();
        });
        page.onConsoleMessage(message -> {
            // What a server refuses, or can't be reached for, is the page's to show, and is looked for there.
            if (message.type().equals("error") && !message.text().startsWith("Failed to load resource")) {
                problems.add("console: " + message.text());
            }
        });
        context.onRequest(request -> {
            var uri = URI.create(request.url());
            if (uri.getHost() != null) {
                hosts.add(uri.getHost() + ":" + uri.getPort());
            }
        });
    }

    public Page page() {
        return page;
    }

    /** Hosts that anything was asked of. */
    public Set<String> hosts() {
        return hosts;
    }

    /** Nothing went wrong so far. */
    public void isFine() {
        assertThat(problems).as("at %s", page.url()).isEmpty();
    }

    /** Waits while the browser goes on: a driver that waits otherwise hears nothing of it. */
    public void await(String what, Callable<Boolean> condition) throws Exception {
        var deadline = System.nanoTime() + (long) (PATIENCE_MS * 1_000_000);
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("%s, within %s ms, at %s:%n%s", what, PATIENCE_MS, page.url(), page.innerText("body")).isLessThan(deadline);
            page.waitForTimeout(50);
        }
    }

    /**
     * What axe-core has against the page as it is: its default rules and the size of targets, which WCAG 2.2 added.
     *
     * @param rules only these; none: all
     * @return each rule that is broken, with the elements
     */
    public List<String> violations(String... rules) {
        if (!(Boolean) page.evaluate("() => typeof axe !== 'undefined'")) {
            // Not by a script element: the page's own policy lets nobody add one.
            page.evaluate(axe);
        }
        var only = rules.length == 0 ? "" : "runOnly: {type: 'rule', values: ['" + String.join("','", rules) + "']},";
        var found = (String) page.evaluate("async () => JSON.stringify((await axe.run(document, {" + only
                + " resultTypes: ['violations'], rules: {'target-size': {enabled: true}}})).violations)");
        return StreamSupport.stream(JsonParser.parseString(found).getAsJsonArray().spliterator(), false).map(Tab::words).toList();
    }

    private static String words(JsonElement violation) {
        var rule = violation.getAsJsonObject();
        var nodes = StreamSupport.stream(rule.getAsJsonArray("nodes").spliterator(), false).limit(4)
                .map(node -> node.getAsJsonObject().get("html").getAsString() + " (" + node.getAsJsonObject().get("failureSummary").getAsString().replace("\n", " ") + ")").toList();
        return rule.get("id").getAsString() + ": " + String.join("; ", nodes);
    }

    /** By how many pixels the page is wider than its window. */
    public int overflow() {
        return (Integer) page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
    }

    @Override
    public void close() {
        context.close();
    }
}
