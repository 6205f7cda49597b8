package dev.muster.planner.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.v1.FleetSpec;
import dev.muster.v1.NamedState;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.ServiceReported;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a request says of names that no service has. */
class WritesTest {

    private static final FleetSpec SPEC = FleetSpec.newBuilder().addPools(PoolSpec.newBuilder().addOffers(offer("aws", "default")))
            .addPools(PoolSpec.newBuilder().addOffers(offer("gcp", "default")).addOffers(offer("gcp", "google"))).build();

    private static OfferSpec.Builder offer(String provider, String account) {
        return OfferSpec.newBuilder().setKey(OfferKey.newBuilder().setProvider(provider).setAccount(account));
    }

    private static ServiceReported provisioner(String service, String... accounts) {
        var report = ServiceReported.newBuilder().setService(service);
        List.of(accounts).forEach(account -> report.addAccounts(NamedState.newBuilder().setName(account)));
        return report.build();
    }

    @Test
    void anAccountIsKnownOnlyOnItsOwnCloud() {
        var aws = provisioner("aws-provisioner", "default");
        var gcp = provisioner("gcp-provisioner", "google");

        assertThat(Writes.unknownNames(SPEC, "main", List.of(aws, gcp))).containsExactly("account:gcp/default");
        assertThat(Writes.unknownNames(SPEC, "main", List.of(aws))).containsExactly("account:gcp/default", "account:gcp/google");
    }

    @Test
    void noneIsUnknownWhereNobodyHasSaidAny() {
        var watcher = ServiceReported.newBuilder().setService("queue-watcher").addConnections(NamedState.newBuilder().setName("other")).build();

        assertThat(Writes.unknownNames(SPEC, "main", List.of())).isEmpty();
        assertThat(Writes.unknownNames(SPEC, "main", List.of(watcher))).containsExactly("connection:main");
    }
}
