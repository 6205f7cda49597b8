package dev.muster.planner.console.browser;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Debian's Chromium, driven by Playwright as .ci/parts has it. For one thread, as Playwright is. */
public final class Chromium implements AutoCloseable {

    /** A window's width and height, and whether the person's system is dark. */
    public record Screen(int width, int height, boolean dark) {

        public static final Screen DESK = new Screen(1440, 900, false);
        public static final Screen PHONE = new Screen(360, 740, false);
        public static final Screen WALL = new Screen(2560, 1440, false);

        public Screen inTheDark() {
            return new Screen(width, height, true);
        }
    }

    private final Playwright playwright;
    private final Browser browser;
    private final String axe;

    private Chromium(Path parts, Path program) throws IOException {
        axe = Files.readString(parts.resolve("axe.min.js"));
        System.setProperty("playwright.cli.dir", parts.toString());
        playwright = Playwright.create(new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright.chromium().launch(new BrowserType.LaunchOptions().setExecutablePath(program).setArgs(List.of("--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-precise-memory-info", "--js-flags=--expose-gc")));
    }

    /** Empty, with a line that says so, where a part is missing. */
    public static Optional<Chromium> start(String suite) throws IOException {
        var program = Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":")).map(folder -> Path.of(folder, "chromium")).filter(Files::isExecutable).findFirst();
        var parts = parts();
        if (program.isEmpty() || parts.isEmpty()) {
            System.out.println("Skipped: " + suite + "; " + (program.isEmpty() ? "chromium" : "its driver in .muster/parts/browser") + " is missing, run .ci/parts");
            return Optional.empty();
        }
        return Optional.of(new Chromium(parts.get(), program.get()));
    }

    private static Optional<Path> parts() {
        return Stream.iterate(Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent).map(folder -> folder.resolve(".muster/parts/browser"))
                .filter(folder -> Files.exists(folder.resolve("installed")) && Files.isExecutable(folder.resolve("node"))).findFirst();
    }

    /** A window of its own: nothing of another's is in it. */
    public Tab open(Screen screen) {
        return new Tab(browser.newContext(new Browser.NewContextOptions().setViewportSize(screen.width(), screen.height()).setLocale("en-GB").setTimezoneId("UTC")
                .setColorScheme(screen.dark() ? ColorScheme.DARK : ColorScheme.LIGHT).setReducedMotion(ReducedMotion.REDUCE)), axe);
    }

    public String version() {
        return browser.version();
    }

    @Override
    public void close() {
        browser.close();
        playwright.close();
    }
}
