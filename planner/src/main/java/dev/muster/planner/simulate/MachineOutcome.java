package dev.muster.planner.simulate;

import dev.muster.planner.core.OfferKey;
import java.math.BigInteger;

/**
 * One machine's life and what each second of it that was paid for went into; the four parts add up to {@code paid}.
 *
 * @param accepted second at which the cloud took the launch
 * @param running second at which paying began; -1: it never ran
 * @param ended second at which paying ended
 * @param gone second at which it stopped counting against limits
 * @param useful seconds with at least one task that completed
 * @param idle seconds with a worker and without a task
 * @param boot seconds until its worker registered
 * @param waste seconds of tasks that were lost, of boots that failed, after the drain mark without a task, and up to the least time
 *     that the cloud charges
 * @param cost micro-units of currency times 3600; null: the offer has no price
 * @param tasks completed on it
 */
public record MachineOutcome(String id, String pool, OfferKey offer, long accepted, long running, long ended, long gone, long useful,
        long idle, long boot, long waste, BigInteger cost, int tasks) {

    public long paid() {
        return useful + idle + boot + waste;
    }
}
