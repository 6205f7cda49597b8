package dev.muster.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** docs/images.md against what it tells of. Its commands on tars are run by {@link ImagesIT} where their tools are. */
class ImagesPageTest {

    private static final Path HOME = Path.of("../..");

    private static String page() throws IOException {
        return Files.readString(HOME.resolve("docs/images.md"));
    }

    private static TreeSet<String> all(String pattern, String text) {
        return Pattern.compile(pattern).matcher(text).results().map(found -> found.group(1)).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void itNamesTheProperties() throws IOException {
        var pom = Files.readString(Path.of("pom.xml"));
        assertThat(all("\\| `(muster\\.image\\.[a-z]+)` \\|", page())).isEqualTo(all("(?m)^    <(muster\\.image\\.[a-z]+)[/>]", pom));
        assertThat(all("-D(muster\\.image\\.[a-z]+)", page())).isSubsetOf(all("<(muster\\.image\\.[a-z]+)[/>]", pom));
        assertThat(Files.readString(HOME.resolve("pom.xml"))).contains("<id>images</id>");
    }

    @Test
    void itNamesTheImages() throws IOException {
        assertThat(all("`muster/([a-z0-9-]+)`", page())).isEqualTo(Program.all(HOME).stream().map(Program::name).collect(Collectors.toCollection(TreeSet::new)));
    }

    @Test
    void itNamesWhereThingsAre() throws IOException {
        for (var file : all("`(deploy/packaging/[a-z.]+)`", page())) {
            assertThat(HOME.resolve(file)).exists();
        }
        assertThat(page()).contains(Images.FOLDER + "/config", "user " + Images.USER.split(":")[0], "`" + Images.ARGUMENTS + "`", "`" + Images.FLAGS + "`", "`" + ClassData.FILE + "`");
    }
}
