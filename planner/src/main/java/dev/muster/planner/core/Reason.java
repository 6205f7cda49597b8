package dev.muster.planner.core;

import static dev.muster.planner.core.Form.decision;
import static dev.muster.planner.core.Form.refusal;
import static dev.muster.planner.core.Form.warning;
import static dev.muster.planner.core.Parameter.count;
import static dev.muster.planner.core.Parameter.instant;
import static dev.muster.planner.core.Parameter.micros;
import static dev.muster.planner.core.Parameter.microsPerHour;
import static dev.muster.planner.core.Parameter.names;
import static dev.muster.planner.core.Parameter.period;
import static dev.muster.planner.core.Parameter.scope;
import static dev.muster.planner.core.Parameter.seconds;
import static dev.muster.planner.core.Parameter.text;
import static dev.muster.planner.core.Parameter.thousandths;
import static dev.muster.planner.core.Parameter.word;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Why something was done, or was not: one word a reason, with the forms in which it is given and the values that each is said with. The
 * same names as in the contract, which explains each; {@link Wording} makes a sentence of them.
 */
public enum Reason {
    TASKS_WAIT(launch()),
    LAUNCH_WAS_REFUSED(decision(count("waiting"), count("supply"), count("launched"), count("poolMachines"), microsPerHour("microsPerHour").orNone(),
            count("probes"), word("offer"), names("replaced"))),
    BELOW_MINIMUM(launch()),
    IDLE_TOO_LONG(decision(seconds("idleSeconds"), seconds("idleTimeoutSeconds"), count("poolMachines"))),
    BOOT_FAILED(decision("worker-lost", seconds("deadlineSeconds")),
            decision("boot-error", text("detail"), count("failedBoots")),
            decision("ended", word("ending"), text("detail").orNone(), count("failedBoots")),
            decision("stopped", word("ending"), text("detail").orNone(), count("failedBoots")),
            decision("not-running", seconds("deadlineSeconds"), text("note").orNone(), count("failedBoots")),
            decision("not-registered", seconds("deadlineSeconds"), count("failedBoots")),
            decision("neither", seconds("deadlineSeconds"), count("failedBoots"))),
    MACHINE_ENDED(decision("with-task"), decision("ending", word("ending"), text("detail").orNone()), decision("ended", word("ending"), text("detail").orNone()),
            decision("stopped")),
    WAS_INTERRUPTED(decision("ending", word("ending"), text("detail").orNone()), decision("ended", word("ending"), text("detail").orNone()),
            decision("stopped")),
    IS_MISSING(decision(word("listed"))),
    IS_UNKNOWN(decision("adopted", word("cloudId")), decision("second", word("cloudId"), word("known"), word("knownCloudId").orNone())),
    IS_ORPHAN(decision("pool-gone"), decision("revived", word("phase")), decision("fleet-deleted"),
            decision("second", word("cloudId"), word("known"), word("knownCloudId").orNone())),
    ASKED_FOR(decision("drain"), decision("work-on"), decision("end"), decision("console")),
    FLEET_ENDS(decision("release"), decision("drain"), decision("terminate"), decision("end-at-once")),
    DRAIN_OVERDUE(decision("at-once"), decision("idle", seconds("markedSeconds"))),
    NEEDED_AGAIN(decision()),
    TASK_ADRIFT(decision(word("status"), instant("since"), count("rescues"))),
    TASK_LOST_MACHINE(decision("listed", count("rescues")), decision("adrift", count("rescues"))),
    WORKER_OUTLIVED_MACHINE(decision()),
    AT_BUDGET(decision("period", micros("spentMicros"), micros("reservedMicros"), micros("hardMicros"), scope(), period()),
            decision("rate", microsPerHour("committedMicrosPerHour"), microsPerHour("hardMicros"), scope())),
    IS_OLD(decision(seconds("ageSeconds"), seconds("maxAgeSeconds"))),
    ABOVE_LIMIT(decision(count("machines"), count("limit"), scope())),
    BELOW_WARM(launch()),
    OVER_BUDGET(decision("stop", micros("spentMicros"), micros("hardMicros"), scope()),
            warning("overrun", micros("spentMicros"), micros("hardMicros"), micros("overrunMicros"), scope(), period(), names("work").orNone())),
    ADOPTION(decision("tag", word("worker"), word("listed")),
            decision("adopted", word("cloudId"), word("offer"), microsPerHour("microsPerHour").orNone())),
    NO_ROOM(decision(word("offer"), seconds("waitedSeconds"), text("note").orNone())),
    TASK_TAKEN(decision()),
    TASK_AT_FAULT(decision(text("note"))),
    TASK_FAILED_WITH_MACHINE(decision(count("rescues"), text("note"))),
    MACHINE_IMPAIRED(decision("fails"), decision("passes", seconds("impairedSeconds")),
            decision("given-up", seconds("impairedSeconds"), count("failedBoots").orNone()),
            warning("lasts", count("machines"), word("pool"), instant("since"))),

    FACTS_STALE(refusal("never-looked"), refusal("silent", instant("since")), refusal("look-lost")),
    READ_FAILED(refusal(text("failure"))),
    SCOPE_UNKNOWN(refusal("never-listed", word("listed")), refusal("failed", word("listed"), text("failure")),
            refusal("silent", word("listed"), instant("since"))),
    FOREIGN_MARK(refusal(word("listed"), word("cluster"))),
    AT_POOL_LIMIT(refusal(word("pool"), count("limit"))),
    AT_FLEET_LIMIT(refusal(count("limit"))),
    AT_RESOURCE_LIMIT(refusal(word("resource"), thousandths("requestedThousandths"), thousandths("limitThousandths"), thousandths("eachThousandths"))),
    OFFERS_EXHAUSTED(refusal("held", word("offer"), instant("until").orNone()), refusal("probing", word("offer"))),
    QUOTA_HELD(refusal("held", word("offer"), instant("until").orNone()), refusal("probing", word("offer"))),
    ACCOUNT_HELD(refusal("held", word("offer"), instant("until").orNone()), refusal("probing", word("offer"))),
    POOL_HELD(refusal("held", word("offer"))),
    IS_PAUSED(refusal("fleet", word("state")), refusal("pool", word("pool")), refusal("schedule", scope())),
    QUEUE_MISSING(refusal()),
    QUEUE_OWNED_BY_OTHER(refusal(word("fleet"))),
    AT_PACE(refusal("booting", word("pool"), count("machines"), count("limit")), refusal("minute", word("pool"), count("machines"), count("limit"))),
    CIRCUIT_OPEN(refusal("held", word("pool"), count("failedBoots"), text("detail").orNone(), instant("until")),
            refusal("probing", word("pool"), count("failedBoots"), text("detail").orNone())),
    PLANNER_FAILED(refusal(text("failure"))),
    BUDGET_REACHED(refusal("rate", word("offer"), microsPerHour("microsPerHour"), microsPerHour("committedMicrosPerHour"), microsPerHour("hardMicros"), scope()),
            refusal("period", word("offer"), micros("spentMicros"), micros("reservedMicros"), micros("hardMicros"), micros("eachMicros"), scope(), period(),
                    instant("until"))),
    SOFT_BUDGET_REACHED(warning("warn", micros("micros"), micros("softMicros"), scope(), period()),
            refusal("cheap-only", micros("micros"), micros("softMicros"), microsPerHour("microsPerHour"), word("offer"), scope()),
            refusal("high-priority-only", micros("micros"), micros("softMicros"), count("minPriority"), scope())),
    PRICE_UNKNOWN(refusal("offer", word("offer"), scope()), refusal("machines", count("machines"), scope())),
    LEDGER_UNKNOWN(refusal(instant("lostAt"), instant("until"), scope(), period())),
    ABOVE_CEILING(refusal(word("offer"), microsPerHour("microsPerHour"), microsPerHour("ceilingMicrosPerHour"))),
    WAITS_FOR_DELAY(refusal(word("queue"), word("pool"), seconds("delaySeconds"), instant("until"))),
    FAIR_SHARE(refusal(count("share"), count("available"), count("queues"))),
    WAITS_FOR_SPOT(refusal(word("offer"), seconds("rollbackSeconds"), instant("until").orNone())),
    SPOT_BLACKED_OUT(refusal(word("offer"), instant("until"))),
    PRICE_IGNORED(warning("none-known", word("offer"), text("ignored")),
            warning("stays", word("offer"), text("ignored"), microsPerHour("microsPerHour"), instant("since"))),
    MACHINES_HINDERED(warning(word("pool"), count("machines"), text("note"), instant("since"))),
    TASK_RUNS_TWICE(warning(word("task"), word("first"), word("second"))),
    LIMIT_NOT_REACHED_YET(warning("machines", count("machines"), count("limit"), scope()),
            warning("rate", microsPerHour("committedMicrosPerHour"), microsPerHour("hardMicros"), scope())),
    NOT_ADOPTED(warning("no-pool", word("worker"), word("pool")), warning("no-type", word("worker"), word("pool"), word("type")),
            warning("other-queues", word("worker"), word("pool")),
            warning("few-agents", word("worker"), word("pool"), count("agents"), count("slots")),
            warning("not-there", word("worker"), names("listed")), warning("of-another", word("worker"), text("detail")),
            warning("no-offer", word("worker"), word("pool"), text("detail")), warning("by-cloud", word("worker"), text("detail"))),
    WAITS_FOR_ADOPTION(refusal(count("machines"), instant("until")));

    private final List<Form> forms;

    Reason(Form... forms) {
        this.forms = List.of(forms);
    }

    private static Form launch() {
        return decision(count("waiting"), count("supply"), count("launched"), count("poolMachines"), microsPerHour("microsPerHour").orNone(),
                count("probes"), word("offer"));
    }

    public List<Form> forms() {
        return forms;
    }

    /**
     * Holds what is said against the forms.
     *
     * @throws IllegalStateException this reason is not given so, or a value is missing or one too many: an error in the rule that gives it
     */
    public void check(Form.Use use, Map<String, Long> numbers, Map<String, String> words) {
        var how = words.getOrDefault("how", "");
        var form = forms.stream().filter(each -> each.use() == use && each.how().equals(how)).findFirst()
                .orElseThrow(() -> new IllegalStateException(this + " is no " + use + " with how='" + how + "'; it is given as "
                        + forms.stream().map(each -> each.use() + " '" + each.how() + "'").collect(Collectors.joining(", "))));
        check(form, true, numbers.keySet().toArray(String[]::new));
        check(form, false, words.keySet().stream().filter(name -> !name.equals("how")).toArray(String[]::new));
    }

    private void check(Form form, boolean numbers, String... given) {
        var superfluous = new TreeSet<>(Arrays.asList(given));
        var missing = new TreeSet<String>();
        for (var parameter : form.parameters()) {
            if (parameter.kind().isNumber() == numbers && !superfluous.remove(parameter.name()) && !parameter.isOptional()) {
                missing.add(parameter.name());
            }
        }
        if (!missing.isEmpty() || !superfluous.isEmpty()) {
            throw new IllegalStateException((numbers ? "numbers" : "words") + " of " + this + (form.how().isEmpty() ? "" : " (" + form.how() + ")")
                    + ": missing " + missing + ", superfluous " + superfluous);
        }
    }
}
