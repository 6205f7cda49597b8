package dev.muster.sandbox.clearml;

import static dev.muster.sandbox.clearml.Caller.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Router;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The stand-in server over HTTP, on a clock that moves only when the test moves it. */
class ClearmlServerTest {

    /** Starts at a fixed time. */
    private static final class TestClock extends Clock {
        private volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");

        void advance(Duration by) {
            now = now.plus(by);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private final Vertx vertx = Vertx.vertx();
    private final TestClock clock = new TestClock();
    private ClearmlServer server;
    private Caller robot;
    private Caller colleague;
    private Caller stranger;
    private String queue;

    @BeforeEach
    void start() {
        server = ClearmlServer.start(vertx, 0, ClearmlConfig.of(
                new ClearmlConfig.Credential("key", "secret", "robot", "company"),
                new ClearmlConfig.Credential("key2", "secret2", "colleague", "company"),
                new ClearmlConfig.Credential("key3", "secret3", "stranger", "elsewhere")).withClock(clock));
        robot = new Caller(server.url(), "key", "secret");
        colleague = new Caller(server.url(), "key2", "secret2");
        stranger = new Caller(server.url(), "key3", "secret3");
        queue = robot.createQueue("work");
    }

    @AfterEach
    void stop() {
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private String task() {
        return robot.createTask(SampleTask.running("a task", Duration.ofSeconds(1)));
    }

    private String queued() {
        var task = task();
        robot.enqueue(task, queue);
        return task;
    }

    private String popped() {
        return robot.data("queues.get_next_task", "{'queue':'" + queue + "'}").path("entry").path("task").asText();
    }

    private String move(String endpoint, String task) {
        return robot.call(endpoint, "{'task':'" + task + "'}").code();
    }

    private JsonNode read(String task) {
        return robot.data("tasks.get_by_id", "{'task':'" + task + "'}").path("task");
    }

    private List<String> entries() {
        var ids = new ArrayList<String>();
        robot.data("queues.get_by_id", "{'queue':'" + queue + "'}").path("queue").path("entries").forEach(entry -> ids.add(entry.path("task").asText()));
        return ids;
    }

    private List<String> workers() {
        var ids = new ArrayList<String>();
        robot.data("workers.get_all", "{}").path("workers").forEach(worker -> ids.add(worker.path("id").asText()));
        return ids;
    }

    // The envelope.

    @Test
    void answersInTheEnvelopeWithTheVersionAsked() {
        var reply = robot.send("POST", "/v2.34/queues.get_all", "application/json", "{}");
        var meta = reply.envelope().path("meta");

        assertThat(meta.path("id").asText()).matches("[0-9a-f]{32}");
        assertThat(meta.path("endpoint")).isEqualTo(json("{'name':'queues.get_all','requested_version':'2.34','actual_version':'2.4'}"));
        assertThat(meta.path("result_code").asInt()).isEqualTo(200);
        assertThat(meta.path("result_msg").asText()).isEqualTo("OK");
        assertThat(meta.path("error_stack").isNull()).isTrue();
        assertThat(meta.path("error_data")).isEmpty();
    }

    @Test
    void versionsBelowTwoPointOneAreNumbers() {
        var endpoint = robot.send("GET", "/v1.9/queues.get_all", null, null).envelope().path("meta").path("endpoint");
        assertThat(endpoint.path("requested_version").isDouble()).isTrue();
        assertThat(endpoint.path("actual_version").asDouble()).isEqualTo(1.9);
    }

    @Test
    void takesAnyVersionAnyMethodAndFieldsFromBodyQueryOrForm() {
        assertThat(robot.send("GET", "/queues.get_all", null, null).status()).isEqualTo(200);
        assertThat(robot.send("PUT", "/v2.99/queues.get_all", "application/json", "{}").status()).isEqualTo(200);
        assertThat(robot.send("GET", "/queues.get_by_id?queue=" + queue, null, null).data().path("queue").path("name").asText()).isEqualTo("work");
        assertThat(robot.send("POST", "/queues.get_by_id", "application/x-www-form-urlencoded", "queue=" + queue).status()).isEqualTo(200);
        assertThat(robot.send("GET", "/queues.get_all?id=" + queue + "&id=x&page_size=5", null, null).data().path("queues")).hasSize(1);
        assertThat(robot.send("POST", "/v9x/queues.get_all", null, "{}").code()).isEqualTo("400/2");
    }

    @Test
    void refusesWhatItCannotRead() {
        assertThat(robot.send("POST", "/queues.get_all", "application/json", "{", "Accept", "*/*").code()).isEqualTo("400/12");
        assertThat(robot.send("POST", "/queues.get_all", "application/json", "[]").code()).isEqualTo("400/12");
        assertThat(robot.send("POST", "/queues.get_all", "application/json", "{}", "Content-Encoding", "gzip").status()).isEqualTo(415);
        assertThat(robot.call("queues.get_the_moon", "{}").code()).isEqualTo("404/0");
        assertThat(robot.call("queues.get_by_id", "{}").code()).isEqualTo("400/11");
        assertThat(robot.call("queues.get_by_id", "{'queue':{}}").code()).isEqualTo("400/12");
        assertThat(robot.call("queues.get_all", "{'page_size':0}").code()).isEqualTo("400/12");
        assertThat(robot.call("queues.get_all", "{'name':'('}").code()).isEqualTo("400/21");
    }

    // Logging in.

    @Test
    void aTokenSaysWhoItIsFor() throws Exception {
        var token = robot.data("auth.login", "{'expiration_sec':3600}").path("token").asText();
        var claims = json(new String(Base64.getUrlDecoder().decode(token.split("\\.")[1]), StandardCharsets.UTF_8));

        assertThat(claims.path("exp").asLong() - claims.path("iat").asLong()).isEqualTo(3600);
        assertThat(claims.path("feature_set").asText()).isEqualTo("basic");
        assertThat(claims.path("api_version").asText()).isEqualTo("2.34");
        assertThat(claims.path("identity")).isEqualTo(
                json("{'user':'robot','company':'company','role':'user','user_name':'robot','company_name':'company'}"));
        assertThat(new Caller(server.url(), "Bearer " + token).data("users.get_current_user", "{}").path("user").path("id").asText()).isEqualTo("robot");
    }

    @Test
    void aTokenEndsWithItsLife() {
        var bearer = new Caller(server.url(), "Bearer " + robot.data("auth.login", "{'expiration_sec':60}").path("token").asText());
        assertThat(bearer.call("queues.get_all", "{}").status()).isEqualTo(200);

        clock.advance(Duration.ofSeconds(60));

        assertThat(bearer.call("queues.get_all", "{}").code()).isEqualTo("401/30");
        assertThat(robot.call("auth.login", "{'expiration_sec':31536001}").code()).isEqualTo("400/12");
    }

    @Test
    void saysHowALoginFailed() {
        assertThat(new Caller(server.url(), null).call("queues.get_all", "{}").code()).isEqualTo("401/20");
        assertThat(new Caller(server.url(), "Digest abc").call("queues.get_all", "{}").code()).isEqualTo("401/10");
        assertThat(new Caller(server.url(), "Basic %%%").call("queues.get_all", "{}").code()).isEqualTo("401/21");
        assertThat(new Caller(server.url(), "key", "wrong").call("auth.login", "{}").code()).isEqualTo("401/22");
        assertThat(new Caller(server.url(), "Bearer a.b.c").call("queues.get_all", "{}").code()).isEqualTo("401/30");
        assertThat(new Caller(server.url(), null).call("debug.ping", "{}").status()).isEqualTo(200);
        assertThat(new Caller(server.url(), null).call("server.info", "{}").data().path("api_version").asText()).isEqualTo("2.34");
    }

    @Test
    void companiesSeeOnlyTheirOwn() {
        var task = queued();

        assertThat(stranger.call("queues.get_by_id", "{'queue':'" + queue + "'}").code()).isEqualTo("400/701");
        assertThat(stranger.call("tasks.get_by_id", "{'task':'" + task + "'}").code()).isEqualTo("400/101");
        assertThat(stranger.data("queues.get_all", "{}").path("queues")).hasSize(1);
        assertThat(colleague.data("tasks.get_by_id", "{'task':'" + task + "'}").path("task").path("user").asText()).isEqualTo("robot");
    }

    // Queues.

    @Test
    void pagesAreCappedAndScrollsRunOut() {
        for (int i = 0; i < 600; i++) {
            robot.createQueue("queue " + i);
        }

        assertThat(robot.data("queues.get_all", "{}").path("queues")).hasSize(500);
        assertThat(robot.data("queues.get_all", "{'page':0,'page_size':9999}").path("queues")).hasSize(500);
        assertThat(robot.data("queues.get_all", "{'page':1,'page_size':500}").path("queues")).hasSize(102);

        var names = new HashSet<String>();
        var scroll = robot.data("queues.get_all", "{'size':250}");
        var sizes = new ArrayList<Integer>();
        while (!scroll.path("queues").isEmpty()) {
            sizes.add(scroll.path("queues").size());
            scroll.path("queues").forEach(row -> names.add(row.path("name").asText()));
            scroll = robot.data("queues.get_all", "{'size':250,'scroll_id':'" + scroll.path("scroll_id").asText() + "'}");
        }
        assertThat(sizes).containsExactly(250, 250, 102);
        assertThat(names).hasSize(602);

        clock.advance(Duration.ofSeconds(600));
        assertThat(robot.call("queues.get_all", "{'size':250,'scroll_id':'" + scroll.path("scroll_id").asText() + "'}").code()).isEqualTo("400/1104");
    }

    @Test
    void queueNamesAreUniqueAndAtLeastThreeCharacters() {
        assertThat(robot.call("queues.create", "{'name':'work'}").code()).isEqualTo("400/801");
        assertThat(robot.call("queues.create", "{'name':'ab'}").code()).isEqualTo("400/12");
        assertThat(stranger.call("queues.create", "{'name':'work'}").status()).isEqualTo(200);
    }

    @Test
    void theGluesQueueIsHiddenUnlessAskedFor() {
        var hidden = robot.data("queues.create", "{'name':'k8s_scheduler','system_tags':['k8s-glue']}").path("id").asText();

        assertThat(robot.data("queues.get_all", "{}").path("queues")).extracting(row -> row.path("name").asText()).containsExactly("default", "work");
        assertThat(robot.data("queues.get_all", "{'search_hidden':true}").path("queues")).hasSize(3);
        assertThat(robot.data("queues.get_all", "{'id':['" + hidden + "']}").path("queues")).hasSize(1);
        assertThat(robot.data("queues.get_all", "{'name':'k8s'}").path("queues")).hasSize(1);
    }

    @Test
    void onlyFieldsFollowDottedPathsAndTheIdIsAlwaysThere() {
        var task = queued();

        assertThat(robot.data("queues.get_all", "{'name':'^work$','only_fields':['name','entries.task']}").path("queues").path(0))
                .isEqualTo(json("{'id':'" + queue + "','name':'work','entries':[{'task':'" + task + "'}]}"));
        assertThat(robot.data("tasks.get_all", "{'id':['" + task + "'],'only_fields':['execution.queue','hyperparams.General.seconds.value']}").path("tasks").path(0))
                .isEqualTo(json("{'id':'" + task + "','execution':{'queue':'" + queue + "'},'hyperparams':{'General':{'seconds':{'value':'1'}}}}"));
        assertThat(robot.data("queues.get_all", "{'id':['" + queue + "'],'max_task_entries':0}").path("queues").path(0).path("entries")).isEmpty();
    }

    @Test
    void aPopTakesTheHeadAndRecordsNobody() {
        var first = queued();
        queued();
        var before = read(first);

        assertThat(popped()).isEqualTo(first);

        assertThat(read(first)).isEqualTo(before);
        assertThat(robot.data("queues.get_next_task", "{'queue':'" + queue + "','task':'other'}")).isEmpty();
        assertThat(robot.data("queues.get_next_task", "{'queue':'" + queue + "','get_task_info':true}").path("task_info"))
                .isEqualTo(json("{'company':'company','user':'robot'}"));
        assertThat(robot.data("queues.get_next_task", "{'queue':'" + queue + "'}")).isEmpty();
        assertThat(robot.call("queues.get_next_task", "{'queue':'nothing'}").code()).isEqualTo("400/701");
    }

    @Test
    void everyTaskIsPoppedOnceHoweverManyAskAtOnce() throws Exception {
        var tasks = new HashSet<String>();
        for (int i = 0; i < 200; i++) {
            tasks.add(queued());
        }
        var threads = Executors.newFixedThreadPool(8);
        Callable<List<String>> agent = () -> {
            var mine = new ArrayList<String>();
            for (var task = popped(); !task.isEmpty(); task = popped()) {
                mine.add(task);
            }
            return mine;
        };

        var popped = new ArrayList<String>();
        for (var one : threads.invokeAll(java.util.Collections.nCopies(8, agent))) {
            popped.addAll(one.get());
        }
        threads.shutdown();

        assertThat(popped).hasSize(200);
        assertThat(new HashSet<>(popped)).isEqualTo(tasks);
    }

    @Test
    void entriesMoveWithinTheirQueue() {
        var a = queued();
        var b = queued();
        var c = queued();

        assertThat(robot.data("queues.move_task_to_front", "{'queue':'" + queue + "','task':'" + c + "'}").path("position").asInt()).isZero();
        assertThat(entries()).containsExactly(c, a, b);
        robot.data("queues.move_task_backward", "{'queue':'" + queue + "','task':'" + c + "','count':1}");
        assertThat(entries()).containsExactly(a, c, b);
        robot.data("queues.move_task_to_back", "{'queue':'" + queue + "','task':'" + a + "'}");
        robot.data("queues.move_task_forward", "{'queue':'" + queue + "','task':'" + b + "','count':9}");
        assertThat(entries()).containsExactly(b, c, a);
        assertThat(robot.call("queues.move_task_to_front", "{'queue':'" + queue + "','task':'x'}").code()).isEqualTo("400/703");
    }

    @Test
    void aClaimSucceedsOnce() {
        var task = queued();
        var claim = "{'queue':'" + queue + "','task':'" + task + "'}";

        assertThat(robot.data("queues.remove_task", claim).path("removed").asInt()).isEqualTo(1);
        assertThat(robot.call("queues.remove_task", claim).code()).isEqualTo("400/703");
        assertThat(robot.status(task)).isEqualTo("queued");
        robot.data("queues.add_task", claim);
        assertThat(robot.call("queues.add_task", claim).code()).isEqualTo("400/706");
    }

    @Test
    void aFullQueueIsDeletedOnlyByForce() {
        var task = queued();

        assertThat(robot.call("queues.delete", "{'queue':'" + queue + "'}").code()).isEqualTo("400/702");
        assertThat(robot.data("queues.clear_queue", "{'queue':'" + queue + "'}").path("removed_tasks")).hasSize(1);
        assertThat(robot.status(task)).isEqualTo("created");
        assertThat(robot.call("queues.delete", "{'queue':'" + queue + "'}").status()).isEqualTo(200);
        assertThat(robot.call("queues.get_by_id", "{'queue':'" + queue + "'}").code()).isEqualTo("400/701");
    }

    // Workers.

    @Test
    void aWorkerAppearsWithItsFirstReportAndGoesWithoutReports() {
        robot.data("workers.status_report", "{'worker':'p:r:t:i-1','timestamp':1,'queues':['" + queue + "']}");
        robot.data("workers.register", "{'worker':'p:r:t:i-2','queues':['" + queue + "'],'timeout':60}");
        assertThat(workers()).containsExactly("p:r:t:i-1", "p:r:t:i-2");

        clock.advance(Duration.ofSeconds(60));
        assertThat(workers()).containsExactly("p:r:t:i-1");
        robot.data("workers.status_report", "{'worker':'p:r:t:i-1','timestamp':1}");
        clock.advance(Duration.ofSeconds(599));
        assertThat(workers()).containsExactly("p:r:t:i-1");
        assertThat(robot.data("workers.get_all", "{'last_seen':100}").path("workers")).isEmpty();
        assertThat(robot.data("workers.get_all", "{'last_seen':0}").path("workers")).hasSize(1);
        clock.advance(Duration.ofSeconds(1));
        assertThat(workers()).isEmpty();
    }

    @Test
    void onlyItsOwnUserUnregistersAWorkerAndNobodyIsTold() {
        robot.data("workers.register", "{'worker':'w','queues':[]}");
        colleague.data("workers.register", "{'worker':'w','queues':[]}");
        assertThat(robot.data("workers.get_all", "{}").path("workers")).extracting(row -> row.path("key").asText())
                .containsExactly("worker_company_robot_w", "worker_company_colleague_w");

        colleague.data("workers.unregister", "{'worker':'w'}");
        colleague.data("workers.unregister", "{'worker':'w'}");

        assertThat(robot.data("workers.get_all", "{}").path("workers")).extracting(row -> row.path("user").path("id").asText()).containsExactly("robot");
        assertThat(stranger.data("workers.get_all", "{}").path("workers")).isEmpty();
    }

    @Test
    void aReportNamesTheTaskOnBothSides() {
        var task = queued();
        var next = queued();
        popped();
        move("tasks.started", task);
        clock.advance(Duration.ofSeconds(12));

        robot.data("workers.status_report", "{'worker':'w','timestamp':1,'task':'" + task + "','queue':'" + queue + "','queues':['" + queue + "']}");

        var worker = robot.data("workers.get_all", "{}").path("workers").path(0);
        assertThat(worker.path("task")).isEqualTo(json("{'id':'" + task + "','name':'a task','running_time':12000,'last_iteration':0}"));
        assertThat(worker.path("queue")).isEqualTo(json("{'id':'" + queue + "','name':'work','display_name':'work','num_tasks':1,'next_task':{'id':'"
                + next + "','name':'a task'}}"));
        assertThat(read(task).path("last_worker").asText()).isEqualTo("w");
        assertThat(read(task).path("last_update").asText()).isEqualTo("2026-01-01T00:00:12.000000+00:00");

        robot.data("workers.status_report", "{'worker':'w','timestamp':1}");
        assertThat(robot.data("workers.get_all", "{}").path("workers").path(0).has("task")).isFalse();
        assertThat(robot.call("workers.status_report", "{'worker':'w','timestamp':1,'task':'x'}").code()).isEqualTo("400/101");
        assertThat(robot.call("workers.register", "{'worker':'w','queues':['x']}").code()).isEqualTo("400/701");
    }

    @Test
    void patternsAreGlobs() {
        for (var id : List.of("a:b:c:i-1", "a:b:c:i-2", "ab:b:c:i-3")) {
            robot.data("workers.register", "{'worker':'" + id + "','queues':[]}");
        }

        assertThat(robot.data("workers.get_all", "{'worker_pattern':'a:*'}").path("workers")).hasSize(2);
        assertThat(robot.data("workers.get_all", "{'worker_pattern':'a?:*'}").path("workers")).hasSize(1);
        assertThat(robot.data("workers.get_all", "{'worker_pattern':'*i-[12]'}").path("workers")).hasSize(2);
        assertThat(robot.data("workers.get_count", "{'worker_pattern':'a*'}").path("count").asInt()).isEqualTo(3);
    }

    // Tasks.

    @Test
    void statusesMoveOnlyAsTheTableSays() {
        var allowed = new TreeMap<String, String>();
        allowed.put("created", "queued in_progress");
        allowed.put("queued", "created in_progress stopped");
        allowed.put("in_progress", "stopped failed created completed");
        allowed.put("stopped", "closed created failed queued in_progress published publishing completed");
        allowed.put("failed", "created stopped published queued");
        allowed.put("completed", "published in_progress created");
        allowed.put("closed", "created failed published publishing stopped");

        for (var from : TaskStatus.values()) {
            for (var to : TaskStatus.values()) {
                assertThat(from.mayBecome(to)).as(from + " -> " + to)
                        .isEqualTo(List.of(allowed.getOrDefault(from.wire(), "").split(" ")).contains(to.wire()));
            }
        }
    }

    @Test
    void anIllegalMoveIsRefusedUnlessForced() {
        var task = task();

        assertThat(move("tasks.completed", task)).isEqualTo("400/110");
        assertThat(move("tasks.started", task)).isEqualTo("200/0");
        assertThat(move("tasks.started", task)).isEqualTo("200/0");
        assertThat(robot.call("tasks.enqueue", "{'task':'" + task + "','queue':'" + queue + "'}").code()).isEqualTo("400/110");
        assertThat(move("tasks.completed", task)).isEqualTo("200/0");
        assertThat(move("tasks.stopped", task)).isEqualTo("400/110");
        assertThat(robot.call("tasks.stopped", "{'task':'" + task + "','force':true}").status()).isEqualTo(200);
        assertThat(move("tasks.stopped", "nothing")).isEqualTo("400/101");
    }

    @Test
    void aLostRaceIsReportedAsTheServerDoes() {
        var task = task();
        server.faults().add(Faults.Fault.lostRace("tasks.started").times(1));

        assertThat(move("tasks.started", task)).isEqualTo("400/121");
        assertThat(robot.status(task)).isEqualTo("created");
        assertThat(move("tasks.started", task)).isEqualTo("200/0");
    }

    @Test
    void anEnqueueMovesTheTaskToTheTailOfOneQueue() {
        var other = robot.createQueue("other");
        var first = queued();
        var second = queued();

        robot.data("tasks.enqueue", "{'task':'" + first + "','queue':'" + other + "','force':true}");
        assertThat(entries()).containsExactly(second);
        assertThat(robot.data("queues.get_num_entries", "{'queue':'" + other + "'}").path("num").asInt()).isEqualTo(1);
        assertThat(read(first).path("execution").path("queue").asText()).isEqualTo(other);

        var answer = robot.data("tasks.enqueue", "{'task':'" + task() + "','queue_name':'made on the way','verify_watched_queue':true}");
        assertThat(answer.path("queue_watched").asBoolean(true)).isFalse();
        assertThat(robot.data("queues.get_all", "{'name':'^made on the way$'}").path("queues")).hasSize(1);
        assertThat(robot.call("tasks.enqueue", "{'task':'" + task() + "'}").status()).isEqualTo(200);
    }

    @Test
    void aDequeueGoesBackToWhatTheTaskWas() {
        var fresh = queued();
        robot.data("tasks.dequeue", "{'task':'" + fresh + "'}");
        assertThat(robot.status(fresh)).isEqualTo("created");

        var stopped = task();
        move("tasks.started", stopped);
        move("tasks.stopped", stopped);
        robot.enqueue(stopped, queue);
        robot.data("tasks.dequeue", "{'task':'" + stopped + "'}");
        assertThat(robot.status(stopped)).isEqualTo("stopped");

        var taken = queued();
        popped();
        assertThat(robot.data("tasks.dequeue", "{'task':'" + taken + "'}").path("dequeued").asInt()).isZero();
        assertThat(robot.status(taken)).isEqualTo("queued");
        assertThat(robot.call("tasks.dequeue", "{'task':'" + fresh + "'}").code()).isEqualTo("400/110");
    }

    @Test
    void aStopOfARunningTaskWaitsForItsWorker() {
        var task = queued();
        popped();
        move("tasks.started", task);
        robot.data("workers.status_report", "{'worker':'w','timestamp':1,'task':'" + task + "'}");

        assertThat(move("tasks.stop", task)).isEqualTo("200/0");
        assertThat(robot.status(task)).isEqualTo("in_progress");
        assertThat(read(task).path("status_message").asText()).isEqualTo("stopping");

        clock.advance(Duration.ofSeconds(600));
        move("tasks.stop", task);
        assertThat(robot.status(task)).isEqualTo("stopped");

        var waiting = queued();
        move("tasks.stop", waiting);
        assertThat(robot.status(waiting)).isEqualTo("stopped");
        assertThat(entries()).isEmpty();
    }

    @Test
    void aRescueIsStoppedThenEnqueuedThenMovedToTheFront() {
        var lost = queued();
        popped();
        move("tasks.started", lost);
        queued();

        robot.data("tasks.stopped", "{'task':'" + lost + "','force':true,'status_reason':'rescue 1'}");
        assertThat(read(lost).path("status_reason").asText()).isEqualTo("rescue 1");
        robot.enqueue(lost, queue);
        robot.data("queues.move_task_to_front", "{'queue':'" + queue + "','task':'" + lost + "'}");

        assertThat(popped()).isEqualTo(lost);
        assertThat(server.books().tasks().get(0).pops()).isEqualTo(2);
    }

    @Test
    void aResetForgetsTheRun() {
        var task = queued();
        popped();
        move("tasks.started", task);
        robot.data("workers.status_report", "{'worker':'w','timestamp':1,'task':'" + task + "'}");
        robot.send("POST", "/events.add_batch", "application/json-lines", "{\"type\":\"log\",\"task\":\"" + task + "\",\"msg\":\"hello\"}\n");
        assertThat(server.log(task)).containsExactly("hello");

        robot.data("tasks.reset", "{'task':'" + task + "'}");

        assertThat(robot.status(task)).isEqualTo("created");
        assertThat(server.log(task)).isEmpty();
        assertThat(read(task).has("last_worker")).isFalse();
        assertThat(read(task).path("execution").has("queue")).isFalse();
    }

    @Test
    void theWatchdogStopsWhatIsSilentForTwoHours() {
        var silent = task();
        move("tasks.started", silent);
        clock.advance(Duration.ofSeconds(7000));
        var talking = task();
        move("tasks.started", talking);
        clock.advance(Duration.ofSeconds(201));

        assertThat(server.runWatchdog()).isEqualTo(1);

        assertThat(robot.status(silent)).isEqualTo("stopped");
        assertThat(read(silent).path("status_reason").asText()).isEqualTo("Forced stop (non-responsive)");
        assertThat(robot.status(talking)).isEqualTo("in_progress");
    }

    @Test
    void anEditNeedsANewTaskOrForceAndReplacesMapsWhole() {
        var task = task();
        robot.data("tasks.edit", "{'task':'" + task + "','runtime':{'a':'1'},'container':{'image':'x'},'script':{'branch':'main'}}");
        robot.data("tasks.edit", "{'task':'" + task + "','runtime':{'b':'2'}}");
        assertThat(read(task).path("runtime")).isEqualTo(json("{'b':'2'}"));
        assertThat(read(task).path("script").path("branch").asText()).isEqualTo("main");
        assertThat(read(task).path("script").path("entry_point").asText()).isEqualTo("sample.py");

        move("tasks.started", task);
        assertThat(robot.call("tasks.edit", "{'task':'" + task + "','runtime':{}}").code()).isEqualTo("400/110");
        assertThat(robot.call("tasks.edit", "{'task':'" + task + "','runtime':{},'force':true}").status()).isEqualTo(200);
        robot.data("tasks.edit_runtime", "{'task':'" + task + "','add_or_update':{'c':'3'},'remove':['b']}");
        assertThat(read(task).path("runtime")).isEqualTo(json("{'c':'3'}"));
        robot.data("tasks.edit_hyper_params", "{'task':'" + task + "','hyperparams':[{'section':'properties','name':'p','value':'v'}]}");
        assertThat(read(task).path("hyperparams").path("properties").path("p").path("value").asText()).isEqualTo("v");
    }

    @Test
    void tasksAreFoundByWhatTheyAre() {
        var running = queued();
        var waiting = queued();
        var hidden = robot.data("tasks.create", "{'name':'hidden','type':'testing','system_tags':['hidden'],'tags':['red','blue']}").path("id").asText();
        popped();
        move("tasks.started", running);

        assertThat(found("'status':['in_progress'],'execution.queue':['" + queue + "']")).containsExactly(running);
        assertThat(found("'status':['-in_progress']")).containsExactly(waiting);
        assertThat(found("'type':['testing']")).isEmpty();
        assertThat(found("'type':['testing'],'search_hidden':true")).containsExactly(hidden);
        assertThat(found("'id':['" + hidden + "','nothing']")).containsExactly(hidden);
        assertThat(found("'tags':['red','green'],'search_hidden':true")).containsExactly(hidden);
        assertThat(found("'tags':['__$all','red','green'],'search_hidden':true")).isEmpty();
        assertThat(found("'tags':['-red'],'search_hidden':true")).doesNotContain(hidden).hasSize(2);
        assertThat(found("'order_by':['-created'],'page':0,'page_size':1")).hasSize(1);
        assertThat(robot.call("tasks.get_all", "{'status':['nonsense']}").code()).isEqualTo("400/12");
    }

    private List<String> found(String filters) {
        var ids = new ArrayList<String>();
        robot.data("tasks.get_all", "{" + filters + "}").path("tasks").forEach(task -> ids.add(task.path("id").asText()));
        return ids;
    }

    @Test
    void manyAtOnceSayWhichFailed() {
        var good = task();

        var answer = robot.data("tasks.enqueue_many", "{'ids':['" + good + "','nothing'],'queue':'" + queue + "'}");

        assertThat(answer.path("succeeded").path(0).path("id").asText()).isEqualTo(good);
        assertThat(answer.path("succeeded").path(0).path("queued").asBoolean()).isTrue();
        assertThat(answer.path("failed").path(0).path("error").path("codes")).extracting(JsonNode::asInt).containsExactly(400, 101);
    }

    @Test
    void aLogIsReadInPages() {
        var task = task();
        var lines = new StringBuilder();
        for (int i = 1; i <= 5; i++) {
            lines.append("{\"type\":\"log\",\"task\":\"").append(task).append("\",\"msg\":\"line ").append(i).append("\",\"timestamp\":").append(i).append("}\n");
        }
        assertThat(robot.send("POST", "/events.add_batch", "application/json-lines", lines.toString()).data().path("added").asInt()).isEqualTo(5);

        var newest = robot.data("events.get_task_log", "{'task':'" + task + "','batch_size':2}");
        assertThat(newest.path("events")).extracting(event -> event.path("msg").asText()).containsExactly("line 5", "line 4");
        assertThat(newest.path("total").asInt()).isEqualTo(5);
        assertThat(robot.data("events.get_task_log", "{'task':'" + task + "','batch_size':2,'from_timestamp':4}").path("events"))
                .extracting(event -> event.path("msg").asText()).containsExactly("line 3", "line 2");
        assertThat(robot.data("events.get_task_log", "{'task':'" + task + "','navigate_earlier':false}").path("events"))
                .extracting(event -> event.path("msg").asText()).first().isEqualTo("line 1");
        assertThat(robot.send("POST", "/events.add_batch", "application/json-lines", "{\"type\":\"log\",\"task\":\"x\",\"msg\":\"m\"}").code()).isEqualTo("400/101");
    }

    @Test
    void theBooksTellWhatTheApiDoesNot() {
        var task = queued();
        popped();
        move("tasks.started", task);
        robot.data("workers.status_report", "{'worker':'w1','timestamp':1,'task':'" + task + "'}");
        clock.advance(Duration.ofSeconds(5));
        move("tasks.completed", task);

        var books = server.books();

        assertThat(books.byStatus()).containsEntry("completed", 1);
        assertThat(books.ranMoreThanOnce()).isEmpty();
        var book = books.tasks().get(0);
        assertThat(book.queue()).isEqualTo("work");
        assertThat(book.pops()).isEqualTo(1);
        assertThat(book.starts()).isEqualTo(1);
        assertThat(book.workers()).containsExactly("w1");
        assertThat(book.steps()).extracting(Books.Step::what).containsExactly("queued", "added", "popped", "in_progress", "reported", "completed");
        assertThat(book.steps()).extracting(Books.Step::worker).containsExactly(null, null, null, null, "w1", null);
        assertThat(Duration.between(book.started(), book.ended())).isEqualTo(Duration.ofSeconds(5));

        robot.data("tasks.reset", "{'task':'" + task + "'}");
        move("tasks.started", task);
        assertThat(server.books().ranMoreThanOnce()).hasSize(1);
    }

    // Faults and the routes beside the API.

    @Test
    void faultsStrikeAsOftenAsAsked() {
        server.faults().add(Faults.Fault.error("queues.*", 503, 0).times(2));
        server.faults().add(Faults.Fault.unauthorized("workers.get_all"));

        assertThat(robot.call("queues.get_all", "{}").code()).isEqualTo("503/0");
        assertThat(robot.call("tasks.get_all", "{}").status()).isEqualTo(200);
        assertThat(robot.call("queues.get_default", "{}").code()).isEqualTo("503/0");
        assertThat(robot.call("queues.get_all", "{}").status()).isEqualTo(200);
        assertThat(robot.call("workers.get_all", "{}").code()).isEqualTo("401/30");
        server.faults().clear();
        assertThat(robot.call("workers.get_all", "{}").status()).isEqualTo(200);
        assertThat(server.faults().struck()).isEqualTo(3);
    }

    @Test
    void aCutBodyIsAnAppliedCallWhoseAnswerIsLost() {
        var task = queued();
        server.faults().add(Faults.Fault.cutBody("queues.get_next_task").times(1));

        assertThatThrownBy(this::popped).isInstanceOf(UncheckedIOException.class);

        assertThat(entries()).isEmpty();
        assertThat(robot.status(task)).isEqualTo("queued");
    }

    @Test
    void aStalledCallIsNeverAppliedAndASlowOneIsLate() {
        var task = queued();
        server.faults().add(Faults.Fault.stall("queues.get_next_task").times(1));
        server.faults().add(Faults.Fault.slow("tasks.get_by_id", Duration.ofMillis(300)).times(1));
        var pops = Executors.newSingleThreadExecutor();
        var stalled = pops.submit(this::popped);
        Await.until(Duration.ofSeconds(10), () -> "the stall has not struck", () -> server.faults().struck() == 1);

        long before = System.nanoTime();
        assertThat(robot.status(task)).isEqualTo("queued");

        assertThat(Duration.ofNanos(System.nanoTime() - before)).isGreaterThan(Duration.ofMillis(290));
        assertThat(entries()).containsExactly(task);
        assertThat(stalled.isDone()).isFalse();
        pops.shutdownNow();
    }

    @Test
    void theAdminRoutesSetFaultsAndShowTheBooks() {
        var router = Router.router(vertx);
        server.mountAdmin(router, "/clearml");
        var http = vertx.createHttpServer().requestHandler(router).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
        var admin = new Caller("http://127.0.0.1:" + http.actualPort(), null);
        queued();

        var id = admin.send("POST", "/clearml/faults", null, "{\"endpoints\":\"queues.*\",\"kind\":\"slow\",\"ms\":1,\"times\":3}").envelope().path("id").asLong();
        assertThat(admin.send("GET", "/clearml/faults", null, null).envelope().path("standing").path(0))
                .isEqualTo(json("{'id':" + id + ",'endpoints':'queues.*','kind':'slow','times':3,'ms':1}"));
        assertThat(admin.send("DELETE", "/clearml/faults/" + id, null, null).status()).isEqualTo(200);
        assertThat(admin.send("DELETE", "/clearml/faults/" + id, null, null).status()).isEqualTo(404);
        assertThat(admin.send("POST", "/clearml/faults", null, "{\"kind\":\"odd\"}").envelope().path("error").asText()).contains("kind is \"odd\"");
        assertThat(admin.send("POST", "/clearml/faults", null, "{\"kind\":\"stall\",\"often\":1}").envelope().path("error").asText()).contains("\"often\"");
        assertThat(admin.send("POST", "/clearml/faults", null, "nonsense").status()).isEqualTo(400);
        var books = admin.send("GET", "/clearml/books", null, null).envelope();
        assertThat(books.path("count").asInt()).isEqualTo(1);
        assertThat(books.path("tasks").path(0).path("enqueued").asText()).isEqualTo("2026-01-01T00:00:00Z");
        assertThat(admin.send("GET", "/clearml/books?brief=true", null, null).envelope().path("tasks")).isEmpty();
        assertThat(admin.send("GET", "/clearml/calls", null, null).envelope().path("tasks.enqueue").asInt()).isEqualTo(1);
    }

    @Test
    void aTakenPortIsNamed() {
        assertThatThrownBy(() -> ClearmlServer.start(vertx, server.port(), ClearmlConfig.of(new ClearmlConfig.Credential("a", "b", "c", "d"))))
                .isInstanceOf(UncheckedIOException.class).hasMessageContaining("port " + server.port());
    }
}
