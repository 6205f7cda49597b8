package dev.muster.planner.access;

import dev.muster.contracts.InvalidYamlException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Grants from a file, read anew every few seconds. One that can't be read later on changes nothing, and is complained of until it can: whoever
 * could call goes on, and nobody gains anything by a slip of somebody's hand. Thread-safe.
 */
final class GrantsFile implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(GrantsFile.class);
    private static final Duration EVERY = Duration.ofSeconds(2);
    private static final Duration COMPLAIN_EVERY = Duration.ofMinutes(1);

    private final Path file;
    private final Runnable onChange;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        var thread = new Thread(task, "grants");
        thread.setDaemon(true);
        return thread;
    });
    private volatile Grants grants;
    private String text;
    private String problem = "";
    private long complainedAt;

    private GrantsFile(Path file, Grants grants, String text, Runnable onChange) {
        this.file = file;
        this.grants = grants;
        this.text = text;
        this.onChange = onChange;
    }

    /**
     * @param onChange after the grants have changed
     * @throws IllegalArgumentException naming the setting, and lines and fields that are wrong
     */
    static GrantsFile follow(Path file, Runnable onChange) {
        return follow(file, EVERY, onChange);
    }

    static GrantsFile follow(Path file, Duration every, Runnable onChange) {
        try {
            var text = Files.readString(file);
            var following = new GrantsFile(file, Grants.parse(text), text, onChange);
            following.timer.scheduleWithFixedDelay(following::look, every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
            return following;
        } catch (IOException | InvalidYamlException wrong) {
            throw unreadable(file, wrong);
        }
    }

    /** As {@link #follow} would find it. @throws IllegalArgumentException as it would */
    static void check(Path file) {
        try {
            Grants.parse(Files.readString(file));
        } catch (IOException | InvalidYamlException wrong) {
            throw unreadable(file, wrong);
        }
    }

    private static IllegalArgumentException unreadable(Path file, Exception wrong) {
        return new IllegalArgumentException("muster.api.grants is " + file + ", which " + (wrong instanceof NoSuchFileException ? "is not there"
                : wrong instanceof InvalidYamlException ? "has mistakes: " + wrong.getMessage() : "can't be read: " + wrong.getClass().getSimpleName()));
    }

    Grants grants() {
        return grants;
    }

    void look() {
        try {
            var now = Files.readString(file);
            if (!now.equals(text)) {
                var read = Grants.parse(now);
                text = now;
                grants = read;
                LOG.infof("The grants changed; file=%s holders=%d tokens=%d", file, read.roles().size(), read.tokens().size());
                onChange.run();
            }
            problem = "";
        } catch (IOException | InvalidYamlException wrong) {
            complain(unreadable(file, wrong).getMessage());
        } catch (RuntimeException bug) {
            complain("looking at " + file + " failed: " + bug);
        }
    }

    private void complain(String why) {
        var now = System.nanoTime();
        if (!why.equals(problem) || now - complainedAt > COMPLAIN_EVERY.toNanos()) {
            LOG.errorf("The grants stay as they were, since their file is no good; reason=%s", why);
            problem = why;
            complainedAt = now;
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
