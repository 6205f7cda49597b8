package dev.muster.planner.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import dev.muster.v1.Facts;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.Limits;
import dev.muster.v1.Market;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.Value;
import dev.muster.v1.Violation;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SpecValidatorTest {

    @Test
    void findsNothingInAGoodSpec() {
        assertThat(SpecValidator.violations(Specs.fleet("train").build(), Specs.FACTS)).isEmpty();
    }

    @Test
    void findsNothingInAFilledSpec() {
        var filled = Defaults.fill(Specs.fleet("train").build(), "lab");
        assertThat(SpecValidator.violations(filled, Specs.FACTS)).isEmpty();
        assertThat(Defaults.fill(filled, "lab")).isEqualTo(filled);
    }

    @Test
    void namesEverythingAtOnce() {
        // Given
        var spec = FleetSpec.newBuilder().setName("Train!").addQueues(QueueSpec.newBuilder().setName("gpu").addPools("a100"))
                .addPools(PoolSpec.newBuilder().setName("t4").setLimits(Limits.newBuilder().setMin(-1))).build();
        // When
        var violations = SpecValidator.violations(spec, Facts.newBuilder().setInstallation("lab").setPrefixOwner("other").build());
        // Then
        assertThat(violations).extracting(Violation::getField).containsExactly("name", "workersPrefix", "queues[0].pools[0]",
                "pools[0].limits.max", "pools[0].limits.min", "pools[0].offers");
        assertThat(violations).allSatisfy(violation -> {
            assertThat(violation.getProblem()).isNotBlank();
            assertThat(violation.getFix()).isNotBlank();
        });
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("mistakes")
    void saysWhatIsWrongAndWhatToDo(String field, UnaryOperator<FleetSpec.Builder> mistake, String problem) {
        var violations = SpecValidator.violations(mistake.apply(Specs.fleet("train")).build(), Specs.FACTS);
        assertThat(violations).singleElement().satisfies(violation -> {
            assertThat(violation.getField()).isEqualTo(field);
            assertThat(violation.getProblem()).contains(problem);
            assertThat(violation.getFix()).isNotBlank();
        });
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                fleet("name", f -> f.setName(""), "is missing"),
                fleet("name", f -> f.setName("My_Fleet"), "'My_Fleet' is no DNS-1123 label"),
                fleet("name", f -> f.setName("-a"), "'-a' is no DNS-1123 label"),
                fleet("name", f -> f.setName("a".repeat(33)), "has 33 characters"),
                fleet("currency", f -> f.setCurrency("dollar"), "'dollar'"),
                fleet("workersPrefix", f -> f.setWorkersPrefix("a:b"), "'a:b'"),
                fleet("workersPrefix", f -> f.setWorkersPrefix("a/b"), "'a/b'"),
                fleet("connection", f -> f.setConnection("a b"), "'a b'"),
                fleet("limits.max", f -> f.setLimits(Limits.newBuilder().setMin(3).setMax(2)), "is 2, below limits.min, which is 3"),
                fleet("limits.max", f -> f.setLimits(Limits.newBuilder().setMax(2)).setPools(0, Specs.pool("cpu").setLimits(Limits.newBuilder().setMin(4).setMax(9))),
                        "minimums add up to 4"),
                fleet("queues", FleetSpec.Builder::clearQueues, "there are none"),
                fleet("queues[1].name", f -> f.addQueues(QueueSpec.newBuilder().setName("default")), "'default' is already queues[0]"),
                fleet("queues[1].name", f -> f.addQueues(QueueSpec.newBuilder().setName(" ")), "is missing"),
                fleet("queues[0].pools[1]", f -> f.setQueues(0, f.getQueues(0).toBuilder().addPools("cpu")), "named twice"),
                fleet("queues[0].pools[1]", f -> f.setQueues(0, f.getQueues(0).toBuilder().addPools("gpu")), "'gpu' is no pool"),
                fleet("pools[1].name", f -> f.addPools(Specs.pool("cpu")), "'cpu' is already pools[0]"),
                fleet("rescue.rescueAfter", f -> f.setRescue(f.getRescueBuilder().setRescueAfter(seconds(-1))), "is -1s"),
                pool("pools[0].limits.max", p -> p.setLimits(Limits.newBuilder().setMin(1)), "is missing"),
                pool("pools[0].limits.max", p -> p.setLimits(Limits.newBuilder().setMin(5).setMax(4)), "is 4, below limits.min, which is 5"),
                pool("pools[0].limits.max", p -> p.setLimits(Limits.newBuilder().setMax(-5)), "is -5"),
                pool("pools[0].slots", p -> p.setSlots(65), "is 65"),
                pool("pools[0].slots", p -> p.setSlots(-2), "is -2"),
                pool("pools[0].idle", p -> p.setIdleTimeout(seconds(0)), "is 0s"),
                pool("pools[0].bootWithin", p -> p.setBootDeadline(seconds(-60)), "is -60s"),
                pool("pools[0].registerWithin", p -> p.setRegistrationDeadline(seconds(-1)), "is -1s"),
                pool("pools[0].reserveFor", p -> p.setReserveFor(seconds(0)), "is 0s"),
                pool("pools[0].offers", PoolSpec.Builder::clearOffers, "there are none"),
                pool("pools[0].offers[1]", p -> p.addOffers(p.getOffers(0)), "the same offer as pools[0].offers[0]"),
                pool("pools[0].offers[1]", p -> p.addOffers(OfferSpec.newBuilder().setKey(Specs.offerKey("m5.large").setMarket(Market.ON_DEMAND))), "the same offer"),
                offer("pools[0].offers[0].provider", o -> o.getKeyBuilder().setProvider("azure"), "'azure'"),
                offer("pools[0].offers[0].provider", o -> o.getKeyBuilder().clearProvider(), "is missing"),
                offer("pools[0].offers[0].account", o -> o.getKeyBuilder().setAccount(""), "is missing"),
                offer("pools[0].offers[0].region", o -> o.getKeyBuilder().setRegion("eu/1"), "'eu/1'"),
                offer("pools[0].offers[0].type", o -> o.getKeyBuilder().setMachineType("m5:large"), "'m5:large'"),
                offer("pools[0].offers[0].zone", o -> o.getKeyBuilder().setZone("us-east-1a"), "'us-east-1a' is not in region eu-west-1"),
                offer("pools[0].offers[0].subnet", o -> o.getKeyBuilder().setSubnet("10.0.0.0/8"), "'10.0.0.0/8'"),
                offer("pools[0].offers[0].price", o -> o.setPriceMicrosPerHour(-500_000), "is -0.5, below zero"),
                offer("pools[0].offers[0].ceiling", o -> o.setPriceCeilingMicrosPerHour(1), "on an on-demand offer"),
                offer("pools[0].offers[0].ceiling", o -> {
                    o.setPriceCeilingMicrosPerHour(0);
                    o.getKeyBuilder().setMarket(Market.SPOT);
                }, "is 0"),
                pool("pools[0].image", p -> p.getLaunchBuilder().setImage("ubuntu"), "'ubuntu' is no AMI id"),
                pool("pools[0].tags.cost center", p -> p.getLaunchBuilder().putTags("cost center", "7"), "has a space or a slash"),
                pool("pools[0].tags.team/ml", p -> p.getLaunchBuilder().putTags("team/ml", "7"), "has a space or a slash"),
                pool("pools[0].tags.muster-fleet", p -> p.getLaunchBuilder().putTags("muster-fleet", "7"), "Muster's own"),
                pool("pools[0].aws.securityGroups[0]", p -> p.getLaunchBuilder().getAwsBuilder().addSecurityGroupIds("default"), "'default'"),
                pool("pools[0].agent.version", p -> p.getLaunchBuilder().getBootBuilder().setAgentVersion("latest"), "'latest'"),
                pool("pools[0].agent.environment.A-B", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("A-B", text("x")), "'A-B'"),
                pool("pools[0].agent.environment.KEY", p -> p.getLaunchBuilder().getBootBuilder().putEnvironment("KEY", text("AKIA" + "IOSFODNN7EXAMPLE")), "looks like a key"),
                pool("pools[0].agent.initScript", p -> p.getLaunchBuilder().getBootBuilder().setInitScript(text("x\n-----BEGIN " + "RSA PRIVATE KEY-----\n")), "looks like a key"),
                pool("pools[0].agent.extraConf", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(text("token: ghp" + "_0123456789abcdefghijABCDEFGHIJ012345")), "looks like a key"),
                pool("pools[0].agent.extraConf", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(text("k=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYq9Zt2")), "looks like a key"),
                pool("pools[0].agent.extraConf.secretRef", p -> p.getLaunchBuilder().getBootBuilder().setExtraConf(Value.newBuilder().setSecretRef("../x")), "'../x'"));
    }

    @Test
    void takesLongPathsAndDigestsForWhatTheyAre() {
        var script = "export PATH=/opt/clearml/environments/production/bin:$PATH\n"
                + "echo e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 | sha256sum -c\n";
        var spec = Specs.fleet("train");
        spec.getPoolsBuilder(0).getLaunchBuilder().getBootBuilder().setInitScript(text(script));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS)).isEmpty();
    }

    @Test
    void neverRepeatsAKey() {
        var spec = Specs.fleet("train");
        spec.getPoolsBuilder(0).getLaunchBuilder().getBootBuilder().putEnvironment("K", text("AKIA" + "IOSFODNN7EXAMPLE"));
        assertThat(SpecValidator.violations(spec.build(), Specs.FACTS).toString()).doesNotContain("IOSFODNN7");
    }

    @Test
    void knowsWhatTheServicesReported() {
        var facts = Facts.newBuilder().setInstallation("lab").addUnknownNames("account:main").addUnknownNames("connection:default").build();
        assertThat(SpecValidator.violations(Specs.fleet("train").build(), facts)).extracting(Violation::getField)
                .containsExactly("connection", "pools[0].offers[0].account");
    }

    private static Arguments fleet(String field, UnaryOperator<FleetSpec.Builder> mistake, String problem) {
        return Arguments.of(field, mistake, problem);
    }

    private static Arguments pool(String field, java.util.function.Consumer<PoolSpec.Builder> mistake, String problem) {
        return fleet(field, spec -> {
            mistake.accept(spec.getPoolsBuilder(0));
            return spec;
        }, problem);
    }

    private static Arguments offer(String field, java.util.function.Consumer<OfferSpec.Builder> mistake, String problem) {
        return pool(field, pool -> mistake.accept(pool.getOffersBuilder(0)), problem);
    }

    private static Duration seconds(long seconds) {
        return Duration.newBuilder().setSeconds(seconds).build();
    }

    private static Value text(String text) {
        return Value.newBuilder().setText(text).build();
    }
}
