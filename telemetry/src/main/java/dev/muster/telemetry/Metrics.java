package dev.muster.telemetry;

import static dev.muster.telemetry.Metric.counter;
import static dev.muster.telemetry.Metric.gauge;
import static dev.muster.telemetry.Metric.histogram;

import java.time.Duration;
import java.util.List;
import java.util.stream.DoubleStream;

/** Every figure of Muster's own that a service shows: the one place where names and labels are. {@code docs/metrics.md} is made of it. */
public final class Metrics {

    private static final List<String> PLANNER = List.of("planner");
    private static final List<String> WATCHER = List.of("queue-watcher");
    private static final List<String> PROVISIONERS = List.of("aws-provisioner", "gcp-provisioner", "k8s-provisioner");
    private static final List<String> EVERY = List.of("planner", "queue-watcher", "aws-provisioner", "gcp-provisioner", "k8s-provisioner");

    private static final List<Duration> CALLS = seconds(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30);
    /** The target is a median of 0.65 s and 1.3 s for 99 of 100. */
    private static final List<Duration> REACTION = seconds(0.25, 0.5, 0.65, 1, 1.3, 2, 3, 5, 10, 30, 60, 300, 900, 3600);
    /** The classes of waits in history, and some between. */
    private static final List<Duration> STARTS = seconds(1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 14_400);
    private static final List<Duration> BOOTS = seconds(5, 15, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800);
    private static final List<Duration> PLANNING = seconds(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5);

    // Every service.

    public static final Metric SERVICE_READY = gauge("muster_service_ready", "0 or 1", EVERY, List.of("service"),
            "Whether `/q/health/ready` says so.");
    public static final Metric DEAD_LETTERS = counter("muster_dead_letters_total", "records", EVERY, List.of("topic"),
            "Records that could not be used and went to the topic `dead-letters`, by the topic that they were read from.");
    public static final Metric INPUT_LAG = gauge("muster_input_lag_records", "records", EVERY, List.of("topic"),
            "Records of the partitions that this process owns which are there and were not yet handed to it.");
    public static final Metric CLOCK_SKEW = gauge("muster_clock_skew_seconds", "seconds", List.of("queue-watcher", "aws-provisioner", "gcp-provisioner", "k8s-provisioner"),
            List.of(), "How far Kafka's clock is from this process's; at 5 s it is not ready.");

    // What waits and how fast it is served.

    public static final Metric WAITING_TASKS = gauge("muster_queue_waiting_tasks", "tasks", PLANNER, List.of("fleet", "queue"),
            "Tasks that wait in a queue of the fleet, as last seen.");
    public static final Metric OLDEST_WAIT = gauge("muster_queue_oldest_wait_seconds", "seconds", PLANNER, List.of("fleet", "queue"),
            "How long the oldest of them has waited, by ClearML's time of its entry; 0: none waits.");
    public static final Metric ADRIFT_TASKS = gauge("muster_tasks_adrift", "tasks", PLANNER, List.of("fleet"),
            "Tasks that left a queue and are on no worker, as last seen.");
    public static final Metric LAUNCH_REACTION = histogram("muster_launch_reaction_seconds", REACTION, PLANNER, List.of("fleet", "blocked"),
            "From a task's entry into its queue to the launch call at the cloud, for each machine launched for a queue: it is held against the newest waiting tasks, "
                    + "one for each machine. `blocked` is `true` where a limit, a budget or another refusal held the queue until then.");
    public static final Metric TASK_START = histogram("muster_task_start_seconds", STARTS, PLANNER, List.of("fleet"),
            "From a task's entry into its queue until it ran, both by ClearML's clock.");
    public static final Metric DEMAND_AGE = gauge("muster_demand_age_seconds", "seconds", PLANNER, List.of("fleet"),
            "Since the last good look at the fleet's queues reached its planner; at 15 s, or three intervals, the fleet is held.");

    // Machines.

    public static final Metric MACHINES = gauge("muster_machines", "machines", PLANNER, List.of("fleet", "pool", "provider", "phase"),
            "Machines on the books: `requested`, `launching`, `booting`, `idle`, `busy`, `draining`, `terminating`.");
    public static final Metric MACHINES_MOST = gauge("muster_pool_machines_limit", "machines", PLANNER, List.of("fleet", "pool"),
            "The most that the spec allows in the pool.");
    public static final Metric MACHINES_LAUNCHED = counter("muster_machines_launched_total", "machines", PLANNER, List.of("fleet", "pool", "provider"),
            "Machines asked of a cloud.");
    public static final Metric LAUNCHES_REFUSED = counter("muster_launches_refused_total", "machines", PLANNER, List.of("fleet", "provider", "kind"),
            "Machines that a cloud refused, by the kind of failure: `out_of_capacity`, `quota_exceeded`, `unauthorized`, `invalid_spec`, `expired`.");
    public static final Metric MACHINE_BOOT = histogram("muster_machine_boot_seconds", BOOTS, PLANNER, List.of("fleet", "pool", "provider"),
            "From the cloud's acceptance until the machine's worker registered.");
    public static final Metric MACHINES_ENDED = counter("muster_machines_ended_total", "machines", PLANNER, List.of("fleet", "pool", "outcome", "cause"),
            "Machines that were in a cloud and left the books: `gone`, or `lost` (no longer in its lists); `cause` is the reason of the decision, in lower case.");
    public static final Metric DRAINS = counter("muster_drains_total", "machines", PLANNER, List.of("fleet", "pool", "outcome"),
            "Marked machines that are gone: `inside` (the guard powered off), `asked` (terminated), `interrupted`, `cloud`, `unknown`.");
    public static final Metric RESCUES = counter("muster_rescues_total", "tasks", WATCHER, List.of("fleet", "outcome"),
            "Rescues of tasks, by how they ended: `rescued`, `not_needed`, `running`, `declined`, `marked_failed`, `rescue_failed`.");

    // Money.

    public static final Metric SPEND_RATE = gauge("muster_spend_per_hour", "currency an hour", PLANNER, List.of("fleet", "pool", "provider", "currency"),
            "What the machines that are paid for cost an hour now.");
    public static final Metric COMMITTED_RATE = gauge("muster_committed_per_hour", "currency an hour", PLANNER, List.of("fleet", "pool", "provider", "currency"),
            "The most that all machines on the books can cost an hour: what rate budgets count.");
    public static final Metric SPENT = counter("muster_spent_total", "currency", PLANNER, List.of("fleet", "pool", "currency"),
            "Money spent, as the fleet's ledger has it. A planner that takes a fleet over begins at 0.");
    public static final Metric PAID_SECONDS = counter("muster_paid_seconds_total", "seconds", PLANNER, List.of("fleet", "pool", "kind"),
            "Seconds of machines that were paid for: `useful` (a task ran), `idle`, `boot`, `waste` (draining and ending, a boot in vain, a worker that was gone). "
                    + "A boot's seconds count when it is known how it ended.");
    public static final Metric BUDGET_LIMIT = gauge("muster_budget_limit", "currency", PLANNER, List.of("fleet", "scope", "period", "limit", "currency"),
            "A budget's limit, `hard` or `soft`, of an `hour`, `day` or `month`; `scope` is `fleet`, `pool/NAME` or `queue/NAME`.");
    public static final Metric BUDGET_SPENT = gauge("muster_budget_spent", "currency", PLANNER, List.of("fleet", "scope", "period", "currency"),
            "What counts against it: spent in the running day or month; of an hour's budget what is committed.");
    public static final Metric BUDGET_RESERVED = gauge("muster_budget_reserved", "currency", PLANNER, List.of("fleet", "scope", "period", "currency"),
            "What live machines may still spend by their pools' `reserveFor`.");
    public static final Metric BUDGET_LEFT = gauge("muster_budget_left", "currency", PLANNER, List.of("fleet", "scope", "period", "currency"),
            "Hard limit less what is spent and reserved; below 0 it is overrun. Absent where there is no hard limit.");

    // Why nothing happens.

    public static final Metric REFUSALS = counter("muster_refusals_total", "refusals", PLANNER, List.of("fleet", "reason"),
            "Refusals and warnings that came about, by their reason; one that lasts counts once.");
    public static final Metric REFUSALS_NOW = gauge("muster_refusals_lasting", "refusals", PLANNER, List.of("fleet", "reason"),
            "Refusals and warnings that last now.");
    public static final Metric HOLDS = gauge("muster_holds", "holds", PLANNER, List.of("fleet", "kind"),
            "What launches are kept from for a while: `capacity`, `quota`, `account`, `pool`, `spot`, and `circuit`: pools whose boots failed one after the other.");
    public static final Metric DECISIONS = counter("muster_decisions_total", "decisions", PLANNER, List.of("fleet", "reason"),
            "Decisions, by their reason.");

    // The planner at work.

    public static final Metric PLANS = histogram("muster_planner_plan_seconds", PLANNING, PLANNER, List.of(),
            "How long making a plan and writing what it says took.");
    public static final Metric FLEETS = gauge("muster_planner_fleets", "fleets", PLANNER, List.of(), "Fleets that this process plans.");
    public static final Metric FLEETS_ASIDE = gauge("muster_planner_fleets_set_aside", "fleets", PLANNER, List.of(),
            "Fleets that an error of ours keeps from being planned; their machines stay as they are.");
    public static final Metric RECORDS_READ = counter("muster_planner_records_read_total", "records", PLANNER, List.of("topic"), "Records read of the planner's inputs.");
    public static final Metric RECORDS_OF_NOBODY = counter("muster_planner_records_of_no_fleet_total", "records", PLANNER, List.of(),
            "Records about fleets that nobody declared.");
    public static final Metric PLANNER_COMMANDS = counter("muster_planner_commands_total", "commands", PLANNER, List.of("kind"), "Commands written, by kind.");
    public static final Metric PLANNER_ERRORS = counter("muster_planner_errors_total", "errors", PLANNER, List.of(), "Errors of ours that kept a fleet from being planned, or a record from being applied.");
    public static final Metric STATES_LOST = counter("muster_planner_states_lost_total", "fleets", PLANNER, List.of(),
            "Fleets that were declared and had no state: they began anew from the topics and the clouds.");
    public static final Metric NOTIFICATIONS = counter("muster_notifications_total", "notices", PLANNER, List.of("kind", "outcome"),
            "Notices to webhooks: `sent`, `given-up`, `left-out` (more than 500 wait for one webhook).");

    // The watcher.

    public static final Metric LOOKS = histogram("muster_watcher_look_seconds", CALLS, WATCHER, List.of("connection", "outcome"),
            "Looks at a ClearML server, `good` or `failed`, and how long each took.");
    public static final Metric LOOK_AGE = gauge("muster_watcher_look_age_seconds", "seconds", WATCHER, List.of("connection"),
            "Since the last good look at a ClearML server that this process watches, or since it began to.");
    public static final Metric WATCHED_WAITING = gauge("muster_watcher_tasks_waiting", "tasks", WATCHER, List.of("connection"), "Tasks that wait in all watched queues of a server.");
    public static final Metric WATCHED_ADRIFT = gauge("muster_watcher_tasks_adrift", "tasks", WATCHER, List.of("connection"), "Tasks of these queues that are on no worker.");
    public static final Metric WATCHER_EVENTS = counter("muster_watcher_events_total", "events", WATCHER, List.of("kind"), "Events that Kafka has taken.");

    // The provisioners.

    public static final Metric CLOUD_CALLS = histogram("muster_cloud_calls_seconds", CALLS, PROVISIONERS, List.of("provider", "operation", "outcome"),
            "What a cloud was asked and how long its answer took. `outcome` is `ok` or the kind of failure: `throttled`, `unavailable`, `out_of_capacity`, `quota_exceeded`, "
                    + "`unauthorized`, `invalid_spec`, `expired`. An operation of many pages is one.");
    public static final Metric COMMANDS_READ = counter("muster_commands_read_total", "commands", PROVISIONERS, List.of("provider", "verb"), "Commands of the planner, read.");
    public static final Metric COMMANDS_DONE = counter("muster_commands_done_total", "commands", PROVISIONERS, List.of("provider", "verb"), "Commands answered.");
    public static final Metric COMMANDS_REPEATED = counter("muster_commands_repeated_total", "calls", PROVISIONERS, List.of("provider", "verb", "kind"),
            "Calls that were not answered and are repeated, by the kind of failure.");
    public static final Metric LAUNCH_DELAY = histogram("muster_launch_delay_seconds", REACTION, PROVISIONERS, List.of("provider"),
            "From the planner's command to the first call at the cloud: Kafka, and the wait at the cloud's own rate.");
    public static final Metric QUEUED = gauge("muster_provisioner_queued", "commands or reports", PROVISIONERS, List.of("provider", "queue"),
            "What waits for a thread: `launches`, `others`; and for Kafka: `reports`.");
    public static final Metric INVENTORY_AGE = gauge("muster_inventory_age_seconds", "seconds", PROVISIONERS, List.of("provider", "scope"),
            "Since the begin of the last complete list of a scope that this process owns, or since it owns it.");
    public static final Metric INVENTORY_MACHINES = gauge("muster_inventory_machines", "machines", PROVISIONERS, List.of("provider", "scope"),
            "Machines of this installation in that list that have not ended.");

    private static final List<Metric> ALL = List.of(
            SERVICE_READY, DEAD_LETTERS, INPUT_LAG, CLOCK_SKEW,
            WAITING_TASKS, OLDEST_WAIT, ADRIFT_TASKS, LAUNCH_REACTION, TASK_START, DEMAND_AGE,
            MACHINES, MACHINES_MOST, MACHINES_LAUNCHED, LAUNCHES_REFUSED, MACHINE_BOOT, MACHINES_ENDED, DRAINS, RESCUES,
            SPEND_RATE, COMMITTED_RATE, SPENT, PAID_SECONDS, BUDGET_LIMIT, BUDGET_SPENT, BUDGET_RESERVED, BUDGET_LEFT,
            REFUSALS, REFUSALS_NOW, HOLDS, DECISIONS,
            PLANS, FLEETS, FLEETS_ASIDE, RECORDS_READ, RECORDS_OF_NOBODY, PLANNER_COMMANDS, PLANNER_ERRORS, STATES_LOST, NOTIFICATIONS,
            LOOKS, LOOK_AGE, WATCHED_WAITING, WATCHED_ADRIFT, WATCHER_EVENTS,
            CLOUD_CALLS, COMMANDS_READ, COMMANDS_DONE, COMMANDS_REPEATED, LAUNCH_DELAY, QUEUED, INVENTORY_AGE, INVENTORY_MACHINES);

    private Metrics() {}

    /** In the order of the page. */
    public static List<Metric> all() {
        return ALL;
    }

    private static List<Duration> seconds(double... bounds) {
        return DoubleStream.of(bounds).mapToObj(bound -> Duration.ofNanos(Math.round(bound * 1e9))).toList();
    }
}
