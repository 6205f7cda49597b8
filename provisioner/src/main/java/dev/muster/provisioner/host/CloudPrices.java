package dev.muster.provisioner.host;

import dev.muster.contracts.Times;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferPrice;
import dev.muster.v1.PricesReported;
import dev.muster.v1.TypeFacts;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Asks the cloud what the offers that fleets name cost, and what their machine types are, and tells the planner what is news: prices at times, and
 * at once when a fleet changes, types once. On a thread of its own, since clouds may take long to answer. What they don't answer stays as it was.
 */
final class CloudPrices implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(CloudPrices.class);

    /** Spot prices "adjust gradually based on long-term trends", says Amazon: over hours. This is 0.2 calls a minute, beside lists. */
    static final Duration EVERY = Duration.ofMinutes(5);
    /** After a failure; the same call fails for most reasons again. */
    private static final Duration AGAIN = Duration.ofMinutes(1);
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

    private static final class Watch {
        private final Ownership owner;
        private Set<OfferKey> asked = Set.of();
        private long nextAt;
        private Map<OfferKey, PriceSeen> prices = Map.of();
        private final Map<String, TypeSeen> types = new TreeMap<>();
        private final Set<String> typesAsked = new HashSet<>();
        private long typesNextAt;
        /** By fleet. */
        private final Map<String, List<OfferPrice>> pricesSaid = new HashMap<>();
        private final Map<String, List<TypeFacts>> factsSaid = new HashMap<>();

        private Watch(Ownership owner, long now) {
            this.owner = owner;
            this.nextAt = now;
            this.typesNextAt = now;
        }
    }

    private final MachineProvider provider;
    private final FleetBook book;
    private final Reports reports;
    private final ReportPublisher publisher;
    private final Function<Scope, Ownership> owners;
    private final Clock clock;
    private final Duration every;
    private final Map<Scope, Watch> watches = new HashMap<>();
    private final ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1, Threads.named("prices"));

    CloudPrices(MachineProvider provider, FleetBook book, Reports reports, ReportPublisher publisher, Function<Scope, Ownership> owners, Clock clock,
            Duration every) {
        this.provider = provider;
        this.book = book;
        this.reports = reports;
        this.publisher = publisher;
        this.owners = owners;
        this.clock = clock;
        this.every = every;
    }

    void start() {
        thread.scheduleWithFixedDelay(this::look, 0, LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void look() {
        try {
            var scopes = book.scopes();
            watches.keySet().retainAll(scopes);
            for (var scope : scopes) {
                var owner = owners.apply(scope);
                var watch = watches.get(scope);
                if (owner == null) {
                    watches.remove(scope);
                } else {
                    if (watch == null || watch.owner != owner) {
                        watch = new Watch(owner, System.nanoTime());
                        watches.put(scope, watch);
                    }
                    look(scope, watch);
                }
            }
        } catch (RuntimeException ours) {
            LOG.error("Prices of the cloud failed in our own code and go on", ours);
        }
    }

    private void look(Scope scope, Watch watch) {
        var fleets = book.fleetsOf(scope);
        var unpriced = new HashSet<OfferKey>();
        var types = new TreeSet<String>();
        for (var fleet : fleets) {
            unpriced.addAll(book.unpriced(fleet, scope));
            types.addAll(book.types(fleet, scope));
        }
        askPrices(scope, watch, unpriced);
        askTypes(scope, watch, types);
        watch.pricesSaid.keySet().retainAll(fleets);
        watch.factsSaid.keySet().retainAll(fleets);
        fleets.forEach(fleet -> say(fleet, scope, watch));
    }

    private void askPrices(Scope scope, Watch watch, Set<OfferKey> offers) {
        if (offers.isEmpty() || offers.equals(watch.asked) && System.nanoTime() < watch.nextAt) {
            return;
        }
        watch.asked = offers;
        try {
            var keys = new HashMap<Offer, OfferKey>();
            offers.forEach(key -> keys.put(offer(scope, key), key));
            var prices = new HashMap<OfferKey, PriceSeen>();
            provider.prices(scope, keys.keySet()).forEach(price -> prices.put(keys.get(price.offer()), price));
            watch.prices = prices;
            watch.nextAt = System.nanoTime() + every.toNanos();
        } catch (ProviderException unanswered) {
            LOG.warnf("The cloud says no prices now, and the last stay: scope=%s reason=%s", scope, unanswered);
            watch.nextAt = System.nanoTime() + Math.min(AGAIN.toNanos(), every.toNanos());
        }
    }

    private static Offer offer(Scope scope, OfferKey key) {
        return new Offer(scope, key.getZone(), key.getSubnet(), key.getMachineType(), key.getMarket() == Market.SPOT ? Offer.Market.SPOT : Offer.Market.ON_DEMAND);
    }

    private void askTypes(Scope scope, Watch watch, Set<String> types) {
        var fresh = new TreeSet<>(types);
        fresh.removeAll(watch.typesAsked);
        if (fresh.isEmpty() || System.nanoTime() < watch.typesNextAt) {
            return;
        }
        try {
            provider.types(scope, fresh).forEach(type -> watch.types.put(type.machineType(), type));
            watch.typesAsked.addAll(fresh);
        } catch (ProviderException unanswered) {
            LOG.warnf("The cloud does not say what machine types are: scope=%s types=%s reason=%s", scope, fresh, unanswered);
            watch.typesNextAt = System.nanoTime() + Math.min(AGAIN.toNanos(), every.toNanos());
        }
    }

    private void say(String fleet, Scope scope, Watch watch) {
        var prices = new ArrayList<OfferPrice>();
        for (var key : book.unpriced(fleet, scope)) {
            var price = watch.prices.get(key);
            if (price != null && price.currency().equals(book.currencyOf(fleet))) {
                prices.add(OfferPrice.newBuilder().setOffer(key).setMicrosPerHour(price.microsPerHour()).setCurrency(price.currency())
                        .setAsOf(Times.timestamp(price.asOf())).setSource(price.source()).build());
            }
        }
        var facts = book.types(fleet, scope).stream().map(watch.types::get).filter(Objects::nonNull).map(CloudPrices::facts).toList();
        var news = PricesReported.newBuilder();
        if (!prices.isEmpty() && !prices.equals(watch.pricesSaid.put(fleet, prices))) {
            news.addAllPrices(prices);
        }
        if (!facts.isEmpty() && !facts.equals(watch.factsSaid.put(fleet, facts))) {
            news.addAllFacts(facts);
        }
        if (news.getPricesCount() + news.getFactsCount() > 0) {
            publisher.seen(watch.owner, List.of(reports.prices(fleet, scope, watch.owner.generation(), clock.instant(), news.build())));
        }
    }

    private static TypeFacts facts(TypeSeen type) {
        return TypeFacts.newBuilder().setMachineType(type.machineType()).setVcpus(type.vcpus()).setMemoryMib(type.memoryMib()).setGpus(type.gpus())
                .setGpuModel(type.gpuModel()).setArchitecture(type.architecture()).setLiveMarks(type.liveMarks()).build();
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
