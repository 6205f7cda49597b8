package dev.muster.watcher;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import org.eclipse.microprofile.config.ConfigProvider;

/** Starts the watcher, or says in one sentence why it doesn't. */
@QuarkusMain
public final class Main {

    /** As sysexits.h has it: something was found in a bad configuration. */
    private static final int BAD_CONFIGURATION = 78;

    private Main() {}

    public static void main(String[] args) {
        var problem = Settings.problem(ConfigProvider.getConfig());
        if (problem != null) {
            System.err.println("queue-watcher can't start: " + problem);
            System.exit(BAD_CONFIGURATION);
        }
        Quarkus.run(args);
    }
}
