package dev.muster.contracts;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.util.JsonFormat;
import dev.muster.contracts.GoldenFiles.StoredRecord;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.OfferKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What releases have written to each topic is read by this one, and says the same: one record of each kind that a topic holds. */
class StoredRecordsTest {

    private static final GoldenFiles FILES = GoldenFiles.ofThisModule();

    @BeforeAll
    static void writeThisVersions() {
        if (GoldenFiles.isToWrite()) {
            TopicValue.ALL.forEach(value -> FILES.write("records/" + value.topic() + ".txt",
                    of(value).stream().map(StoredRecord::line).collect(Collectors.joining())));
        }
    }

    private static List<StoredRecord> of(TopicValue value) {
        if (value.value() == null) {
            // What nobody could read, as it came.
            return List.of(new StoredRecord("bytes", "no Protobuf".getBytes(UTF_8), ""));
        }
        return value.examplesByCase().entrySet().stream().map(example -> new StoredRecord(example.getKey(), example.getValue().toByteArray(), json(example.getValue()))).toList();
    }

    private static String json(Message message) {
        try {
            return JsonFormat.printer().omittingInsignificantWhitespace().sortingMapKeys().print(message);
        } catch (InvalidProtocolBufferException unprintable) {
            throw new IllegalStateException(unprintable);
        }
    }

    /** A kind of record that is new, and a topic that is new, can't be forgotten. */
    @Test
    void thisVersionHasOneOfEachKindOfEachTopic() throws IOException {
        var listed = Files.readAllLines(Path.of("../deploy/topics.txt")).stream().filter(line -> line.startsWith(Topics.DEFAULT_PREFIX))
                .map(line -> line.substring(Topics.DEFAULT_PREFIX.length(), line.indexOf(' '))).toList();
        assertThat(listed).isNotEmpty().allSatisfy(topic -> {
            var value = TopicValue.of(topic).orElseThrow(() -> new AssertionError("nothing is known of what " + topic + " holds"));
            assertThat(GoldenFiles.records(GoldenFiles.version(), topic)).extracting(StoredRecord::type)
                    .as("kinds on " + topic + "; -Dgolden.write=" + GoldenFiles.version() + " writes them").containsExactlyElementsOf(of(value).stream().map(StoredRecord::type).toList());
        });
    }

    @Test
    void everyRecordOfEveryReleaseIsReadAndSaysWhatItSaid() {
        assertThat(FILES.versions()).contains(GoldenFiles.version()).allSatisfy(version -> assertThat(FILES.names(version, "records")).isNotEmpty().allSatisfy(name -> {
            var topic = name.substring(0, name.length() - ".txt".length());
            var value = TopicValue.of(topic).orElseThrow(() -> new AssertionError(version + " wrote to " + topic + ", which nobody reads any more"));
            assertThat(GoldenFiles.records(version, topic)).isNotEmpty().allSatisfy(record -> {
                if (record.type().equals("bytes")) {
                    return;
                }
                var read = DynamicMessage.parseFrom(value.value(), record.value());
                assertThat(GoldenFiles.unknownFields(read)).as(version + ": fields of " + record.type() + " that nobody reads any more").isEmpty();
                assertThat(CloudEvents.type(read)).isEqualTo(record.type());
                assertThat(json(read)).as(version + ": " + record.type()).isEqualTo(record.json());
            });
        }));
    }

    /** That the test can fail. */
    @Test
    void aFieldThatIsNoMoreIsNoticed() throws Exception {
        var field = UnknownFieldSet.Field.newBuilder().addVarint(1).build();
        var offer = OfferKey.newBuilder().setZone("a").setUnknownFields(UnknownFieldSet.newBuilder().addField(4711, field).build());
        assertThat(GoldenFiles.unknownFields(MachineRecord.parseFrom(MachineRecord.newBuilder().setOffer(offer).build().toByteArray()))).containsExactly("MachineRecord.offer.4711");
    }
}
