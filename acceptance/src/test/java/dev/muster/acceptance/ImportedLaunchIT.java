package dev.muster.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.muster.sandbox.TimeScale;
import dev.muster.sandbox.ec2.Ec2Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What EC2 is asked for by ClearML's own autoscaler, and by Muster after importing the same file, field by field. The first launches at
 * moto, the second at the stand-in; the accepted differences are the table in docs/import.md, and there are no others.
 */
class ImportedLaunchIT {

    /** That is in the file and must be nowhere else. */
    private static final List<String> SECRETS = List.of("wJalrXUtnFEMIK7MDENGbPxRfiCY", "gitpassword-not-a-real-one");
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String ABSENT = "-";

    /**
     * Where the two may differ.
     *
     * @param field of the launch, as a pattern
     * @param name what the page calls it
     */
    private record Accepted(String field, String name, Side theirs, Side ours, String why) {

        boolean covers(Difference difference) {
            return difference.field().matches(field) && difference.theirs().matches(theirs.pattern()) && difference.ours().matches(ours.pattern());
        }

        String row() {
            return "| " + name + " | " + theirs.words() + " | " + ours.words() + " | " + why + " |";
        }
    }

    /** What one of them sends, and how the page says it. */
    private record Side(String pattern, String words) {

        static Side nothing() {
            return new Side(ABSENT, "");
        }

        static Side exactly(String value) {
            return new Side(Pattern.quote(value), "`" + value + "`");
        }
    }

    private record Difference(String resource, String field, String theirs, String ours) {}

    private static final String DISK = "BlockDeviceMapping\\.\\d+\\.";
    private static final Side CHARACTERS = new Side("\\d+ characters", "a script");

    private static final List<Accepted> ACCEPTED = List.of(
            new Accepted("call", "the call for a spot machine", Side.exactly("RequestSpotInstances"), Side.exactly("RunInstances"),
                    "It is answered with machines or a refusal. A request can stay open, and be fulfilled when nobody waits for it any more."),
            new Accepted("InstanceMarketOptions\\.MarketType", "`InstanceMarketOptions.MarketType`, for spot", Side.nothing(), Side.exactly("spot"),
                    "As above."),
            new Accepted("InstanceMarketOptions\\.SpotOptions\\.SpotInstanceType", "`…SpotOptions.SpotInstanceType`", Side.nothing(),
                    Side.exactly("one-time"), "What a spot request is by itself, said."),
            new Accepted("InstanceMarketOptions\\.SpotOptions\\.InstanceInterruptionBehavior", "`…SpotOptions.InstanceInterruptionBehavior`",
                    Side.nothing(), Side.exactly("terminate"), "What a spot request has by itself, said."),
            new Accepted("MinCount|MaxCount", "`MinCount`, `MaxCount`, for spot", Side.nothing(), Side.exactly("1"),
                    "RunInstances needs them. Muster asks for up to 100 machines in one call; here one task waits."),
            new Accepted("InstanceInitiatedShutdownBehavior", "`InstanceInitiatedShutdownBehavior`, for spot", Side.nothing(), Side.exactly("terminate"),
                    "A machine ends itself by powering off. ClearML's autoscaler asks for the same on demand."),
            new Accepted("ClientToken", "`ClientToken`", new Side(ABSENT + "|[0-9a-f-]{36}", "none for spot; on demand boto3's own, another in each call"),
                    new Side("m[a-z0-9]+-\\d+", "the batch's id"), "A call that is repeated after a crash or a lost answer starts no second machine."),
            new Accepted("MetadataOptions\\.HttpTokens", "`MetadataOptions.HttpTokens`", Side.nothing(), Side.exactly("required"),
                    "Version 2 of the metadata service only. ClearML's boot script reads the machine's id by version 1."),
            new Accepted("MetadataOptions\\.HttpEndpoint", "`MetadataOptions.HttpEndpoint`", Side.nothing(), Side.exactly("enabled"), "EC2's default, said."),
            new Accepted("MetadataOptions\\.HttpPutResponseHopLimit", "`MetadataOptions.HttpPutResponseHopLimit`", Side.nothing(), Side.exactly("2"),
                    "Containers of tasks are one hop further off, and may use the machine's role."),
            new Accepted("MetadataOptions\\.InstanceMetadataTags", "`MetadataOptions.InstanceMetadataTags`", Side.nothing(), Side.exactly("enabled"),
                    "The guard reads its mark from a tag."),
            new Accepted("tag of (instance|volume): (Name|muster-.*)", "tags `Name` and `muster-…`", Side.nothing(),
                    new Side("(?!" + ABSENT + "$).*", "in the call"), "They say whose a machine is, from its first moment, and carry its mark."),
            new Accepted("tag of (instance|volume): owner", "the tags of `hyper_params`", Side.nothing(), Side.exactly("research"),
                    "ClearML's autoscaler reads them and sets them nowhere."),
            new Accepted("tag of volume: (team|stage)", "a resource's tags, on its disks", Side.nothing(), new Side("vision|trial", "in the call"),
                    "ClearML's autoscaler tags the machine alone, by a second call, `CreateTags`."),
            new Accepted(DISK + "Ebs\\.Encrypted", "`BlockDeviceMapping.n.Ebs.Encrypted`", Side.nothing(), Side.exactly("true"),
                    "Disks hold what tasks read and git's password."),
            new Accepted(DISK + "Ebs\\.DeleteOnTermination", "`BlockDeviceMapping.n.Ebs.DeleteOnTermination`", Side.nothing(), Side.exactly("true"),
                    "A disk beside the image's own would otherwise outlive its machine, and be paid for."),
            new Accepted(DISK + "Ebs\\.VolumeType", "`BlockDeviceMapping.n.Ebs.VolumeType` beside `ebs_snapshot_id`", Side.nothing(), Side.exactly("gp3"),
                    "Muster's disks are gp3 unless the spec says otherwise. EC2's own default is gp2."),
            new Accepted("Monitoring\\.Enabled", "`Monitoring.Enabled` where `enable_monitoring` is false", Side.exactly("false"), Side.nothing(),
                    "EC2's default, not said."),
            new Accepted("UserData", "`UserData`", CHARACTERS, CHARACTERS, "Each has its own boot script; Muster's has the guard, compressed."));

    private static final String BEGIN = "<!-- launches: made by ImportedLaunchIT, which writes them with -Ddocs.write=true -->\n";
    private static final String END = "<!-- end of launches -->\n";

    @TempDir
    Path folder;

    @Test
    void thePageHasTheAcceptedDifferences() throws IOException {
        var page = Shell.SOURCES.resolve("docs/import.md");
        var text = Files.readString(page);
        var begin = text.indexOf(BEGIN) + BEGIN.length();
        var end = text.indexOf(END);
        assertThat(text).contains(BEGIN, END);
        var table = "| what | ClearML's autoscaler | Muster | why |\n| --- | --- | --- | --- |\n"
                + ACCEPTED.stream().map(accepted -> accepted.row() + "\n").collect(Collectors.joining());
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(page, text.substring(0, begin) + table + text.substring(end));
        } else {
            assertThat(text.substring(begin, end)).isEqualTo(table);
        }
    }

    @Test
    @Tag("long")
    void theSameFileLaunchesTheSameMachines() throws Exception {
        var python = Parts.python("launches of ClearML's autoscaler");
        var shell = new Shell(folder);
        try (var standIns = new OwnStandIns(new TimeScale(20))) {
            var file = folder.resolve("aws_autoscaler.yaml");
            Files.writeString(file, Files.readString(Shell.SOURCES.resolve("acceptance/src/test/resources/aws_autoscaler.yaml"))
                    .replace("{key}", Ec2Config.ACCESS_KEY).replace("{secret}", SECRETS.get(0)).replace("{password}", SECRETS.get(1))
                    .replace("{image}", Ec2Config.UBUNTU.id()).replace("{subnet}", standIns.subnetOf("us-east-1c"))
                    .replace("{group}", standIns.securityGroup()));

            var theirs = theirs(standIns, python, file);
            var ours = ours(standIns, shell, file, theirs.keySet());

            var differences = new ArrayList<Difference>();
            for (var resource : theirs.keySet()) {
                differences.addAll(differences(resource, theirs.get(resource), ours.get(resource)));
            }
            var used = new HashSet<Accepted>();
            var unexpected = differences.stream().filter(difference -> {
                var by = ACCEPTED.stream().filter(accepted -> accepted.covers(difference)).toList();
                used.addAll(by);
                return by.size() != 1;
            }).map(Difference::toString).toList();
            assertThat(unexpected).as("differences that no row, or more than one, accepts").isEmpty();
            assertThat(ACCEPTED).as("rows for differences that there are not").allMatch(used::contains);
            var same = theirs.values().stream().mapToInt(Map::size).sum()
                    - differences.stream().filter(difference -> !difference.theirs().equals(ABSENT)).count();
            System.out.println(theirs.size() + " launches: " + same + " fields are the same, " + differences.size() + " differ as accepted");
        } finally {
            shell.endAll();
        }
    }

    /** By resource, what ClearML's driver sent. */
    private SortedMap<String, SortedMap<String, String>> theirs(OwnStandIns standIns, Path python, Path file) throws IOException, InterruptedException {
        var out = folder.resolve("theirs.json");
        var process = standIns.autoscaler(python, folder, out.toFile(), "launch", file.toString());
        try {
            assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(Files.readString(folder.resolve("autoscaler.log"))).isZero();
        } finally {
            process.destroyForcibly();
        }
        assertHoldsNoSecret(Files.readString(out));
        var launched = new TreeMap<String, SortedMap<String, String>>();
        new ObjectMapper().readTree(out.toFile()).properties().forEach(resource -> {
            var fields = new TreeMap<String, String>();
            for (var call : resource.getValue()) {
                var sent = new TreeMap<String, String>();
                call.path("parameters").properties().forEach(parameter -> sent.put(parameter.getKey(), parameter.getValue().asText()));
                switch (call.path("action").asText()) {
                    case "RunInstances" -> fields.putAll(launch("RunInstances", sent));
                    case "RequestSpotInstances" -> {
                        var specification = new TreeMap<String, String>();
                        sent.forEach((name, value) -> specification.put(name.replaceFirst("^LaunchSpecification\\.", ""), value));
                        fields.putAll(launch("RequestSpotInstances", specification));
                    }
                    case "CreateTags" -> tags(sent, "").forEach((key, value) -> fields.put("tag of instance: " + key, value));
                    // Looks at what was started, which change nothing.
                    default -> assertThat(call.path("action").asText()).startsWith("Describe");
                }
            }
            launched.put(resource.getKey(), fields);
        });
        return launched;
    }

    /** By resource, what the stand-in got from Muster. */
    private SortedMap<String, SortedMap<String, String>> ours(OwnStandIns standIns, Shell shell, Path file, Iterable<String> resources)
            throws Exception {
        standIns.writeMusterYaml(folder);
        var queues = new ArrayList<String>();
        for (var resource : resources) {
            queues.add("queue of " + resource);
            standIns.createQueue("queue of " + resource);
        }
        var said = new StringBuilder();
        for (var line : List.of("./muster import clearml " + file.getFileName() + " -o fleet.yaml", "./muster up --config muster.yaml",
                "./muster fleet validate -f fleet.yaml", "./muster fleet apply -f fleet.yaml")) {
            var ran = shell.run(line).succeeded();
            said.append(ran.out()).append(ran.err());
        }
        for (var queue : queues) {
            var ran = shell.run("./muster task enqueue '" + queue + "' --seconds 600").succeeded();
            said.append(ran.out()).append(ran.err());
        }
        Await.within(PATIENCE, "a machine for each queue", () -> standIns.ec2.books().launchCalls().size() >= queues.size());
        shell.run("./muster down").succeeded();
        assertHoldsNoSecret(said.toString());
        assertHoldsNoSecret(Files.readString(folder.resolve("fleet.yaml")));
        var launched = new TreeMap<String, SortedMap<String, String>>();
        for (var call : standIns.ec2.books().launchCalls()) {
            var fields = launch("RunInstances", call.parameters());
            assertThat(launched.put(fields.get("tag of instance: muster-pool").replace('-', '_'), fields)).as("one launch a pool").isNull();
        }
        assertThat(launched.keySet()).containsExactlyElementsOf(resources);
        return launched;
    }

    private static void assertHoldsNoSecret(String text) {
        assertThat(text).doesNotContain(SECRETS);
    }

    /** Parameters by the Query protocol's names; lists of tags by resource and key, since their order says nothing. */
    private static SortedMap<String, String> launch(String call, Map<String, String> sent) {
        var fields = new TreeMap<String, String>();
        fields.put("call", call);
        sent.forEach((name, value) -> {
            var tags = Pattern.compile("(TagSpecification\\.\\d+\\.).*").matcher(name);
            if (!tags.matches()) {
                if (!List.of("Action", "Version").contains(name)) {
                    fields.put(name, value);
                }
            } else if (name.endsWith(".ResourceType")) {
                tags(sent, tags.group(1)).forEach((key, text) -> fields.put("tag of " + value + ": " + key, text));
            }
        });
        return fields;
    }

    private static SortedMap<String, String> tags(Map<String, String> sent, String prefix) {
        var tags = new TreeMap<String, String>();
        for (var i = 1; sent.containsKey(prefix + "Tag." + i + ".Key"); i++) {
            tags.put(sent.get(prefix + "Tag." + i + ".Key"), sent.get(prefix + "Tag." + i + ".Value"));
        }
        return tags;
    }

    private static List<Difference> differences(String resource, SortedMap<String, String> theirs, SortedMap<String, String> ours) {
        var fields = new TreeSet<>(theirs.keySet());
        fields.addAll(ours.keySet());
        return fields.stream().map(field -> new Difference(resource, field, theirs.getOrDefault(field, ABSENT), ours.getOrDefault(field, ABSENT)))
                .filter(difference -> !difference.theirs().equals(difference.ours())).toList();
    }
}
