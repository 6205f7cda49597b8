package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.clearml.Faults.Fault;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Wishes as they are read from a ClearML server. */
@QuarkusTest
@TestProfile(ClearmlOnly.class)
class ClearmlTaskWishesTest {

    private TestClearml clearml;
    private TaskWishes wishes;

    @BeforeEach
    void start(@TempDir Path secrets) throws Exception {
        clearml = new TestClearml(secrets, "default");
        wishes = new ClearmlTaskWishes(clearml.servers, Clock.systemUTC());
    }

    @AfterEach
    void stop() {
        clearml.close();
    }

    private ProviderException refused(String connection, String task) {
        return catchThrowableOfType(ProviderException.class, () -> wishes.read(connection, task));
    }

    @Test
    void readsAllThatATaskAsksFor() throws Exception {
        // Given
        var fields = TestClearml.fields();
        fields.putObject("container").put("image", "nvidia/cuda:12").put("arguments", "--ipc=host -e TOKEN='hunter 2'").put("setup_shell_script", "apt-get update");
        var parameters = fields.putObject("hyperparams").putObject("Muster");
        parameters.putObject("k8s/memory").put("section", "Muster").put("name", "k8s/memory").put("value", "16Gi");
        parameters.putObject("aws/type").put("section", "Muster").put("name", "aws/type").put("value", "p5.48xlarge");
        var task = clearml.waiting("default", fields);

        // When
        var wish = wishes.read("default", task);

        // Then
        assertThat(wish).isEqualTo(new TaskWish(task, "train it", "", "", "muster", "nvidia/cuda:12", List.of("--ipc=host -e TOKEN='hunter 2'"),
                "apt-get update", new TreeMap<>(Map.of("k8s/memory", "16Gi"))));
        assertThat(DockerArguments.of(wish.arguments()).environment()).isEqualTo(Map.of("TOKEN", "hunter 2"));
        assertThat(wish.toString()).doesNotContain("hunter");
    }

    @Test
    void aTaskThatAsksForNothingWishesNothing() throws Exception {
        // Given
        var task = clearml.waiting("default", TestClearml.fields());

        // When
        var wish = wishes.read("default", task);

        // Then
        assertThat(wish).isEqualTo(new TaskWish(task, "train it", "", "", "muster", "", List.of(), "", new TreeMap<>()));
    }

    @Test
    void aTaskThatIsNotThereOrDoesNotWaitIsGone() throws Exception {
        // Given
        var created = clearml.client("default").createTask(TestClearml.fields());

        // When
        var unknown = refused("default", "0123456789abcdef0123456789abcdef");
        var notWaiting = refused("default", created);

        // Then
        assertThat(List.of(unknown, notWaiting)).allSatisfy(gone -> {
            assertThat(gone.code()).isEqualTo("TaskGone");
            assertThat(gone.kind()).isEqualTo(FailureKind.EXPIRED);
            assertThat(gone.isFaultOfTask()).as("it may be put back, and is not to be failed then").isFalse();
        });
        assertThat(notWaiting).hasMessageContaining("it is created");
    }

    @Test
    void aServerInTroubleIsUnavailable() throws Exception {
        // Given
        var task = clearml.waiting("default", TestClearml.fields());
        clearml.server("default").faults().add(Fault.error("tasks.get_all", 503, 0).times(1));

        // When
        var silent = refused("default", task);

        // Then
        assertThat(silent.kind()).isEqualTo(FailureKind.UNAVAILABLE);
        assertThat(silent.isFaultOfTask()).isFalse();
        assertThat(wishes.read("default", task).id()).isEqualTo(task);
    }

    @Test
    void keysThatAreRefusedAreNamedAndNewOnesUsed() throws Exception {
        // Given
        var task = clearml.waiting("default", TestClearml.fields());
        clearml.writeKeys("default", "wrong");
        clearml.server("default").faults().add(Fault.unauthorized("tasks.get_all").times(1));

        // When
        var refused = refused("default", task);
        clearml.writeKeys("default", "secret-of-default");

        // Then
        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(refused).hasMessageContaining("clearml-default-secret-key").hasMessageNotContaining("wrong");
        assertThat(wishes.read("default", task).id()).isEqualTo(task);
    }

    @Test
    void aConnectionThatIsNotConfiguredIsNamed() {
        assertThat(refused("other", "0123456789abcdef0123456789abcdef"))
                .hasMessage("no connection 'other' is configured here; known are [default]: set muster.connections.other.api, or name one of these");
    }
}
