package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The script that makes an image, deploy/aws/packer/provision.sh, with programs that write down how they are called; and machines of what it leaves. */
class PrebuiltImageTest {

    private static final Path PACKER = Path.of("..", "deploy", "aws", "packer");

    @TempDir
    private Path folder;

    private int provision(Map<String, String> environment) throws Exception {
        var bin = Files.createDirectories(folder.resolve("image-bin"));
        for (var program : List.of("apt-get", "dnf", "docker", "cloud-init", "nvidia-ctk", "systemctl")) {
            command(bin, program, "echo \"" + program + " $*\" >> '" + folder + "/calls'");
        }
        // As pip leaves it; the agent is the test machine's.
        command(bin, "python3", """
                for last; do :; done
                mkdir -p "$last/bin"
                cat > "$last/bin/pip" <<END
                #!/bin/sh
                echo "pip \\$*" >> '%1$s/calls'
                for last; do :; done
                mkdir -p "$last/lib/python3.11/site-packages/clearml_agent-\\${PIP_INSTALLS:-\\${last#clearml-agent==}}.dist-info"
                ln -s '%1$s/agent' "$last/bin/clearml-agent"
                END
                chmod +x "$last/bin/pip"
                """.formatted(folder));
        if (!Files.exists(folder.resolve("agent"))) {
            command(folder, "agent", "echo 3.0.3");
        }
        var builder = new ProcessBuilder("sh", PACKER.resolve("provision.sh").toString()).redirectErrorStream(true).redirectOutput(folder.resolve("said").toFile());
        builder.environment().putAll(environment);
        builder.environment().put("MUSTER_ROOT", folder.resolve("root").toString());
        builder.environment().put("PATH", bin + ":/usr/bin:/bin");
        return builder.start().waitFor();
    }

    @Test
    void aMachineOfTheImageInstallsNothing() throws Exception {
        assertThat(provision(Map.of("AGENT_VERSION", BootPlan.DEFAULT_AGENT_VERSION, "CONTAINERS", "python:3.11 ubuntu:24.04"))).as(Files.readString(folder.resolve("said"))).isZero();
        assertThat(Files.readString(folder.resolve("calls"))).contains("pip install -q --disable-pip-version-check clearml-agent==" + BootPlan.DEFAULT_AGENT_VERSION + "\n",
                "nvidia-ctk runtime configure --runtime=docker\n", "docker pull -q python:3.11\ndocker pull -q ubuntu:24.04\n").endsWith("cloud-init clean --logs\n");

        try (var machine = BootedMachine.of(folder)) {
            machine.start(new BootPlan("lab-train:gpu:g5.xlarge", 1, List.of("q1"), new BootPlan.Hosts("", "http://web", "http://files"),
                    new BootPlan.Keys(Given.text("ACCESS"), Given.text("SECRET")), true, "image", BootPlan.DEFAULT_AGENT_VERSION, false, new TreeMap<>(), Given.NOTHING,
                    Given.NOTHING, Given.NOTHING, false, BootPlan.Storage.NONE, Optional.empty()));
            machine.awaitFile("agent-0.args");

            assertThat(machine.console()).contains("the image has clearml-agent " + BootPlan.DEFAULT_AGENT_VERSION);
            assertThat(folder.resolve("pip.args")).doesNotExist();
            assertThat(folder.resolve("apt-get.args")).doesNotExist();
        }
    }

    @Test
    void anImageWithAnotherAgentIsNone() throws Exception {
        assertThat(provision(Map.of("AGENT_VERSION", "3.0.3", "GPU", "false", "PIP_INSTALLS", "2.0.0"))).isEqualTo(1);
        assertThat(Files.readString(folder.resolve("said"))).contains("pip has installed another version than 3.0.3");
        assertThat(Files.readString(folder.resolve("calls"))).doesNotContain("nvidia-ctk", "cloud-init clean");
        assertThat(provision(Map.of())).isNotZero();
        assertThat(Files.readString(folder.resolve("said"))).contains("the exact version of clearml-agent");
    }

    @Test
    void shellcheckFindsNothing() throws Exception {
        var process = new ProcessBuilder(Parts.find("shellcheck").toString(), "-s", "sh", PACKER.resolve("provision.sh").toString()).redirectErrorStream(true).start();
        assertThat(new String(process.getInputStream().readAllBytes(), UTF_8)).isEmpty();
        assertThat(process.waitFor()).isZero();
    }

    /** What can be seen of the templates without Packer. */
    @ParameterizedTest
    @ValueSource(strings = {"aws", "gcp"})
    void theTemplateHandsTheScriptWhatItReads(String cloud) throws IOException {
        var folder = Path.of("..", "deploy", cloud, "packer");
        var template = Files.readString(folder.resolve("muster.pkr.hcl"));
        var script = Files.readString(PACKER.resolve("provision.sh"));

        var handed = all("\"([A-Z_]+)=\\$\\{var\\.\\w+}\"", template);
        assertThat(handed).isNotEmpty().isEqualTo(all("\\$\\{([A-Z_]+):[?-][^}]*}", script.replace("${MUSTER_ROOT:-}", "")));
        assertThat(all("var\\.(\\w+)", template)).isEqualTo(all("(?m)^variable \"(\\w+)\"", template));
        assertThat(Pattern.compile("variable \"agent_version\" \\{\\s+type\\s+= string\\s+default = \"([^\"]+)\"").matcher(template).results().map(found -> found.group(1)))
                .containsExactly(BootPlan.DEFAULT_AGENT_VERSION);
        var path = all("script += \"\\$\\{path.root}/([^\"]+)\"", template);
        assertThat(path).singleElement().satisfies(one -> assertThat(folder.resolve(one)).hasSameTextualContentAs(PACKER.resolve("provision.sh")));
    }

    @Test
    void machinesOfTheImageOnAwsAnswerVersionTwoAlone() throws IOException {
        assertThat(Files.readString(PACKER.resolve("muster.pkr.hcl"))).containsPattern("encrypt_boot += true").containsPattern("imds_support += \"v2.0\"")
                .containsPattern("http_tokens += \"required\"");
    }

    private static TreeSet<String> all(String pattern, String text) {
        var found = new TreeSet<String>();
        Pattern.compile(pattern).matcher(text).results().forEach(match -> found.add(match.group(1)));
        return found;
    }

    private static void command(Path bin, String name, String body) throws IOException {
        var file = bin.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
