package dev.muster.provisioner.host;

import com.google.protobuf.util.Durations;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaRights;
import dev.muster.contracts.KafkaSettings;
import dev.muster.contracts.SecretsFolder;
import dev.muster.contracts.SpecSecrets;
import dev.muster.contracts.Times;
import dev.muster.contracts.TopicTable;
import dev.muster.contracts.Topics;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.NamedState;
import dev.muster.v1.ServiceReported;
import dev.muster.telemetry.Meters;
import dev.muster.telemetry.Traces;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jboss.logging.Logger;

/**
 * A running provisioner: commands come in by {@link CommandConsumer}, are carried out by {@link CommandRunner} and answered through
 * {@link ReportPublisher}; {@link Inventory} says what is there; {@link FleetBook} knows what the planner says. Starts in the
 * background and keeps trying until Kafka and the accounts answer; {@link #notReadyBecause} says what it waits for.
 */
public final class ProvisionerHost implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(ProvisionerHost.class);

    /** A loop that has not turned for so long is dead. Longer than a slow broker's fetch, shorter than anybody's patience. */
    private static final Duration LOOP_LIMIT = Duration.ofSeconds(30);
    /** Marks and leases of different machines are compared: clocks must agree within this. */
    private static final Duration SKEW_LIMIT = Duration.ofSeconds(5);
    /** Who is refused by Kafka is refused again, until a person has done something: a broker that is asked all the time would only suffer. */
    private static final Duration REFUSED_PAUSE = Duration.ofSeconds(5);
    private static final Duration REPORT_EVERY = Duration.ofMinutes(1);
    /** The folder may be on a network. */
    private static final Duration SECRETS_EVERY = Duration.ofSeconds(5);
    /** As the planner's: how soon the partitions of a process that died are given to another. */
    private static final Duration SESSION = Duration.ofSeconds(6);

    private final HostSettings settings;
    private final MachineProvider provider;
    private final SecretsFolder secrets;
    private final HostMetrics metrics;
    private final Traces traces;
    private final Clock clock;
    private final Accounts accounts;
    private final ScheduledExecutorService timer;
    private final Thread starter;
    private volatile Running running;
    private volatile String waitingFor = "Kafka has not answered yet";
    private volatile Duration skew = Duration.ZERO;
    private volatile boolean closing;
    private ServiceReported lastReport;
    private long lastReportAt;
    private List<NamedState> secretsSeen;
    private long secretsSeenAt;

    private record Running(FleetBook book, TopicTable tables, ReportPublisher publisher, CommandRunner runner, CommandConsumer consumer,
            Inventory inventory, CloudPrices prices, int partitions) {

        boolean owns(Scope scope) {
            return consumer.ownerOf(partition(scope, partitions)) != null;
        }
    }

    public ProvisionerHost(HostSettings settings, MachineProvider provider, SecretsFolder secrets, Meters meters, Traces traces, Clock clock) {
        this.settings = settings;
        this.metrics = new HostMetrics(meters, provider.name());
        this.traces = traces;
        this.provider = new ObservedProvider(provider, metrics);
        this.secrets = secrets;
        this.clock = clock;
        this.accounts = new Accounts(this.provider);
        var timer = new ScheduledThreadPoolExecutor(2, Threads.named("timer"));
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        this.timer = timer;
        this.starter = new Thread(this::run, "host-start");
        starter.setDaemon(true);
    }

    /** Returns at once. */
    public void start() {
        starter.start();
        metrics.ready(settings.service(), () -> notReadyBecause().isEmpty() ? 1 : 0);
        timer.scheduleWithFixedDelay(this::report, 1_000, 250, TimeUnit.MILLISECONDS);
    }

    private void run() {
        var checks = new Thread(this::checkAccounts, "account-check");
        checks.setDaemon(true);
        checks.start();
        while (!closing) {
            try {
                begin();
                return;
            } catch (InterruptedException interrupted) {
                return;
            } catch (Exception notYet) {
                var because = settings.kafka().problem(notYet);
                if (!because.equals(waitingFor)) {
                    LOG.warnf("Not started yet: reason=%s", because);
                }
                waitingFor = because;
                pause(KafkaConnection.isRefusal(notYet) ? REFUSED_PAUSE.toMillis() : 300);
            }
        }
    }

    private void checkAccounts() {
        while (!closing && !accounts.check()) {
            pause(2_000);
        }
    }

    private void begin() throws Exception {
        String clusterId;
        int partitions;
        var topics = settings.topics();
        var commands = topics.commands(provider.name());
        var asking = KafkaSettings.client(settings.kafka());
        asking.put("request.timeout.ms", 5_000);
        asking.put("default.api.timeout.ms", 10_000);
        try (var admin = Admin.create(asking)) {
            KafkaRights.require(admin, topics, settings.service(), settings.kafka());
            clusterId = admin.describeCluster().clusterId().get();
            var needed = List.of(topics.fleets(), topics.machines(), topics.machineReports(), topics.consoles(), topics.services(), topics.deadLetters(), commands);
            var missing = new TreeSet<>(needed);
            missing.removeAll(admin.listTopics().names().get());
            if (!missing.isEmpty()) {
                throw new IllegalStateException("topics are missing: " + String.join(", ", missing) + "; create them as deploy/topics.txt says");
            }
            partitions = admin.describeTopics(List.of(commands)).allTopicNames().get().get(commands).partitions().size();
        }
        var inventories = new AtomicReference<Inventory>();
        var book = new FleetBook(provider.name(), topics, scope -> {
            if (inventories.get() != null) {
                inventories.get().ask(scope);
            }
        });
        var tables = new TopicTable(KafkaSettings.consumer(settings.kafka()), List.of(topics.fleets(), topics.machines()), book);
        try {
            if (!tables.awaitCaughtUp(Duration.ofSeconds(30))) {
                throw new IllegalStateException("the tables were not read within 30 s");
            }
        } catch (Exception failed) {
            tables.close();
            throw failed;
        }
        provider.onChange(scope -> {
            if (inventories.get() != null) {
                inventories.get().ask(scope);
            }
        });
        var reports = new Reports(settings.source());
        var consumers = new AtomicReference<CommandConsumer>();
        var publisher = new ReportPublisher(this::producer, () -> consumers.get().group(), topics, "/muster/" + settings.source(), clock,
                seen -> skew = seen);
        var runner = new CommandRunner(new CommandRunner.Surroundings(provider, new BootTranslator(settings.connections(), secrets, provider.machinesRead()), book,
                reports, publisher, metrics, traces, clock, settings.backoff(), clusterId), new LiveConsoles(provider, secrets, publisher, clock), HostSettings.LAUNCH_THREADS, HostSettings.OTHER_THREADS,
                timer, scope -> inventories.get().hurry(scope));
        var consumer = new CommandConsumer(this::consumer, topics, provider.name(), settings.service(), publisher, runner::accept, metrics, traces, clock);
        consumers.set(consumer);
        var inventory = new Inventory(provider, book, secrets, runner::isBusy, reports, publisher,
                scope -> consumer.ownerOf(partition(scope, partitions)), clock, clusterId, settings.pace(), metrics);
        inventories.set(inventory);
        metrics.queue("reports", publisher::unpublished);
        metrics.lag(commands, consumer::lag);
        metrics.skew(() -> skew.toMillis() / 1000.0);
        publisher.start();
        consumer.start();
        inventory.start(timer);
        settings.priceFile().ifPresent(file ->
                new Prices(file, book, reports, publisher, scope -> consumer.ownerOf(partition(scope, partitions)), clock).start(timer));
        var prices = new CloudPrices(provider, book, reports, publisher, scope -> consumer.ownerOf(partition(scope, partitions)), clock, CloudPrices.EVERY);
        prices.start();
        running = new Running(book, tables, publisher, runner, consumer, inventory, prices, partitions);
        waitingFor = "";
    }

    /** As every client's default partitioner: the commands of a scope are where its key falls. */
    static int partition(Scope scope, int partitions) {
        return Topics.partition(scope.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8), partitions);
    }

    private Consumer<byte[], byte[]> consumer() {
        var config = KafkaSettings.consumer(settings.kafka());
        config.put("group.id", settings.topics().prefix() + settings.service());
        config.put("client.id", settings.source().replace('/', '-'));
        if (settings.named()) {
            config.put("group.instance.id", settings.instance().replaceAll("[^a-zA-Z0-9._-]", "-"));
        }
        config.put("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
        config.put("session.timeout.ms", (int) SESSION.toMillis());
        config.put("heartbeat.interval.ms", (int) SESSION.toMillis() / 4);
        config.put("max.poll.interval.ms", 30_000);
        config.put("fetch.min.bytes", 1);
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Producer<byte[], byte[]> producer() {
        var config = KafkaSettings.producer(settings.kafka());
        config.put("transactional.id", settings.topics().prefix() + settings.source());
        // Readers of machine-reports wait for an open transaction: one left by a crash ends soon.
        config.put("transaction.timeout.ms", 3_000);
        config.put("delivery.timeout.ms", 3_000);
        config.put("request.timeout.ms", 2_500);
        config.put("max.block.ms", 10_000);
        // Reports are small, and a gigabyte of buffer is nobody's need.
        config.put("buffer.memory", 16L * 1024 * 1024);
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Empty when it is ready; else one sentence for people. */
    public String notReadyBecause() {
        var now = running;
        if (now == null) {
            return waitingFor;
        }
        if (!now.consumer.trouble().isEmpty()) {
            return now.consumer.trouble();
        }
        if (!now.tables.isCurrent()) {
            return "it has stopped reading " + settings.topics().fleets() + " and " + settings.topics().machines();
        }
        if (!accounts.trouble().isEmpty()) {
            return accounts.trouble();
        }
        var foreign = now.inventory.foreignClusters();
        if (!foreign.isEmpty()) {
            var scope = new TreeSet<>(foreign.keySet()).first();
            return "machines in " + scope + " carry a live mark of Kafka cluster " + foreign.get(scope) + ": another installation named "
                    + settings.installation() + " runs there, or its Kafka was lost; stop it, or wait until the mark ages out, or, if that Kafka is no more, run: muster takeover " + foreign.get(scope);
        }
        if (skew.abs().compareTo(SKEW_LIMIT) > 0) {
            return "this machine's clock is " + skew.toMillis() + " ms behind Kafka's; synchronize the clocks";
        }
        return "";
    }

    /** How long ago each scope that this process owns was last seen whole. */
    public Map<String, Duration> listedAgo() {
        var now = running;
        return now == null ? Map.of() : now.inventory.listedAgo();
    }

    /** Its loops turn, whatever Kafka, clouds and ClearML say. True while it is still starting. */
    public boolean isAlive() {
        var now = running;
        return now == null || now.consumer.isAlive(LOOP_LIMIT) && now.publisher.isAlive();
    }

    private synchronized void report() {
        var now = running;
        if (now == null) {
            return;
        }
        try {
            var because = notReadyBecause();
            var report = ServiceReported.newBuilder()
                    .setService(settings.service())
                    .setInstance(settings.instance())
                    .setVersion(settings.version())
                    .setReady(because.isEmpty())
                    .setNotReadyBecause(because)
                    .addAllAccounts(accounts.states());
            settings.connections().keySet().stream().sorted().forEach(name -> {
                boolean keys = secrets.find(SecretsFolder.clearmlAccessKey(name)).isPresent() && secrets.find(SecretsFolder.clearmlSecretKey(name)).isPresent()
                        || secrets.find(SecretsFolder.machineAccessKey(name)).isPresent() && secrets.find(SecretsFolder.machineSecretKey(name)).isPresent();
                report.addConnections(NamedState.newBuilder().setName(name).setOk(keys)
                        .setDetail(keys ? "" : "its files clearml-" + name + "-access-key and -secret-key are not in the secrets folder"));
            });
            now.book.scopes().stream().filter(now::owns).map(Scope::toString).forEach(report::addOwned);
            report.addAllSecrets(secrets(now.book));
            boolean changed = lastReport == null || !lastReport.equals(report.build());
            if (changed || System.nanoTime() - lastReportAt > REPORT_EVERY.toNanos()) {
                lastReport = report.build();
                lastReportAt = System.nanoTime();
                now.publisher.service(report.setSkew(Durations.fromMillis(skew.toMillis())).setAt(Times.timestamp(clock.instant())).build());
            }
        } catch (RuntimeException ours) {
            LOG.error("Reporting the service failed in our own code and goes on", ours);
        }
    }

    private List<NamedState> secrets(FleetBook book) {
        if (secretsSeen == null || System.nanoTime() - secretsSeenAt > SECRETS_EVERY.toNanos()) {
            secretsSeen = SpecSecrets.states(secrets, book.secretsWanted(settings.service()));
            secretsSeenAt = System.nanoTime();
        }
        return secretsSeen;
    }

    private void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            closing = true;
        }
    }

    /** Ends within about ten seconds; what is answered by then is committed. Machines stay as they are. */
    @Override
    public void close() {
        closing = true;
        starter.interrupt();
        timer.shutdown();
        var now = running;
        if (now != null) {
            now.inventory.close();
            now.prices.close();
            now.runner.close();
            now.consumer.close();
            now.publisher.close();
            now.tables.close();
        }
    }
}
