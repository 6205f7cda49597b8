package dev.muster.planner.console.browser;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import dev.muster.planner.console.browser.Chromium.Screen;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.StreamSupport;

/** One window, and what went wrong in it: scripts that failed, dialogs that no page of ours opens, policies that were broken. */
public final class Tab implements AutoCloseable {

    private static final double PATIENCE_MS = 30_000;
    private static final Set<String> NAMED = Set.of("button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "spinbutton", "slider", "switch", "dialog", "alertdialog",
            "image", "img", "region", "navigation", "search", "table", "listbox");

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
     * What axe-core has against a part of the page as it is, by all its rules for WCAG 2.2, level AA, and what it calls best practices.
     *
     * @return each rule that is broken, with the elements
     */
    public List<String> violations(Locator part) {
        if (!(Boolean) page.evaluate("() => typeof axe !== 'undefined'")) {
            // Not by a script element: the page's own policy lets nobody add one.
            page.evaluate(axe);
        }
        // Those that WCAG 2.2 added are off unless they are asked for by name.
        var found = (String) part.evaluate("async part => JSON.stringify((await axe.run(part, {resultTypes: ['violations'], rules: Object.fromEntries("
                + "axe.getRules(['wcag22a', 'wcag22aa']).map(rule => [rule.ruleId, {enabled: true}]))})).violations)");
        return StreamSupport.stream(JsonParser.parseString(found).getAsJsonArray().spliterator(), false).map(Tab::words).toList();
    }

    private static String words(JsonElement violation) {
        var rule = violation.getAsJsonObject();
        var nodes = StreamSupport.stream(rule.getAsJsonArray("nodes").spliterator(), false).limit(4)
                .map(node -> node.getAsJsonObject().get("html").getAsString() + " (" + node.getAsJsonObject().get("failureSummary").getAsString().replace("\n", " ") + ")").toList();
        return rule.get("id").getAsString() + ": " + String.join("; ", nodes);
    }

    /** As if the window were changed, and the person's system became dark or light. */
    public void show(Screen screen) {
        page.setViewportSize(screen.width(), screen.height());
        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(screen.dark() ? ColorScheme.DARK : ColorScheme.LIGHT));
    }

    /** Waits until the page has what it asked the planner for. */
    public void settle() throws Exception {
        await("the page is whole", () -> (Boolean) page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>"
                + " done(document.querySelector('h1') !== null && !/(Reading|Asking|Asking the planner.*)…/.test(document.body.innerText)))))"));
    }

    /**
     * Texts of the page that nobody can read whole, however one scrolls: those that something cuts off, or that are beyond the window.
     *
     * @return each with what cuts it off
     */
    public List<String> clipped() {
        return ((List<?>) page.evaluate("""
                () => {
                  const found = new Set();
                  const range = document.createRange();
                  const named = element => element.tagName.toLowerCase() + (typeof element.className === 'string' && element.className ? '.' + element.className.trim().replaceAll(/\\s+/g, '.') : '');
                  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                  while (texts.nextNode()) {
                    const text = texts.currentNode;
                    const own = text.parentElement;
                    if (text.data.trim() === '' || !own.checkVisibility() || own.closest('.hidden, select, textarea, noscript')) {
                      continue;
                    }
                    range.selectNodeContents(text);
                    for (const line of range.getClientRects()) {
                      let scrolls = false;
                      for (let at = own; at && at !== document.documentElement && !scrolls; at = at.tagName === 'DIALOG' ? null : at.parentElement) {
                        const { overflowX, overflowY, display } = getComputedStyle(at);
                        if (display === 'inline' || display === 'contents') {
                          continue;
                        }
                        scrolls = /auto|scroll/.test(overflowX + overflowY);
                        const box = at.getBoundingClientRect();
                        const left = box.left + at.clientLeft;
                        const top = box.top + at.clientTop;
                        const cuts = /hidden|clip/;
                        if (cuts.test(overflowX) && (line.left < left - 1 || line.right > left + at.clientWidth + 1) || cuts.test(overflowY) && (line.top < top - 3 || line.bottom > top + at.clientHeight + 3)) {
                          found.add(`'${text.data.trim()}' in ${named(at)}`);
                        }
                      }
                      if (!scrolls && (line.left < -1 || line.right > innerWidth + 1)) {
                        found.add(`'${text.data.trim()}' beyond the window`);
                      }
                    }
                  }
                  const pen = document.createElement('canvas').getContext('2d');
                  for (const select of document.querySelectorAll('select')) {
                    const style = getComputedStyle(select);
                    pen.font = style.font;
                    const text = select.selectedOptions[0]?.text ?? '';
                    // The arrow is beside the text.
                    if (select.checkVisibility() && pen.measureText(text).width > select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 14) {
                      found.add(`'${text}' in select`);
                    }
                  }
                  return [...found];
                }""")).stream().map(Object::toString).toList();
    }

    /** Parts that a screen reader would announce by what they are alone: controls, pictures, dialogs and the like without a name. */
    public List<String> unnamed() {
        var session = context.newCDPSession(page);
        try {
            var nodes = session.send("Accessibility.getFullAXTree").getAsJsonArray("nodes");
            return StreamSupport.stream(nodes.spliterator(), false).map(JsonElement::getAsJsonObject)
                    .filter(node -> !node.get("ignored").getAsBoolean() && node.has("role") && NAMED.contains(node.getAsJsonObject("role").get("value").getAsString()))
                    .filter(node -> !node.has("name") || node.getAsJsonObject("name").get("value").getAsString().isBlank())
                    .map(node -> {
                        var at = new JsonObject();
                        at.add("backendNodeId", node.get("backendDOMNodeId"));
                        return session.send("DOM.getOuterHTML", at).get("outerHTML").getAsString();
                    }).toList();
        } finally {
            session.detach();
        }
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
