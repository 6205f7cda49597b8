package dev.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceTest {

    private static final String HEAD =
            "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";

    @TempDir
    Path folder;

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("trace.csv"), text);
    }

    @Test
    void choosesTheQueueByGpusAndTheRunTimeByWhatWasScheduled() throws IOException {
        var trace = file(HEAD + """
                late,1,1,0,0,,LS,Running,200,260,210
                gpu,1,1,1,460,V100|T4,BE,Failed,100,400,150
                never,1,1,8,1000,,LS,Pending,100,130,
                outside,1,1,1,1000,,LS,Running,300,301,300
                """);

        assertThat(Trace.read(trace, 100, 300)).isEqualTo(List.of(
                new Trace.Task("gpu", "gpu", Duration.ofSeconds(100), Duration.ofSeconds(250)),
                new Trace.Task("never", "multi-gpu", Duration.ofSeconds(100), Duration.ofSeconds(30)),
                new Trace.Task("late", "cpu", Duration.ofSeconds(200), Duration.ofSeconds(50))));
    }

    @Test
    void namesTheLineThatCanNotBeRead() throws IOException {
        var broken = file(HEAD + "a,1,1,0,0,,LS,Running,1,2,1\nb,1,1,zero,0,,LS,Running,1,2,1\n");
        assertThatThrownBy(() -> Trace.read(broken, 0, 10)).isInstanceOf(CliFailure.class).hasMessageContaining("line 3 can't be read");
        var backwards = file(HEAD + "a,1,1,0,0,,LS,Running,5,2,5\n");
        assertThatThrownBy(() -> Trace.read(backwards, 0, 10)).hasMessageContaining("line 2 can't be read");
        var other = file("a,b\n1,2\n");
        assertThatThrownBy(() -> Trace.read(other, 0, 10)).hasMessageContaining("has no column name, num_gpu, creation_time");
        assertThatThrownBy(() -> Trace.read(folder.resolve("none.csv"), 0, 10)).hasMessageContaining("there is no file");
    }

    @Test
    void percentilesAreTimesThatWereSeen() {
        var waits = LongStream.rangeClosed(1, 200).mapToObj(Duration::ofSeconds).toList();

        assertThat(Percentiles.of(waits)).isEqualTo(new Percentiles(
                200, Duration.ofSeconds(100), Duration.ofSeconds(180), Duration.ofSeconds(198), Duration.ofSeconds(200)));
        assertThat(Percentiles.of(List.of(Duration.ofSeconds(7))).p50()).isEqualTo(Duration.ofSeconds(7));
        assertThat(Percentiles.of(List.of()).most()).isEqualTo(Duration.ZERO);
    }
}
