package dev.muster.k8s;

import dev.muster.provisioner.host.PriceFile;
import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * What pods cost: each its share of its node, by whichever resource it has most of, and the node what the price file says of its instance type. An offer
 * costs what its pods that are placed now cost on average. Nodes are the whole cluster's, so that whoever gives no right to read them gets no prices.
 */
final class NodePrices {

    private static final Logger LOG = Logger.getLogger(NodePrices.class);

    private static final String TYPE = "node.kubernetes.io/instance-type";
    private static final String REGION = "topology.kubernetes.io/region";
    /** By which Karpenter, EKS, GKE and AKS say that a node is a spot instance. */
    private static final Map<String, String> SPOT = Map.of("karpenter.sh/capacity-type", "spot", "eks.amazonaws.com/capacityType", "SPOT",
            "cloud.google.com/gke-spot", "true", "kubernetes.azure.com/scalesetpriority", "spot");

    private final Path file;
    private final Clock clock;
    private volatile boolean refusedBefore;

    /** @param file that prices of nodes stand in */
    NodePrices(Path file, Clock clock) {
        this.file = file;
        this.clock = clock;
    }

    /** @param placed pods of the scope that have a node and have not ended */
    List<PriceSeen> of(PodCalls calls, Scope scope, Collection<Offer> offers, List<Pod> placed) throws ProviderException {
        if (placed.isEmpty()) {
            return List.of();
        }
        PriceFile prices;
        try {
            prices = PriceFile.read(file);
        } catch (IOException | IllegalArgumentException wrong) {
            throw new ProviderException(FailureKind.UNAVAILABLE, "PriceFile", "the price file can't be read: " + wrong.getMessage());
        }
        List<Node> nodes;
        try {
            nodes = calls.nodes();
        } catch (ProviderException refused) {
            if (refused.kind() != FailureKind.UNAUTHORIZED) {
                throw refused;
            }
            if (!refusedBefore) {
                LOG.infof("Nodes may not be read, and pods have no prices but those of their fleets' specs and of the price file: scope=%s reason=%s", scope, refused);
            }
            refusedBefore = true;
            return List.of();
        }
        return of(prices, nodes, offers, placed, clock.instant());
    }

    static List<PriceSeen> of(PriceFile prices, List<Node> nodes, Collection<Offer> offers, List<Pod> placed, Instant now) {
        var byName = new HashMap<String, Node>();
        nodes.forEach(node -> byName.put(node.getMetadata().getName(), node));
        var found = new ArrayList<PriceSeen>();
        for (var offer : offers) {
            var costs = placed.stream().filter(pod -> isOf(offer, pod)).flatMap(pod -> cost(pod, byName.get(pod.getSpec().getNodeName()), prices).stream()).toList();
            if (!costs.isEmpty()) {
                var average = costs.stream().reduce(BigDecimal.ZERO, BigDecimal::add).divide(BigDecimal.valueOf(costs.size()), MathContext.DECIMAL64);
                found.add(new PriceSeen(offer, average.setScale(0, RoundingMode.HALF_UP).longValueExact(), prices.currency(), now, "share of " + costs.size()
                        + (costs.size() == 1 ? " pod" : " pods") + " in their nodes, which the price file (" + prices.source() + ") says the price of"));
            }
        }
        return found;
    }

    private static boolean isOf(Offer offer, Pod pod) {
        var annotations = PodTranslator.annotations(pod);
        return annotations.getOrDefault(PodNames.MACHINE_TYPE, PodNames.USUAL_TYPE).equals(offer.machineType())
                && annotations.getOrDefault(PodNames.MARKET, "").equals("spot") == (offer.market() == Offer.Market.SPOT);
    }

    /** Micro-units an hour; empty where the node isn't known, the file has no figure for it, or the pod requests nothing that it could have a share by. */
    private static Optional<BigDecimal> cost(Pod pod, Node node, PriceFile prices) {
        if (node == null || node.getStatus() == null) {
            return Optional.empty();
        }
        var labels = Objects.requireNonNullElse(node.getMetadata().getLabels(), Map.<String, String>of());
        boolean spot = SPOT.entrySet().stream().anyMatch(label -> label.getValue().equals(labels.get(label.getKey())));
        return prices.of(K8sAccounts.PROVIDER, labels.getOrDefault(REGION, ""), labels.getOrDefault(TYPE, ""), spot).filter(price -> price.perHour() >= 0)
                .map(price -> share(pod, node).multiply(BigDecimal.valueOf(price.perHour()))).filter(cost -> cost.signum() > 0);
    }

    /** The largest of its shares in what the node has to give: who takes all GPUs leaves the rest to nobody. At most 1. */
    static BigDecimal share(Pod pod, Node node) {
        var allocatable = Objects.requireNonNullElse(node.getStatus().getAllocatable(), Map.<String, Quantity>of());
        var requests = new HashMap<String, BigDecimal>();
        Stream.concat(pod.getSpec().getContainers().stream(), pod.getSpec().getInitContainers().stream().filter(container -> "Always".equals(container.getRestartPolicy())))
                .filter(container -> container.getResources() != null && container.getResources().getRequests() != null)
                .forEach(container -> container.getResources().getRequests().forEach((name, quantity) -> requests.merge(name, quantity.getNumericalAmount(), BigDecimal::add)));
        return requests.entrySet().stream().filter(request -> isCounted(request.getKey()) && allocatable.containsKey(request.getKey()))
                .filter(request -> allocatable.get(request.getKey()).getNumericalAmount().signum() > 0)
                .map(request -> request.getValue().divide(allocatable.get(request.getKey()).getNumericalAmount(), MathContext.DECIMAL64))
                .max(BigDecimal::compareTo).orElse(BigDecimal.ZERO).min(BigDecimal.ONE);
    }

    private static boolean isCounted(String resource) {
        return resource.equals("cpu") || resource.equals("memory") || resource.endsWith("/gpu");
    }
}
