package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.k8s.DockerArguments.Gpus;
import dev.muster.k8s.DockerArguments.HostPath;
import dev.muster.k8s.DockerArguments.Untranslated;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What users write as a task's container arguments, and what a pod gets of it. */
class DockerArgumentsTest {

    private static final OptionalLong NONE = OptionalLong.empty();

    private static DockerArguments nothing() {
        return new DockerArguments(new TreeMap<>(), NONE, List.of(), Optional.empty(), false, false, NONE, NONE, List.of());
    }

    private static DockerArguments environment(Map<String, String> variables) {
        return new DockerArguments(new TreeMap<>(variables), NONE, List.of(), Optional.empty(), false, false, NONE, NONE, List.of());
    }

    private static DockerArguments sharedMemory(long bytes) {
        return new DockerArguments(new TreeMap<>(), OptionalLong.of(bytes), List.of(), Optional.empty(), false, false, NONE, NONE, List.of());
    }

    private static DockerArguments hostPaths(HostPath... paths) {
        return new DockerArguments(new TreeMap<>(), NONE, List.of(paths), Optional.empty(), false, false, NONE, NONE, List.of());
    }

    private static DockerArguments gpus(boolean all, int count) {
        return new DockerArguments(new TreeMap<>(), NONE, List.of(), Optional.of(new Gpus(all, count)), false, false, NONE, NONE, List.of());
    }

    private static DockerArguments host(boolean ipc, boolean network) {
        return new DockerArguments(new TreeMap<>(), NONE, List.of(), Optional.empty(), ipc, network, NONE, NONE, List.of());
    }

    private static DockerArguments user(long user, OptionalLong group) {
        return new DockerArguments(new TreeMap<>(), NONE, List.of(), Optional.empty(), false, false, OptionalLong.of(user), group, List.of());
    }

    static Stream<Arguments> translated() {
        return Stream.of(
                Arguments.of("", nothing()),
                Arguments.of("  ", nothing()),
                Arguments.of("-e A=1", environment(Map.of("A", "1"))),
                Arguments.of("-eA=1", environment(Map.of("A", "1"))),
                Arguments.of("-e=A=1", environment(Map.of("A", "1"))),
                Arguments.of("--env A=1 --env=B=2", environment(Map.of("A", "1", "B", "2"))),
                Arguments.of("-e A=1 -e A=2", environment(Map.of("A", "2"))),
                Arguments.of("-e A= ", environment(Map.of("A", ""))),
                Arguments.of("-e URL=http://x/?a=b&c=d", environment(Map.of("URL", "http://x/?a=b&c=d"))),
                Arguments.of("-e A='b c' -e \"D=e \\\"f\\\" $g\"", environment(Map.of("A", "b c", "D", "e \"f\" $g"))),
                Arguments.of("-e A=b\\ c\n\t-e  D=\"e\"'f'", environment(Map.of("A", "b c", "D", "ef"))),
                Arguments.of("--shm-size 8g", sharedMemory(8L << 30)),
                Arguments.of("--shm-size=8G", sharedMemory(8L << 30)),
                Arguments.of("--shm-size=512mb", sharedMemory(512L << 20)),
                Arguments.of("--shm-size=1.5GiB", sharedMemory(3L << 29)),
                Arguments.of("--shm-size 65536", sharedMemory(65536)),
                Arguments.of("-v /a:/b", hostPaths(new HostPath("/a", "/b", false))),
                Arguments.of("-v/a:/b:ro", hostPaths(new HostPath("/a", "/b", true))),
                Arguments.of("--volume=/a:/b:ro,z --volume /c:/d:rw", hostPaths(new HostPath("/a", "/b", true), new HostPath("/c", "/d", false))),
                Arguments.of("-v /a:/b -v /c:/b", hostPaths(new HostPath("/c", "/b", false))),
                Arguments.of("--mount type=bind,source=/a,target=/b", hostPaths(new HostPath("/a", "/b", false))),
                Arguments.of("--mount=type=bind,src=/a,dst=/b,readonly", hostPaths(new HostPath("/a", "/b", true))),
                Arguments.of("--mount type=bind,src=/a,destination=/b,ro=true", hostPaths(new HostPath("/a", "/b", true))),
                Arguments.of("--gpus all", gpus(true, 0)),
                Arguments.of("--gpus=2", gpus(false, 2)),
                Arguments.of("--gpus count=3", gpus(false, 3)),
                Arguments.of("--gpus none", gpus(false, 0)),
                Arguments.of("--ipc host", host(true, false)),
                Arguments.of("--ipc=host --network host", host(true, true)),
                Arguments.of("--net=host", host(false, true)),
                Arguments.of("--ipc=private", nothing()),
                Arguments.of("--user 1000", user(1000, NONE)),
                Arguments.of("--user=1000:100", user(1000, OptionalLong.of(100))),
                Arguments.of("-u 1000:100", user(1000, OptionalLong.of(100))),
                Arguments.of("-u root", user(0, NONE)));
    }

    @ParameterizedTest
    @MethodSource("translated")
    void givesAPodWhatItCanHave(String arguments, DockerArguments expected) {
        assertThat(DockerArguments.of(List.of(arguments))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "-e A                              | -e A                  | its value would come from the environment of a Docker host",
            "--env A                           | --env A               | write A=value",
            "-e 1A=x                           | -e                    | no name that a variable may have",
            "-e NVIDIA_VISIBLE_DEVICES=all     | -e NVIDIA_VISIBLE_DEVICES | the cluster says which GPUs",
            "--env-file /x/secrets.env         | --env-file            | write its lines as -e NAME=value",
            "--env-file=/x/secrets.env         | --env-file            | a file of a Docker host",
            "--shm-size lots                   | --shm-size            | no size such as 8g",
            "--shm-size 0                      | --shm-size            | that much or little",
            "-v data:/data                     | -v                    | a named volume is a Docker host's",
            "-v /data                          | -v                    | Docker's own",
            "-v ~/data:/data                   | -v                    | only an absolute path",
            "-v ./data:/data                   | -v                    | only an absolute path",
            "-v /a/../etc:/b                   | -v                    | without '..'",
            "--mount type=tmpfs,target=/b      | --mount               | only type=bind",
            "--mount source=data,target=/b     | --mount               | only type=bind",
            "--mount type=bind,target=/b       | --mount               | only an absolute path",
            "--gpus some                       | --gpus                | neither all, a number nor a list",
            "--ipc container:x                 | --ipc                 | only host and private",
            "--network none                    | --network             | their cluster's network",
            "--net=my-net                      | --net                 | their cluster's network",
            "--user jane                       | --user                | numbers only",
            "-u 1000:staff                     | -u                    | numbers only",
            "--cpus 4                          | --cpus                | Muster/k8s/cpu",
            "-m 16g                            | -m                    | Muster/k8s/memory",
            "--memory=16g                      | --memory              | Muster/k8s/memory",
            "--runtime nvidia                  | --runtime             | --gpus",
            "--runtime=nvidia                  | --runtime             | --gpus",
            "--privileged                      | --privileged          | pod template",
            "--cap-add SYS_PTRACE              | --cap-add             | pod template",
            "--ulimit memlock=-1               | --ulimit              | the node's",
            "--memory-swap -1                  | --memory-swap         | no swap",
            "-p 8080:80                        | -p                    | open within its cluster",
            "--rm                              | --rm                  | every pod of a task",
            "--new-flag                        | --new-flag            | no value",
            "--new-flag=x                      | --new-flag            | pod template",
            "-X                                | -X                    | no such flag",
            "nvidia/cuda:12                    | a word that is no flag | said elsewhere",
            "-e                                | -e                    | no value"})
    void namesWhatAPodCannotHave(String arguments, String name, String why) {
        // When
        var read = DockerArguments.of(List.of("-e BEFORE=1 " + arguments.strip() + " -e AFTER=2"));

        // Then
        assertThat(read.untranslated()).hasSize(1);
        assertThat(read.untranslated().get(0).name()).isEqualTo(name);
        assertThat(read.untranslated().get(0).why()).contains(why);
        assertThat(read).isEqualTo(new DockerArguments(new TreeMap<>(Map.of("BEFORE", "1", "AFTER", "2")), NONE, List.of(), Optional.empty(), false, false,
                NONE, NONE, read.untranslated()));
    }

    @Test
    void readsSeveralShortFlagsInOneWord() {
        // When
        var read = DockerArguments.of(List.of("-itu 1000 -de A=1"));

        // Then
        assertThat(read.runAsUser()).isEqualTo(OptionalLong.of(1000));
        assertThat(read.environment()).isEqualTo(Map.of("A", "1"));
        assertThat(read.untranslated()).extracting(Untranslated::name).containsExactly("-i", "-t", "-d");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "--gpus '\"device=0,1\"'                      | 2 | --gpus (device)",
            "--gpus device=GPU-3a23c669                   | 1 | --gpus (device)",
            "--gpus '\"device=0,2,3\",capabilities=utility' | 3 | --gpus (capabilities)"})
    void countsDevicesThatAreNamed(String arguments, int count, String name) {
        // When
        var read = DockerArguments.of(List.of(arguments));

        // Then
        assertThat(read.gpus()).contains(new Gpus(false, count));
        assertThat(read.untranslated()).extracting(Untranslated::name).contains(name);
    }

    @Test
    void mountsAFolderWithoutOptionsThatNoPodHas() {
        // When
        var read = DockerArguments.of(List.of("-v /a:/b:ro,rslave"));

        // Then
        assertThat(read.hostPaths()).containsExactly(new HostPath("/a", "/b", true));
        assertThat(read.untranslated()).extracting(Untranslated::name).containsExactly("-v (options of a volume)");
    }

    /** As scripts give them; each word stands for itself. */
    @Test
    void takesAListOfWords() {
        // When
        var read = DockerArguments.of(List.of("--ipc=host", "-e", "A=b c", "--env=D=e 'f", "-v /a:/b", "--shm-size", "1g"));

        // Then
        assertThat(read).isEqualTo(new DockerArguments(new TreeMap<>(Map.of("A", "b c", "D", "e 'f")), OptionalLong.of(1 << 30),
                List.of(new HostPath("/a", "/b", false)), Optional.empty(), true, false, NONE, NONE, List.of()));
    }

    @Test
    void neverShowsAValue() {
        // Given
        var secret = "hunter2-hunter2";
        var written = new ArrayList<String>();
        for (var arguments : List.of("-e TOKEN=%s", "-e TOKEN= %s", "--password %s", "--password=%s", "--label token=%s", "-e 1=%s", "--user %s", "-v %s:/b",
                "--env-file %s", "--gpus %s", "--gpus %s=1", "--shm-size %s", "--mount type=bind,source=%s,target=/b", "-e TOKEN='%s", "-x%s", "--network %s")) {
            // When
            var read = DockerArguments.of(List.of(arguments.formatted(secret)));
            written.add(read.toString());
            written.addAll(read.untranslated().stream().map(Untranslated::toString).toList());
        }

        // Then
        assertThat(written).hasSizeGreaterThan(25).noneMatch(text -> text.contains(secret));
    }

    @Test
    void saysThatAQuoteIsNotClosed() {
        // When
        var read = DockerArguments.of(List.of("--ipc=host -e A='b c"));

        // Then
        assertThat(read.hostIpc()).isTrue();
        assertThat(read.untranslated()).extracting(Untranslated::why).contains("its quote is not closed");
    }

    @Test
    void doesWhatTheDocsShow() throws Exception {
        // Given
        var lines = Files.readAllLines(Path.of("../docs/kubernetes-tasks.md"));
        var table = lines.subList(lines.indexOf("| argument | in the pod |") + 2, lines.size());
        var rows = table.stream().takeWhile(line -> line.startsWith("|")).map(line -> line.split("\\|")[1]).toList();
        var leftOut = lines.stream().filter(line -> line.startsWith("Left out with everything else")).toList();

        // Then
        assertThat(examples(rows)).hasSize(16).allSatisfy(example -> {
            assertThat(DockerArguments.of(List.of(example)).untranslated()).as(example).isEmpty();
            assertThat(DockerArguments.of(List.of(example))).as(example).isNotEqualTo(nothing());
        });
        assertThat(examples(leftOut)).hasSize(5).allSatisfy(example ->
                assertThat(DockerArguments.of(List.of(example)).untranslated()).as(example).hasSize(1));
    }

    private static List<String> examples(List<String> lines) {
        return lines.stream().flatMap(line -> Pattern.compile("`([^`]+)`").matcher(line).results()).map(found -> found.group(1)).toList();
    }
}
