package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.planner.PlannerConfig;
import dev.muster.v1.Access;
import dev.muster.v1.AccessOuterClass;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.Role;
import io.grpc.protobuf.ProtoFileDescriptorSupplier;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Keeps docs/access.md true: its tables are made of the settings' own comments and of what stands beside each call, and its examples are read.
 *
 * <p>{@code mvn -pl planner -am test -Dtest=AccessPageTest -Dsurefire.failIfNoSpecifiedTests=false -Ddocs.write=true} writes it.
 */
class AccessPageTest {

    private static final Path PAGE = Path.of("../docs/access.md");
    private static final Path SETTINGS = Path.of("src/main/java/dev/muster/planner/PlannerConfig.java");
    private static final Pattern WORD = Pattern.compile("@With(Name|Default)\\(\"([^\"]*)\"\\)");
    private static final Pattern KEY = Pattern.compile("(\\S+) (\\w+)\\(\\);");

    @TempDir
    Path folder;

    @Test
    void itsTablesAreTheSettingsAndTheCalls() throws IOException {
        var page = Files.readString(PAGE);
        var made = between(between(page, "settings", settings()), "calls", calls());
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, made);
        }
        assertThat(Files.readString(PAGE)).isEqualTo(made);
    }

    private static String between(String page, String name, String table) {
        return Pattern.compile("(<!-- " + name + " -->\n).*(<!-- /" + name + " -->)", Pattern.DOTALL).matcher(page).replaceFirst("$1" + Matcher.quoteReplacement(table) + "$2");
    }

    /** Keys with their comments and defaults, as PlannerConfig has them. */
    private static String settings() throws IOException {
        var table = new StringBuilder("| key | default | |\n| --- | --- | --- |\n");
        var source = Files.readString(SETTINGS);
        var prefixes = new ArrayDeque<>(List.of("muster.api."));
        var comment = new StringBuilder();
        var name = "";
        var value = "";
        for (var line : source.substring(source.indexOf("    interface Api {") + 20).lines().map(String::strip).toList()) {
            var said = WORD.matcher(line);
            var key = KEY.matcher(line);
            if (line.startsWith("/**") || line.startsWith("*")) {
                comment.append(line.replaceAll("^/?\\*+/?|\\*/$", "").replaceAll("\\{@code ([^}]*)}", "`$1`").strip()).append(' ');
            } else if (said.find()) {
                name = said.group(1).equals("Name") ? said.group(2) : name;
                value = said.group(1).equals("Default") ? said.group(2) : value;
            } else if (line.startsWith("interface ")) {
                prefixes.push(prefixes.peekLast() + line.split(" ")[1].toLowerCase(Locale.ROOT) + ".");
            } else if (line.equals("}")) {
                if (prefixes.size() == 1) {
                    break;
                }
                prefixes.pop();
            } else if (key.find()) {
                if (!comment.isEmpty()) {
                    table.append("| `").append(prefixes.peek()).append(name.isEmpty() ? key.group(2) : name).append("` | ").append(value.isEmpty() ? "" : "`" + value + "`")
                            .append(" | ").append(comment.toString().strip()).append(" |\n");
                } else if (!Character.isUpperCase(key.group(1).charAt(0)) || key.group(1).startsWith("Optional")) {
                    table.append("| `").append(prefixes.peek()).append(name.isEmpty() ? key.group(2) : name).append("` | | as above |\n");
                }
                comment.setLength(0);
                name = "";
                value = "";
            }
        }
        return table.toString();
    }

    private static String calls() {
        var rows = new StringBuilder("| call | role | for |\n| --- | --- | --- |\n");
        var file = ((ProtoFileDescriptorSupplier) FleetsGrpc.getServiceDescriptor().getSchemaDescriptor()).getFileDescriptor();
        file.getServices().forEach(service -> service.getMethods().forEach(method -> {
            var access = method.getOptions().getExtension(AccessOuterClass.access);
            rows.append("| ").append(service.getName()).append('.').append(method.getName()).append(" | ").append(access.getRole().name().toLowerCase(Locale.ROOT))
                    .append(" | ").append(target(access)).append(" |\n");
        }));
        return rows.toString();
    }

    private static String target(Access access) {
        if (access.getEverywhere()) {
            return "all fleets";
        }
        var named = new ArrayList<String>();
        if (!access.getMachine().isEmpty()) {
            named.add("the fleet of `" + access.getMachine() + "`");
        }
        if (!access.getFleet().isEmpty()) {
            named.add("`" + access.getFleet() + "`");
        }
        var where = named.isEmpty() ? "whoever is known" : String.join(", or ", named) + (access.getRole() == Role.VIEWER && access.getFleet().equals("fleet") ? "; named none, what one may read" : "");
        return where + (access.getReads().isEmpty() ? "" : "; and viewer for `" + access.getReads() + "`");
    }

    private static List<String> blocks(String kind) throws IOException {
        return Pattern.compile("```" + kind + "\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(PAGE)).results().map(block -> block.group(1)).toList();
    }

    @Test
    void itsGrantsCanBeRead() throws Exception {
        for (var grants : blocks("yaml")) {
            assertThat(Grants.parse(grants).roles()).isNotEmpty();
        }
        assertThat(blocks("yaml")).hasSize(2);
    }

    @Test
    void aPlannerStartsWithItsSettings() throws Exception {
        var grants = blocks("yaml");
        var set = blocks("properties");
        assertThat(set).hasSize(2);
        for (var i = 0; i < set.size(); i++) {
            for (var file : List.of("tls.crt", "tls.key", "clients.crt")) {
                Files.writeString(folder.resolve(file), "of no matter here");
            }
            Files.writeString(folder.resolve("grants.yaml"), grants.get(i));
            var properties = new Properties();
            properties.load(new StringReader(set.get(i).replace("/etc/muster", folder.toString())));
            var keys = properties.entrySet().stream().collect(Collectors.toMap(key -> key.getKey().toString(), key -> key.getValue().toString(), (a, b) -> a, TreeMap::new));
            var settings = AccessSettings.of(new SmallRyeConfigBuilder().addDiscoveredConverters().withMapping(PlannerConfig.class).withValidateUnknown(false)
                    .withSources(new PropertiesConfigSource(Map.copyOf(keys), "page", 500)).build().getConfigMapping(PlannerConfig.class).api(), keys.get("quarkus.http.host"));
            assertThat(settings.isOpen()).isFalse();
            assertThat(settings.notices()).isEmpty();
        }
    }

    @Test
    void itsWayToMakeATokenMakesOneWithItsHash() throws Exception {
        var script = blocks("sh").get(0);
        var process = new ProcessBuilder("sh", "-c", "command -v openssl sha256sum >/dev/null || exit 127\n" + script + "printf '%s\\n' \"$token\"").redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes()).lines().toList();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        if (process.exitValue() == 127) {
            System.out.println("Skipped: no openssl and sha256sum to make a token with as docs/access.md says");
            return;
        }
        assertThat(said.get(1)).matches("mst_[A-Za-z0-9_-]{43}");
        assertThat(said.get(0)).startsWith(Grants.Hash.of(StaticTokens.sha256(said.get(1))).hex());
    }
}
