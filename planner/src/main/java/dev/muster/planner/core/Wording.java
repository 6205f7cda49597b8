package dev.muster.planner.core;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Makes sentences of what decisions and refusals hold, and of nothing else: no clock, no locale, no state. A value that is not there, as in
 * a record of an earlier release, shows as a question mark.
 */
public final class Wording {

    private static final String UNTIL = "until";
    private static final BigDecimal GIBI = BigDecimal.valueOf(1L << 30);
    /** In a record that says that a refusal is over: the reason it had. */
    public static final String WAS = "was";

    private Wording() {}

    public static String of(PlanRecord.Decided decided) {
        var text = text(new Said(decided.reason(), decided.pool(), decided.queue(), decided.machineIds(), decided.taskIds(), decided.numbers(), decided.words()));
        return decided.constraints().isEmpty() ? text : text + ", since " + decided.constraints().stream().map(Wording::of).distinct().collect(Collectors.joining("; "));
    }

    public static String of(Constraint constraint) {
        return text(said(constraint));
    }

    public static String of(PlanRecord.Refused refused) {
        if (refused.reason() == null) {
            var was = refused.words().getOrDefault(WAS, "");
            return was.isEmpty() ? "no longer refused" : was.equals(Reason.PLANNER_FAILED.name()) ? "The fleet is planned again."
                    : "no longer: " + of(before(refused));
        }
        if (refused.constraints().isEmpty()) {
            return text(said(refused));
        }
        var said = said(refused);
        var why = refused.constraints().stream().map(Wording::of).distinct();
        if (!refused.queue().isEmpty()) {
            var left = said.count("uncovered");
            return left + (left.equals("1") ? " waits in " : " wait in ") + refused.queue() + " with no machine to come; " + why.collect(Collectors.joining("; "));
        }
        var level = refused.numbers().containsKey("warm") ? "warm " + said.count("warm") : "minimum " + said.count("minimum");
        return refused.pool() + " stays " + said.count("missing") + " below its " + level + ": " + why.collect(Collectors.joining(", "));
    }

    /** What ends it; empty: it is over. */
    public static String unblockedBy(PlanRecord.Refused refused) {
        if (refused.reason() == null) {
            return "";
        }
        var all = refused.constraints().isEmpty() ? List.of(said(refused)) : refused.constraints().stream().map(Wording::said).toList();
        // What ends several at different times is said once, with the first of these.
        var firstOf = new LinkedHashMap<String, Long>();
        for (var said : all) {
            firstOf.merge(unblockedBy(said), said.numbers().getOrDefault(UNTIL, Long.MAX_VALUE), Math::min);
        }
        return firstOf.entrySet().stream().map(each -> each.getKey() + (each.getValue() == Long.MAX_VALUE ? "" : " (at " + Instant.ofEpochMilli(each.getValue()) + ")"))
                .collect(Collectors.joining("; or "));
    }

    /** Why a machine is given up, without its id: also the machine's own detail. */
    public static String bootFailure(SortedMap<String, Long> numbers, SortedMap<String, String> words) {
        return bootFailure(new Said(Reason.BOOT_FAILED, "", "", List.of(), List.of(), numbers, words));
    }

    private static PlanRecord.Refused before(PlanRecord.Refused over) {
        var words = new TreeMap<>(over.words());
        var reason = Reason.valueOf(words.remove(WAS));
        return new PlanRecord.Refused(over.id(), over.rule(), reason, over.pool(), over.queue(), over.subject(),
                over.waiting(), over.since(), over.writtenAt(), over.numbers(), words, over.constraints());
    }

    private static Said said(Constraint constraint) {
        return new Said(constraint.reason(), "", "", List.of(), List.of(), constraint.numbers(), constraint.words());
    }

    private static Said said(PlanRecord.Refused refused) {
        return new Said(refused.reason(), refused.pool(), refused.queue(), List.of(), List.of(), refused.numbers(), refused.words());
    }

    private static String text(Said s) {
        return switch (s.reason()) {
            case TASKS_WAIT, LAUNCH_WAS_REFUSED, BELOW_MINIMUM, BELOW_WARM -> launch(s);
            case IDLE_TOO_LONG -> s.machine() + " had no task for " + s.seconds("idleSeconds") + " of " + s.seconds("idleTimeoutSeconds")
                    + ", and none waits for it: drain it";
            case BOOT_FAILED -> switch (s.how()) {
                case "worker-lost" -> s.machine() + " lost its worker " + s.seconds("deadlineSeconds") + " ago and runs on: drain it";
                case "not-running", "not-registered", "neither" -> s.machine() + ": " + bootFailure(s) + "; drain it";
                case "ended" -> s.machine() + ": " + bootFailure(s);
                default -> s.machine() + ": " + bootFailure(s) + "; terminate it";
            };
            case MACHINE_ENDED, WAS_INTERRUPTED -> switch (s.how()) {
                case "ending" -> s.machine() + " is shutting down, and we did not ask: " + ending(s);
                case "ended" -> s.machine() + " is gone, and we did not ask: " + ending(s);
                case "stopped" -> s.machine() + " is stopped, and still there and paid for in part: terminate it";
                case "with-task" -> s.machine() + " has ended, as it does when it has no more to do for " + s.task() + ", which it was made for";
                default -> s.plainly();
            };
            case IS_MISSING -> s.machine() + " is missing from two complete lists of " + s.word("listed")
                    + "; it no longer counts, and is drained if it is seen again";
            case IS_UNKNOWN, IS_ORPHAN -> switch (s.how()) {
                case "adopted" -> s.machine() + " (" + s.word("cloudId") + ") is ours and not in the books: adopted into " + s.pool();
                case "second" -> s.word("cloudId") + " carries the id of " + s.word("known") + (s.has("knownCloudId") ? ", which is " + s.word("knownCloudId") : "")
                        + ": it counts as " + s.machine() + ", and drains";
                case "pool-gone" -> s.machine() + " is of pool " + s.pool() + ", which the spec no longer has: drain it";
                case "revived" -> s.machine() + " is " + s.word("phase") + " in the books and alive at its cloud: it counts again, and drains";
                case "fleet-deleted" -> s.machine() + " is of a fleet that was deleted: it counts, and drains";
                default -> s.plainly();
            };
            case ASKED_FOR -> switch (s.how()) {
                case "drain" -> "a person asked about " + s.machine() + ": drain it";
                case "work-on" -> "a person asked about " + s.machine() + ": let it work on";
                case "console" -> "a person asked for the console of " + s.machine() + ": read it";
                case "end" -> "a person asked to end " + s.machine() + (s.tasks().isEmpty() ? "" : ", and with it " + String.join(", ", s.tasks()));
                default -> s.plainly();
            };
            case FLEET_ENDS -> "the fleet is being deleted; " + s.machine() + ": " + switch (s.how()) {
                case "release" -> "let it go";
                case "drain" -> "drain it";
                case "terminate" -> "terminate it";
                case "end-at-once" -> "end it at once, tasks included";
                default -> s.plainly();
            };
            case DRAIN_OVERDUE -> switch (s.how()) {
                case "at-once" -> s.machine() + " was to end at once and did not: terminate it";
                case "idle" -> s.machine() + " was marked " + s.seconds("markedSeconds")
                        + " ago, has not powered off, and two looks since show it idle: terminate it";
                default -> s.plainly();
            };
            case NEEDED_AGAIN -> s.machine() + " was to go, and tasks wait in " + s.queue() + ": it works on";
            case TASK_ADRIFT -> s.task() + " is " + s.word("status") + " since " + s.instant("since")
                    + ", in no queue and on no worker: put it back at the front of its queue";
            case TASK_LOST_MACHINE -> s.task() + (s.how().equals("listed") ? " ran on " : " was on ") + s.machine()
                    + ", which is gone: put it back at the front of its queue";
            case WORKER_OUTLIVED_MACHINE -> s.machine() + " is gone, and ClearML still lists its worker: have it forgotten";
            case AT_BUDGET -> switch (s.how()) {
                case "period" -> s.machine() + " takes no other task: " + s.scope() + " has spent " + s.money("spentMicros") + " and reserved "
                        + s.money("reservedMicros") + " of " + s.money("hardMicros") + " this " + s.word("period");
                case "rate" -> s.scope() + " costs " + s.rate("committedMicrosPerHour") + " of " + s.rate("hardMicros") + ": drain " + s.machine();
                default -> s.plainly();
            };
            case IS_OLD -> s.machine() + " is " + s.seconds("ageSeconds") + " old, of at most " + s.seconds("maxAgeSeconds") + ": it takes no other task";
            case ABOVE_LIMIT -> s.limited() + " has " + s.count("machines") + " machines and may have " + s.count("limit") + ": " + s.machine()
                    + " takes no other task";
            case OVER_BUDGET -> switch (s.how()) {
                case "stop" -> "the budget of " + s.scope() + " is spent, and its spec says to stop: end " + s.machine()
                        + (s.tasks().isEmpty() ? "" : " (" + String.join(", ", s.tasks()) + ")");
                case "overrun" -> s.scope() + " has spent " + s.money("spentMicros") + " of " + s.money("hardMicros") + " this " + s.word("period")
                        + ", because of work that outlives what its pool reserves for" + (s.has("work") ? ": " + work(s) : "");
                default -> s.plainly();
            };
            case ADOPTION -> switch (s.how()) {
                case "tag" -> s.machine() + " works as " + s.word("worker") + ", of another autoscaler: tag it in " + s.word("listed")
                        + ", so that it is a machine of " + s.pool();
                case "adopted" -> s.machine() + " (" + s.word("cloudId") + ") is tagged: adopted into " + s.pool() + " as " + s.word("offer")
                        + (s.has("microsPerHour") ? " at " + s.rate("microsPerHour") : ", its price not known");
                default -> s.plainly();
            };
             case NO_ROOM -> s.machine() + " has waited " + s.seconds("waitedSeconds") + " for room as " + s.word("offer")
                    + (s.has("note") ? " (" + s.word("note") + ")" : "") + ": drain it, and try another offer";
            case TASK_TAKEN -> s.task() + ", which " + s.machine() + " was made for, no longer waits and does not run there: drain it";
            case TASK_AT_FAULT -> s.task() + " can't be run by any machine of " + s.pool() + ": " + s.word("note") + "; mark it failed";
            case TASK_FAILED_WITH_MACHINE -> s.task() + " was on " + s.machine() + ", which ended: " + s.word("note") + "; mark it failed";
            case MACHINE_IMPAIRED -> switch (s.how()) {
                case "fails" -> s.machine() + " runs, and its cloud's own checks of it fail";
                case "passes" -> s.machine() + " passes its cloud's checks again, after " + s.seconds("impairedSeconds");
                case "given-up" -> s.machine() + " has failed its cloud's checks for " + s.seconds("impairedSeconds")
                        + ", and ClearML lists no worker of it: drain it";
                case "lasts" -> s.word("pool") + " has " + s.count("machines") + (s.count("machines").equals("1") ? " machine that fails" : " machines that fail")
                        + " the cloud's own checks, since " + s.instant("since");
                default -> s.plainly();
            };
            case FACTS_STALE -> "nothing is launched or released: " + switch (s.how()) {
                case "never-looked" -> "ClearML has not been looked at yet";
                case "silent" -> "nothing was heard of ClearML since " + s.instant("since");
                case "look-lost" -> "a look was lost, so that the workers are not known";
                default -> s.plainly();
            };
            case READ_FAILED -> "nothing is launched or released: the last look at ClearML failed (" + s.word("failure") + ")";
            case SCOPE_UNKNOWN -> switch (s.how()) {
                case "never-listed" -> s.word("listed") + " has not been listed yet";
                case "failed" -> s.word("listed") + " could not be listed (" + s.word("failure") + ")";
                case "silent" -> s.word("listed") + " was last listed at " + s.instant("since");
                default -> s.plainly();
            };
            case FOREIGN_MARK -> s.word("listed") + " has live machines kept by another Kafka cluster, " + s.word("cluster");
            case AT_POOL_LIMIT -> s.word("pool") + " is at its limit of " + s.count("limit") + " machines";
            case AT_RESOURCE_LIMIT -> "the fleet's machines request " + s.amount("requestedThousandths") + " of " + s.amount("limitThousandths") + " "
                    + s.word("resource") + ", and one more takes " + s.amount("eachThousandths");
            case AT_FLEET_LIMIT -> "the fleet is at its limit of " + s.count("limit") + " machines";
            case OFFERS_EXHAUSTED -> held(s, "is out of capacity");
            case QUOTA_HELD -> held(s, "is at the account's quota");
            case ACCOUNT_HELD -> held(s, "is not allowed to the account");
            case POOL_HELD -> held(s, "is refused as the spec has it");
            case IS_PAUSED -> switch (s.how()) {
                case "fleet" -> "the fleet is " + s.word("state");
                case "pool" -> s.word("pool") + " is paused";
                case "schedule" -> "a schedule has " + s.limited() + " paused now";
                default -> s.plainly();
            };
            case QUEUE_MISSING -> "ClearML has no queue named " + s.queue();
            case QUEUE_OWNED_BY_OTHER -> s.queue() + " is served by the older fleet " + s.word("fleet");
            case AT_PACE -> switch (s.how()) {
                case "booting" -> s.word("pool") + " has " + s.count("machines") + " machines booting, of at most " + s.count("limit");
                case "minute" -> s.word("pool") + " had " + s.count("machines") + " launches in the last minute, of at most " + s.count("limit");
                default -> s.plainly();
            };
            case CIRCUIT_OPEN -> s.count("failedBoots") + " boots of " + s.word("pool") + " failed in a row"
                    + (s.has("detail") ? " (" + s.word("detail") + ")" : "");
            case PLANNER_FAILED -> "The planner fails on this fleet, which is a bug: " + s.word("failure")
                    + ". Nothing is launched or released until it succeeds.";
            case BUDGET_REACHED -> switch (s.how()) {
                case "rate" -> s.word("offer") + " at " + s.rate("microsPerHour") + " blocked: " + s.scope() + " has " + s.rate("committedMicrosPerHour")
                        + " of " + s.rate("hardMicros");
                case "period" -> s.word("offer") + " blocked: " + s.scope() + " has spent " + s.money("spentMicros") + " and reserved "
                        + s.money("reservedMicros") + " of " + s.money("hardMicros") + " this " + s.word("period") + ", and each more needs "
                        + s.money("eachMicros");
                default -> s.plainly();
            };
            case SOFT_BUDGET_REACHED -> switch (s.how()) {
                case "warn" -> s.scope() + " is at " + s.money("micros") + (s.word("period").equals("hour") ? " an hour" : " this " + s.word("period"))
                        + ", above its soft limit of " + s.money("softMicros");
                case "cheap-only" -> softly(s) + s.word("offer") + " at " + s.rate("microsPerHour") + " is not cheap";
                case "high-priority-only" -> softly(s) + "only queues of priority " + s.count("minPriority") + " and above get machines";
                default -> s.plainly();
            };
            case PRICE_UNKNOWN -> switch (s.how()) {
                case "offer" -> "the price of " + s.word("offer") + " is not known, and " + s.scope() + " has a budget";
                case "machines" -> s.count("machines") + " machines of " + s.scope() + ", which has a budget, have no known price";
                default -> s.plainly();
            };
            case LEDGER_UNKNOWN -> "the books were lost at " + s.instant("lostAt") + ", and with them what " + s.scope() + " has spent this " + s.word("period");
            case ABOVE_CEILING -> s.word("offer") + " costs " + s.rate("microsPerHour") + ", above its ceiling of " + s.rate("ceilingMicrosPerHour");
            case WAITS_FOR_DELAY -> s.word("queue") + " must wait " + s.seconds("delaySeconds") + " before " + s.word("pool") + " grows for it";
            case FAIR_SHARE -> "by weight it gets " + s.count("share") + " of the " + s.count("available") + " that " + s.count("queues") + " queues can have";
            case WAITS_FOR_SPOT -> s.word("offer") + " waits until spot was refused for " + s.seconds("rollbackSeconds");
            case SPOT_BLACKED_OUT -> s.word("offer") + " is blacked out after a roll-back until " + s.instant(UNTIL);
            case PRICE_IGNORED -> "the price of " + s.word("offer") + " can't be " + s.word("ignored") + (s.how().equals("none-known") ? "; none is known"
                    : "; it stays at " + s.rate("microsPerHour") + ", of " + s.instant("since"));
            case MACHINES_HINDERED -> s.word("pool") + " has " + s.count("machines") + (s.count("machines").equals("1") ? " machine that waits" : " machines that wait")
                    + " or can't start since " + s.instant("since") + ": " + s.word("note");
            case TASK_RUNS_TWICE -> s.word("task") + " runs on two workers, " + s.word("first") + " and " + s.word("second");
            case LIMIT_NOT_REACHED_YET -> switch (s.how()) {
                case "machines" -> s.limited() + " has " + s.count("machines") + " machines, above its limit of " + s.count("limit")
                        + ", until those that leave are gone";
                case "rate" -> s.scope() + " still costs " + s.rate("committedMicrosPerHour") + ", above its " + s.rate("hardMicros")
                        + ", until machines at work are done";
                default -> s.plainly();
            };
            case NOT_ADOPTED -> s.word("worker") + " is not adopted: " + switch (s.how()) {
                case "no-pool" -> "the fleet has no pool " + s.word("pool");
                case "no-type" -> s.word("pool") + " has no offer of " + s.word("type");
                case "other-queues" -> "it serves no queue of " + s.word("pool");
                case "few-agents" -> "its machine has " + s.count("agents") + " of the " + s.count("slots") + " agents that machines of " + s.word("pool") + " have";
                case "not-there" -> "its machine does not run in " + s.word("listed");
                case "of-another" -> "its machine " + s.word("detail");
                case "no-offer" -> s.word("pool") + " has no such offer, for its machine " + s.word("detail");
                case "by-cloud" -> "its cloud refuses the tags: " + s.word("detail");
                default -> s.plainly();
            };
            case WAITS_FOR_ADOPTION -> s.count("machines") + (s.count("machines").equals("1") ? " machine is" : " machines are")
                    + " being adopted, and may take what waits";
        };
    }

    /** What ends it, without its time, which is {@link #UNTIL}. */
    private static String unblockedBy(Said s) {
        return switch (s.reason()) {
            case TASKS_WAIT, LAUNCH_WAS_REFUSED, BELOW_MINIMUM, IDLE_TOO_LONG, BOOT_FAILED, MACHINE_ENDED, WAS_INTERRUPTED, IS_MISSING, IS_UNKNOWN, IS_ORPHAN,
                    ASKED_FOR, FLEET_ENDS, DRAIN_OVERDUE, NEEDED_AGAIN, TASK_ADRIFT, TASK_LOST_MACHINE, WORKER_OUTLIVED_MACHINE, AT_BUDGET, IS_OLD,
                    ABOVE_LIMIT, BELOW_WARM, ADOPTION, NO_ROOM, TASK_TAKEN, TASK_AT_FAULT, TASK_FAILED_WITH_MACHINE -> "";
            case MACHINES_HINDERED -> "what the cloud's words ask for, or the pool's patience";
            case AT_RESOURCE_LIMIT -> "a machine going, or a higher limit of " + s.word("resource");
            case MACHINE_IMPAIRED -> "the checks passing again, or those machines going";
            case OVER_BUDGET -> "the next " + s.word("period");
            case FACTS_STALE -> switch (s.how()) {
                case "never-looked" -> "the queue-watcher's first look";
                case "look-lost" -> "the next full list of workers, within 60 s";
                default -> "a look; is a queue-watcher running?";
            };
            case READ_FAILED -> "the next good look";
            case SCOPE_UNKNOWN -> switch (s.how()) {
                case "never-listed" -> "its first complete list; is its provisioner running?";
                case "failed" -> "its next complete list";
                default -> "its next complete list; is its provisioner running?";
            };
            case FOREIGN_MARK -> "the mark's age, or muster takeover";
            case AT_POOL_LIMIT -> "a machine of the pool going, or a higher max";
            case AT_FLEET_LIMIT -> "a machine going, or a higher limit";
            case OFFERS_EXHAUSTED, QUOTA_HELD, ACCOUNT_HELD, POOL_HELD -> s.how().equals("probing") ? "the one machine that tries now"
                    : s.has(UNTIL) ? "a probe" : "a change of the spec";
            case IS_PAUSED -> switch (s.how()) {
                case "pool" -> "muster fleet resume --pool " + s.word("pool");
                case "schedule" -> "the window's end";
                default -> "muster fleet resume";
            };
            case QUEUE_MISSING -> "creating the queue in ClearML, or correcting its name in the spec";
            case QUEUE_OWNED_BY_OTHER -> "taking it out of one of the two specs";
            case AT_PACE -> s.how().equals("minute") ? "the minute passing" : "a machine's worker registering";
            case CIRCUIT_OPEN -> s.how().equals("probing") ? "the one machine that tries now" : "a probe";
            case PLANNER_FAILED -> "the next event that it succeeds with, or another release";
            case BUDGET_REACHED -> s.how().equals("rate") ? "machines going, or a higher limit of " + s.scope() + " per hour"
                    : "the next " + s.word("period") + ", or a higher limit of " + s.scope();
            case SOFT_BUDGET_REACHED -> s.how().equals("warn") ? "less being spent, the next period, or a higher soft limit"
                    : "machines going, the next period, or a higher soft limit";
            case PRICE_UNKNOWN -> s.how().equals("machines") ? "a price in the spec, or those machines going" : "a price in the spec, or one from its provider";
            case LEDGER_UNKNOWN -> "muster budget restore, or the next " + s.word("period");
            case ABOVE_CEILING -> "a lower market price, or a higher ceiling";
            case WAITS_FOR_DELAY -> "the delay passing";
            case FAIR_SHARE -> "machines of other queues going";
            case WAITS_FOR_SPOT -> "spot capacity, or the roll-back time-out";
            case SPOT_BLACKED_OUT -> "the end of the blackout";
            case PRICE_IGNORED -> "a price that can be right";
            case TASK_RUNS_TWICE -> "one of the two ending";
            case LIMIT_NOT_REACHED_YET -> s.how().equals("rate") ? "machines going" : "machines at work finishing";
            case NOT_ADOPTED -> switch (s.how()) {
                case "no-pool" -> "a pool of that name in the spec";
                case "no-type" -> "an offer of that type in the pool";
                case "other-queues" -> "a queue of the worker that names the pool in the spec";
                case "few-agents" -> "a pool with as many slots as the machine has agents";
                case "not-there" -> "an offer in the account and region where it runs";
                case "of-another" -> "that fleet letting it go";
                case "no-offer" -> "an offer like it in the pool";
                default -> "muster fleet adopt, once the cloud allows it";
            };
            case WAITS_FOR_ADOPTION -> "the provisioner's answer, or the time it is waited for";
        };
    }

    private static String launch(Said s) {
        var waiting = s.count("waiting");
        var why = s.queue().isEmpty() ? s.pool() + " is to have more ready"
                : waiting + (waiting.equals("1") ? " task waits in " : " tasks wait in ") + s.queue() + ", machines for " + s.count("supply") + " are idle or booting";
        return why + ": launch " + s.count("launched") + " × " + s.word("offer") + (s.numbers().getOrDefault("probes", 0L) == 0 ? "" : " as a probe of what was refused before")
                + (s.has("replaced") ? " in place of " + s.word("replaced") : "");
    }

    private static String bootFailure(Said s) {
        return switch (s.how()) {
            case "boot-error" -> "its boot failed: " + s.word("detail");
            case "not-running" -> "the cloud did not show it running within " + s.seconds("deadlineSeconds") + (s.has("note") ? " (" + s.word("note") + ")" : "");
            case "not-registered", "neither" -> "no worker registered within " + s.seconds("deadlineSeconds");
            case "ended", "stopped" -> ending(s) + " before a worker of it registered";
            default -> s.plainly();
        };
    }

    private static String ending(Said s) {
        var words = switch (s.word("ending")) {
            case "INTERRUPTED" -> "the cloud took it back";
            case "BY_CLOUD" -> "the cloud ended it";
            case "INSIDE" -> "it was shut down from inside";
            case "ASKED" -> "somebody terminated it at the cloud";
            default -> "the cloud does not say why";
        };
        return s.has("detail") ? words + " (" + s.word("detail") + ")" : words;
    }

    private static String held(Said s, String words) {
        return s.how().equals("probing") ? s.word("offer") + " was refused and is tried with one machine first"
                : s.word("offer") + " " + words + (s.has(UNTIL) ? " until " + s.instant(UNTIL) : "");
    }

    private static String softly(Said s) {
        return s.scope() + " is at " + s.money("micros") + " of its soft limit of " + s.money("softMicros") + ": ";
    }

    /** From {@code m1/t1, m1/t2, m2} to {@code m1 (t1, t2), m2}. */
    private static String work(Said s) {
        var tasksOf = new LinkedHashMap<String, List<String>>();
        for (var each : s.word("work").split(", ")) {
            var slash = each.indexOf('/');
            var tasks = tasksOf.computeIfAbsent(slash < 0 ? each : each.substring(0, slash), machine -> new ArrayList<>());
            if (slash >= 0) {
                tasks.add(each.substring(slash + 1));
            }
        }
        return tasksOf.entrySet().stream().map(each -> each.getKey() + (each.getValue().isEmpty() ? "" : " (" + String.join(", ", each.getValue()) + ")"))
                .collect(Collectors.joining(", "));
    }

    /** All that a sentence is made of. */
    private record Said(Reason reason, String pool, String queue, List<String> machines, List<String> tasks, SortedMap<String, Long> numbers,
            SortedMap<String, String> words) {

        String how() {
            return words.getOrDefault("how", "");
        }

        boolean has(String name) {
            return numbers.containsKey(name) || words.containsKey(name);
        }

        String machine() {
            return machines.isEmpty() ? "?" : machines.get(0);
        }

        String task() {
            return tasks.isEmpty() ? "?" : tasks.get(0);
        }

        String count(String name) {
            return numbers.containsKey(name) ? Long.toString(numbers.get(name)) : "?";
        }

        String seconds(String name) {
            return count(name) + " s";
        }

        String money(String name) {
            return numbers.containsKey(name) ? Costs.text(numbers.get(name)) : "?";
        }

        String rate(String name) {
            return money(name) + "/h";
        }

        /** Of a resource: {@code 8}, {@code 1.5}, {@code 64Gi}. */
        String amount(String name) {
            if (!numbers.containsKey(name)) {
                return "?";
            }
            var amount = BigDecimal.valueOf(numbers.get(name), 3);
            return amount.compareTo(GIBI) < 0 ? amount.stripTrailingZeros().toPlainString()
                    : amount.divide(GIBI, 1, RoundingMode.HALF_UP).stripTrailingZeros().toPlainString() + "Gi";
        }

        String instant(String name) {
            return numbers.containsKey(name) ? Instant.ofEpochMilli(numbers.get(name)).toString() : "?";
        }

        String word(String name) {
            return words.getOrDefault(name, "?");
        }

        /** {@code the fleet}, {@code pool gpu}, {@code queue train}. */
        String scope() {
            var scope = word("scope");
            return scope.equals("fleet") ? "the fleet" : scope.replaceFirst("/", " ");
        }

        /** The same where only a pool or the fleet can be meant: {@code gpu}. */
        String limited() {
            return scope().startsWith("pool ") ? scope().substring(5) : scope();
        }

        /** Where no sentence is known for it. */
        String plainly() {
            return reason + " " + numbers + " " + words;
        }
    }
}
