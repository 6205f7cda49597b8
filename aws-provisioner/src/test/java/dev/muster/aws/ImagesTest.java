package dev.muster.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.provisioner.spi.FailureKind;
import dev.muster.provisioner.spi.LaunchSettings;
import dev.muster.provisioner.spi.Offer;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.sandbox.ec2.Ec2Config;
import dev.muster.sandbox.ec2.Faults.ApiFault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which image a name, a parameter or nothing means, and what can't run on the type. */
class ImagesTest {

    private static final Ec2Config.Image OLD = own("ami-0000000a", "ours", "x86_64", "2026-03-01T10:00:00.000Z");
    private static final Ec2Config.Image NEW = own("ami-0000000b", "ours", "x86_64", "2026-11-01T10:00:00.000Z");
    private static final Ec2Config.Image NEW_ARM = own("ami-0000000c", "ours", "arm64", "2026-11-02T10:00:00.000Z");
    private static final Ec2Config.Image TWIN = own("ami-0000000d", "twins-a", "x86_64", "2026-11-02T10:00:00.000Z");
    private static final Ec2Config.Image OTHER_TWIN = own("ami-0000000e", "twins-b", "x86_64", "2026-11-02T10:00:00.000Z");
    private static final Ec2Config.Image INSTANCE_STORE = new Ec2Config.Image("ami-0000000f", "store", "x86_64", "2026-11-02T10:00:00.000Z", false, false);

    private final Ec2StandIn ec2 = new Ec2StandIn(Ec2Config.defaults().withBootTime(Duration.ofMillis(30)).withDescribeDelay(Duration.ZERO)
            .withImages(List.of(Ec2Config.UBUNTU, Ec2Config.UBUNTU_ARM, Ec2Config.DEEP_LEARNING, OLD, NEW, NEW_ARM, TWIN, OTHER_TWIN, INSTANCE_STORE)));
    private long now;
    private final Images images = new Images(ec2.accounts(Optional.empty(), Optional.empty()), () -> now);

    private static Ec2Config.Image own(String id, String name, String architecture, String created) {
        return new Ec2Config.Image(id, name, architecture, created, false, true);
    }

    @AfterEach
    void close() {
        ec2.close();
    }

    @Test
    void aNameIsItsNewestImageOfTheTypesArchitecture() throws ProviderException {
        assertThat(found("m5.large", "ours")).isEqualTo(NEW.id());
        assertThat(found("m6g.large", "ours")).isEqualTo(NEW_ARM.id());
        assertThat(found("m5.large", "our?")).isEqualTo(NEW.id());
        assertThat(found("m5.large", Ec2Config.DEEP_LEARNING.name())).as("Amazon's").isEqualTo(Ec2Config.DEEP_LEARNING.id());
    }

    @Test
    void aNameThatNobodyHasSaysWhatWasLookedFor() {
        var refused = refused("m5.large", "nobodys");

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).isEqualTo("there is no image named 'nobodys' for x86_64, available and owned by self or amazon, in aws/research/us-east-1; name another, or an id");
    }

    @Test
    void twoNewestImagesAreNotGuessedBetween() {
        var refused = refused("m5.large", "twins-*");

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).contains("there are 2 newest: ami-0000000d, ami-0000000e", "named 'twins-*'", "write an id");
    }

    @Test
    void aParameterHoldsTheId() throws ProviderException {
        ec2.server.parameter("/team/image", NEW.id(), false);

        assertThat(found("m5.large", "ssm:/team/image")).isEqualTo(NEW.id());
        assertThat(found("m6g.large", "ssm:/aws/service/canonical/ubuntu/server/22.04/stable/current/arm64/hvm/ebs-gp2/ami-id")).isEqualTo(Ec2Config.UBUNTU_ARM.id());
    }

    @Test
    void aParameterThatIsNotThereOrHoldsNoIdIsAnInvalidSpec() {
        ec2.server.parameter("/team/image", "{\"image_id\": \"ami-0000000b\"}", false);

        assertThat(refused("m5.large", "ssm:/team/image").getMessage()).contains("/team/image", "holds no AMI id");
        assertThat(refused("m5.large", "ssm:/none").getMessage()).contains("there is no SSM parameter /none");
        assertThat(List.of(refused("m5.large", "ssm:/team/image").kind(), refused("m5.large", "ssm:/none").kind())).containsOnly(FailureKind.INVALID_SPEC);
    }

    @Test
    void aParameterThatMayNotBeReadIsUnauthorizedAndSaysSo() {
        ec2.server.faults().deny("GetParameter");

        var refused = refused("m5.large", "ssm:/team/image");

        assertThat(refused.kind()).isEqualTo(FailureKind.UNAUTHORIZED);
        assertThat(refused.getMessage()).contains("ssm:GetParameter");
    }

    @Test
    void withoutAnyImageItIsAmazonsForDeepLearningOfThatArchitecture() throws ProviderException {
        ec2.server.parameter(Images.DEEP_LEARNING.formatted("arm64"), Ec2Config.UBUNTU_ARM.id(), false);

        assertThat(found("g4dn.xlarge", "")).isEqualTo(Ec2Config.DEEP_LEARNING.id());
        assertThat(found("m6g.large", "")).isEqualTo(Ec2Config.UBUNTU_ARM.id());
    }

    @Test
    void anAccountsImageMayBeANameOrAParameterToo() throws ProviderException {
        var ours = new Images(ec2.accounts(Optional.of("ours"), Optional.empty()), () -> now);

        assertThat(ours.of(Ec2StandIn.SCOPE, "m5.large", "").id()).isEqualTo(NEW.id());
    }

    @Test
    void anImageOfAnotherArchitectureIsRefusedBeforeTheLaunch() {
        var refused = launchRefused("m6g.large", NEW.id());

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).isEqualTo("image ami-0000000b is for x86_64, and m6g.large is arm64; name an image for that, or another type");
        assertThat(ec2.server.books().launchCalls()).isEmpty();
    }

    @Test
    void anImageWithoutAnEbsRootIsRefusedBeforeTheLaunch() {
        var refused = launchRefused("m5.large", "store");

        assertThat(refused.kind()).isEqualTo(FailureKind.INVALID_SPEC);
        assertThat(refused.getMessage()).isEqualTo("the root device of image store (ami-0000000f) is no EBS volume; name an image whose is");
        assertThat(ec2.server.books().launchCalls()).isEmpty();
    }

    @Test
    void anIdThatIsNotThereIsRefusedInEc2sWords() {
        assertThat(refused("m5.large", "ami-00000000").code()).isEqualTo("InvalidAMIID.NotFound");
    }

    /** Only what a person may not look at stands in the way of a check, not of a launch. */
    @Test
    void anIdIsLaunchedAlsoWhereImagesAndTypesMayNotBeDescribed() throws ProviderException {
        ec2.server.faults().deny("DescribeImages");
        ec2.server.faults().deny("DescribeInstanceTypes");

        assertThat(ec2.machines().launch(Batches.of(Batches.image(NEW.id()))).machines()).hasSize(1);
        assertThat(catchThrowableOfType(ProviderException.class, () -> ec2.machines().launch(Batches.of(Batches.disks(new LaunchSettings.Disk("", 9, "", 0, 0))))).kind())
                .as("the root device isn't known").isEqualTo(FailureKind.UNAUTHORIZED);
    }

    @Test
    void whatWasFoundHoldsForTenMinutes() throws ProviderException {
        ec2.server.parameter("/team/image", OLD.id(), false);
        var ids = new ArrayList<String>();

        ids.add(found("m5.large", "ssm:/team/image"));
        ec2.server.parameter("/team/image", NEW.id(), false);
        now += Duration.ofMinutes(10).toNanos() - 1;
        ids.add(found("m5.large", "ssm:/team/image"));
        now += 1;
        ids.add(found("m5.large", "ssm:/team/image"));

        assertThat(ids).containsExactly(OLD.id(), OLD.id(), NEW.id());
    }

    @Test
    void whatCanNotBeLookedUpAgainIsTakenAsItWas() throws ProviderException {
        ec2.server.parameter("/team/image", OLD.id(), false);
        found("m5.large", "ssm:/team/image");
        now += Duration.ofHours(1).toNanos();
        ec2.server.faults().onCall("GetParameter", 1, new ApiFault.Refuse(500, "InternalServerError", "sorry"));

        assertThat(found("m5.large", "ssm:/team/image")).isEqualTo(OLD.id());
    }

    /** Two provisioners, one after the other, with an alias that moved in between: the batch is as it was first asked for. */
    @Test
    void anAliasThatMovesBetweenTwoCallsOfABatchStartsNoSecondMachine() throws ProviderException {
        ec2.server.parameter("/team/image", OLD.id(), false);
        var batch = Batches.of(Batches.image("ssm:/team/image"));

        var first = ec2.machines().launch(batch).machines();
        ec2.server.parameter("/team/image", NEW.id(), false);
        var again = ec2.machines().launch(batch).machines();

        assertThat(again).extracting(machine -> machine.cloudId()).containsExactly(first.get(0).cloudId());
        assertThat(ec2.server.books().launchCalls()).extracting(call -> call.answer()).containsExactly("Success", "IdempotentParameterMismatch");
        assertThat(ec2.server.books().live()).isEqualTo(1);
    }

    private String found(String type, String image) throws ProviderException {
        return images.of(Ec2StandIn.SCOPE, type, image).id();
    }

    private ProviderException refused(String type, String image) {
        return catchThrowableOfType(ProviderException.class, () -> images.of(Ec2StandIn.SCOPE, type, image));
    }

    private ProviderException launchRefused(String type, String image) {
        var offer = new Offer(Ec2StandIn.SCOPE, "", "", type, Offer.Market.ON_DEMAND);
        return catchThrowableOfType(ProviderException.class, () -> ec2.machines().launch(Batches.of(offer, Batches.image(image))));
    }
}
