package dev.muster.sandbox.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TagsTest {

    private final Cloud cloud = new Cloud();

    @Test
    void areWrittenOverAndDeletedByKeyOrByKeyAndValue() {
        // Given
        var id = running("MetadataOptions.InstanceMetadataTags", "disabled");
        cloud.call("CreateTags", "ResourceId.1", id, "Tag.1.Key", "a", "Tag.1.Value", "1", "Tag.2.Key", "b", "Tag.2.Value", "2", "Tag.3.Key", "c", "Tag.3.Value", "3");

        // When
        cloud.call("CreateTags", "ResourceId.1", id, "Tag.1.Key", "a", "Tag.1.Value", "new");
        cloud.call("DeleteTags", "ResourceId.1", id, "Tag.1.Key", "b", "Tag.2.Key", "c", "Tag.2.Value", "another");

        // Then
        var shown = cloud.call("DescribeInstances", "InstanceId.1", id);
        assertThat(shown.all("//tagSet/item/key")).containsExactly("a", "c");
        assertThat(shown.all("//tagSet/item/value")).containsExactly("new", "3");
    }

    @Test
    void aThousandMachinesAreMarkedInOneCallAllOrNone() {
        // Given
        var ids = cloud.launch(1000);
        cloud.untilRunning();
        var parameters = new ArrayList<>(List.of("Tag.1.Key", "muster-keep-until", "Tag.1.Value", "soon"));
        for (int i = 0; i < ids.size(); i++) {
            parameters.addAll(List.of("ResourceId." + (i + 1), ids.get(i)));
        }

        // When
        var all = cloud.call("CreateTags", parameters.toArray(String[]::new));
        parameters.set(1, "other");
        parameters.set(parameters.size() - 1, "i-00000000000000000");
        var none = cloud.call("CreateTags", parameters.toArray(String[]::new));

        // Then
        assertThat(all.code()).isEqualTo("Success");
        assertThat(none.code()).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(cloud.call("DescribeInstances", "Filter.1.Name", "tag:muster-keep-until", "Filter.1.Value.1", "soon").all("//instanceId")).hasSize(1000);
    }

    @Test
    void keepEc2sLimits() {
        // Given
        var id = running("MetadataOptions.InstanceMetadataTags", "disabled");
        var fifty = new ArrayList<>(List.of("ResourceId.1", id));
        for (int i = 1; i <= 50; i++) {
            fifty.addAll(List.of("Tag." + i + ".Key", "key" + i, "Tag." + i + ".Value", ""));
        }

        // Then
        assertThat(cloud.call("CreateTags", fifty.toArray(String[]::new)).code()).isEqualTo("Success");
        assertThat(create(id, "one-more", "")).isEqualTo("TagLimitExceeded");
        assertThat(create(id, "key1", "v")).isEqualTo("Success");
        assertThat(create(id, "aws:x", "v")).isEqualTo("InvalidParameterValue");
        assertThat(create(id, "k".repeat(129), "v")).isEqualTo("InvalidParameterValue");
        assertThat(create(id, "key1", "v".repeat(257))).isEqualTo("InvalidParameterValue");
        assertThat(create("ami-00000000", "key1", "v")).isEqualTo("InvalidID");
        assertThat(create("vol-00000000", "key1", "v")).isEqualTo("InvalidVolume.NotFound");
    }

    @Test
    void keysMustFitTheMetadataServiceThatShowsThem() {
        // Given
        var id = running("MetadataOptions.InstanceMetadataTags", "enabled");

        // Then
        assertThat(create(id, "a key", "v")).isEqualTo("InvalidParameterValue");
        assertThat(create(id, "a/key", "v")).isEqualTo("InvalidParameterValue");
        assertThat(create(id, "_index", "v")).isEqualTo("InvalidParameterValue");
        assertThat(create(id, "muster-mark", "any value/at all")).isEqualTo("Success");
    }

    private String running(String... parameters) {
        var id = cloud.launch(1, parameters).get(0);
        cloud.untilRunning();
        return id;
    }

    private String create(String id, String key, String value) {
        return cloud.call("CreateTags", "ResourceId.1", id, "Tag.1.Key", key, "Tag.1.Value", value).code();
    }
}
