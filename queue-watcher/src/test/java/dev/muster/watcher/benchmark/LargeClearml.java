package dev.muster.watcher.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Answers what a watcher asks, as a ClearML with many queues and workers: rows have every field that the real server's have. From
 * one list of workers to the next, one worker in thirty reports, one in a thousand takes or ends a task, three are
 * replaced by new ones, and one queue in fifty changes.
 */
final class LargeClearml implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int WAITING = 5;
    private static final int REPORTS_EVERY = 30;
    private static final int REPLACED = 3;

    private final Random random = new Random(7);
    private final List<String> queueIds = new ArrayList<>();
    private final Map<String, Integer> queueById = new TreeMap<>();
    private final List<List<String>> waiting = new ArrayList<>();
    private final String[] tasks;
    private final int[] machines;
    private int lastMachine;
    private final byte[][] rows;
    private final int fleets;
    private final HttpServer http;
    /** The row of the watcher, which lists itself as a worker; empty before it does. */
    private String muster = "";
    private int lists;
    private long bytes;

    /** @param isCompressing for clients that offer it */
    LargeClearml(Vertx vertx, int queues, int workers, int fleets, boolean isCompressing) {
        this.fleets = fleets;
        for (var i = 0; i < queues; i++) {
            var id = id();
            queueIds.add(id);
            queueById.put(id, i);
            var line = new ArrayList<String>();
            for (var task = 0; task < WAITING; task++) {
                line.add(id());
            }
            waiting.add(line);
        }
        tasks = new String[workers];
        machines = new int[workers];
        rows = new byte[workers][];
        for (var i = 0; i < workers; i++) {
            tasks[i] = i % 2 == 0 ? id() : null;
            machines[i] = lastMachine++;
            rows[i] = worker(i);
        }
        http = vertx.createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(0).setCompressionSupported(isCompressing)
                        .setMaxInitialLineLength(65_536))
                .requestHandler(request -> request.body().onSuccess(body -> answer(request, body)))
                .listen().toCompletionStage().toCompletableFuture().join();
    }

    String url() {
        return "http://127.0.0.1:" + http.actualPort();
    }

    /** Names of the queues of a fleet. */
    List<String> queuesOf(int fleet) {
        var names = new ArrayList<String>();
        for (var i = fleet; i < queueIds.size(); i += fleets) {
            names.add(name(i));
        }
        return names;
    }

    /** How often workers were listed: once a tick. */
    synchronized int lists() {
        return lists;
    }

    /** Of all answers so far, before they are compressed. */
    synchronized long bytes() {
        return bytes;
    }

    private synchronized void answer(HttpServerRequest request, Buffer body) {
        try {
            var call = request.path().substring(request.path().lastIndexOf('/') + 1);
            var fields = JSON.readTree(body.getBytes());
            var data = switch (call) {
                case "auth.login" -> "{\"token\":\"" + id() + "\"}";
                case "server.info" -> "{\"version\":\"2.3.0\",\"build\":\"1\",\"commit\":\"\",\"api_version\":\"2.34\"}";
                case "workers.get_all" -> {
                    move();
                    yield null;
                }
                case "queues.get_all" -> queues(fields);
                case "tasks.get_all" -> tasks(fields);
                case "workers.register" -> {
                    muster = ",{\"key\":\"worker_d1bd92a3b039400cbafc60a7a5b1e52b_" + queueIds.get(1) + "\",\"id\":\"" + fields.path("worker").asText()
                            + "\",\"queues\":[],\"register_time\":\"" + time() + "\",\"last_report_time\":\"" + time() + "\",\"tags\":[\"muster\"]}";
                    yield "{}";
                }
                default -> "{}";
            };
            var answer = Buffer.buffer();
            answer.appendString("{\"meta\":{\"id\":\"" + id() + "\",\"trx\":\"" + id() + "\",\"endpoint\":{\"name\":\"" + call
                    + "\",\"requested_version\":\"2.34\",\"actual_version\":\"2.30\"},\"result_code\":200,\"result_subcode\":0,\"result_msg\":\"OK\","
                    + "\"error_stack\":null,\"error_data\":{}},\"data\":");
            if (data != null) {
                answer.appendString(data);
            } else {
                answer.appendString("{\"workers\":[");
                for (var i = 0; i < rows.length; i++) {
                    if (i > 0) {
                        answer.appendByte((byte) ',');
                    }
                    answer.appendBytes(rows[i]);
                }
                answer.appendString(muster).appendString("]}");
            }
            answer.appendString("}");
            bytes += answer.length();
            request.response().putHeader("Content-Type", "application/json").end(answer);
        } catch (IOException garbage) {
            throw new UncheckedIOException(garbage);
        }
    }

    private void move() {
        lists++;
        for (var i = lists % REPORTS_EVERY; i < rows.length; i += REPORTS_EVERY) {
            rows[i] = worker(i);
        }
        for (var i = 0; i < rows.length / 1_000; i++) {
            var one = random.nextInt(rows.length);
            tasks[one] = tasks[one] == null ? id() : null;
            rows[one] = worker(one);
        }
        for (var i = 0; i < REPLACED; i++) {
            var one = random.nextInt(rows.length);
            tasks[one] = null;
            machines[one] = lastMachine++;
            rows[one] = worker(one);
        }
        for (var i = 0; i < queueIds.size() / 50; i++) {
            var line = waiting.get(random.nextInt(queueIds.size()));
            line.add(id());
            line.remove(0);
        }
    }

    private byte[] worker(int i) {
        var worker = "muster-fleet" + i % fleets + ":gpu:g5.2xlarge:i-" + String.format("%017x", machines[i] * 0x9e3779b97f4a7c15L);
        var now = time();
        var number = i % queueIds.size();
        var queue = "{\"id\":\"" + queueIds.get(number) + "\",\"name\":\"" + name(number) + "\",\"display_name\":null,\"num_tasks\":" + WAITING
                + ",\"next_task\":{\"id\":\"" + waiting.get(number).get(0) + "\",\"name\":\"train resnet50 on imagenet, fold 3\"}}";
        var task = tasks[i] == null ? "" : "\"task\":{\"id\":\"" + tasks[i] + "\",\"name\":\"train resnet50 on imagenet, fold 3\",\"running_time\":"
                + random.nextInt(10_000_000) + ",\"last_iteration\":" + random.nextInt(100_000) + "},\"project\":{\"id\":\"" + queueIds.get(0)
                + "\",\"name\":\"vision/classification/nightly\"},\"queue\":" + queue + ",";
        return ("{\"key\":\"worker_d1bd92a3b039400cbafc60a7a5b1e52b_" + queueIds.get(1) + "_" + worker + "\",\"id\":\"" + worker
                + "\",\"user\":{\"id\":\"" + queueIds.get(1) + "\",\"name\":\"Machines of Muster\"},"
                + "\"company\":{\"id\":\"d1bd92a3b039400cbafc60a7a5b1e52b\",\"name\":\"clearml\"},\"ip\":\"10.0." + i % 250 + "." + i / 250 % 250 + "\"," + task
                + "\"queues\":[" + queue + "],\"register_time\":\"2026-11-24T01:45:12.917000+00:00\",\"register_timeout\":600,"
                + "\"last_activity_time\":\"" + now + "\",\"last_report_time\":\"" + now + "\",\"tags\":[],\"system_tags\":[]}").getBytes(UTF_8);
    }

    private String queues(JsonNode fields) {
        var numbers = new ArrayList<Integer>();
        if (fields.has("id")) {
            fields.get("id").forEach(id -> numbers.add(queueById.get(id.asText())));
        } else {
            var wanted = fields.has("name") ? Pattern.compile(fields.get("name").asText()) : Pattern.compile("");
            // A scroll of this many would come in parts; the watcher asks for those by name.
            for (var i = 0; i < queueIds.size() && (fields.has("name") || numbers.size() < 499); i++) {
                if (wanted.matcher(name(i)).find()) {
                    numbers.add(i);
                }
            }
        }
        var answer = new StringBuilder("{\"queues\":[");
        for (var number : numbers) {
            answer.append(answer.charAt(answer.length() - 1) == '[' ? "" : ",").append("{\"id\":\"").append(queueIds.get(number)).append("\",\"name\":\"")
                    .append(name(number)).append("\",\"entries\":[");
            for (var task : waiting.get(number)) {
                answer.append(answer.charAt(answer.length() - 1) == '[' ? "" : ",")
                        .append("{\"task\":\"").append(task).append("\",\"added\":\"2026-11-24T01:45:12.917000+00:00\"}");
            }
            answer.append("]}");
        }
        return answer.append("]}").toString();
    }

    private static String tasks(JsonNode fields) {
        var answer = new StringBuilder("{\"tasks\":[");
        fields.path("id").forEach(id -> answer.append(answer.charAt(answer.length() - 1) == '[' ? "" : ",").append("{\"id\":\"").append(id.asText())
                .append("\",\"status\":\"in_progress\",\"status_reason\":\"\",\"last_worker\":\"muster-fleet0:gpu:g5.2xlarge:i-0\",\"user\":\"u\",\"project\":\"p\","
                        + "\"tags\":[\"muster:memory=64\"],\"system_tags\":[],\"last_update\":\"2026-11-24T01:45:12.917000+00:00\"}"));
        return answer.append("]}").toString();
    }

    private static String name(int queue) {
        return "queue-" + queue;
    }

    private String id() {
        return new UUID(random.nextLong(), random.nextLong()).toString().replace("-", "");
    }

    private static String time() {
        return Instant.now().toString().replace("Z", "+00:00");
    }

    @Override
    public void close() {
        http.close().toCompletionStage().toCompletableFuture().join();
    }
}
