package dev.muster.planner.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.FleetYaml;
import dev.muster.v1.FieldChange;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpecDiffTest {

    private static final String SPEC = """
            name: train
            queues:
              default: [gpu]
            pools:
              gpu: {provider: aws, account: main, region: eu-west-1, type: g4dn.xlarge, max: 3}
            budgets: {day: 300}
            """;

    private static List<String> diff(String from, String to) throws Exception {
        return SpecDiff.of(FleetYaml.read(from), FleetYaml.read(to)).stream().map(SpecDiffTest::line).toList();
    }

    private static String line(FieldChange change) {
        return change.getField() + ": " + change.getBefore() + " -> " + change.getAfter();
    }

    @Test
    void namesFieldsAsViolationsDoWithValuesAsYamlHasThem() throws Exception {
        assertThat(diff(SPEC, SPEC)).isEmpty();
        assertThat(diff(SPEC, SPEC.replace("max: 3", "max: 5, idle: 20m").replace("day: 300", "day: 250.50"))).containsExactly(
                "pools.gpu.max: 3 -> 5", "pools.gpu.idle:  -> 20m", "budgets.day.limit: 300 -> 250.5");
    }

    @Test
    void aShortFormIsWhatItIsShortFor() throws Exception {
        assertThat(diff(SPEC, SPEC.replace("default: [gpu]", "default: {pools: [gpu, cpu], weight: 2}").replace("{day: 300}", "{day: {limit: 300, soft: 200}}")))
                .containsExactly("queues.default.pools: [gpu] -> [gpu, cpu]", "queues.default.weight:  -> 2", "budgets.day.soft:  -> 200");
    }

    @Test
    void whatComesAndGoesIsEmptyOnOneSide() throws Exception {
        assertThat(diff(SPEC, SPEC.replace("budgets: {day: 300}", "currency: EUR"))).containsExactly("currency:  -> EUR", "budgets.day.limit: 300 -> ");
    }

    @Test
    void severalOffersAreNumbered() throws Exception {
        var two = SPEC.replace("{provider: aws, account: main, region: eu-west-1, type: g4dn.xlarge, max: 3}",
                "{provider: aws, account: main, region: eu-west-1, offers: [{type: g4dn.xlarge, market: spot}, {type: g4dn.2xlarge}], max: 3}");
        assertThat(diff(two, two.replace("g4dn.2xlarge", "g5.xlarge"))).containsExactly("pools.gpu.offers[1].type: g4dn.2xlarge -> g5.xlarge");
    }

    @Test
    void aTextOfSeveralLinesIsOne() throws Exception {
        var with = SPEC.replace("max: 3}", "max: 3, agent: {initScript: \"first\\nsecond\"}}");
        assertThat(diff(SPEC, with)).singleElement().asString().startsWith("pools.gpu.agent.initScript:  -> ").contains("first").contains("second");
    }
}
