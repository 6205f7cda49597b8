package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.SecretRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The fleet and the references to secrets on docs/aws.md are good ones. */
class AwsPageTest {

    private static final Path PAGE = Path.of("../docs/aws.md");
    private static final Pattern SPEC = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);
    private static final Pattern REFERENCE = Pattern.compile("\\b(?:ssm|secretsmanager):[^`\\s}>…]+");

    @Test
    void itsFleetHasTwelveLinesOrSoAndCanBePlannedFor() throws Exception {
        var specs = SPEC.matcher(Files.readString(PAGE)).results().map(found -> found.group(1)).toList();

        assertThat(specs).singleElement().satisfies(text -> {
            assertThat(text.lines().count()).isLessThanOrEqualTo(12);
            assertThat(SpecValidator.violations(FleetYaml.read(text), Specs.FACTS)).isEmpty();
        });
    }

    @Test
    void itsReferencesAreSome() throws Exception {
        var references = REFERENCE.matcher(Files.readString(PAGE)).results().map(found -> found.group().replaceFirst(":$", "")).toList();

        assertThat(references).hasSizeGreaterThanOrEqualTo(4).allSatisfy(reference -> assertThat(SecretRef.parse(reference).isInStore()).isTrue());
    }
}
