package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SecretsFolder;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** Keeps docs/kubernetes.md true in what it says of settings, keys, labels and manifests. Its fleets are judged by the planner's test of it, its commands by the CLI's. */
class KubernetesPageTest {

    private static final Path PAGE = Path.of("..", "docs", "kubernetes.md");

    @Test
    void hasEverySettingOfAnAccount() throws IOException {
        var page = Files.readString(PAGE);

        assertThat(Arrays.stream(K8sConfig.AccountConfig.class.getDeclaredMethods()).map(Method::getName)
                .map(name -> "| `muster.k8s.accounts.<name>." + name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT) + "` |"))
                .isNotEmpty().allSatisfy(setting -> assertThat(page).contains(setting));
        assertThat(page).contains(SecretsFolder.clearmlAccessKey("default"), SecretsFolder.clearmlSecretKey("default"));
    }

    @Test
    void hasWhatKeepsNodesAndWhereTemplatesAre() throws IOException {
        assertThat(Files.readString(PAGE)).contains("`" + PodNames.KARPENTER_STAYS + "`", "`" + PodNames.AUTOSCALER_STAYS + ": \"false\"`", "`" + Pods.TEMPLATE_KEY + "`");
    }

    @Test
    void itsManifestsAreThere() throws IOException {
        var files = java.util.regex.Pattern.compile("deploy/k8s/[a-z]+\\.yaml").matcher(Files.readString(PAGE)).results().map(found -> found.group()).distinct().toList();
        assertThat(files).hasSizeGreaterThan(4).allSatisfy(file -> assertThat(Path.of("..").resolve(file)).exists());
    }
}
