package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantityTest {

    @ParameterizedTest
    @CsvSource({"2, 2000", "500m, 500", "0.5, 500", ".5, 500", "1.0001, 1001", "1k, 1000000", "1Ki, 1024000", "16Gi, 17179869184000", "2e3, 2000000", "5E-1, 500",
            "0, 0", "3., 3000", "8Ei, 9223372036854775807"})
    void readsWhatKubernetesReads(String text, long thousandths) {
        assertThat(Quantity.isOne(text)).isTrue();
        assertThat(Quantity.thousandths(text)).isEqualTo(thousandths);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-1", "16GB", "16 Gi", "1.5.2", "Gi", "1e", "two"})
    void whatIsNoQuantityIsRefused(String text) {
        assertThat(Quantity.isOne(text)).isFalse();
        assertThatThrownBy(() -> Quantity.thousandths(text)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no quantity");
    }
}
