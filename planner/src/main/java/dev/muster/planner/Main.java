package dev.muster.planner;

import dev.muster.planner.access.AccessSettings;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.config.spi.ConfigSource;

/** Starts the planner, or says in one sentence why it doesn't: its settings must be right, and the broker's topics. */
@QuarkusMain
public final class Main {

    /** As sysexits.h has it: something was found in a bad configuration. */
    private static final int BAD_CONFIGURATION = 78;
    /** As sysexits.h has it: a service that is needed is not as it must be. */
    private static final int UNAVAILABLE = 69;

    private Main() {}

    public static void main(String[] args) {
        Settings settings;
        try {
            settings = settings(ConfigProvider.getConfig());
            AccessSettings.of(mapped(ConfigProvider.getConfig()), ConfigProvider.getConfig());
        } catch (IllegalArgumentException wrong) {
            end(BAD_CONFIGURATION, wrong.getMessage());
            return;
        }
        try {
            TopicCheck.require(settings.kafka(), settings.topics());
        } catch (IllegalStateException wrong) {
            end(UNAVAILABLE, wrong.getMessage());
            return;
        }
        Quarkus.run(args);
    }

    /** @throws IllegalArgumentException in one sentence that names the key and the fix */
    static Settings settings(Config config) {
        return Settings.of(mapped(config));
    }

    private static PlannerConfig mapped(Config config) {
        var sources = StreamSupport.stream(config.getConfigSources().spliterator(), false).toArray(ConfigSource[]::new);
        try {
            return new SmallRyeConfigBuilder().addDiscoveredConverters().addDefaultInterceptors().withSources(sources)
                    .withMapping(PlannerConfig.class).withValidateUnknown(false).build().getConfigMapping(PlannerConfig.class);
        } catch (ConfigValidationException unreadable) {
            throw new IllegalArgumentException(IntStream.range(0, unreadable.getProblemCount())
                    .mapToObj(i -> unreadable.getProblem(i).getMessage().replaceAll("(^[\\w.]+Exception: )|(SRCFG\\d+: )", "")).collect(Collectors.joining("; ")));
        }
    }

    private static void end(int code, String why) {
        System.err.println("The planner can't start: " + why);
        System.exit(code);
    }
}
