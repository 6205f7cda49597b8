package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HarmlessWitnessTest {

    private final List<String> told = new ArrayList<>();
    private final Witness witness = HarmlessWitness.of(new Witness() {
        @Override
        public void read(String topic) {
            told.add(topic);
            throw new IllegalArgumentException("a name that is taken");
        }

        @Override
        public void forgotten(String fleet) {
            throw new StackOverflowError();
        }
    });

    @Test
    void anErrorOfAFigureStaysWithIt() {
        witness.read("requests");
        witness.read("demand");
        witness.troubled();

        assertThat(told).containsExactly("requests", "demand");
    }

    @Test
    void aJvmThatIsBrokenIsNotToldAway() {
        assertThatThrownBy(() -> witness.forgotten("train")).isInstanceOf(StackOverflowError.class);
    }
}
