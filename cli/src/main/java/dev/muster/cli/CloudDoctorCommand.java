package dev.muster.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.planner.spec.Defaults;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster doctor <cloud>}: what would keep its provisioner from launching. */
class CloudDoctorCommand implements Callable<Integer> {

    private final Cloud cloud;

    CloudDoctorCommand(Cloud cloud) {
        this.cloud = cloud;
    }

    @Mixin
    CommonOptions common;

    @Option(names = "--config", paramLabel = "FILE", description = "Accounts and keys (default: the local run's; without one, muster.yaml).")
    Path config;

    @Option(names = "--account", paramLabel = "NAME", description = "Only this one (default: all).")
    String account;

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "YAML of fleets whose launches to try (default: those of the control API, where there is one).")
    List<String> files = List.of();

    @Option(names = "--question", description = "Print what the provisioner's program would be asked, without its settings, and ask nothing.")
    boolean question;

    @Override
    public Integer call() {
        var output = common.output();
        var installation = CloudInstallation.of(cloud, common, config);
        if (account != null) {
            requireAccount(installation.settings());
        }
        var fleets = DoctorCommand.specs(common, config, files).stream().map(spec -> Defaults.fill(spec, installation.name())).toList();
        if (question) {
            var asked = CloudDoctor.question(Map.of(), installation.sandbox(), account == null ? "" : account, fleets);
            asked.remove("settings");
            new Output(System.out, true, false).json(asked);
            return 0;
        }
        var answer = new CloudDoctor(cloud, Run.home()).ask(CloudDoctor.question(installation.settings(), installation.sandbox(), account == null ? "" : account, fleets));
        if (output.isJson()) {
            output.json((ObjectNode) answer);
        } else {
            answer.path("accounts").forEach(scope -> show(scope, output));
        }
        return answer.findValuesAsText("state").contains("failed") ? CliFailure.FAILED : 0;
    }

    private void requireAccount(Map<String, String> settings) {
        var named = Pattern.compile("muster\\." + cloud.provider() + "\\.accounts\\.\"([^\"]+)\"\\..*");
        var known = settings.keySet().stream().map(named::matcher).filter(matched -> matched.matches()).map(matched -> matched.group(1)).collect(Collectors.toCollection(TreeSet::new));
        if (!known.contains(account)) {
            throw CliFailure.usage("there is no account " + account + ": there are " + String.join(", ", known));
        }
    }

    static void show(JsonNode scope, Output output) {
        var lines = new ArrayList<DoctorCommand.Line>();
        scope.path("checks").forEach(check -> lines.add(new DoctorCommand.Line(check.path("state").asText(),
                (check.path("check").asText() + " " + check.path("of").asText()).strip(), check.path("seen").asText(), check.path("fix").asText())));
        DoctorCommand.show("account " + scope.path("account").asText() + ", " + scope.path("region").asText(), lines, output);
    }
}
