package dev.muster.contracts;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.muster.v1.Access;
import dev.muster.v1.AccessOuterClass;
import dev.muster.v1.ApplyFleetRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Keeps docs/api.md true: its reference is made here, from the contract and its comments.
 *
 * <p>{@code mvn -pl contracts test -Dtest=ApiPageTest -Ddocs.write=true} writes it.
 */
class ApiPageTest {

    private static final Path PAGE = Path.of("../docs/api.md");
    private static final FileDescriptor CONTROL = ApplyFleetRequest.getDescriptor().getFile();

    @Test
    void thePageIsWhatTheContractSays() throws IOException {
        var page = page();
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, page);
        }
        assertThat(Files.readString(PAGE)).as("docs/api.md; -Ddocs.write=true writes it").isEqualTo(page);
    }

    @Test
    void everyCallHasAPathARightAndAPlaceOnThePage() {
        var page = page();
        assertThat(calls()).allSatisfy(call -> {
            assertThat(call.getOptions().hasExtension(AnnotationsProto.http)).as("path of " + call.getFullName()).isTrue();
            assertThat(call.getOptions().hasExtension(AccessOuterClass.access)).as("right to " + call.getFullName()).isTrue();
            assertThat(page).contains("#### " + call.getService().getName() + "." + call.getName() + "\n");
        });
    }

    /** What every link of the page leads to is a heading of it, or a file beside it. */
    @Test
    void everyLinkLeadsSomewhere() {
        assertThat(PageLinks.broken(PAGE, page())).isEmpty();
    }

    static Reference reference() {
        return new Reference(calls().flatMap(call -> Stream.of(call.getInputType(), call.getOutputType())).toList());
    }

    private static Stream<MethodDescriptor> calls() {
        return CONTROL.getServices().stream().flatMap(service -> service.getMethods().stream());
    }

    private static String page() {
        var reference = reference();
        return PROSE + "\n## Calls\n" + CONTROL.getServices().stream().map(service -> service(service, reference)).collect(joining())
                + "\n## Messages\n\n" + TYPES + "\n" + reference.messages() + "\n## Values\n\n" + VALUES + "\n" + reference.enums();
    }

    private static String service(ServiceDescriptor service, Reference reference) {
        return "\n### " + service.getName() + "\n" + Reference.paragraph(service) + service.getMethods().stream().map(call -> call(call, reference)).collect(joining());
    }

    private static String call(MethodDescriptor call, Reference reference) {
        var paths = paths(call.getOptions().getExtension(AnnotationsProto.http)).map(path -> "`" + path + "`").collect(joining(" or "));
        return "\n#### " + call.getService().getName() + "." + call.getName() + "\n" + Reference.paragraph(call) + "\n"
                + reference.link(call.getInputType()) + " → " + (call.isServerStreaming() ? "stream of " : "") + reference.link(call.getOutputType()) + " · " + paths
                + " · " + right(call.getOptions().getExtension(AccessOuterClass.access)) + "\n";
    }

    private static Stream<String> paths(HttpRule rule) {
        var path = switch (rule.getPatternCase()) {
            case GET -> "GET " + rule.getGet();
            case PUT -> "PUT " + rule.getPut();
            case POST -> "POST " + rule.getPost();
            case DELETE -> "DELETE " + rule.getDelete();
            case PATCH -> "PATCH " + rule.getPatch();
            case CUSTOM, PATTERN_NOT_SET -> throw new IllegalArgumentException("a path that nothing serves: " + rule);
        };
        return Stream.concat(Stream.of(path), rule.getAdditionalBindingsList().stream().flatMap(ApiPageTest::paths));
    }

    private static String right(Access access) {
        var role = access.getRole().name().toLowerCase(Locale.ROOT);
        var fleet = access.getFleet().isEmpty() ? Stream.<String>empty() : Stream.of("of the fleet in `" + access.getFleet() + "`");
        var machine = access.getMachine().isEmpty() ? Stream.<String>empty() : Stream.of("of the fleet of the machine in `" + access.getMachine() + "`");
        var where = Stream.concat(fleet, machine).collect(joining(" or "));
        if (!where.isEmpty()) {
            return role + " " + where;
        }
        return access.getEverywhere() ? role + " of all fleets" : "anybody who is known";
    }

    private static final String PROSE = """
            # The control API

            Everything that people and programs do with Muster goes through one API, `muster.v1`, over gRPC or as JSON over HTTP. The command
            line has nothing else ([its page](cli.md)). This page is made from its definition, `contracts/src/main/proto/muster/v1/control.proto`, by `ApiPageTest`.

            ## Connecting

            Every replica of the planner serves it, gRPC and HTTP on one port (8480), and any replica answers any call. Server reflection is on, so that a
            client needs no generated code: [muster_client.py](../deploy/examples/clients/muster_client.py) lists, applies and watches in a page
            of Python. For Java the contracts' jar has the generated classes: [FleetClient.java](../deploy/examples/clients/FleetClient.java). The protos are in
            that jar, too, for other languages.

            Where callers must say who they are, a token goes with each call: `authorization: Bearer TOKEN`, as gRPC metadata or as an HTTP header, or
            the connection has a client certificate ([who may do what](access.md)). Never put a token into a URL.

            Roles are viewer, operator and admin; each may do what the one before it may, and is held for fleets by name or for all. What
            a call needs stands beside it below. A list or a watch that names no fleet is answered with what the caller may read.

            ## JSON over HTTP

            Each call has a path. What stands in braces in a path is a field of the request, such as `spec.name`. Of a GET and a DELETE the other fields
            are the query: `?pageSize=50&phases=READY&phases=BOOTING`. Of a POST and a PUT they are the body, a JSON object. JSON is Protobuf's own: names in
            `lowerCamelCase`, 64-bit integers as strings, times as `2026-05-04T10:00:00Z`, spans as `"90s"`, values of enums by their names. A stream is
            server-sent events. Errors are `google.rpc.Status` as JSON, with the HTTP status that the table below gives. Headers, limits, and what it looks like
            with curl: [JSON over HTTP](http.md).

            ## Errors

            An error has a code, a sentence for people, and `google.rpc` details for programs: always an `ErrorInfo` with a reason and the domain `muster.dev`;
            a `BadRequest` with a violation for each field that is wrong, all of them at once; a `PreconditionFailure`; a `RetryInfo` where repeating helps.
            With gRPC they are in the trailer `grpc-status-details-bin`. Clients take 8 KiB of headers: of more mistakes than go into that, the first are told,
            and how many more there are.

            | code | HTTP | what it means | what to do |
            | --- | --- | --- | --- |
            | INVALID_ARGUMENT | 400 | Something in the request is wrong whatever the state. Violations name fields as the [fleet spec](fleet-spec.md) writes them. | Mend it. |
            | FAILED_PRECONDITION | 400 | The request is good, and the state forbids it: the machine is busy, or doesn't drain. | Change the state, or ask for something else. |
            | OUT_OF_RANGE | 400 | A resume token or a time lies before what is kept. | Begin anew without the token. |
            | UNAUTHENTICATED | 401 | No token, or one that is wrong or has expired. | Get a new one. |
            | PERMISSION_DENIED | 403 | The caller is known and lacks the role. | Ask whoever keeps the grants. |
            | NOT_FOUND | 404 | No such fleet, machine, version. | |
            | ALREADY_EXISTS | 409 | There is a fleet of that name. | Take another name, or apply. |
            | ABORTED | 409 | The fleet's version is not `expected_version`: somebody else changed it. | Read it, decide again, write again. |
            | RESOURCE_EXHAUSTED | 429 | Too many calls or watches, too large a request, or a watcher that doesn't read. | Wait as `RetryInfo` says; watch again from the last resume token. |
            | CANCELLED | 499 | The caller went away. A write may have been taken. | |
            | INTERNAL | 500 | A bug. | Report it with the planner's log. |
            | UNIMPLEMENTED | 501 | This release doesn't have the call. | |
            | UNAVAILABLE | 503 | The replica is starting, or a fleet's owner didn't answer in time. A write may still be taken. | Repeat it with the same `request_id`. |
            | DEADLINE_EXCEEDED | 504 | The call's own deadline passed. A write may still be taken. | As UNAVAILABLE. |

            ## Writing

            A write goes to the one planner that owns the fleet, and returns once that planner has accepted it and this replica can read it. Two rules make
            programs safe:

            - Send a `request_id`, and repeat the call with the same one until it is answered: a request that was taken has no further effect. Without one
              the server makes one, and an error says which.
            - Send `expected_version` with what you read before. Of two writers who saw one version, one is told ABORTED. `0` creates and never
              replaces; absent replaces whatever is there.

            Every write is on the record: who asked, as what, what it was, the spec before and after. `Decisions.ListDecisions` with the kind `DECISION_AUDITED` shows
            it.

            ## Deadlines

            Send a deadline with each call. A write waits for the fleet's owner no longer than the deadline, and no longer than
            `muster.planner.answer-timeout` (10 s). Watches have no deadline, unless you set one.

            ## Watches

            A watch sends what is there, then `synced`, then each change; `WatchDecisions` begins with now. Messages carry a `resume_token`: keep the last one, and
            after a broken connection watch again with it, on any replica. What happened in between is then sent; where a replica can no longer tell what
            that is, everything is sent, and `full` says to forget what was known. A watcher that doesn't read is dropped with
            RESOURCE_EXHAUSTED and harms nobody else. Newer states of one thing replace older ones that wait for a slow reader, so that nobody sees each
            step of a machine; `WatchDecisions` leaves nothing out.

            ## Paging

            Lists take `page_size` (0: 100; at most 1000) and `page_token`, which is the `next_page_token` of the page before. An empty one ends the list. A token says
            where the next page begins, so that a list that changes in between repeats nothing.

            ## Versions

            Within `muster.v1` things are only added: calls, fields, values. No field changes its number, type or meaning; a test holds each release against
            the one before. So a client ignores fields that it doesn't know and takes a value that it doesn't know for "unknown", never for the meaning of
            0. `WatchFleets` and the like may send new cases.
            """;

    private static final String TYPES = """
            Money is int64 micro-units of the fleet's currency: 1,000,000 is 1.00. Fields without the word optional are empty, zero or absent where nothing is known.
            """;

    private static final String VALUES = """
            The value 0 of each is "not said". One that a client doesn't know came with a later release.
            """;
}
