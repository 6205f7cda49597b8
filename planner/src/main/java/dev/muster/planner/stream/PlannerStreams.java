package dev.muster.planner.stream;

import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaContact;
import dev.muster.contracts.KafkaSettings;
import dev.muster.planner.Settings;
import dev.muster.planner.core.Planner;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Traces;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.Properties;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jboss.logging.Logger;

/** The planner's stream, running. Thread-safe. */
public final class PlannerStreams implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(PlannerStreams.class);
    /** A thread that dies this often within a minute meets something that another try doesn't mend. */
    private static final int DEATHS_A_MINUTE = 5;
    /** What nobody waits for is committed this many times more seldom: a commit costs the broker the same for one record and for a thousand. */
    private static final int GATHERED = 5;
    /** Several hundred rows: a broker's work is a batch's, whatever is in it. */
    private static final int BATCH_BYTES = 64 * 1024;
    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(10);

    /** A planner that sends no heartbeat twelve times in a row, with the usual session: Kafka has given its fleets to another, or is not there. */
    private static final double LONGEST_SILENCE_SECONDS = 10;
    private static final Duration LONGEST_TURN = Duration.ofSeconds(30);
    /** Kafka may be away for a while; what stands still for longer will not move again by itself. */
    private static final Duration STUCK = Duration.ofMinutes(10);
    /** As long as a look may be late before its fleet is held, and the time that it takes to be known. */
    private static final Duration UNSEEN = Duration.ofSeconds(20);

    private final KafkaConnection kafka;
    private final KafkaStreams streams;
    private final Progress progress = new Progress();
    private final PlannerMetrics metrics;
    private final Deque<Instant> deaths = new ArrayDeque<>();

    /** @param ended told in one sentence when the stream has given up, from a thread of its own */
    public PlannerStreams(Settings settings, Meters meters, Traces traces, java.util.function.Consumer<String> ended) {
        kafka = settings.kafka();
        var consumers = new TrackedConsumers();
        metrics = new PlannerMetrics(meters);
        var witness = HarmlessWitness.of(metrics);
        var topics = settings.topics();
        var paces = ThreadLocal.withInitial(() -> new Pace(settings.commitInterval()));
        var topology = PlannerTopology.of(topics, () -> new FleetProcessor(topics,
                new FleetOwner(topics, Planner::plan, Clock.systemUTC(), settings.source(), Settings::version, witness), consumers,
                new PublishedTopics(settings.kafka(), topics, consumers), witness, settings.beat(), paces::get, new Trail(traces), progress));
        streams = new KafkaStreams(topology, configuration(settings), consumers);
        streams.setUncaughtExceptionHandler(broken -> died(broken, ended));
    }

    public void start() {
        streams.start();
    }

    private synchronized StreamThreadExceptionResponse died(Throwable broken, java.util.function.Consumer<String> ended) {
        for (var cause = broken; cause != null; cause = cause.getCause()) {
            if (cause instanceof NewerStateException newer) {
                LOG.errorf("The planner ends: %s", newer.getMessage());
                ended.accept(newer.getMessage());
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            }
        }
        if (KafkaConnection.isRefusal(broken)) {
            // Another thread would be refused, too; the next start says all that is missing.
            var why = kafka.problem(broken);
            LOG.errorf("The planner ends: %s", why);
            ended.accept(why);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        }
        var now = Instant.now();
        deaths.addLast(now);
        while (deaths.getFirst().isBefore(now.minusSeconds(60))) {
            deaths.removeFirst();
        }
        if (deaths.size() < DEATHS_A_MINUTE) {
            LOG.errorf(broken, "A planning thread died, and is replaced; its work is taken up from the last commit");
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        }
        LOG.errorf(broken, "Planning threads keep dying, and the planner ends");
        ended.accept("Planning threads keep dying, the last one of: " + broken);
        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }

    /** Why no fleet is planned yet; empty if all of this replica's are. */
    public Optional<String> notReadyBecause() {
        var state = streams.state();
        if (state != KafkaStreams.State.RUNNING) {
            return Optional.of("the stream is " + state);
        }
        var silence = KafkaContact.sinceHeartbeat(streams.metrics());
        if (silence > LONGEST_SILENCE_SECONDS) {
            return Optional.of("Kafka has not answered for " + Math.round(silence) + " s");
        }
        return progress.trouble(LONGEST_TURN);
    }

    /** Fleets of this replica whose queues have not been seen for too long: they are held, which no other planner could mend. */
    public Set<String> unseen() {
        return new TreeSet<>(metrics.unseenFor(UNSEEN));
    }

    /** False once it has given up, and only a new process helps. */
    public boolean isAlive() {
        var state = streams.state();
        return state != KafkaStreams.State.ERROR && state != KafkaStreams.State.NOT_RUNNING && state != KafkaStreams.State.PENDING_ERROR
                && progress.stuck(STUCK).isEmpty();
    }

    /** Partitions whose fleets this replica plans. */
    public List<String> owned() {
        var owned = new TreeSet<Integer>();
        if (streams.state().isRunningOrRebalancing()) {
            streams.metadataForLocalThreads().forEach(thread -> thread.activeTasks().forEach(task -> owned.add(task.taskId().partition())));
        }
        return owned.stream().map(String::valueOf).toList();
    }

    @Override
    public void close() {
        streams.close(CLOSE_WITHIN);
    }

    /** Settings that correctness or the times of take-over rest on. */
    static Properties configuration(Settings settings) {
        var config = KafkaSettings.client(settings.kafka());
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, settings.topics().prefix() + Settings.SERVICE);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, settings.threads());
        config.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, settings.standbyReplicas());
        // Whatever somebody waits for is committed sooner, when the processor asks for it.
        var gathered = settings.commitInterval().multipliedBy(GATHERED);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, gathered.toMillis());
        config.put(StreamsConfig.POLL_MS_CONFIG, settings.beat().toMillis());
        // Events of different topics touch different facts: waiting for a quiet topic would only cost time.
        config.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, StreamsConfig.MAX_TASK_IDLE_MS_DISABLED);
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), (int) settings.sessionTimeout().toMillis());
        // The others learn by their next heartbeat that one is gone: until then nobody takes its fleets.
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), (int) settings.sessionTimeout().toMillis() / 12);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG), false);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG), 100);
        // A planner that ends in order says so, and the next one needn't wait for the session to time out.
        config.put(StreamsConfig.mainConsumerPrefix("internal.leave.group.on.close"), true);
        config.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), (int) settings.transactionTimeout().toMillis());
        // Nobody sees a record before its commit, and a commit waits for nothing: until then records may gather.
        config.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), (int) gathered.toMillis());
        config.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), BATCH_BYTES);
        // The broker refuses the first records of a transaction while it still ends the one before, which takes it some milliseconds.
        config.put(StreamsConfig.producerPrefix(ProducerConfig.RETRY_BACKOFF_MS_CONFIG), 5);
        config.put(StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG), PlannerTopology.MAX_STATE_BYTES);
        var properties = new Properties();
        properties.putAll(config);
        return properties;
    }
}
