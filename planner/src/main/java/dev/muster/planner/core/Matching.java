package dev.muster.planner.core;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Gives free places to those who want them, so that as few as possible go without: a place that several could take goes to the one that
 * has no other. A maximum flow by augmenting paths; who comes first never loses a place to who comes later.
 */
public final class Matching {

    private final int[] free;
    private final int[] wanted;
    private final int[][] suppliers;
    private final int[][] flow;

    private Matching(int[] free, int[] wanted, int[][] suppliers) {
        this.free = free.clone();
        this.wanted = wanted.clone();
        this.suppliers = suppliers;
        this.flow = new int[wanted.length][];
        for (int i = 0; i < wanted.length; i++) {
            flow[i] = new int[suppliers[i].length];
        }
    }

    /**
     * @param free places of each supplier
     * @param wanted places of each claimant, the most important first
     * @param suppliers of each claimant, as indexes into {@code free}, the preferred first
     */
    public static Matching of(int[] free, int[] wanted, int[][] suppliers) {
        var matching = new Matching(free, wanted, suppliers);
        matching.takeDirectly();
        matching.makeRoom();
        return matching;
    }

    /** What the claimant got. */
    public int taken(int claimant) {
        return Arrays.stream(flow[claimant]).sum();
    }

    /** What the supplier has left. */
    public int left(int supplier) {
        return free[supplier];
    }

    private int missing(int claimant) {
        return wanted[claimant] - taken(claimant);
    }

    private void takeDirectly() {
        for (int i = 0; i < wanted.length; i++) {
            int missing = wanted[i];
            for (int k = 0; k < suppliers[i].length && missing > 0; k++) {
                int take = Math.min(missing, free[suppliers[i][k]]);
                flow[i][k] = take;
                free[suppliers[i][k]] -= take;
                missing -= take;
            }
        }
    }

    /** Those without a place ask others to move to a place of theirs that is free. */
    private void makeRoom() {
        if (Arrays.stream(free).sum() == 0) {
            return;
        }
        var takers = new ArrayList<List<int[]>>();
        for (int s = 0; s < free.length; s++) {
            takers.add(new ArrayList<>());
        }
        for (int i = 0; i < wanted.length; i++) {
            for (int k = 0; k < suppliers[i].length; k++) {
                takers.get(suppliers[i][k]).add(new int[] {i, k});
            }
        }
        for (int i = 0; i < wanted.length; i++) {
            while (missing(i) > 0 && augment(i, missing(i), takers)) { }
        }
    }

    /** Breadth first from the claimant over suppliers to one with a free place; then everybody on the way moves. */
    private boolean augment(int start, int missing, List<List<int[]>> takers) {
        // How each claimant was reached: the one who would take its place, and which of its own places that is.
        var from = new int[wanted.length];
        var viaOwn = new int[wanted.length];
        var viaOther = new int[wanted.length];
        Arrays.fill(from, -1);
        from[start] = start;
        var queue = new ArrayDeque<Integer>();
        queue.add(start);
        while (!queue.isEmpty()) {
            int claimant = queue.poll();
            for (int k = 0; k < suppliers[claimant].length; k++) {
                int supplier = suppliers[claimant][k];
                if (free[supplier] > 0) {
                    move(start, claimant, k, missing, from, viaOwn, viaOther);
                    return true;
                }
                for (var taker : takers.get(supplier)) {
                    if (from[taker[0]] < 0 && flow[taker[0]][taker[1]] > 0) {
                        from[taker[0]] = claimant;
                        viaOther[taker[0]] = k;
                        viaOwn[taker[0]] = taker[1];
                        queue.add(taker[0]);
                    }
                }
            }
        }
        return false;
    }

    private void move(int start, int last, int lastPlace, int missing, int[] from, int[] viaOwn, int[] viaOther) {
        int amount = Math.min(missing, free[suppliers[last][lastPlace]]);
        for (int claimant = last; claimant != start; claimant = from[claimant]) {
            amount = Math.min(amount, flow[claimant][viaOwn[claimant]]);
        }
        free[suppliers[last][lastPlace]] -= amount;
        int place = lastPlace;
        for (int claimant = last; ; claimant = from[claimant]) {
            flow[claimant][place] += amount;
            if (claimant == start) {
                return;
            }
            flow[claimant][viaOwn[claimant]] -= amount;
            place = viaOther[claimant];
        }
    }
}
