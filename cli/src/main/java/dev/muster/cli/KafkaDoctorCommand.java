package dev.muster.cli;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster doctor kafka}: what at Kafka would cost a task, a machine or money. */
@Command(name = "kafka", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"Asks Kafka what Muster needs of it: encryption, who may write what, transactions, topics, copies, clocks.",
            "It writes nothing. Exit code 1: something failed."},
        footer = {"./muster doctor kafka", "./muster doctor kafka --kafka-settings kafka.properties --as planner=planner.properties"})
final class KafkaDoctorCommand implements Callable<Integer> {

    @Mixin
    CommonOptions common;

    @Mixin
    KafkaOptions options;

    @Option(names = "--as", paramLabel = "SERVICE=FILE", description = "A service's own settings, to ask Kafka what it may do; once for each.")
    Map<String, Path> as = Map.of();

    @Option(names = "--principal", paramLabel = "SERVICE=PRINCIPAL", description = "Who a service is at Kafka, such as planner=User:CN=planner (default: User:muster-<service>).")
    Map<String, String> principals = Map.of();

    @Override
    public Integer call() {
        for (var service : List.of(as.keySet(), principals.keySet())) {
            service.stream().filter(name -> !KafkaRights.SERVICES.contains(name)).findFirst().ifPresent(name -> {
                throw CliFailure.usage("there is no service " + name + ": there are " + String.join(", ", KafkaRights.SERVICES));
            });
        }
        var told = options.told(common);
        var others = new TreeMap<String, KafkaConnection>();
        as.forEach((service, file) -> others.put(service, options.of(file)));
        var findings = examine(told, others);
        var output = common.output();
        if (output.isJson()) {
            json(told, findings, output);
        } else {
            show(told.kafka().bootstrapServers(), findings, output);
        }
        return findings.stream().anyMatch(finding -> finding.state() == KafkaDoctor.State.FAILED) ? CliFailure.FAILED : 0;
    }

    private List<KafkaDoctor.Finding> examine(KafkaOptions.Told told, Map<String, KafkaConnection> others) {
        try {
            return KafkaDoctor.judge(new KafkaLook(told.kafka(), told.topics(), others).look(), told.topics(), principals);
        } catch (KafkaException failed) {
            return refused(told.kafka(), failed);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CliFailure.failed("interrupted");
        }
    }

    static List<KafkaDoctor.Finding> refused(KafkaConnection kafka, KafkaException failed) {
        for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
            if (cause instanceof SslAuthenticationException) {
                return KafkaDoctor.refused(KafkaCheck.TLS, kafka.problem(failed), "name the authority of the brokers' certificate in muster.kafka.security.ca, and the host that it is for");
            } else if (cause instanceof AuthenticationException) {
                return KafkaDoctor.refused(KafkaCheck.LOGIN, kafka.problem(failed), "make the user at Kafka (docs/kafka.md), or put its password into the secret's file");
            }
        }
        return KafkaDoctor.refused(KafkaCheck.BROKERS, kafka.problem(failed),
                "start it, or set muster.kafka.bootstrap-servers to where it is; a listener with TLS answers nobody who comes without: set muster.kafka.security.protocol");
    }

    static void show(String address, List<KafkaDoctor.Finding> findings, Output output) {
        DoctorCommand.show("Kafka, " + address, findings.stream().map(finding -> new DoctorCommand.Line(KafkaDoctor.word(finding.state()), finding.check().toString(),
                finding.seen(), finding.fix())).toList(), output);
    }

    private static void json(KafkaOptions.Told told, List<KafkaDoctor.Finding> findings, Output output) {
        var answer = Output.JSON.createObjectNode().put("kafka", told.kafka().bootstrapServers());
        var checks = answer.putArray("checks");
        findings.forEach(finding -> checks.addObject().put("check", finding.check().toString()).put("state", KafkaDoctor.word(finding.state())).put("seen", finding.seen())
                .put("fix", finding.fix()));
        output.json(answer);
    }
}
