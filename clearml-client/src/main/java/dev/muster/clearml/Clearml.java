package dev.muster.clearml;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * One ClearML server, narrowed to the calls that Muster makes.
 *
 * <p>Methods block for at most the address's timeout, and up to four times that where a token has to be fetched; they may be called by any thread
 * but an event loop, also at once. Every answer is either whole and as asked for, or a {@link ClearmlException}; nothing is
 * retried, except once after a 401, with a new token.
 */
public final class Clearml implements RescueCalls, AutoCloseable {

    /** Most rows the server puts into one answer, whatever is asked. */
    public static final int MOST_ROWS = 500;

    /** From here on it pays to compare with the last answer; a question about a few queues must not displace that. */
    private static final int LONG = 50;

    private static final Duration TOKEN_LIFE = Duration.ofHours(1);
    /** As the server's own SDK does. */
    private static final Duration RENEW_BEFORE_EXPIRY = Duration.ofMinutes(6);
    /** A slower answer says nothing about clocks. */
    private static final Duration MOST_ROUND_TRIP = Duration.ofSeconds(2);
    private static final List<String> QUEUE_FIELDS = List.of("id", "name", "entries");
    private static final List<String> TASK_FIELDS = List.of("id", "status", "status_reason", "status_changed", "last_worker",
            "execution.queue", "project", "user", "tags", "system_tags", "started", "completed", "last_update");

    private final Transport transport;
    private final Supplier<Credentials> credentials;
    private final Supplier<Instant> now;
    private final LongList<Worker> workers = new LongList<>("workers", Clearml::readWorker);
    /** By the number of the chunk of ids: each has about the same queues in every look. */
    private final Map<Integer, LongList<Queue>> queues = new ConcurrentHashMap<>();
    private volatile Token token;
    private volatile Duration skew;

    /** @param version the one that calls ask for: the server's, or the newest known here */
    private record Token(String bearer, Instant renewAt, ApiVersion version) {}

    /**
     * Connects nothing yet.
     *
     * @param credentials asked before each login, so that a rotated key is used from the first refusal on; what it throws is
     *     REFUSED, with its message
     */
    public Clearml(Vertx vertx, ClearmlAddress address, Supplier<Credentials> credentials) {
        this(vertx, address, credentials, Instant::now);
    }

    Clearml(Vertx vertx, ClearmlAddress address, Supplier<Credentials> credentials, Supplier<Instant> now) {
        this.transport = new Transport(vertx, address);
        this.credentials = credentials;
        this.now = now;
    }

    /** Fetches a token: shows that server, version and credentials fit together. */
    public void login() throws ClearmlException {
        renewToken(token);
    }

    /** How far the server's clock is ahead of this machine's, to a second or two, as of the last answer; empty before one, or if it doesn't say. */
    public Optional<Duration> skew() {
        return Optional.ofNullable(skew);
    }

    @Override
    public List<Queue> queues(Collection<String> ids) throws ClearmlException {
        var queues = new ArrayList<Queue>(ids.size());
        var chunk = 0;
        for (var some : chunks(ids, MOST_ROWS)) {
            var request = fields(QUEUE_FIELDS);
            addAll(request.putArray("id"), some);
            if (ids.size() < LONG) {
                queues.addAll(call("queues.get_all", request, Clearml::readQueues).rows);
            } else {
                var rows = this.queues.computeIfAbsent(chunk++, number -> new LongList<>("queues", Clearml::readQueue));
                queues.addAll(call("queues.get_all", request, rows, Clearml::readQueues).rows);
            }
        }
        return queues;
    }

    /** Queues with exactly these names; those that the server doesn't have are left out. One call for each 100 names. */
    public List<Queue> queuesNamed(Collection<String> names) throws ClearmlException {
        var wanted = new TreeSet<>(names);
        var queues = new ArrayList<Queue>(names.size());
        // The server takes one pattern, and MongoDB limits its length.
        for (var some : chunks(wanted, 100)) {
            var request = fields(QUEUE_FIELDS);
            request.put("name", some.stream().map(Clearml::literal).collect(Collectors.joining("|", "^(", ")$")));
            queues.addAll(call("queues.get_all", request, Clearml::readQueues).rows);
        }
        queues.removeIf(queue -> !wanted.contains(queue.name()));
        return queues;
    }

    /** Every queue that isn't hidden. One call for each 500. */
    public List<Queue> queues() throws ClearmlException {
        return scroll("queues.get_all", fields(QUEUE_FIELDS), Clearml::readQueues);
    }

    /** Id of the new queue. A name that is taken is INVALID with 400/801; one of under 3 characters 400/12. */
    public String createQueue(String name) throws ClearmlException {
        var request = object();
        request.put("name", name);
        return call("queues.create", request, answer -> textField(answer, "id"));
    }

    @Override
    public boolean removeFromQueue(String queue, String task) throws ClearmlException {
        try {
            return call("queues.remove_task", taskInQueue(queue, task), answer -> integerField(answer, "removed")) > 0;
        } catch (ClearmlException failed) {
            // Servers say it in either way.
            if (failed.is(400, 703)) {
                return false;
            }
            throw failed;
        }
    }

    @Override
    public void moveToFront(String queue, String task) throws ClearmlException {
        call("queues.move_task_to_front", taskInQueue(queue, task), answer -> integerField(answer, "position"));
    }

    @Override
    public List<Worker> workers() throws ClearmlException {
        var request = object();
        request.put("last_seen", 3600);
        return call("workers.get_all", request, workers, Clearml::readWorkers).rows;
    }

    /** Lists a worker for the next {@code timeout}, as an agent does for itself. The tags are shown beside it. */
    public void registerWorker(String worker, Collection<String> queues, Duration timeout, String... tags) throws ClearmlException {
        var request = object();
        request.put("worker", worker);
        addAll(request.putArray("queues"), queues);
        request.put("timeout", timeout.toSeconds());
        addAll(request.putArray("tags"), List.of(tags));
        call("workers.register", request, Clearml::nothing);
    }

    /** Takes a worker off the list. The server does it only for entries of the same user, and says nothing otherwise. */
    public void unregisterWorker(String worker) throws ClearmlException {
        var request = object();
        request.put("worker", worker);
        call("workers.unregister", request, Clearml::nothing);
    }

    @Override
    public Optional<Task> task(String id) throws ClearmlException {
        var request = object();
        request.put("task", id);
        try {
            return Optional.of(call("tasks.get_by_id", request, answer -> {
                var task = new Task[1];
                answer.object(field -> {
                    if (field.equals("task")) {
                        task[0] = readTask(answer);
                    } else {
                        answer.skip();
                    }
                });
                return answer.require(task[0], "task");
            }));
        } catch (ClearmlException failed) {
            if (failed.is(400, 101)) {
                return Optional.empty();
            }
            throw failed;
        }
    }

    /** Tasks with these ids; those that the server doesn't have are left out. One call for each 500. */
    public List<Task> tasks(Collection<String> ids) throws ClearmlException {
        var tasks = new ArrayList<Task>(ids.size());
        for (var some : chunks(ids, MOST_ROWS)) {
            var request = fields(TASK_FIELDS);
            addAll(request.putArray("id"), some);
            request.put("search_hidden", true);
            tasks.addAll(call("tasks.get_all", request, Clearml::readTasks).rows);
        }
        return tasks;
    }

    /**
     * One task with what it asks of whatever runs it; empty if the server has none such.
     *
     * @param section of its hyperparameters
     */
    public Optional<TaskAndContainer> taskAndContainer(String id, String section) throws ClearmlException {
        var request = fields(TASK_FIELDS);
        addAll(request.withArray("only_fields"), List.of("name", "status_message", "container", "hyperparams." + section));
        addAll(request.putArray("id"), List.of(id));
        request.put("search_hidden", true);
        return call("tasks.get_all", request, answer -> Clearml.<TaskAndContainer>readPage(answer, "tasks", task -> readTaskAndContainer(task, section)))
                .rows.stream().findFirst();
    }

    /** Empty if the server has no such project. */
    public Optional<String> projectName(String id) throws ClearmlException {
        var request = fields(List.of("id", "name"));
        addAll(request.putArray("id"), List.of(id));
        request.put("search_hidden", true);
        return call("projects.get_all", request, answer -> Clearml.<String>readPage(answer, "projects", project -> textField(project, "name")))
                .rows.stream().findFirst();
    }

    /** Tasks in any of these states whose execution.queue is one of these. One call for each 500 queues and 500 tasks. */
    public List<Task> tasksOf(Collection<String> queues, Collection<String> statuses) throws ClearmlException {
        var tasks = new ArrayList<Task>();
        for (var some : chunks(queues, MOST_ROWS)) {
            var request = fields(TASK_FIELDS);
            addAll(request.putArray("status"), statuses);
            addAll(request.putArray("execution.queue"), some);
            request.put("search_hidden", true);
            tasks.addAll(scroll("tasks.get_all", request, Clearml::readTasks));
        }
        return tasks;
    }

    /** Id of a new task. {@code fields} are the server's own, such as name, type, script, container, hyperparams. */
    public String createTask(ObjectNode fields) throws ClearmlException {
        return call("tasks.create", fields, answer -> textField(answer, "id"));
    }

    @Override
    public void stopped(String task, boolean force, String reason) throws ClearmlException {
        var request = object();
        request.put("task", task);
        request.put("force", force);
        request.put("status_reason", reason);
        call("tasks.stopped", request, answer -> integerField(answer, "updated"));
    }

    @Override
    public void failed(String task, boolean force, String reason, String message) throws ClearmlException {
        var request = object();
        request.put("task", task);
        request.put("force", force);
        request.put("status_reason", reason);
        request.put("status_message", message);
        call("tasks.failed", request, answer -> integerField(answer, "updated"));
    }

    @Override
    public void enqueue(String task, String queue, String reason) throws ClearmlException {
        var request = taskInQueue(queue, task);
        request.put("status_reason", reason);
        call("tasks.enqueue", request, answer -> integerField(answer, "queued"));
    }

    /** Writes what people see beside the task's status, and leaves the status. */
    public void statusMessage(String task, String message) throws ClearmlException {
        var request = object();
        request.put("task", task);
        request.put("status_message", message);
        call("tasks.update", request, answer -> integerField(answer, "updated"));
    }

    @Override
    public void log(String task, String worker, Instant at, String line) throws ClearmlException {
        log(task, worker, at, List.of(line));
    }

    /** Writes lines to the task's console with one call. Not none. */
    public void log(String task, String worker, Instant at, List<String> lines) throws ClearmlException {
        var batch = new StringBuilder();
        // What was written in one millisecond is shown in any order.
        var time = at.toEpochMilli();
        for (var line : lines) {
            batch.append(object().put("type", "log").put("task", task).put("level", "INFO").put("worker", worker).put("msg", line)
                    .put("timestamp", time++)).append('\n');
        }
        send("events.add_batch", ClearmlApi.JSON_LINES, batch.toString().getBytes(UTF_8), Clearml::nothing);
    }

    /** The last lines of the task's console, at most so many, in no order to rely on. */
    public List<String> console(String task, int most) throws ClearmlException {
        var request = object();
        request.put("task", task).put("batch_size", most).put("navigate_earlier", true);
        return call("events.get_task_log", request, answer -> {
            var lines = new ArrayList<String>();
            answer.object(field -> {
                if (field.equals("events")) {
                    lines.addAll(answer.list(Clearml::readLine));
                } else {
                    answer.skip();
                }
            });
            return lines;
        });
    }

    private static String readLine(Answer answer) throws IOException, ClearmlException {
        var line = new String[] {""};
        answer.object(field -> {
            if (field.equals("msg")) {
                line[0] = answer.textOrEmpty();
            } else {
                answer.skip();
            }
        });
        return line[0];
    }

    private <T> T call(String call, ObjectNode request, Answer.Reader<T> reader) throws ClearmlException {
        return send(call, ClearmlApi.JSON, request.toString().getBytes(UTF_8), reader);
    }

    /** As the other, for a list that is read again and again. */
    private <T> Page<T> call(String call, ObjectNode request, LongList<T> list, Answer.Reader<Page<T>> reader) throws ClearmlException {
        var body = request.toString().getBytes(UTF_8);
        var reply = reply(used -> transport.callLong(used.version, call, used.bearer, body, list.spare()));
        var split = reply.status() == 200 ? list.split(call, reply.bytes(), reply.length()) : null;
        if (split == null) {
            return Answer.read(call, reply.status(), reply.body(), reader);
        }
        return new Page<>(split.rows(), Answer.read(call, reply.status(), split.rest(), reader).scrollId);
    }

    private <T> T send(String call, String mediaType, byte[] body, Answer.Reader<T> reader) throws ClearmlException {
        var reply = reply(used -> transport.call(used.version, call, used.bearer, mediaType, body));
        return Answer.read(call, reply.status(), reply.body(), reader);
    }

    /** A call, with the token that it is given. */
    @FunctionalInterface
    private interface Call {
        Transport.Reply with(Token token) throws ClearmlException;
    }

    private Transport.Reply reply(Call call) throws ClearmlException {
        var used = currentToken();
        var asked = now.get();
        var reply = call.with(used);
        measureSkew(asked, reply.date());
        if (reply.status() == 401) {
            // Revoked, or the server has new signing keys. Once: a second refusal is about the credentials.
            reply = call.with(renewToken(used));
        }
        return reply;
    }

    private void measureSkew(Instant asked, Instant answered) {
        var took = Duration.between(asked, now.get());
        if (answered != null && took.compareTo(MOST_ROUND_TRIP) < 0) {
            skew = Duration.between(asked, answered);
        }
    }

    private Token currentToken() throws ClearmlException {
        var current = token;
        return current != null && now.get().isBefore(current.renewAt) ? current : renewToken(current);
    }

    /** One login, however many callers found {@code used} wanting. */
    private synchronized Token renewToken(Token used) throws ClearmlException {
        if (token != used) {
            return token;
        }
        var request = object();
        request.put("expiration_sec", TOKEN_LIFE.toSeconds());
        var asked = now.get();
        String basic;
        try {
            basic = credentials.get().basic();
        } catch (RuntimeException missing) {
            throw ClearmlException.refused("auth.login", missing);
        }
        var reply = transport.ask("auth.login", basic, request.toString().getBytes(UTF_8));
        var bearer = "Bearer " + Answer.read("auth.login", reply.status(), reply.body(), answer -> textField(answer, "token"));
        var version = negotiate(bearer, Answer.askedVersion(reply.body()));
        token = new Token(bearer, asked.plus(TOKEN_LIFE).minus(RENEW_BEFORE_EXPIRY), version);
        return token;
    }

    /**
     * The version to ask for: once for each token, so that an upgraded server is noticed within the hour.
     *
     * @param elsewhere what the server said of its version beside another answer
     */
    private ApiVersion negotiate(String bearer, Optional<ApiVersion> elsewhere) throws ClearmlException {
        var call = "server.info";
        var reply = transport.ask(call, bearer, object().toString().getBytes(UTF_8));
        var told = "";
        try {
            told = Answer.read(call, reply.status(), reply.body(), answer -> {
                var version = new String[] {""};
                answer.object(field -> {
                    if (field.equals("api_version")) {
                        version[0] = answer.textOrEmpty();
                    } else {
                        answer.skip();
                    }
                });
                return version[0];
            });
        } catch (ClearmlException failed) {
            // Servers without that call, or that keep it for some users, say their version beside every answer.
            if (failed.kind() != ClearmlException.Kind.INVALID && failed.code() != 403) {
                throw failed;
            }
        }
        var version = ApiVersion.parse(told).or(() -> elsewhere).orElseThrow(() -> ClearmlException.outdated(call, null));
        if (version.compareTo(ApiVersion.OLDEST) < 0) {
            throw ClearmlException.outdated(call, version);
        }
        return version.atMost(ApiVersion.NEWEST);
    }

    /** Some rows of a list, and where the next ones are. */
    private record Page<T>(List<T> rows, String scrollId) {}

    private <T> List<T> scroll(String call, ObjectNode request, Answer.Reader<Page<T>> reader) throws ClearmlException {
        var rows = new LinkedHashMap<Object, T>();
        request.put("size", MOST_ROWS);
        // The field itself, even without a value, is what starts a scroll.
        request.putNull("scroll_id");
        while (true) {
            var page = call(call, request, reader);
            for (var row : page.rows) {
                rows.put(row instanceof Queue queue ? queue.id() : ((Task) row).id(), row);
            }
            if (page.rows.size() < MOST_ROWS) {
                return List.copyOf(rows.values());
            }
            if (page.scrollId.isEmpty()) {
                throw ClearmlException.unreadable(call, "500 rows came without a scroll_id to read on with");
            }
            request.put("scroll_id", page.scrollId);
        }
    }

    private static Page<Queue> readQueues(Answer answer) throws IOException, ClearmlException {
        return readPage(answer, "queues", Clearml::readQueue);
    }

    private static Page<Task> readTasks(Answer answer) throws IOException, ClearmlException {
        return readPage(answer, "tasks", Clearml::readTask);
    }

    private static <T> Page<T> readPage(Answer answer, String name, Answer.Reader<T> row) throws IOException, ClearmlException {
        var read = new Object() {
            List<T> rows;
            String scrollId = "";
        };
        answer.object(field -> {
            if (field.equals(name)) {
                read.rows = answer.list(row);
            } else if (field.equals("scroll_id")) {
                read.scrollId = answer.textOrEmpty();
            } else {
                answer.skip();
            }
        });
        return new Page<>(answer.require(read.rows, name), read.scrollId);
    }

    private static Queue readQueue(Answer answer) throws IOException, ClearmlException {
        var read = new Object() {
            String id;
            String name;
            List<Queue.Entry> entries;
        };
        answer.object(field -> {
            switch (field) {
                case "id" -> read.id = answer.text();
                case "name" -> read.name = answer.text();
                case "entries" -> read.entries = answer.list(Clearml::readEntry);
                default -> answer.skip();
            }
        });
        return new Queue(answer.require(read.id, "id"), answer.require(read.name, "name"), answer.require(read.entries, "entries"));
    }

    private static Queue.Entry readEntry(Answer answer) throws IOException, ClearmlException {
        var read = new Object() {
            String task;
            Instant added;
        };
        answer.object(field -> {
            switch (field) {
                case "task" -> read.task = answer.text();
                case "added" -> read.added = answer.time();
                default -> answer.skip();
            }
        });
        return new Queue.Entry(answer.require(read.task, "task"), read.added);
    }

    private static Page<Worker> readWorkers(Answer answer) throws IOException, ClearmlException {
        return readPage(answer, "workers", Clearml::readWorker);
    }

    private static Worker readWorker(Answer answer) throws IOException, ClearmlException {
        var read = new Object() {
            String id;
            String user = "";
            String task = "";
            String project = "";
            List<String> queues = List.of();
            Instant registered;
            Instant lastReport;
        };
        answer.object(field -> {
            switch (field) {
                case "id" -> read.id = answer.text();
                case "user" -> read.user = idOrEmpty(answer);
                case "task" -> read.task = idOrEmpty(answer);
                case "project" -> read.project = idOrEmpty(answer);
                case "queues" -> read.queues = answer.listOrNull(Clearml::idOf);
                case "register_time" -> read.registered = answer.time();
                case "last_report_time" -> read.lastReport = answer.time();
                default -> answer.skip();
            }
        });
        // The server lists a worker's queues in no order.
        var queues = read.queues.stream().sorted().toList();
        return new Worker(answer.require(read.id, "id"), read.user, read.task, read.project, queues, read.registered, read.lastReport);
    }

    private static Task readTask(Answer answer) throws IOException, ClearmlException {
        var read = new TaskRead();
        answer.object(field -> {
            if (!read.takes(answer, field)) {
                answer.skip();
            }
        });
        return read.task(answer);
    }

    /** What of a task has been read so far. */
    private static final class TaskRead {
        private String id;
        private String status;
        private String statusReason = "";
        private Instant statusChanged;
        private String lastWorker = "";
        private String queue = "";
        private String project = "";
        private String user = "";
        private final TreeSet<String> tags = new TreeSet<>();
        private Instant started;
        private Instant ended;
        private Instant lastUpdate;

        /** False: the field is none of a {@link Task}'s, and is still to be taken. */
        boolean takes(Answer answer, String field) throws IOException, ClearmlException {
            switch (field) {
                case "id" -> id = answer.text();
                case "status" -> status = answer.text();
                case "status_reason" -> statusReason = answer.textOrEmpty();
                case "status_changed" -> statusChanged = answer.time();
                case "last_worker" -> lastWorker = answer.textOrEmpty();
                case "execution" -> answer.objectOrNull(inner -> {
                    if (inner.equals("queue")) {
                        queue = answer.textOrEmpty();
                    } else {
                        answer.skip();
                    }
                });
                case "project" -> project = answer.textOrEmpty();
                case "user" -> user = answer.textOrEmpty();
                case "tags", "system_tags" -> tags.addAll(answer.listOrNull(Answer::text));
                case "started" -> started = answer.time();
                case "completed" -> ended = answer.time();
                case "last_update" -> lastUpdate = answer.time();
                default -> {
                    return false;
                }
            }
            return true;
        }

        Task task(Answer answer) throws ClearmlException {
            return new Task(answer.require(id, "id"), answer.require(status, "status"), statusReason, statusChanged, lastWorker, queue, project, user,
                    tags, started, ended, lastUpdate);
        }
    }

    private static TaskAndContainer readTaskAndContainer(Answer answer, String section) throws IOException, ClearmlException {
        var task = new TaskRead();
        var read = new Object() {
            String name = "";
            String statusMessage = "";
            String image = "";
            String arguments = "";
            String setupScript = "";
            final TreeMap<String, String> parameters = new TreeMap<>();
        };
        answer.object(field -> {
            switch (field) {
                case "name" -> read.name = answer.textOrEmpty();
                case "status_message" -> read.statusMessage = answer.textOrEmpty();
                case "container" -> answer.objectOrNull(inner -> {
                    switch (inner) {
                        case "image" -> read.image = answer.textOrEmpty();
                        case "arguments" -> read.arguments = answer.textOrEmpty();
                        case "setup_shell_script" -> read.setupScript = answer.textOrEmpty();
                        default -> answer.skip();
                    }
                });
                case "hyperparams" -> answer.objectOrNull(found -> {
                    if (found.equals(section)) {
                        answer.objectOrNull(name -> read.parameters.put(name, valueOf(answer)));
                    } else {
                        answer.skip();
                    }
                });
                default -> {
                    if (!task.takes(answer, field)) {
                        answer.skip();
                    }
                }
            }
        });
        return new TaskAndContainer(task.task(answer), read.name, read.statusMessage, read.image.strip(), read.arguments.strip(), read.setupScript,
                read.parameters);
    }

    private static String valueOf(Answer answer) throws IOException, ClearmlException {
        var value = new String[] {""};
        answer.objectOrNull(field -> {
            if (field.equals("value")) {
                value[0] = answer.textOrEmpty();
            } else {
                answer.skip();
            }
        });
        return value[0];
    }

    private static String idOf(Answer answer) throws IOException, ClearmlException {
        return textField(answer, "id");
    }

    /** Of an object that may be null or empty: a worker without a task. */
    private static String idOrEmpty(Answer answer) throws IOException, ClearmlException {
        var id = new String[] {""};
        answer.objectOrNull(field -> {
            if (field.equals("id")) {
                id[0] = answer.textOrEmpty();
            } else {
                answer.skip();
            }
        });
        return id[0];
    }

    private static String textField(Answer answer, String name) throws IOException, ClearmlException {
        var text = new String[1];
        answer.object(field -> {
            if (field.equals(name)) {
                text[0] = answer.text();
            } else {
                answer.skip();
            }
        });
        return answer.require(text[0], name);
    }

    private static int integerField(Answer answer, String name) throws IOException, ClearmlException {
        var number = new Integer[1];
        answer.object(field -> {
            if (field.equals(name)) {
                number[0] = answer.integer();
            } else {
                answer.skip();
            }
        });
        return answer.require(number[0], name);
    }

    private static Boolean nothing(Answer answer) throws IOException {
        answer.skip();
        return true;
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static ObjectNode fields(List<String> names) {
        var request = object();
        addAll(request.putArray("only_fields"), names);
        return request;
    }

    private static ObjectNode taskInQueue(String queue, String task) {
        return object().put("queue", queue).put("task", task);
    }

    private static void addAll(ArrayNode array, Collection<String> texts) {
        texts.forEach(array::add);
    }

    private static List<List<String>> chunks(Collection<String> all, int size) {
        var list = List.copyOf(all);
        var chunks = new ArrayList<List<String>>();
        for (var from = 0; from < list.size(); from += size) {
            chunks.add(list.subList(from, Math.min(list.size(), from + size)));
        }
        return chunks;
    }

    /** A pattern that matches {@code name} only, in every regular expression dialect: signs are escaped, letters never. */
    private static String literal(String name) {
        var pattern = new StringBuilder();
        name.chars().forEach(c -> {
            var isPlain = c > 127 || c == '_' || Character.isLetterOrDigit(c);
            pattern.append(isPlain ? "" : "\\").append((char) c);
        });
        return pattern.toString();
    }

    @Override
    public void close() {
        transport.close();
    }
}
