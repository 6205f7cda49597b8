package dev.muster.aws;

import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.model.DescribeSpotPriceHistoryRequest;
import software.amazon.awssdk.services.ec2.model.DescribeSubnetsRequest;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.SpotPrice;

/** What spot offers cost now: one call for all types of a scope, and pages of it where there are many. On-demand prices EC2 itself does not tell. */
final class Ec2Prices {

    static final String SOURCE = "ec2:DescribeSpotPriceHistory";

    /** The product of an image without a licence: what Muster's machines run. */
    private static final String LINUX = "Linux/UNIX";
    /** EC2's limits. */
    private static final int MOST_ON_PAGE = 1_000;
    private static final int MOST_SUBNETS = 200;

    private final AwsAccounts accounts;
    private final Function<Scope, Ec2Rates> rates;
    private final Clock clock;
    /** A subnet's zone never changes. */
    private final Map<String, String> zones = new ConcurrentHashMap<>();

    Ec2Prices(AwsAccounts accounts, Function<Scope, Ec2Rates> rates, Clock clock) {
        this.accounts = accounts;
        this.rates = rates;
        this.clock = clock;
    }

    /**
     * Of the spot offers. One that leaves its zone to EC2 has the highest price of the region's zones: which zone it will be is not known, and a
     * price that is exceeded is worse than one that is not.
     */
    List<PriceSeen> of(Scope scope, Collection<Offer> offers) throws ProviderException {
        var spot = offers.stream().filter(offer -> offer.market() == Offer.Market.SPOT).toList();
        if (spot.isEmpty()) {
            return List.of();
        }
        try {
            var current = current(scope, spot);
            learnZones(scope, spot);
            var prices = new ArrayList<PriceSeen>();
            for (var offer : spot) {
                var ofType = current.getOrDefault(offer.machineType(), Map.of());
                if (!offer.zone().isEmpty() || offer.subnet().isEmpty()) {
                    add(prices, offer, offer.zone().isEmpty() ? ofType.values() : of(ofType, offer.zone()));
                } else if (zones.containsKey(offer.subnet())) {
                    add(prices, offer, of(ofType, zones.get(offer.subnet())));
                }
                // A subnet that EC2 doesn't show has no price.
            }
            return prices;
        } catch (SdkException failure) {
            throw Ec2Failures.translate(failure);
        }
    }

    private static Collection<SpotPrice> of(Map<String, SpotPrice> byZone, String zone) {
        return byZone.containsKey(zone) ? List.of(byZone.get(zone)) : List.of();
    }

    private void add(List<PriceSeen> prices, Offer offer, Collection<SpotPrice> candidates) {
        if (candidates.isEmpty()) {
            return;
        }
        // The highest may have become it by another's fall: it is as old as the newest of them.
        var asOf = candidates.stream().map(SpotPrice::timestamp).max(Comparator.naturalOrder()).orElseThrow();
        var unreadable = candidates.stream().filter(price -> micros(price) < 0).findFirst();
        var micros = unreadable.isPresent() ? -1 : candidates.stream().mapToLong(Ec2Prices::micros).max().orElseThrow();
        prices.add(new PriceSeen(offer, micros, currency(offer.scope()), asOf,
                SOURCE + unreadable.map(price -> ", which says '" + price.spotPrice() + "'").orElse("")));
    }

    /** Rounded up. -1: it is no price. */
    private static long micros(SpotPrice price) {
        try {
            var micros = new BigDecimal(price.spotPrice()).movePointRight(6).setScale(0, RoundingMode.CEILING);
            return micros.signum() < 0 || micros.precision() > 18 ? -1 : micros.longValueExact();
        } catch (NumberFormatException none) {
            return -1;
        }
    }

    /** Amazon's regions in China are another company's, which counts in its own currency. */
    private static String currency(Scope scope) {
        return scope.region().startsWith("cn-") ? "CNY" : "USD";
    }

    /** By type and zone. */
    private Map<String, Map<String, SpotPrice>> current(Scope scope, List<Offer> spot) throws ProviderException {
        var now = Instant.ofEpochSecond(clock.instant().getEpochSecond());
        var types = new TreeSet<String>();
        spot.forEach(offer -> types.add(offer.machineType()));
        // From now until now: what is in force, however old, and no history.
        var first = DescribeSpotPriceHistoryRequest.builder().instanceTypesWithStrings(types).productDescriptions(LINUX).startTime(now).endTime(now)
                .maxResults(MOST_ON_PAGE).build();
        var newest = new HashMap<String, Map<String, SpotPrice>>();
        var request = first;
        while (true) {
            rates.apply(scope).awaitDescribe();
            var page = accounts.api(scope).describeSpotPriceHistory(request);
            page.spotPriceHistory().stream().filter(price -> price.timestamp() != null && price.spotPrice() != null && price.availabilityZone() != null)
                    .forEach(price -> newest.computeIfAbsent(price.instanceTypeAsString(), type -> new HashMap<>())
                            .merge(price.availabilityZone(), price, (a, b) -> b.timestamp().isAfter(a.timestamp()) ? b : a));
            if (page.nextToken() == null || page.nextToken().isEmpty()) {
                return newest;
            }
            request = first.toBuilder().nextToken(page.nextToken()).build();
        }
    }

    private void learnZones(Scope scope, List<Offer> spot) throws ProviderException {
        var unknown = new TreeSet<String>();
        spot.stream().filter(offer -> offer.zone().isEmpty() && !offer.subnet().isEmpty() && !zones.containsKey(offer.subnet()))
                .limit(MOST_SUBNETS).forEach(offer -> unknown.add(offer.subnet()));
        if (unknown.isEmpty()) {
            return;
        }
        rates.apply(scope).awaitDescribe();
        // By a filter: one that is not there would fail the call of all, named by its id.
        accounts.api(scope).describeSubnets(DescribeSubnetsRequest.builder().filters(Filter.builder().name("subnet-id").values(unknown).build()).build())
                .subnets().forEach(subnet -> zones.put(subnet.subnetId(), subnet.availabilityZone()));
    }
}
