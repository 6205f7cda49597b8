package dev.muster.cli;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TopicExistsException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster topics …}: what deploy/kafka/create-topics.sh does, for those who have this command line and not Kafka's. */
@Command(name = "topics", mixinStandardHelpOptions = true, description = "Topics of an installation, at a Kafka of its own.", subcommands = TopicsCommand.Create.class)
final class TopicsCommand {

    private static final int PATIENCE_MS = 20_000;

    @Command(name = "create", mixinStandardHelpOptions = true, sortOptions = false,
            description = {"Makes the topics that are missing. Those that are there stay as they are, so that it may be done again at any time.",
                "Exit code 1 also where one that is there has another number of partitions than it must have."},
            footer = {"./muster topics create --kafka-settings planner.properties", "./muster topics create --kafka kafka:9092 --replication 1 --min-isr 1 --wait 5m"})
    static final class Create implements Runnable {
        @Mixin
        CommonOptions common;

        @Mixin
        KafkaOptions options;

        @Option(names = "--replication", paramLabel = "N", description = "Copies of each (default: 3).")
        short replication = 3;

        @Option(names = "--min-isr", paramLabel = "N", description = "Of which so many must have a record before it counts (default: 2).")
        int minIsr = 2;

        @Option(names = "--wait", paramLabel = "SPAN", description = "Wait for so long for a Kafka that doesn't answer yet.")
        String wait = "0s";

        @Override
        public void run() {
            if (minIsr < 1 || minIsr > replication) {
                throw CliFailure.usage("--min-isr is " + minIsr + " and --replication is " + replication + ": no record would ever count; write --min-isr 1 to --min-isr " + replication);
            }
            var told = options.told(common);
            var until = System.nanoTime() + Duration.ofSeconds(Times.span("--wait", wait).getSeconds()).toNanos();
            while (true) {
                try {
                    create(told.kafka(), told.topics(), common.output());
                    return;
                } catch (KafkaException failed) {
                    if (KafkaConnection.isRefusal(failed) || System.nanoTime() > until) {
                        throw CliFailure.failed(told.kafka().problem(failed));
                    }
                    Run.sleep(1000);
                }
            }
        }

        private void create(KafkaConnection kafka, Topics topics, Output output) {
            var settings = KafkaSettings.client(kafka);
            settings.put("default.api.timeout.ms", PATIENCE_MS);
            settings.put("request.timeout.ms", PATIENCE_MS / 2);
            try (var admin = Admin.create(settings)) {
                var names = topics.all().stream().map(Topics.Definition::name).toList();
                var there = new HashMap<String, Integer>();
                var listed = admin.listTopics().names().get();
                admin.describeTopics(names.stream().filter(listed::contains).toList()).allTopicNames().get()
                        .forEach((name, topic) -> there.put(name, topic.partitions().size()));
                var made = new ArrayList<String>();
                for (var topic : topics.all()) {
                    if (!there.containsKey(topic.name()) && isMade(admin, topic)) {
                        made.add(topic.name());
                        there.put(topic.name(), topic.partitions());
                    }
                }
                say(names, made, output);
                topics.problems(there).stream().findFirst().ifPresent(problem -> {
                    throw CliFailure.failed(problem);
                });
            } catch (ExecutionException failed) {
                throw failed.getCause() instanceof KafkaException known ? known : new KafkaException(failed.getCause());
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw CliFailure.failed("interrupted");
            }
        }

        /** False: somebody else made it meanwhile. */
        private boolean isMade(Admin admin, Topics.Definition topic) throws ExecutionException, InterruptedException {
            var config = new HashMap<>(topic.config());
            config.put("min.insync.replicas", Integer.toString(minIsr));
            try {
                admin.createTopics(List.of(new NewTopic(topic.name(), topic.partitions(), replication).configs(config))).all().get();
                return true;
            } catch (ExecutionException failed) {
                if (failed.getCause() instanceof TopicExistsException) {
                    return false;
                }
                throw failed;
            }
        }

        private static void say(List<String> all, List<String> made, Output output) {
            if (output.isJson()) {
                output.json(Output.JSON.valueToTree(Map.of("made", made, "topics", all)));
                return;
            }
            made.forEach(name -> output.line("topic " + name + " is made"));
            output.line(made.isEmpty() ? "all " + all.size() + " topics were there" : made.size() + " of " + all.size() + " topics are new");
        }
    }
}
