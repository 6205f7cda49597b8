package dev.muster.planner.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What of an error fits into the headers that a client takes. */
class GrpcEndTest {

    private static final ErrorInfo INFO = ErrorInfo.newBuilder().setReason("INVALID_ARGUMENT").setDomain("muster.dev").build();

    private static Status status(String message, int violations, String description) {
        var all = BadRequest.newBuilder();
        IntStream.range(0, violations).forEach(i -> all.addFieldViolations(BadRequest.FieldViolation.newBuilder().setField("pools[" + i + "]").setDescription(description)));
        return Status.newBuilder().setCode(Code.INVALID_ARGUMENT_VALUE).setMessage(message).addDetails(Any.pack(INFO)).addDetails(Any.pack(all.build())).build();
    }

    private static int size(GrpcEnd end) {
        return GrpcEnd.encoded(end.message()).length() + (end.details() == null ? 0 : (end.details().length + 2) / 3 * 4);
    }

    @Test
    void whatFitsIsToldAsItIs() {
        var status = status("Wrong.", 20, "is wrong");
        var end = GrpcEnd.of("Wrong.", status.toByteArray());
        assertThat(end.message()).isEqualTo("Wrong.");
        assertThat(end.details()).isEqualTo(status.toByteArray());
        assertThat(GrpcEnd.of(null, null)).isEqualTo(new GrpcEnd(null, null));
    }

    @Test
    void ofManyMistakesTheFirstAreToldAndHowManyMoreThereAre() throws Exception {
        var end = GrpcEnd.of("Wrong.", status("Wrong.", 1000, "is wrong").toByteArray());
        var told = Status.parseFrom(end.details());
        var violations = told.getDetails(1).unpack(BadRequest.class).getFieldViolationsList();
        assertThat(size(end)).isBetween(3 * 1024, 7 * 1024);
        assertThat(told.getDetails(0).unpack(ErrorInfo.class)).isEqualTo(INFO);
        assertThat(violations).isEqualTo(status("", 1000, "is wrong").getDetails(1).unpack(BadRequest.class).getFieldViolationsList().subList(0, violations.size()));
        assertThat(end.message()).isEqualTo("Wrong.\n… and " + (1000 - violations.size()) + " more.").isEqualTo(told.getMessage());
    }

    @Test
    void aMessageThatIsTooLongIsCutBetweenCharacters() throws Exception {
        var end = GrpcEnd.of("\uD83D\uDE00".repeat(5000), status("", 1, "is wrong").toByteArray());
        assertThat(end.message()).matches("(\uD83D\uDE00)+…").hasSizeLessThan(300);
        assertThat(Status.parseFrom(end.details()).getDetails(1).unpack(BadRequest.class).getFieldViolationsCount()).isEqualTo(1);
        assertThat(GrpcEnd.of("x".repeat(9000), null).message()).isEqualTo("x".repeat(1024) + "…");
    }

    @Test
    void whereOneMistakeIsTooLongItsKindIsToldStill() throws Exception {
        var end = GrpcEnd.of("Wrong.", status("Wrong.", 1, "x".repeat(9000)).toByteArray());
        assertThat(Status.parseFrom(end.details()).getDetails(0).unpack(ErrorInfo.class)).isEqualTo(INFO);
        assertThat(end.message()).isEqualTo("Wrong.\n… and 1 more.");
        assertThat(size(end)).isLessThan(7 * 1024);
    }
}
