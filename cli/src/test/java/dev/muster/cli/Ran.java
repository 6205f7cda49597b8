package dev.muster.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

/** What one command line did. */
record Ran(int exitCode, String out, String err) {

    static {
        // Whoever runs the tests may have contexts of their own.
        System.setProperty("muster.config", "target/no-such-config.yaml");
        System.setProperty("muster.watchMillis", "50");
        System.setProperty("muster.completeMillis", "20000");
    }

    /** Runs it on a thread of its own, and interrupts it once what is waited for is so. */
    static Ran until(BooleanSupplier happened, String... arguments) {
        var ran = new AtomicReference<Ran>();
        var thread = new Thread(() -> ran.set(of(arguments)), "watching");
        thread.start();
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        try {
            while (thread.isAlive() && !happened.getAsBoolean() && System.nanoTime() < deadline) {
                thread.join(5);
            }
            while (thread.isAlive() && System.nanoTime() < deadline) {
                thread.interrupt();
                thread.join(20);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        if (ran.get() == null) {
            throw new AssertionError(String.join(" ", arguments) + " did not end");
        }
        return ran.get();
    }

    /** Runs it in this process; for one test at a time, since both streams are the process's own. */
    static Ran of(String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var outBefore = System.out;
        var errBefore = System.err;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            return new Ran(Muster.run(arguments), out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(outBefore);
            System.setErr(errBefore);
        }
    }
}
