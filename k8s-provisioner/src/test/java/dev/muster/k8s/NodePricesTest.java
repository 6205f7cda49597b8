package dev.muster.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.provisioner.host.PriceFile;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a pod costs of its node. */
class NodePricesTest {

    private static final Instant NOW = Instant.parse("2026-03-01T10:00:00Z");
    private static final PriceFile PRICES = new PriceFile(NOW, "contract 4711", "USD", Map.of(
            "k8s/eu-west-1/p4d.24xlarge", new PriceFile.Price(32_000_000, "32"), "k8s/eu-west-1/p4d.24xlarge/spot", new PriceFile.Price(16_000_000, "16")));

    private static Node node(String name, Map<String, String> labels, Map<String, String> allocatable) {
        return new NodeBuilder().withNewMetadata().withName(name).addToLabels(labels).endMetadata().withNewStatus().withAllocatable(quantities(allocatable)).endStatus().build();
    }

    private static Map<String, Quantity> quantities(Map<String, String> texts) {
        return new TreeMap<>(texts).entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, each -> new Quantity(each.getValue())));
    }

    private static Pod pod(String node, Map<String, String> requests) {
        return new PodBuilder().withNewMetadata().withName("m-1").addToAnnotations("muster.dev/machine-type", "pod").endMetadata().withNewSpec().withNodeName(node)
                .addNewContainer().withName("machine").withNewResources().withRequests(quantities(requests)).endResources().endContainer().endSpec().build();
    }

    private static Node large(Map<String, String> more) {
        var labels = new TreeMap<>(Map.of("node.kubernetes.io/instance-type", "p4d.24xlarge", "topology.kubernetes.io/region", "eu-west-1"));
        labels.putAll(more);
        return node("large", labels, Map.of("cpu", "96", "memory", "1024Gi", "nvidia.com/gpu", "8", "pods", "110"));
    }

    @Test
    void aPodCostsTheShareOfWhatItHasMostOf() {
        assertThat(NodePrices.share(pod("large", Map.of("cpu", "24", "memory", "100Gi", "nvidia.com/gpu", "4")), large(Map.of()))).isEqualByComparingTo("0.5");
        assertThat(NodePrices.share(pod("large", Map.of("cpu", "72", "memory", "100Gi", "nvidia.com/gpu", "1")), large(Map.of()))).isEqualByComparingTo("0.75");
        assertThat(NodePrices.share(pod("large", Map.of("cpu", "200")), large(Map.of()))).isEqualByComparingTo("1");
        assertThat(NodePrices.share(pod("large", Map.of()), large(Map.of()))).isEqualByComparingTo("0");
    }

    @Test
    void anOfferCostsWhatItsPlacedPodsCostOnAverage() {
        var half = pod("large", Map.of("nvidia.com/gpu", "4"));
        var quarter = pod("large", Map.of("nvidia.com/gpu", "2"));

        assertThat(NodePrices.of(PRICES, List.of(large(Map.of())), List.of(FakeCluster.OFFER), List.of(half, quarter), NOW)).containsExactly(new PriceSeen(FakeCluster.OFFER,
                12_000_000, "USD", NOW, "share of 2 pods in their nodes, which the price file (contract 4711) says the price of"));
    }

    @Test
    void aSpotNodeCostsWhatSpotCosts() {
        var half = pod("large", Map.of("nvidia.com/gpu", "4"));

        for (var label : List.of(Map.of("karpenter.sh/capacity-type", "spot"), Map.of("eks.amazonaws.com/capacityType", "SPOT"), Map.of("cloud.google.com/gke-spot", "true"),
                Map.of("kubernetes.azure.com/scalesetpriority", "spot"))) {
            assertThat(NodePrices.of(PRICES, List.of(large(label)), List.of(FakeCluster.OFFER), List.of(half), NOW)).extracting(PriceSeen::microsPerHour)
                    .containsExactly(8_000_000L);
        }
    }

    @Test
    void aPodThatRequestsNothingMakesNoOthersCheaper() {
        var half = pod("large", Map.of("nvidia.com/gpu", "4"));
        var nothing = pod("large", Map.of());

        assertThat(NodePrices.of(PRICES, List.of(large(Map.of())), List.of(FakeCluster.OFFER), List.of(half, nothing), NOW)).extracting(PriceSeen::microsPerHour)
                .containsExactly(16_000_000L);
        assertThat(NodePrices.of(PRICES, List.of(large(Map.of())), List.of(FakeCluster.OFFER), List.of(nothing), NOW)).isEmpty();
    }

    @Test
    void ofWhatNobodyKnowsThePriceNothingIsSaid() {
        var other = new Offer(FakeCluster.SCOPE, "", "", "pod-large", Offer.Market.ON_DEMAND);
        var half = pod("large", Map.of("nvidia.com/gpu", "4"));

        assertThat(NodePrices.of(PRICES, List.of(large(Map.of("node.kubernetes.io/instance-type", "x9"))), List.of(FakeCluster.OFFER), List.of(half), NOW)).isEmpty();
        assertThat(NodePrices.of(PRICES, List.of(large(Map.of())), List.of(other), List.of(half), NOW)).isEmpty();
        assertThat(NodePrices.of(PRICES, List.of(), List.of(FakeCluster.OFFER), List.of(half), NOW)).isEmpty();
    }
}
