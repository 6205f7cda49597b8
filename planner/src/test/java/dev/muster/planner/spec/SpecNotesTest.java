package dev.muster.planner.spec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.FleetYaml;
import dev.muster.contracts.InvalidYamlException;
import dev.muster.v1.CostSpec;
import dev.muster.v1.FleetSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is legal and worth knowing, and what is filled in for costs. */
class SpecNotesTest {

    private static FleetSpec filled(String text) throws InvalidYamlException {
        var spec = FleetYaml.read("name: train\nqueues: {default: [cpu]}\n" + text);
        assertThat(SpecValidator.violations(spec, Specs.FACTS)).isEmpty();
        return Defaults.fill(spec, "lab");
    }

    private static List<String> notes(String text) throws InvalidYamlException {
        return SpecNotes.of(filled(text));
    }

    @Test
    void thereAreNoneOfAPlainSpec() throws Exception {
        assertThat(notes("pools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, max: 4}}")).isEmpty();
    }

    @Test
    void saysWhereMarksDoNotReachMachinesThatRun() throws Exception {
        var spec = filled("pools: {cpu: {provider: aws, region: eu-west-1, offers: [{type: p3.2xlarge}, {type: m4.large}, {type: m5.large}], max: 4}}");
        assertThat(SpecNotes.ofTypes(spec, (provider, type) -> provider.equals("aws") && !type.startsWith("m5")))
                .singleElement().asString().startsWith("pools.cpu: machines of m4.large, p3.2xlarge don't see a mark that is written while they run");
        assertThat(SpecNotes.ofTypes(spec, (provider, type) -> false)).isEmpty();
    }

    @Test
    void saysWhatALimitDoesNotBoundAndWhatItEnds() throws Exception {
        assertThat(notes("""
                currency: USD
                cost: {diskPerGibMonth: 0.08}
                budgets: {day: {limit: 40, onLimit: stop-launching}, month: {limit: 300, onLimit: stop-busy}}
                pools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, price: 0.1, max: 4, disks: [{size: 50}]}}
                """)).satisfiesExactly(
                note -> assertThat(note).startsWith("onLimit: stop-launching (budgets.day) does not bound spending"),
                note -> assertThat(note).startsWith("onLimit: stop-busy (budgets.month) ends running tasks"));
    }

    @Test
    void saysWhatIsNotCounted() throws Exception {
        assertThat(notes("pools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, max: 4, disks: [{size: 50}]}}"))
                .containsExactly("pools.cpu: disks are not counted, since cost.diskPerGibMonth gives no price.");
        assertThat(notes("cost: {diskPerGibMonth: 0.08}\npools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, max: 4}}"))
                .containsExactly("pools.cpu: the image's own disk is not counted, since disks gives no size.");
        assertThat(notes("""
                currency: EUR
                budgets: {hour: 4}
                pools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, price: 0.1, max: 4}}
                """)).contains("pools.cpu: public IPv4 addresses are not counted, since the known price is in dollars; write cost.publicIpv4PerHour in EUR.");
    }

    @Test
    void saysWhichPoolALimitNeverLetsHaveAMachine() throws Exception {
        assertThat(notes("""
                currency: USD
                cost: {diskPerGibMonth: 0.08}
                budgets: {hour: 4}
                pools:
                  cpu: {provider: aws, region: eu-west-1, type: m5.large, price: 0.1, max: 4, disks: [{size: 73}]}
                  big: {provider: aws, region: eu-west-1, type: p4d.24xlarge, price: 32.77, max: 4, disks: [{size: 73}]}
                """)).containsExactly("budgets.hour.limit leaves no room for a machine of pool big, which needs 32.783.");
    }

    @Test
    void saysWhatOutlivesAReserveOrAnAge() throws Exception {
        assertThat(notes("""
                currency: USD
                cost: {diskPerGibMonth: 0.08}
                budgets: {day: 4}
                pools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, price: 0.1, max: 4, reserveFor: 20m, disks: [{size: 73}]}}
                """)).singleElement().asString().startsWith("pools.cpu.reserveFor is 20m, and a machine that never gets a worker is paid for up to registerWithin, 30m");
        assertThat(notes("pools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, max: 4, maxAge: 45m}}"))
                .singleElement().asString().startsWith("pools.cpu.maxAge is 45m, less than the longest task to expect (reserveFor, 1h)");
    }

    @Test
    void costsAreThePoolsOwnElseTheFleetsElseTheDefault() throws Exception {
        var spec = filled("""
                cost: {factor: 0.85, diskPerGibMonth: 0.08}
                pools:
                  cpu: {provider: aws, region: eu-west-1, type: m5.large, max: 4, cost: {factor: 1.2}}
                  gpu: {provider: aws, region: eu-west-1, type: g5.xlarge, max: 4, cost: {publicIpv4PerHour: 0}}
                """);

        assertThat(spec.getPools(0).getCost()).isEqualTo(CostSpec.newBuilder().setPriceFactor(1.2).setDiskMicrosPerGibMonth(80_000).setPublicIpv4MicrosPerHour(5_000).build());
        assertThat(spec.getPools(1).getCost()).isEqualTo(CostSpec.newBuilder().setPriceFactor(0.85).setDiskMicrosPerGibMonth(80_000).setPublicIpv4MicrosPerHour(0).build());
        assertThat(filled("currency: EUR\npools: {cpu: {provider: aws, region: eu-west-1, type: m5.large, max: 4}}").getPools(0).getCost())
                .isEqualTo(CostSpec.newBuilder().setPriceFactor(1).build());
    }

    @Test
    void saysWhatIsOtherwiseOnGoogleCloud() throws Exception {
        assertThat(notes("pools: {cpu: {provider: gcp, region: us-central1, type: n1-standard-4, market: spot, ceiling: 0.10, max: 4}}"))
                .singleElement().asString().startsWith("pools.cpu: Google takes no maximum price. ceiling is what a budget counts");
        assertThat(notes("pools: {cpu: {provider: gcp, region: us-central1, type: n1-standard-4, market: spot, max: 4, maxAge: 1d, gcp: {maxRunDuration: 3d, preemptible: true}}}"))
                .satisfiesExactly(
                        run -> assertThat(run).startsWith("pools.cpu.gcp.maxRunDuration ends a machine after 3d with the task that it runs"),
                        preemptible -> assertThat(preemptible).contains("after 24 h at the latest"));
    }

    @Test
    void saysWhatAPriceOnGoogleCloudMustHaveInIt() throws Exception {
        assertThat(notes("pools: {cpu: {provider: gcp, region: us-central1, type: n1-standard-4, max: 4, gcp: {gpuType: nvidia-tesla-t4, localSsds: 2}}}"))
                .satisfiesExactly(
                        gpus -> assertThat(gpus).startsWith("pools.cpu: write price in each offer, with the GPUs in it."),
                        ssds -> assertThat(ssds).isEqualTo("pools.cpu: local SSDs are not counted unless price has them in it."));
        assertThat(notes("pools: {cpu: {provider: gcp, region: us-central1, type: n1-standard-4, price: 0.54, max: 4, gcp: {gpuType: nvidia-tesla-t4}}}")).isEmpty();
    }

    @Test
    void saysWhichPricesOnGoogleCloudNothingTells() throws Exception {
        var spec = filled("""
                pools:
                  cpu: {provider: gcp, region: us-central1, offers: [{type: n1-standard-4, market: spot}, {type: n1-standard-4}, {type: e2-micro, price: 0.01}], max: 4}
                  gpu: {provider: aws, region: eu-west-1, type: g5.xlarge, max: 4}
                """);
        assertThat(SpecNotes.ofPrices(spec, offer -> false)).containsExactly("pools.cpu: Google's API tells no prices, so the machines' own cost is not counted until price, "
                + "or the provisioner's price file, gives it (us-central1: n1-standard-4, us-central1: n1-standard-4/spot).");
        assertThat(SpecNotes.ofPrices(spec, offer -> true)).isEmpty();
    }

    @Test
    void anAddressOnGoogleCloudCostsAsTheDearestOffers() throws Exception {
        var spec = filled("""
                pools:
                  cpu: {provider: gcp, region: us-central1, type: n1-standard-4, market: spot, max: 4}
                  gpu: {provider: gcp, region: us-central1, offers: [{type: n1-standard-4, market: spot}, {type: n1-standard-4}], max: 4}
                """);

        assertThat(spec.getPoolsList()).extracting(pool -> pool.getCost().getPublicIpv4MicrosPerHour()).containsExactly(2_500L, 5_000L);
        assertThat(CostTable.of(spec.getPools(0)).of(100_000)).isEqualTo(102_500);
        var hidden = spec.getPools(0).toBuilder();
        hidden.getLaunchBuilder().getGcpBuilder().setPublicIp(false);
        assertThat(CostTable.of(hidden.build()).of(100_000)).isEqualTo(100_000);
    }
}
