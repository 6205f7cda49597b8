package dev.muster.planner.control;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import dev.muster.planner.answer.ApiErrors;
import dev.muster.planner.answer.Calls;
import dev.muster.planner.answer.Pages;
import dev.muster.planner.answer.Span;
import dev.muster.planner.recorded.HistoryRows;
import dev.muster.planner.view.ReadModel;
import dev.muster.v1.HistoryGrpc;
import dev.muster.v1.HistoryRow;
import dev.muster.v1.QueryHistoryRequest;
import dev.muster.v1.QueryHistoryResponse;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.TreeSet;

/** What was, over time, over gRPC. */
@GrpcService
final class HistoryService extends HistoryGrpc.HistoryImplBase {

    /** More than a chart can show. */
    private static final Duration MOST_MINUTES = Duration.ofDays(7);
    /** What the topic keeps: 13 months. */
    private static final Duration MOST_HOURS = Duration.ofDays(400);

    private final ReadModel model;
    private final HistoryRows rows;

    HistoryService(ReadModel model, HistoryRows rows) {
        this.model = model;
        this.rows = rows;
    }

    /** Where a page ends: the next one begins behind it. */
    private record Place(long second, long offset) implements Comparable<Place> {
        private static final Comparator<Place> ORDER = Comparator.comparingLong(Place::second).thenComparingLong(Place::offset);

        static Place of(HistoryRows.Row row) {
            return new Place(row.start().getEpochSecond(), row.offset());
        }

        static Place of(String token) {
            var parts = Pages.after(token).split("/");
            try {
                var place = new Place(Long.parseLong(parts[0]), Long.parseLong(parts[1]));
                Timestamps.checkValid(Timestamp.newBuilder().setSeconds(place.second()).build());
                return place;
            } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException notOurs) {
                throw ApiErrors.invalid("pageToken", "'" + token + "' is none that a page ended with", "send next_page_token as it came, or nothing");
            }
        }

        String token() {
            return Pages.token(second + "/" + offset);
        }

        @Override
        public int compareTo(Place other) {
            return ORDER.compare(this, other);
        }
    }

    private record Found(Place place, HistoryRow row) implements Comparable<Found> {
        @Override
        public int compareTo(Found other) {
            return place.compareTo(other.place);
        }
    }

    @Override
    public void queryHistory(QueryHistoryRequest request, StreamObserver<QueryHistoryResponse> call) {
        Calls.answerLater(call, () -> {
            var series = request.getSeries();
            if (!series.equals(HistoryRows.MINUTE) && !series.equals(HistoryRows.HOUR)) {
                throw ApiErrors.invalid("series", "'" + series + "' is no series", "use minute or hour");
            }
            Lookup.fleet(model, "fleet", request.getFleet());
            var hours = series.equals(HistoryRows.HOUR);
            var span = Span.of(request.hasSince(), request.getSince(), request.hasUntil(), request.getUntil(), hours ? Duration.ofDays(1) : Duration.ofHours(1),
                    hours ? MOST_HOURS : MOST_MINUTES, Instant.now());
            var size = Pages.size(request.getPageSize());
            var behind = request.getPageToken().isEmpty() ? new Place(Long.MIN_VALUE, -1) : Place.of(request.getPageToken());
            var from = request.getPageToken().isEmpty() || Instant.ofEpochSecond(behind.second()).isBefore(span.since()) ? span.since()
                    : Instant.ofEpochSecond(behind.second());
            // One more than the page, to know whether there is another.
            var page = new TreeSet<Found>();
            return rows.forEach(request.getFleet(), series, from, span.until(), row -> {
                var place = Place.of(row);
                if (place.compareTo(behind) > 0 && row.row().getLabelsMap().entrySet().containsAll(request.getLabelsMap().entrySet())) {
                    page.add(new Found(place, row.row()));
                    if (page.size() > size + 1) {
                        page.pollLast();
                    }
                }
                // Rows of minutes come in order.
                return hours || page.size() <= size;
            }).thenApply(done -> answer(page, size));
        });
    }

    private static QueryHistoryResponse answer(TreeSet<Found> page, int size) {
        var answer = QueryHistoryResponse.newBuilder();
        Place last = null;
        for (var found : page) {
            if (answer.getRowsCount() == size) {
                return answer.setNextPageToken(last.token()).build();
            }
            answer.addRows(found.row());
            last = found.place();
        }
        return answer.build();
    }
}
