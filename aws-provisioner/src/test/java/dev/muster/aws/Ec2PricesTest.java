package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.PriceSeen;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Faults.ApiFault;
import dev.muster.sandbox.ec2.OfferFilter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.ec2.model.DescribeSpotPriceHistoryResponse;
import software.amazon.awssdk.services.ec2.model.DescribeSubnetsRequest;
import software.amazon.awssdk.services.ec2.model.SpotPrice;

/** What EC2 tells of spot prices and machine types, and how often it is asked. */
class Ec2PricesTest {

    private static final Scope SCOPE = Ec2StandIn.SCOPE;

    private final Ec2StandIn ec2 = new Ec2StandIn();
    private final List<String> calls = new ArrayList<>();
    private final Ec2Machines machines = new Ec2Machines(accounts(counted(Ec2Api.class, ec2.api()), counted(ImageApi.class, ec2.images())), "lab");

    @AfterEach
    void close() {
        ec2.close();
    }

    private static AwsAccounts accounts(Ec2Api api, ImageApi images) {
        return new AwsAccounts(Map.of(Ec2StandIn.ACCOUNT, new AwsAccounts.Account(Optional.empty(), Optional.of(Ec2Config.UBUNTU.id()), List.of(SCOPE.region()))),
                scope -> api, scope -> images);
    }

    private <T> T counted(Class<T> calls, T api) {
        return calls.cast(Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {calls}, (proxy, method, arguments) -> {
            this.calls.add(method.getName());
            try {
                return method.invoke(api, arguments);
            } catch (InvocationTargetException failed) {
                throw failed.getCause();
            }
        }));
    }

    private static Offer spot(String type, String zone, String subnet) {
        return new Offer(SCOPE, zone, subnet, type, Offer.Market.SPOT);
    }

    private void price(String type, String zone, String dollars) {
        ec2.server.capacity().spotPrice(new OfferFilter(type, zone, null), new BigDecimal(dollars));
    }

    private Map<Offer, Long> micros(Offer... offers) throws ProviderException {
        var micros = new java.util.HashMap<Offer, Long>();
        machines.prices(SCOPE, List.of(offers)).forEach(price -> micros.put(price.offer(), price.microsPerHour()));
        return micros;
    }

    @Test
    void oneCallTellsThePricesOfAllSpotOffersOfAScope() throws ProviderException {
        price("g4dn.xlarge", null, "0.1");
        price("g4dn.xlarge", "us-east-1a", "0.2101");
        price("g4dn.xlarge", "us-east-1b", "0.1578001");
        price("m5.large", null, "0.035");
        var a = spot("g4dn.xlarge", "us-east-1a", "");
        var b = spot("g4dn.xlarge", "us-east-1b", "");
        var other = spot("m5.large", "us-east-1a", "");
        var onDemand = new Offer(SCOPE, "us-east-1a", "", "m5.large", Offer.Market.ON_DEMAND);

        assertThat(micros(a, b, other, onDemand)).isEqualTo(Map.of(a, 210_100L, b, 157_801L, other, 35_000L));
        assertThat(calls).containsExactly("describeSpotPriceHistory");
    }

    @Test
    void oneWithoutAZoneHasTheHighestOfItsRegion() throws ProviderException {
        price("g4dn.xlarge", null, "0.1");
        price("g4dn.xlarge", "us-east-1c", "0.3");
        var anywhere = spot("g4dn.xlarge", "", "");

        assertThat(micros(anywhere)).isEqualTo(Map.of(anywhere, 300_000L));
    }

    @Test
    void oneWithASubnetHasThePriceOfItsZoneWhichIsLookedUpOnce() throws ProviderException {
        price("g4dn.xlarge", null, "0.1");
        price("g4dn.xlarge", "us-east-1b", "0.3");
        var subnet = ec2.api().describeSubnets(DescribeSubnetsRequest.builder().build()).subnets().stream()
                .filter(one -> one.availabilityZone().equals("us-east-1b")).findFirst().orElseThrow().subnetId();
        var there = spot("g4dn.xlarge", "", subnet);
        var nowhere = spot("g4dn.xlarge", "", "subnet-00000000000000000");

        assertThat(micros(there, nowhere)).as("a subnet that is not there has no price").isEqualTo(Map.of(there, 300_000L));
        assertThat(micros(there)).isEqualTo(Map.of(there, 300_000L));
        assertThat(calls).containsExactly("describeSpotPriceHistory", "describeSubnets", "describeSpotPriceHistory");
    }

    @Test
    void aPriceCarriesWhenAndWhereItIsFrom() throws ProviderException {
        var price = machines.prices(SCOPE, List.of(spot("m5.large", "us-east-1a", ""))).get(0);

        assertThat(price.currency()).isEqualTo("USD");
        assertThat(price.source()).isEqualTo("ec2:DescribeSpotPriceHistory");
        assertThat(price.asOf()).isBefore(Instant.now()).isAfter(Instant.now().minus(Duration.ofHours(3)));
    }

    @Test
    void nothingIsAskedWithoutSpotOffersAndATypeWithoutPriceHasNone() throws ProviderException {
        assertThat(machines.prices(SCOPE, List.of(Ec2StandIn.OFFER))).isEmpty();
        assertThat(calls).isEmpty();
        assertThat(micros(spot("x9.nonsense", "", ""))).isEmpty();
    }

    @Test
    void aFailureIsSaidAsOne() {
        ec2.server.faults().onCall("DescribeSpotPriceHistory", 1, new ApiFault.Refuse(403, "UnauthorizedOperation", "not you"));
        var refused = catchThrowableOfType(ProviderException.class, () -> machines.prices(SCOPE, List.of(spot("m5.large", "", ""))));
        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
    }

    /** As EC2 could answer and the stand-in never does. */
    @Test
    void pagesAreFollowedTheNewestCountsAndWhatIsNoPriceIsSaidSo() throws ProviderException {
        var t = Instant.parse("2026-11-01T00:00:00Z");
        var pages = new ArrayList<>(List.of(
                DescribeSpotPriceHistoryResponse.builder().nextToken("2").spotPriceHistory(entry("m5.large", "us-east-1a", "0.05", t),
                        entry("m5.large", "us-east-1b", "0.09", t.minusSeconds(50))).build(),
                DescribeSpotPriceHistoryResponse.builder().nextToken("").spotPriceHistory(entry("m5.large", "us-east-1a", "0.04", t.plusSeconds(9)),
                        entry("c5.large", "us-east-1a", "NaN", t)).build()));
        var api = (Ec2Api) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Ec2Api.class}, (proxy, method, arguments) -> pages.remove(0));
        var zone = spot("m5.large", "us-east-1a", "");
        var anywhere = spot("m5.large", "", "");
        var none = spot("c5.large", "us-east-1a", "");

        assertThat(new Ec2Machines(accounts(api, ec2.images()), "lab").prices(SCOPE, List.of(zone, anywhere, none))).containsExactly(
                new PriceSeen(zone, 40_000, "USD", t.plusSeconds(9), Ec2Prices.SOURCE),
                new PriceSeen(anywhere, 90_000, "USD", t.plusSeconds(9), Ec2Prices.SOURCE),
                new PriceSeen(none, -1, "USD", t, Ec2Prices.SOURCE + ", which says 'NaN'"));
    }

    private static SpotPrice entry(String type, String zone, String dollars, Instant since) {
        return SpotPrice.builder().instanceType(type).availabilityZone(zone).spotPrice(dollars).timestamp(since).build();
    }

    @Test
    void typesSayWhatTheyAreAndWhetherMarksReachThem() throws ProviderException {
        assertThat(machines.types(SCOPE, List.of("m4.large", "g5.12xlarge", "m6g.large", "x9.nonsense"))).containsExactlyInAnyOrder(
                new TypeSeen("m4.large", 2, 8192, 0, "", "x86_64", false),
                new TypeSeen("g5.12xlarge", 48, 196_608, 4, "A10G", "x86_64", true),
                new TypeSeen("m6g.large", 2, 8192, 0, "", "arm64", true));
        assertThat(calls).containsExactly("describeInstanceTypes");
    }
}
