package dev.muster.planner.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Free slots go where nobody needs to do without. */
class MatchingTest {

    @Test
    void aSharedSlotIsLeftToTheQueueThatHasNoOther() {
        var matching = Matching.of(new int[] {1, 1}, new int[] {1, 1}, new int[][] {{0, 1}, {0}});
        assertThat(matching.taken(0)).isEqualTo(1);
        assertThat(matching.taken(1)).isEqualTo(1);
    }

    @Test
    void severalMoveOneAfterTheOther() {
        var matching = Matching.of(new int[] {1, 1, 1}, new int[] {1, 1, 1}, new int[][] {{0, 1}, {1, 2}, {0}});
        assertThat(matching.taken(2)).isEqualTo(1);
        assertThat(matching.left(0) + matching.left(1) + matching.left(2)).isZero();
    }

    @Test
    void theMoreImportantIsServedFirst() {
        var matching = Matching.of(new int[] {1}, new int[] {1, 1}, new int[][] {{0}, {0}});
        assertThat(matching.taken(0)).isEqualTo(1);
        assertThat(matching.taken(1)).isZero();
    }

    /** Against trying every way, which finds the most that can be served. */
    @Test
    void nobodyGoesWithoutWhereThereWasAWay() {
        for (long seed = 1; seed <= 2000; seed++) {
            var random = new Random(seed);
            var free = random.ints(1 + random.nextInt(3), 0, 3).toArray();
            int claimants = 1 + random.nextInt(4);
            var wanted = random.ints(claimants, 0, 3).toArray();
            var suppliers = new int[claimants][];
            for (int i = 0; i < claimants; i++) {
                suppliers[i] = random.ints(0, free.length).distinct().limit(1 + random.nextInt(free.length)).toArray();
            }
            var matching = Matching.of(free, wanted, suppliers);
            int taken = 0;
            for (int i = 0; i < claimants; i++) {
                assertThat(matching.taken(i)).as("seed %d", seed).isBetween(0, wanted[i]);
                taken += matching.taken(i);
            }
            int left = 0;
            for (int s = 0; s < free.length; s++) {
                assertThat(matching.left(s)).as("seed %d", seed).isBetween(0, free[s]);
                left += matching.left(s);
            }
            int all = 0;
            for (int f : free) {
                all += f;
            }
            assertThat(taken + left).as("seed %d", seed).isEqualTo(all);
            assertThat(taken).as("seed %d", seed).isEqualTo(most(free.clone(), wanted.clone(), suppliers, 0));
        }
    }

    private static int most(int[] free, int[] wanted, int[][] suppliers, int claimant) {
        if (claimant == wanted.length) {
            return 0;
        }
        int best = most(free, wanted, suppliers, claimant + 1);
        if (wanted[claimant] > 0) {
            for (int supplier : suppliers[claimant]) {
                if (free[supplier] > 0) {
                    free[supplier]--;
                    wanted[claimant]--;
                    best = Math.max(best, 1 + most(free, wanted, suppliers, claimant));
                    free[supplier]++;
                    wanted[claimant]++;
                }
            }
        }
        return best;
    }
}
