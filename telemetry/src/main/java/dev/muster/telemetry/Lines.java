package dev.muster.telemetry;

import io.quarkus.logging.LoggingFilter;
import java.util.logging.Filter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.eclipse.microprofile.config.ConfigProvider;
import org.jboss.logmanager.ExtHandler;
import org.jboss.logmanager.handlers.ConsoleHandler;

/**
 * Sees to it that the console has JSON from its first line on, where {@code muster.log.format} says so.
 *
 * <p>It lets every record through. Quarkus' own formatter is chosen when a service is built; a filter is what a running service can bring, and it is asked
 * before the formatter is.
 */
@LoggingFilter(name = Lines.FILTER)
public final class Lines implements Filter {

    /** As {@code quarkus.log.console.filter} names it. */
    static final String FILTER = "muster-lines";
    public static final String KEY = "muster.log.format";

    private volatile boolean isDone;

    @Override
    public boolean isLoggable(LogRecord record) {
        if (!isDone) {
            begin();
        }
        return true;
    }

    private synchronized void begin() {
        if (isDone) {
            return;
        }
        isDone = true;
        var config = ConfigProvider.getConfig();
        if (config.getOptionalValue(KEY, String.class).filter(LogFormat.JSON.name()::equalsIgnoreCase).isPresent()) {
            var service = config.getOptionalValue("quarkus.application.name", String.class).orElse("");
            write(Logger.getLogger("").getHandlers(), new JsonLine(service.startsWith("muster-") ? service.substring("muster-".length()) : service));
            if (Thread.getDefaultUncaughtExceptionHandler() == null) {
                // The JVM itself would write it in lines of its own.
                Thread.setDefaultUncaughtExceptionHandler((thread, died) -> Logger.getLogger(Lines.class.getName()).log(Level.SEVERE, "A thread died", died));
            }
        }
    }

    private static void write(Handler[] handlers, JsonLine format) {
        for (var handler : handlers) {
            if (handler instanceof ConsoleHandler) {
                handler.setFormatter(format);
            } else if (handler instanceof ExtHandler outer) {
                write(outer.getHandlers(), format);
            }
        }
    }
}
