package dev.muster.planner.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.contracts.SpecSecrets.Wanted;
import dev.muster.v1.NamedState;
import dev.muster.v1.SecretView;
import dev.muster.v1.ServiceReported;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What ListSecrets makes of services' reports and fleets' specs. */
class SecretViewsTest {

    @Test
    void aSecretIsMissingWhereAServiceThatNeedsItLacksIt() {
        var services = List.of(
                service("aws-provisioner", "0", has("hf-token"), has("spare")),
                service("aws-provisioner", "1", lacks("hf-token"), has("spare")),
                service("planner", "0", has("slack"), lacks("mattermost")),
                service("queue-watcher", "0", has("hf-token")));
        var wanted = Map.of(
                "train", Set.of(new Wanted("hf-token", "aws-provisioner"), new Wanted("slack", "planner"), new Wanted("ssm:/conf", "")),
                "test", Set.of(new Wanted("hf-token", "gcp-provisioner"), new Wanted("mattermost", "planner")));

        assertThat(InstallationService.views(services, wanted)).containsExactly(
                SecretView.newBuilder().setName("hf-token").addServices("aws-provisioner").addServices("queue-watcher").addFleets("test").addFleets("train")
                        .setMissing(true).build(),
                SecretView.newBuilder().setName("mattermost").addFleets("test").setMissing(true).build(),
                SecretView.newBuilder().setName("slack").addServices("planner").addFleets("train").build(),
                SecretView.newBuilder().setName("spare").addServices("aws-provisioner").build(),
                SecretView.newBuilder().setName("ssm:/conf").addFleets("train").setOnMachines(true).build());
    }

    @Test
    void ofAServiceThatDoesNotRunNothingIsKnown() {
        assertThat(InstallationService.views(List.of(), Map.of("train", Set.of(new Wanted("key", "gcp-provisioner"))))).containsExactly(
                SecretView.newBuilder().setName("key").addFleets("train").build());
    }

    @Test
    void whatPodsReadAndAServiceTooIsNoMatterOfMachinesAlone() {
        var views = InstallationService.views(List.of(service("aws-provisioner", "0")), Map.of("train", Set.of(new Wanted("key", ""), new Wanted("key", "aws-provisioner"))));
        assertThat(views).containsExactly(SecretView.newBuilder().setName("key").addFleets("train").setMissing(true).build());
    }

    private static ServiceReported service(String name, String instance, NamedState... secrets) {
        return ServiceReported.newBuilder().setService(name).setInstance(instance).addAllSecrets(List.of(secrets)).build();
    }

    private static NamedState has(String name) {
        return NamedState.newBuilder().setName(name).setOk(true).build();
    }

    private static NamedState lacks(String name) {
        return NamedState.newBuilder().setName(name).setDetail("not there").build();
    }
}
