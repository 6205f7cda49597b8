package dev.muster.cli;

import dev.muster.v1.ListLogLevelsRequest;
import dev.muster.v1.ListLogLevelsResponse;
import dev.muster.v1.LogLevel;
import dev.muster.v1.SetLogLevelRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code muster log-level …}. */
@Command(name = "log-level", mixinStandardHelpOptions = true, description = "How much services log, for a while.",
        subcommands = {LogLevelCommand.List_.class, LogLevelCommand.Set.class, LogLevelCommand.Reset.class})
final class LogLevelCommand {

    @Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, description = "Levels that are set now.", footer = {"./muster log-level list", "./muster log-level list --watch"})
    static final class List_ implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        WatchOption watch;

        @Override
        public void run() {
            try (var control = common.control()) {
                watch.show(common.output(), () -> control.call(() -> control.installation().listLogLevels(ListLogLevelsRequest.getDefaultInstance())), LogLevelCommand::lines);
            }
        }
    }

    private static List<String> lines(ListLogLevelsResponse levels) {
        return levels.getLevelsCount() == 0 ? List.of("all levels are as configured") : Output.format(List.of("SERVICE", "CATEGORY", "LEVEL", "UNTIL", "BY"),
                levels.getLevelsList().stream().map(one -> List.of(one.getService(), one.getCategory(), one.getLevel(), Times.local(one.getUntil()), one.getCaller())).toList());
    }

    @Command(name = "set", mixinStandardHelpOptions = true, sortOptions = false, description = "Sets a level; all processes of the service follow within seconds.",
            footer = {"./muster log-level set planner dev.muster DEBUG", "./muster log-level set aws-provisioner dev.muster.aws DEBUG --for 10m"})
    static final class Set implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(index = "0", paramLabel = "SERVICE", description = "queue-watcher, planner, aws-provisioner, gcp-provisioner or k8s-provisioner.")
        String service;

        @Parameters(index = "1", paramLabel = "CATEGORY", description = "Logger, and all below it.")
        String category;

        @Parameters(index = "2", paramLabel = "LEVEL", description = "OFF, ERROR, WARN, INFO or DEBUG.")
        String level;

        @Option(names = "--for", paramLabel = "SPAN", description = "Then it is as configured again; at most a day (default: 1h).")
        String lasts;

        @Override
        public void run() {
            var request = SetLogLevelRequest.newBuilder().setService(service).setCategory(category).setLevel(level);
            if (lasts != null) {
                request.setLasts(Times.span("--for", lasts));
            }
            set(common, request.build());
        }
    }

    @Command(name = "reset", mixinStandardHelpOptions = true, sortOptions = false, description = "Lets a category log as configured again, before its time is over.",
            footer = "./muster log-level reset planner dev.muster")
    static final class Reset implements Runnable {
        @Mixin
        CommonOptions common;

        @Parameters(index = "0", paramLabel = "SERVICE")
        String service;

        @Parameters(index = "1", paramLabel = "CATEGORY")
        String category;

        @Override
        public void run() {
            set(common, SetLogLevelRequest.newBuilder().setService(service).setCategory(category).build());
        }
    }

    private static void set(CommonOptions common, SetLogLevelRequest request) {
        var output = common.output();
        try (var control = common.control()) {
            LogLevel set = control.call(() -> control.installation().setLogLevel(request));
            if (output.isJson()) {
                output.resource(set);
            } else {
                output.line(request.getService() + " logs " + request.getCategory() + (request.getLevel().isEmpty() ? " as configured" : " at " + set.getLevel()
                        + (set.hasUntil() ? " until " + Times.local(set.getUntil()) : "")));
            }
        }
    }
}
