package dev.muster.watcher.clearml;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TaskAttributesTest {

    @Test
    void areTagsOfOneForm() {
        assertThat(TaskAttributes.of(List.of("muster:memory=64", "muster:gpu-model=a100/80.gb", "other", "muster-no-rescue")))
                .isEqualTo(Map.of("memory", "64", "gpu-model", "a100/80.gb"));
    }

    @Test
    void whatIsOfAnotherFormSaysNothing() {
        assertThat(TaskAttributes.of(List.of("muster:", "muster:a", "muster:=b", "muster:a=", "Muster:a=b", "muster:A=b", "muster:a=b c", "muster:a=b,c=d",
                "muster:a=" + "x".repeat(65), "muster:" + "x".repeat(33) + "=b", "xmuster:a=b"))).isEmpty();
    }

    @Test
    void ofTwoWithOneKeyTheFirstInTheAlphabetHolds() {
        assertThat(TaskAttributes.of(List.of("muster:a=2", "muster:a=1"))).isEqualTo(Map.of("a", "1"));
    }

    @Test
    void areNoMoreThanEight() {
        var tags = IntStream.range(0, 20).mapToObj(i -> "muster:k" + (char) ('a' + i) + "=v").toList();

        assertThat(TaskAttributes.of(tags).keySet()).containsExactly("ka", "kb", "kc", "kd", "ke", "kf", "kg", "kh");
    }
}
