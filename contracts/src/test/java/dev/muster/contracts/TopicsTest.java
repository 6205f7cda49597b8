package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;

class TopicsTest {

    private final Topics topics = new Topics("muster.", 4);

    @Test
    void findsNothingWrongWithItsOwnTopics() {
        var made = topics.all().stream().collect(Collectors.toMap(Topics.Definition::name, Topics.Definition::partitions));
        assertThat(topics.problems(made)).isEmpty();
    }

    @Test
    void saysWhichInputHasAnotherNumberOfPartitionsAndWhichTopicsAreMissing() {
        var made = topics.all().stream().collect(Collectors.toMap(Topics.Definition::name, Topics.Definition::partitions));
        made.put("muster.demand", 32);
        made.remove("muster.history");
        assertThat(topics.problems(made)).hasSize(2)
                .anySatisfy(problem -> assertThat(problem).contains("muster.demand has 32 partitions and must have 4"))
                .anySatisfy(problem -> assertThat(problem).contains("missing topics: muster.history"));
        assertThat(topics.problems(Map.of())).hasSize(1);
    }

    @Test
    void putsAFleetWhereEveryKafkaClientPutsIt() {
        for (var fleet : new String[] {"demo", "a", "team-ml-training", "~default"}) {
            assertThat(topics.inputPartition(fleet)).isEqualTo(Utils.toPositive(Utils.murmur2(fleet.getBytes())) % 4);
        }
    }

    @Test
    void refusesAPrefixThatIsNoTopicName() {
        assertThatThrownBy(() -> new Topics("muster/", 4)).hasMessageContaining("muster/");
    }
}
