package dev.muster.provisioner.boot;

import dev.muster.provisioner.boot.MachineFile.Quoting;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The files of a machine that its plan decides, by name: the same for a VM and a pod, but for where they are and what runs tasks. */
final class BootFiles {

    /** Where a VM finds the key of Google's storage, and a task in a container, too. */
    private static final String GCS_KEY = "/etc/muster/gcs.json";

    private BootFiles() {}

    /** @param cloud as {@code guard.py} knows it */
    static Map<String, MachineFile> ofVm(BootPlan plan, String cloud) {
        return files(plan, properties(plan, cloud, plan.docker(), Optional.empty()), vmConf(plan));
    }

    /**
     * Of a pod, whose image is what tasks run in, whatever the plan says of containers.
     *
     * @param folder where they will be
     * @param task   that the pod is made for, if it is
     */
    static Map<String, MachineFile> ofPod(BootPlan plan, String folder, Optional<PodScript.TaskToRun> task) {
        return files(plan, properties(plan, "pod", false, task), podConf(plan, folder + "/gcs.json"));
    }

    private static Map<String, MachineFile> files(BootPlan plan, MachineFile properties, MachineFile conf) {
        var files = new LinkedHashMap<String, MachineFile>();
        files.put("boot.properties", properties);
        files.put("agent.env", environment(plan.environment()));
        files.put("clearml.conf", conf);
        files.put("init.sh", new MachineFile().value(plan.initScript(), Quoting.NONE));
        files.put("checkpoint.sh", new MachineFile().value(plan.checkpointHook(), Quoting.NONE));
        files.put("gcs.json", new MachineFile().value(plan.storage().gcs().map(BootPlan.Storage.Gcs::key).orElse(Given.NOTHING), Quoting.NONE));
        return files;
    }

    /** What the machine completes, as members of a JSON object; empty if it is given everything. */
    static String pieces(Map<String, MachineFile> files) {
        return files.entrySet().stream().filter(file -> !file.getValue().isKnown())
                .map(file -> MachineFile.json(file.getKey()) + ":" + file.getValue().rest()).collect(Collectors.joining(","));
    }

    private static MachineFile properties(BootPlan plan, String cloud, boolean docker, Optional<PodScript.TaskToRun> task) {
        var lines = new LinkedHashMap<String, String>();
        lines.put("worker.prefix", plan.workerPrefix());
        // A pod with a task of its own is one worker.
        lines.put("agents", task.isPresent() ? "1" : Integer.toString(plan.agents()));
        lines.put("queues", String.join(" ", plan.queueIds()));
        lines.put("clearml.api", plan.hosts().api());
        lines.put("clearml.web", plan.hosts().web());
        lines.put("clearml.files", plan.hosts().files());
        lines.put("docker", Boolean.toString(docker));
        lines.put("default-image", plan.defaultImage());
        lines.put("cloud", cloud);
        if (plan.cpuOnly()) {
            lines.put("cpu-only", "true");
        }
        plan.hardAge().ifPresent(age -> lines.put("hard-age", Long.toString(age.toSeconds())));
        if (plan.shellProfile()) {
            lines.put("shell-profile", "true");
        }
        task.ifPresent(one -> {
            lines.put("task", one.task());
            lines.put("task.queue", one.queueId());
        });
        var file = new MachineFile();
        lines.forEach((key, value) -> file.text(key + "=" + value + "\n"));
        return file.text("clearml.access-key=").value(plan.keys().access(), Quoting.LINE)
                .text("\nclearml.secret-key=").value(plan.keys().secret(), Quoting.LINE).text("\n");
    }

    /** What is fetched comes last: a proxy that the fetching itself needs stands before it. */
    private static MachineFile environment(Map<String, Given> environment) {
        var file = new MachineFile();
        environment.entrySet().stream().sorted(Comparator.comparing(variable -> variable.getValue() instanceof Given.Kept)).forEach(variable ->
                file.text("export " + variable.getKey() + "='").value(variable.getValue(), Quoting.SHELL).text("'\n"));
        return file;
    }

    /**
     * Containers are told where ClearML is: an address that only the machine knows would be of no use in them. It is added last, since a
     * fleet's own arguments would otherwise stand in its place; and one word of it comes first, since ClearML's parser can't add to nothing.
     */
    private static MachineFile vmConf(BootPlan plan) {
        var hosts = plan.hosts();
        var web = List.of("-e", "CLEARML_WEB_HOST=" + hosts.web());
        var arguments = new ArrayList<>(List.of("-e", "CLEARML_API_HOST=" + hosts.api(), "-e", "CLEARML_FILES_HOST=" + hosts.files()));
        arguments.addAll(web);
        if (plan.storage().gcs().isPresent()) {
            arguments.addAll(List.of("-v", GCS_KEY + ":" + GCS_KEY + ":ro"));
        }
        var file = new MachineFile().text("agent.extra_docker_arguments: " + list(web) + "\n");
        return conf(file, plan, GCS_KEY).text("agent.extra_docker_arguments: ${agent.extra_docker_arguments} " + list(arguments) + "\n");
    }

    /** A pod's image is what a task runs in: what is installed there is the task's, as in a container. */
    private static MachineFile podConf(BootPlan plan, String gcsKey) {
        return conf(new MachineFile().text("agent.package_manager.system_site_packages: true\n"), plan, gcsKey);
    }

    private static MachineFile conf(MachineFile file, BootPlan plan, String gcsKey) {
        file.text(git(plan.environment().getOrDefault("CLEARML_AGENT_GIT_PASS", Given.NOTHING)));
        storage(file, plan.storage(), gcsKey);
        file.value(plan.extraConf(), Quoting.NONE);
        if (!(plan.extraConf() instanceof Given.Text known && known.text().endsWith("\n"))) {
            file.text("\n");
        }
        return file;
    }

    /**
     * The agent hands git its password through a shell that expands these; it then has git take it from the URL, where each is encoded. A
     * password that nobody here has seen may hold any of them.
     */
    private static String git(Given password) {
        return password instanceof Given.Text known && !known.text().matches("(?s).*[$`\\\\].*") ? "" : "agent.enable_git_ask_pass: false\n";
    }

    private static String list(List<String> words) {
        return words.stream().map(MachineFile::json).collect(Collectors.joining(", ", "[", "]"));
    }

    /** In ClearML's own terms; the agent hands this part to containers. */
    private static void storage(MachineFile file, BootPlan.Storage storage, String gcsKey) {
        if (storage.machineIdentity()) {
            file.text("sdk.aws.s3.use_credentials_chain: true\n");
        }
        var named = new ArrayList<BootPlan.Storage.S3>();
        for (var keys : storage.s3()) {
            if (keys.bucket().isEmpty() && keys.host().isEmpty()) {
                line(file, "sdk.aws.s3.key", keys.key());
                line(file, "sdk.aws.s3.secret", keys.secret());
                line(file, "sdk.aws.s3.region", Given.text(keys.region()));
            } else {
                named.add(keys);
            }
        }
        for (int i = 0; i < named.size(); i++) {
            var keys = named.get(i);
            file.text(i == 0 ? "sdk.aws.s3.credentials: [{" : ", {");
            members(file, List.of(new Member("bucket", Given.text(keys.bucket())), new Member("host", Given.text(keys.host())),
                    new Member("region", Given.text(keys.region())), new Member("key", keys.key()), new Member("secret", keys.secret())));
            // Servers that are not Amazon's may not know uploads in parts; ClearML's own examples leave them out there.
            file.text((keys.host().isEmpty() ? "" : ", multipart: false, secure: " + !keys.insecure()) + (i == named.size() - 1 ? "}]\n" : "}"));
        }
        storage.gcs().ifPresent(gcs -> {
            line(file, "sdk.google.storage.project", Given.text(gcs.project()));
            line(file, "sdk.google.storage.credentials_json", Given.text(gcsKey));
        });
        for (int i = 0; i < storage.azure().size(); i++) {
            var azure = storage.azure().get(i);
            file.text(i == 0 ? "sdk.azure.storage.containers: [{" : ", {");
            members(file, List.of(new Member("account_name", Given.text(azure.account())), new Member("account_key", azure.key()),
                    new Member("container_name", Given.text(azure.container()))));
            file.text(i == storage.azure().size() - 1 ? "}]\n" : "}");
        }
    }

    private static void line(MachineFile file, String key, Given value) {
        if (!value.isEmpty()) {
            file.text(key + ": \"").value(value, Quoting.JSON).text("\"\n");
        }
    }

    private record Member(String key, Given value) {}

    /** Those without a value are left out. */
    private static void members(MachineFile file, List<Member> members) {
        var separator = "";
        for (var member : members) {
            if (!member.value().isEmpty()) {
                file.text(separator + member.key() + ": \"").value(member.value(), Quoting.JSON).text("\"");
                separator = ", ";
            }
        }
    }
}
