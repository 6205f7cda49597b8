package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.FleetYaml;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The fleets on docs/kubernetes.md are good ones. */
class KubernetesPageTest {

    private static final Path PAGE = Path.of("../docs/kubernetes.md");
    private static final Pattern SPEC = Pattern.compile("```yaml\n(name:.*?)```", Pattern.DOTALL);

    @Test
    void itsFleetsCanBePlannedFor() throws Exception {
        var specs = SPEC.matcher(Files.readString(PAGE)).results().map(found -> found.group(1)).toList();

        assertThat(specs).extracting(text -> FleetYaml.read(text).getName()).isEqualTo(List.of("first", "overflow", "eks", "gke", "autopilot", "aks"));
        for (var text : specs) {
            var spec = FleetYaml.read(text);
            assertThat(SpecValidator.violations(spec, Specs.FACTS)).as(text).isEmpty();
            assertThat(spec.getPoolsList()).as(text).anySatisfy(pool -> assertThat(pool.getLaunch().hasK8S()).isTrue());
        }
        assertThat(specs.get(0).lines().count()).as("the first fits a screen").isLessThanOrEqualTo(14);
    }
}
