package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.FleetYaml;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The fleets on docs/gcp.md are good ones. */
class GcpPageTest {

    private static final Path PAGE = Path.of("../docs/gcp.md");
    private static final Pattern SPEC = Pattern.compile("```yaml\n(name:.*?)```", Pattern.DOTALL);

    @Test
    void itsFleetsCanBePlannedFor() throws Exception {
        var specs = SPEC.matcher(Files.readString(PAGE)).results().map(found -> found.group(1)).toList();

        assertThat(specs).hasSizeGreaterThanOrEqualTo(2);
        for (var text : specs) {
            var spec = FleetYaml.read(text);
            assertThat(SpecValidator.violations(spec, Specs.FACTS)).as(text).isEmpty();
            assertThat(spec.getPoolsList()).isNotEmpty().allSatisfy(pool -> assertThat(pool.getOffersList()).allSatisfy(offer ->
                    assertThat(offer.getKey().getProvider()).isEqualTo("gcp")));
        }
        assertThat(specs.get(0).lines().count()).as("the first fits a screen").isLessThanOrEqualTo(14);
    }
}
