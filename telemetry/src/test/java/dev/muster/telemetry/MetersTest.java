package dev.muster.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Test;

class MetersTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Meters meters = new Meters(registry);

    @Test
    void aGaugeOfWhatDisappearedDisappears() {
        meters.show(Metrics.WAITING_TASKS, "train", Map.of(List.of("train", "gpu"), () -> 4, List.of("train", "cpu"), () -> 1));
        meters.show(Metrics.WAITING_TASKS, "eval", Map.of(List.of("eval", "gpu"), () -> 7));
        // When
        meters.show(Metrics.WAITING_TASKS, "train", Map.of(List.of("train", "gpu"), () -> 5));
        // Then
        assertThat(shown()).isEqualTo(Map.of("eval gpu", 7.0, "train gpu", 5.0));
    }

    @Test
    void whoShowsNothingMoreHidesNothingThatAnotherShowsNow() {
        DoubleSupplier first = () -> 1;
        DoubleSupplier second = () -> 2;
        meters.show(Metrics.WAITING_TASKS, "partition 0", Map.of(List.of("train", "gpu"), first));
        meters.show(Metrics.WAITING_TASKS, "partition 0 again", Map.of(List.of("train", "gpu"), second));
        // When
        meters.show(Metrics.WAITING_TASKS, "partition 0", Map.of());
        // Then
        assertThat(shown()).isEqualTo(Map.of("train gpu", 2.0));
    }

    /** Prometheus' registry knows a counter by its name without the end, and takes no other figure of that name. */
    @Test
    void noFigureHasTheNameOfACounterWithoutItsEnd() {
        assertThat(Metrics.all()).extracting(metric -> metric.name().replaceFirst("_total$", "")).doesNotHaveDuplicates();
    }

    @Test
    void labelsAreThoseOfTheDefinition() {
        assertThatThrownBy(() -> meters.count(Metrics.DEAD_LETTERS)).hasMessageContaining("muster_dead_letters_total").hasMessageContaining("[topic]");
    }

    private Map<String, Double> shown() {
        var shown = new TreeMap<String, Double>();
        for (var gauge : registry.find(Metrics.WAITING_TASKS.name()).gauges()) {
            shown.put(gauge.getId().getTag("fleet") + " " + gauge.getId().getTag("queue"), gauge.value());
        }
        assertThat(registry.getMeters()).extracting(Meter::getId).hasSize(shown.size());
        return shown;
    }
}
