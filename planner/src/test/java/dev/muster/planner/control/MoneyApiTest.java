package dev.muster.planner.control;

import static dev.muster.planner.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import com.google.rpc.RetryInfo;
import dev.muster.contracts.Times;
import dev.muster.planner.Settings;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.recorded.BudgetBook;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.v1.ApplyFleetRequest;
import dev.muster.v1.BudgetLine;
import dev.muster.v1.BudgetPeriod;
import dev.muster.v1.BudgetSpec;
import dev.muster.v1.BudgetState;
import dev.muster.v1.BudgetView;
import dev.muster.v1.BudgetsGrpc;
import dev.muster.v1.Course;
import dev.muster.v1.DemandEvent;
import dev.muster.v1.DemandObserved;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetSpendRequest;
import dev.muster.v1.HistoryGrpc;
import dev.muster.v1.HistoryRow;
import dev.muster.v1.Limits;
import dev.muster.v1.ListBudgetsRequest;
import dev.muster.v1.Observation;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferSpec;
import dev.muster.v1.PoolSpec;
import dev.muster.v1.PreviewFleetOnRecordRequest;
import dev.muster.v1.PreviewFleetRequest;
import dev.muster.v1.QueryHistoryRequest;
import dev.muster.v1.QueuePicture;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.QueueState;
import dev.muster.v1.SpendGroup;
import dev.muster.v1.TaskSeen;
import dev.muster.v1.TaskStatus;
import dev.muster.v1.TasksObserved;
import dev.muster.v1.WaitingTask;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Budgets, spending, history and previews behind the API, on a real broker. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class MoneyApiTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration HOUR = Duration.ofHours(1);

    @TestHTTPResource("/")
    URI http;

    @ConfigProperty(name = "muster.kafka.bootstrap-servers")
    String brokers;

    @Inject
    Settings settings;

    private ManagedChannel channel;
    private FleetsGrpc.FleetsBlockingStub fleets;
    private BudgetsGrpc.BudgetsBlockingStub budgets;
    private HistoryGrpc.HistoryBlockingStub history;

    @BeforeEach
    void connect() throws Exception {
        channel = ManagedChannelBuilder.forAddress(http.getHost(), http.getPort()).usePlaintext().build();
        fleets = FleetsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        budgets = BudgetsGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        history = HistoryGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        await("the planner is ready", () -> HttpClient.newHttpClient().send(HttpRequest.newBuilder(http.resolve("/q/health/ready")).build(),
                HttpResponse.BodyHandlers.discarding()).statusCode() == 200);
    }

    @AfterEach
    void disconnect() {
        channel.shutdownNow();
    }

    // Budgets.

    private static BudgetSpec hard(BudgetPeriod period, long micros) {
        return BudgetSpec.newBuilder().setPeriod(period).setHardMicros(micros).build();
    }

    private List<BudgetView> budgetsOf(String fleet) {
        return budgets.listBudgets(ListBudgetsRequest.newBuilder().setFleet(fleet).build()).getBudgetsList();
    }

    @Test
    void aBudgetIsShownFromItsFirstMinuteOnAndThenAsThePlannerTellsIt() throws Exception {
        // When
        var spec = spec("thrifty").setCurrency("USD").addBudgets(hard(BudgetPeriod.PER_DAY, 10_000_000).toBuilder().setSoftMicros(5_000_000));
        spec.getPoolsBuilder(0).addBudgets(hard(BudgetPeriod.PER_HOUR, 2_000_000));
        declare(spec);
        // Then its planner says so itself, although nothing runs.
        await("its planner has told of its budgets", () -> budgetsOf("thrifty").get(0).hasAsOf());
        var today = Instant.now().atZone(ZoneOffset.UTC).toLocalDate().atStartOfDay(ZoneOffset.UTC).toInstant();
        var shown = budgetsOf("thrifty");
        assertThat(shown).hasSize(2);
        assertThat(shown.get(0).toBuilder().clearAsOf().clearBudget().build()).isEqualTo(BudgetView.newBuilder().setFleet("thrifty").setCurrency("USD")
                .setState(BudgetState.WITHIN).setPeriodStart(Times.timestamp(today)).setPeriodEnd(Times.timestamp(today.plus(1, ChronoUnit.DAYS))).build());
        assertThat(shown.get(1).toBuilder().clearAsOf().clearBudget().build())
                .isEqualTo(BudgetView.newBuilder().setFleet("thrifty").setPool("cpu").setCurrency("USD").setState(BudgetState.WITHIN).build());
        // A rate is of the moment of its question.
        assertThat(budgets.listBudgets(ListBudgetsRequest.getDefaultInstance()).getBudgetsList()).contains(shown.get(0))
                .filteredOn(view -> view.getPool().equals("cpu") && view.getFleet().equals("thrifty")).singleElement().satisfies(rate ->
                        assertThat(rate.toBuilder().clearAsOf().build()).isEqualTo(shown.get(1).toBuilder().clearAsOf().build()));
        // And as it spends. A row of the minute that runs is newer than any that the planner wrote.
        var end = today.plus(1, ChronoUnit.DAYS);
        told("thrifty", today, end, 4_000_000, 1_000_000, true, 0);
        await("it is told", () -> budgetsOf("thrifty").get(0).getSpentMicros() == 4_000_000);
        var spending = budgetsOf("thrifty").get(0);
        assertThat(spending.getState()).isEqualTo(BudgetState.WITHIN);
        assertThat(spending.getReservedMicros()).isEqualTo(1_000_000);
        var rest = Duration.between(Instant.ofEpochSecond(spending.getAsOf().getSeconds()), end);
        assertThat(spending.getForecastMicros()).isEqualTo(4_000_000 + Math.max(0, rest.toMillis() * 600_000 / 3_600_000));
        stateIs("thrifty", today, 5_000_000, 1_000_000, true, 1, BudgetState.AT_SOFT_LIMIT);
        stateIs("thrifty", today, 8_000_000, 2_000_000, true, 2, BudgetState.AT_HARD_LIMIT);
        stateIs("thrifty", today, 10_000_001, 0, true, 3, BudgetState.OVERRUN);
        stateIs("thrifty", today, 1, 0, false, 4, BudgetState.UNKNOWN_SPENDING);
        assertThatThrownBy(() -> budgetsOf("nobody")).isInstanceOfSatisfying(StatusRuntimeException.class,
                refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND));
    }

    private void stateIs(String fleet, Instant day, long spent, long reserved, boolean known, int later, BudgetState state) throws Exception {
        told(fleet, day, day.plus(1, ChronoUnit.DAYS), spent, reserved, known, later);
        await(state + " is shown", () -> budgetsOf(fleet).get(0).getState() == state);
    }

    private void told(String fleet, Instant start, Instant end, long spent, long reserved, boolean known, int later) throws Exception {
        var minute = Instant.now().truncatedTo(ChronoUnit.MINUTES).plusSeconds(later);
        write("history", fleet + "/minute", row(fleet, "minute", minute, MINUTE, Map.of(), 0).addBudgets(BudgetLine.newBuilder().setPeriod(BudgetPeriod.PER_DAY)
                .setSpentMicros(spent).setReservedMicros(reserved).setMicrosPerHour(600_000).setPeriodStart(Times.timestamp(start)).setPeriodEnd(Times.timestamp(end))
                .setKnown(known)).build().toByteArray(), Instant.now());
    }

    @Test
    void whatAFleetThatRestsSaidHoursAgoIsLookedFor() throws Exception {
        // Given
        var at = Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(20, ChronoUnit.HOURS);
        var line = BudgetLine.newBuilder().setPeriod(BudgetPeriod.PER_MONTH).setSpentMicros(7).setKnown(true).build();
        write("history", "rests/minute", row("rests", "minute", at, MINUTE, Map.of(), 0).addBudgets(line).build().toByteArray(), at.plus(MINUTE));
        try (var ranges = new TopicReaders(settings, "test", 1, Duration.ofSeconds(30)); var book = new BudgetBook(settings, ranges)) {
            assertThat(book.of("rests")).isEmpty();
            // When
            book.lookFor(List.of("rests", "silent")).get(30, TimeUnit.SECONDS);
            // Then
            assertThat(book.of("rests")).contains(new BudgetBook.Standing(at.plus(MINUTE), List.of(line)));
            assertThat(book.of("silent")).isEmpty();
        }
    }

    // History.

    @Test
    void historyComesInPagesOldestFirstAlsoFromLongAgo() throws Exception {
        declare(spec("past"));
        for (var begin : List.of(Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(3, ChronoUnit.DAYS),
                Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(30, ChronoUnit.MINUTES))) {
            // Given
            var rows = new ArrayList<HistoryRow>();
            for (int minute = 0; minute < 3; minute++) {
                var start = begin.plusSeconds(60L * minute);
                rows.add(row("past", "minute", start, MINUTE, Map.of(), 10 + minute).build());
                rows.add(row("past", "minute", start, MINUTE, Map.of("pool", "cpu"), 20 + minute).build());
                for (var row : rows.subList(rows.size() - 2, rows.size())) {
                    write("history", "past/minute", row.toByteArray(), start.plus(MINUTE));
                }
            }
            var all = QueryHistoryRequest.newBuilder().setFleet("past").setSeries("minute").setSince(Times.timestamp(begin)).setUntil(Times.timestamp(begin.plusSeconds(300)));
            // When
            await("the rows are there", () -> history.queryHistory(all.build()).getRowsCount() == 6);
            var paged = new ArrayList<HistoryRow>();
            var token = "";
            int pages = 0;
            do {
                var page = history.queryHistory(all.clone().setPageSize(4).setPageToken(token).build());
                paged.addAll(page.getRowsList());
                token = page.getNextPageToken();
                pages++;
            } while (!token.isEmpty());
            // Then
            assertThat(paged).isEqualTo(rows);
            assertThat(pages).isEqualTo(2);
            assertThat(history.queryHistory(all.clone().putLabels("pool", "cpu").build()).getRowsList()).extracting(HistoryRow::getSpentMicros).containsExactly(20L, 21L, 22L);
            assertThat(history.queryHistory(all.clone().setSince(Times.timestamp(begin.plusSeconds(60))).setUntil(Times.timestamp(begin.plusSeconds(120))).build()).getRowsList())
                    .isEqualTo(rows.subList(2, 4));
            // And what is written later is read on.
            write("history", "past/minute", row("past", "minute", begin.plusSeconds(180), MINUTE, Map.of(), 99).build().toByteArray(), begin.plusSeconds(240));
            await("the next row is shown", () -> history.queryHistory(all.build()).getRowsCount() == 7);
        }
    }

    @Test
    void inATimeBeforeAllTimesNothingWas() {
        declare(spec("young"));
        var before = Instant.parse("1960-01-01T00:00:00Z");
        assertThat(history.queryHistory(QueryHistoryRequest.newBuilder().setFleet("young").setSeries("minute").setSince(Times.timestamp(before))
                .setUntil(Times.timestamp(before.plus(HOUR))).build()).getRowsList()).isEmpty();
        assertThat(budgets.getSpend(GetSpendRequest.newBuilder().setFleet("young").setUntil(Times.timestamp(before)).build()).getRowsList())
                .singleElement().satisfies(row -> assertThat(row.getSpentMicros()).isZero());
        assertThat(fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(spec("young")).setUntil(Times.timestamp(before)).build())
                .getNotesList()).contains("No task came in that time.");
    }

    // Spending.

    @Test
    void spendingIsSummedByHourAndByWhomItWasFor() throws Exception {
        // Given
        declare(spec("buyer"));
        var hour = Instant.now().truncatedTo(ChronoUnit.HOURS).minus(5, ChronoUnit.HOURS);
        for (int i = 0; i < 2; i++) {
            write("history", "buyer/hour", row("buyer", "hour", hour.plus(HOUR.multipliedBy(i)), HOUR, Map.of("pool", "cpu", "user", "ann"), 100).build().toByteArray(),
                    hour.plus(HOUR.multipliedBy(i + 1)));
        }
        write("history", "buyer/hour", row("buyer", "hour", hour, HOUR, Map.of("pool", "cpu", "user", "bob"), 300).build().toByteArray(), hour.plus(HOUR));
        var asked = GetSpendRequest.newBuilder().setFleet("buyer").setSince(Times.timestamp(hour)).setUntil(Times.timestamp(hour.plus(HOUR.multipliedBy(3))));
        // When
        await("the rows are there", () -> budgets.getSpend(asked.build()).getRows(0).getSpentMicros() == 500);
        var byUser = budgets.getSpend(asked.clone().addGroupBy(SpendGroup.BY_USER).build());
        // Then
        assertThat(byUser.getComplete()).isTrue();
        assertThat(byUser.getCurrency()).isEqualTo("USD");
        assertThat(byUser.getRowsList()).extracting(row -> row.getLabelsOrThrow("user") + " " + row.getSpentMicros()).containsExactly("bob 300", "ann 200");
        assertThat(budgets.getSpend(asked.clone().setStep(com.google.protobuf.Duration.newBuilder().setSeconds(3600)).build()).getRowsList())
                .extracting(row -> row.getSpentMicros()).containsExactly(400L, 100L, 0L);
        assertThat(budgets.getSpend(GetSpendRequest.newBuilder().setFleet("buyer").build()).getComplete()).isFalse();
    }

    // Bad input.

    @Test
    void whatIsWrongWithACallIsNamedByItsField() {
        declare(spec("careful"));
        var now = Instant.now();
        var query = QueryHistoryRequest.newBuilder().setFleet("careful").setSeries("minute");
        assertWrong("fleet", () -> history.queryHistory(query.clone().clearFleet().build()));
        assertWrong("series", () -> history.queryHistory(query.clone().setSeries("second").build()));
        assertWrong("since", () -> history.queryHistory(query.clone().setSince(Times.timestamp(now)).setUntil(Times.timestamp(now)).build()));
        assertWrong("since", () -> history.queryHistory(query.clone().setSince(Times.timestamp(now.minus(8, ChronoUnit.DAYS))).build()));
        assertWrong("since", () -> history.queryHistory(query.clone().setSince(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE)).build()));
        assertWrong("until", () -> history.queryHistory(query.clone().setUntil(Timestamp.newBuilder().setNanos(-1)).build()));
        assertWrong("pageSize", () -> history.queryHistory(query.clone().setPageSize(-1).build()));
        assertWrong("pageToken", () -> history.queryHistory(query.clone().setPageToken("§").build()));
        assertWrong("pageToken", () -> history.queryHistory(query.clone().setPageToken(Pages.token("x")).build()));
        assertWrong("pageToken", () -> history.queryHistory(query.clone().setPageToken(Pages.token(Long.MAX_VALUE + "/1")).build()));
        assertWrong("fleet", () -> budgets.getSpend(GetSpendRequest.getDefaultInstance()));
        assertWrong("since", () -> budgets.getSpend(GetSpendRequest.newBuilder().setFleet("careful").setSince(Times.timestamp(now.minus(500, ChronoUnit.DAYS))).build()));
        assertWrong("step", () -> budgets.getSpend(GetSpendRequest.newBuilder().setFleet("careful").setStep(com.google.protobuf.Duration.newBuilder().setSeconds(60)).build()));
        assertWrong("groupBy[0]", () -> budgets.getSpend(GetSpendRequest.newBuilder().setFleet("careful").addGroupByValue(0).build()));
        assertWrong("name", () -> fleets.previewFleet(PreviewFleetRequest.getDefaultInstance()));
        assertWrong("pools.cpu.max", () -> fleets.previewFleet(PreviewFleetRequest.newBuilder().setSpec(narrowed(spec("careful"))).build()));
        assertWrong("spec.name", () -> fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.getDefaultInstance()));
        assertWrong("pools.cpu.max", () -> fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(narrowed(spec("careful"))).build()));
        assertWrong("since", () -> fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(spec("careful"))
                .setSince(Times.timestamp(now.minus(9, ChronoUnit.DAYS))).build()));
        assertWrong("since", () -> fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(spec("careful"))
                .setSince(Times.timestamp(now.plus(1, ChronoUnit.DAYS))).setUntil(Times.timestamp(now.plus(2, ChronoUnit.DAYS))).build()));
    }

    private static FleetSpec.Builder narrowed(FleetSpec.Builder spec) {
        spec.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMin(2).setMax(1));
        return spec;
    }

    private static void assertWrong(String field, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(StatusRuntimeException.class, refused -> {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
            assertThat(detail(refused, BadRequest.class).getFieldViolationsList()).extracting(BadRequest.FieldViolation::getField).containsExactly(field);
        });
    }

    @Test
    void oneReadingMoreThanThereMayBeIsToldToComeAgain() throws Exception {
        var holds = new CountDownLatch(1);
        try (var ranges = new TopicReaders(settings, "test", 1, Duration.ofSeconds(30))) {
            var first = ranges.read(reading -> {
                try {
                    return holds.await(30, TimeUnit.SECONDS);
                } catch (InterruptedException ended) {
                    return false;
                }
            });
            // When
            var ended = new CompletableFuture<Throwable>();
            Calls.answerLater(new StreamObserver<Boolean>() {
                @Override
                public void onNext(Boolean value) {}

                @Override
                public void onError(Throwable failure) {
                    ended.complete(failure);
                }

                @Override
                public void onCompleted() {
                    ended.complete(null);
                }
            }, () -> ranges.read(reading -> true));
            // Then
            var refused = (StatusRuntimeException) ended.get(10, TimeUnit.SECONDS);
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
            assertThat(detail(refused, RetryInfo.class).getRetryDelay().getSeconds()).isEqualTo(2);
            holds.countDown();
            assertThat(first.get(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    // Previews.

    @Test
    void aPreviewOfANewFleetShowsItsMinimumAndCreatesNothing() {
        var spec = spec("tried").setCurrency("USD");
        spec.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMin(2).setMax(3));
        // When
        var preview = fleets.previewFleet(PreviewFleetRequest.newBuilder().setSpec(spec).build());
        // Then
        assertThat(preview.getRecord().getSpec().getWorkersPrefix()).isEqualTo("lab-tried");
        assertThat(preview.getDecisionsList()).singleElement().satisfies(decision -> assertThat(decision.getMachineIdsCount()).isEqualTo(2));
        assertThat(preview.getMicrosPerHourProposed()).isEqualTo(200_000);
        assertThat(preview.getRecord().getNotesList()).anySatisfy(note -> assertThat(note).startsWith("Nothing is known of a fleet before it is applied."));
        assertThatThrownBy(() -> budgetsOf("tried")).hasMessageContaining("There is no fleet 'tried'");
    }

    @Test
    void onRecordedDemandANarrowerSpecCostsLessAndLetsTasksWait() throws Exception {
        // Given four tasks that came within a minute, half an hour ago, and ran for five minutes each.
        declare(spec("recorded"));
        var came = Instant.now().truncatedTo(ChronoUnit.SECONDS).minus(30, ChronoUnit.MINUTES);
        var queue = QueuePicture.newBuilder().setId("q1").setName("recorded-queue").setState(QueueState.SERVED).setWaiting(4);
        var ended = TasksObserved.newBuilder();
        for (int i = 0; i < 4; i++) {
            var added = came.plusSeconds(10L * i);
            queue.addFirst(WaitingTask.newBuilder().setTask("t" + i).setAdded(Times.timestamp(added)));
            ended.addTasks(TaskSeen.newBuilder().setTask("t" + i).setQueue("q1").setStatus(TaskStatus.COMPLETED).setEnqueued(Times.timestamp(added))
                    .setStarted(Times.timestamp(added.plusSeconds(60))).setEnded(Times.timestamp(added.plusSeconds(360))));
        }
        observe("recorded", 1, DemandEvent.newBuilder().setDemandObserved(DemandObserved.newBuilder().setTick(1).setFull(true).addQueues(queue)));
        observe("recorded", 2, DemandEvent.newBuilder().setTasksObserved(ended));
        observe("recorded", 2, DemandEvent.newBuilder().setDemandObserved(DemandObserved.newBuilder().setTick(2).setFull(true)
                .addQueues(queue.clone().setWaiting(0).clearFirst())));
        var narrow = spec("recorded");
        narrow.getPoolsBuilder(0).setLimits(Limits.newBuilder().setMax(1));
        // When
        var compared = fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(narrow).setSince(Times.timestamp(came.minusSeconds(60))).build());
        // Then
        assertThat(compared.getCurrent()).satisfies(course -> {
            assertThat(course.getStarted()).isEqualTo(4);
            assertThat(course.getMostMachines()).isEqualTo(3);
            assertThat(course.getPaidMsOrThrow("useful")).isEqualTo(4 * 300_000);
        });
        assertThat(compared.getProposed()).satisfies(course -> {
            assertThat(course.getStarted()).isEqualTo(4);
            assertThat(course.getMachines()).isEqualTo(1);
            assertThat(course.getMostMachines()).isEqualTo(1);
            assertThat(course.getSpentMicros()).isPositive().isLessThan(compared.getCurrent().getSpentMicros());
            assertThat(course.getWaitMax().getSeconds()).isGreaterThan(compared.getCurrent().getWaitMax().getSeconds() + 300);
        });
        assertThat(compared.getSince()).isEqualTo(Times.timestamp(came.minusSeconds(60)));
        assertThat(compared.getNotesList()).anySatisfy(note -> assertThat(note).startsWith("Both begin without machines"));
        // And the same question has the same answer.
        assertThat(fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(narrow).setSince(compared.getSince()).setUntil(compared.getUntil()).build()))
                .isEqualTo(compared);
        assertThatThrownBy(() -> fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(spec("unrecorded")).build()))
                .hasMessageContaining("There is no fleet 'unrecorded'");
    }

    @Test
    void whereNothingIsRecordedNothingIsClaimed() {
        declare(spec("unseen"));
        var compared = fleets.previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(spec("unseen")).build());
        assertThat(compared.getCurrent()).isEqualTo(Course.getDefaultInstance());
        assertThat(compared.getProposed()).isEqualTo(Course.getDefaultInstance());
        assertThat(compared.getNotesList()).contains("No look at the fleet's queues is recorded in that time.", "No task came in that time.");
    }

    private void observe(String fleet, long sequence, DemandEvent.Builder event) throws Exception {
        write("demand", fleet, event.setFleet(fleet).setSeen(Observation.newBuilder().setSource("w").setGeneration(1).setSequence(sequence)
                .setReadStartedAt(Times.timestamp(Instant.now())).setPart(1).setParts(1)).build().toByteArray(), Instant.now());
    }

    private void declare(FleetSpec.Builder spec) {
        var applied = fleets.applyFleet(ApplyFleetRequest.newBuilder().setSpec(spec).build());
        try {
            await("it is shown", () -> fleets.listFleets(dev.muster.v1.ListFleetsRequest.newBuilder().setPageSize(1000).build()).getFleetsList().stream()
                    .anyMatch(view -> view.getRecord().getFleet().equals(applied.getFleet())));
        } catch (Exception failed) {
            throw new AssertionError(failed);
        }
    }

    private void write(String topic, String key, byte[] value, Instant at) throws Exception {
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("muster." + topic, null, at.toEpochMilli(), key, value)).get();
        }
    }

    private static HistoryRow.Builder row(String fleet, String series, Instant start, Duration length, Map<String, String> labels, long spent) {
        return HistoryRow.newBuilder().setFleet(fleet).setSeries(series).setStart(Times.timestamp(start))
                .setLength(com.google.protobuf.Duration.newBuilder().setSeconds(length.toSeconds())).putAllLabels(labels).setSpentMicros(spent).setComplete(true);
    }

    private static <D extends com.google.protobuf.Message> D detail(StatusRuntimeException refused, Class<D> type) {
        return StatusProto.fromThrowable(refused).getDetailsList().stream().filter(any -> any.is(type)).findFirst().map(any -> {
            try {
                return any.unpack(type);
            } catch (com.google.protobuf.InvalidProtocolBufferException unreadable) {
                throw new AssertionError(unreadable);
            }
        }).orElseThrow();
    }

    private static FleetSpec.Builder spec(String name) {
        var key = OfferKey.newBuilder().setProvider("aws").setAccount("main").setRegion("eu-west-1").setMachineType("m5.large");
        var pool = PoolSpec.newBuilder().setName("cpu").setLimits(Limits.newBuilder().setMax(3))
                .addOffers(OfferSpec.newBuilder().setKey(key).setPriceMicrosPerHour(95_000));
        return FleetSpec.newBuilder().setName(name).addQueues(QueueSpec.newBuilder().setName(name + "-queue").addPools("cpu")).addPools(pool);
    }
}
