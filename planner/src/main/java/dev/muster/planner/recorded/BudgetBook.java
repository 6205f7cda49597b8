package dev.muster.planner.recorded;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.planner.Settings;
import dev.muster.planner.topic.TopicReaders;
import dev.muster.v1.BudgetLine;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jboss.logging.Logger;

/**
 * How each fleet's budgets stood when its planner last said so: the newest row of a minute, followed from the topic of history. A fleet
 * that rests writes one row a day, so that those of before this replica began are looked for once, when somebody asks. Thread-safe;
 * callers are never blocked.
 */
public final class BudgetBook implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(BudgetBook.class);
    /** A fleet with machines writes a row a minute. */
    private static final Duration TAIL = Duration.ofMinutes(3);
    /** A fleet that rests with money spent writes one at each of its midnights; a day may have 25 hours. */
    private static final Duration REST = Duration.ofHours(26);

    private final Settings settings;
    private final TopicReaders readers;
    private final Map<String, Standing> newest = new ConcurrentHashMap<>();
    /** Fleets whose rows of before were looked for. */
    private final Set<String> searched = ConcurrentHashMap.newKeySet();
    private CompletableFuture<Void> search = CompletableFuture.completedFuture(null);
    private volatile TopicTable table;

    /** @param at end of the row's time. @param lines of every budget that the fleet had */
    public record Standing(Instant at, List<BudgetLine> lines) {}

    public BudgetBook(Settings settings, TopicReaders readers) {
        this.settings = settings;
        this.readers = readers;
    }

    /** Begins reading. The topic must exist. */
    public void start() {
        table = new TopicTable(KafkaSettings.consumer(settings.kafka()), List.of(settings.topics().history()), TopicTable.Start.since(TAIL), this::on);
    }

    private void on(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null || record.value() == null || !new String(record.key(), UTF_8).endsWith("/" + HistoryRows.MINUTE)) {
            return;
        }
        var read = HistoryRows.row(record);
        if (read != null && read.row().getLabelsCount() == 0 && read.row().getSeries().equals(HistoryRows.MINUTE)) {
            newest.merge(read.row().getFleet(), new Standing(read.end(), read.row().getBudgetsList()), (known, next) -> next.at().isBefore(known.at()) ? known : next);
        }
    }

    /** What was there at start has been read, and the reading goes on. */
    public boolean isCurrent() {
        return table != null && table.isCurrent();
    }

    /** Empty: the fleet's planner has not said anything yet, as far as is known here. */
    public Optional<Standing> of(String fleet) {
        return Optional.ofNullable(newest.get(fleet));
    }

    /** Looks for the last word about these fleets where none came since this replica began: once for each. Never fails: what isn't found is not known. */
    public synchronized CompletableFuture<Void> lookFor(Collection<String> fleets) {
        if (!search.isDone()) {
            return search.thenCompose(done -> lookFor(fleets));
        }
        var missing = fleets.stream().filter(fleet -> !newest.containsKey(fleet) && !searched.contains(fleet)).toList();
        if (missing.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        search = readers.<Void>read(reading -> {
            var partitions = missing.stream().map(fleet -> reading.partition(settings.topics().history(), Topics.historyKey(fleet, HistoryRows.MINUTE)))
                    .collect(Collectors.toSet());
            reading.forEach(reading.since(partitions, Instant.now().minus(REST)), record -> {
                on(record);
                return true;
            });
            searched.addAll(missing);
            return null;
        }).exceptionally(failed -> {
            LOG.warnf("How budgets stood could not be looked for; fleets=%d reason=%s", missing.size(), failed);
            return null;
        });
        return search;
    }

    @Override
    public void close() {
        if (table != null) {
            table.close();
        }
    }
}
