package dev.muster.planner.core.rules;

import java.util.List;

/**
 * Divides what a limit leaves among queues of one priority by their weights: the next machine goes to the queue that has the fewest for its
 * weight, so that none that wants more is more than one machine below its share.
 */
final class ShareFairly {

    private ShareFairly() {}

    /**
     * What a queue has and wants.
     *
     * @param has machines launched for it that stay
     * @param weight at least 1
     * @param cost of one machine, in the unit of what is available; 0: of no matter
     */
    record Claim(String queue, int has, int wants, int weight, long cost) {}

    /** How many each gets, in the order of the claims; together at most what is available, and none more than it wants. */
    static int[] split(long available, List<Claim> claims) {
        var given = new int[claims.size()];
        long left = available;
        while (true) {
            int next = -1;
            for (int i = 0; i < claims.size(); i++) {
                if (given[i] < claims.get(i).wants() && claims.get(i).cost() <= left && (next < 0 || isPoorer(claims, given, i, next))) {
                    next = i;
                }
            }
            if (next < 0) {
                return given;
            }
            given[next]++;
            left -= claims.get(next).cost();
        }
    }

    /** By what each would have with one more, for its weight: of equals the first listed. */
    private static boolean isPoorer(List<Claim> claims, int[] given, int a, int b) {
        long mine = (long) (claims.get(a).has() + given[a] + 1) * claims.get(b).weight();
        long other = (long) (claims.get(b).has() + given[b] + 1) * claims.get(a).weight();
        return mine < other;
    }
}
