package dev.muster.planner.control;

import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Span;
import dev.muster.planner.recorded.BudgetBook;
import dev.muster.planner.recorded.BudgetViews;
import dev.muster.planner.recorded.HistoryRows;
import dev.muster.planner.recorded.SpendSum;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.BudgetsGrpc;
import dev.muster.v1.FleetRecord;
import dev.muster.v1.GetSpendRequest;
import dev.muster.v1.GetSpendResponse;
import dev.muster.v1.ListBudgetsRequest;
import dev.muster.v1.ListBudgetsResponse;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.time.Duration;
import java.time.Instant;

/** What may be spent and what was, over gRPC. */
@GrpcService
final class BudgetsService extends BudgetsGrpc.BudgetsImplBase {

    /** What the topic of history keeps: 13 months. */
    private static final Duration LONGEST = Duration.ofDays(400);

    private final ReadModel model;
    private final HistoryRows rows;
    private final BudgetBook book;

    BudgetsService(ReadModel model, HistoryRows rows, BudgetBook book) {
        this.model = model;
        this.rows = rows;
        this.book = book;
    }

    @Override
    public void listBudgets(ListBudgetsRequest request, StreamObserver<ListBudgetsResponse> call) {
        Calls.answerLater(call, () -> {
            var fleets = Lookup.fleets(model, request.getFleet()).toList();
            return book.lookFor(fleets.stream().filter(BudgetViews::hasBudgets).map(FleetRecord::getFleet).toList()).thenApply(done -> {
                var answer = ListBudgetsResponse.newBuilder();
                fleets.forEach(fleet -> answer.addAllBudgets(new BudgetViews(model, fleet, book.of(fleet.getFleet()), Instant.now()).all()));
                return answer.build();
            });
        });
    }

    @Override
    public void getSpend(GetSpendRequest request, StreamObserver<GetSpendResponse> call) {
        Calls.answerLater(call, () -> {
            var fleet = Lookup.fleet(model, "fleet", request.getFleet());
            var now = Instant.now();
            var sum = SpendSum.of(request, fleet, Span.of(request.hasSince(), request.getSince(), request.hasUntil(), request.getUntil(), Duration.ofDays(1), LONGEST, now));
            return rows.forEach(request.getFleet(), HistoryRows.HOUR, sum.span().since(), sum.span().until(), sum::add).thenApply(done -> sum.answer(now));
        });
    }
}
