package dev.muster.planner.replay;

import dev.muster.contracts.Topics;
import dev.muster.v1.InputOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A recorded row of a table, with what had been read and planned when it was written.
 *
 * @param inputs how far they were read
 * @param plan number of the fleet's last plan
 */
record Row(History.Recorded recorded, List<InputOffset> inputs, long plan) {

    /** Empty for a row that doesn't say when it was written: one of a release that didn't note it. */
    static Optional<Row> of(History.Recorded recorded, Topics topics, History history) {
        var read = recorded.read().split(",");
        var names = topics.inputs();
        if (read.length != names.size() + 1) {
            return Optional.empty();
        }
        var inputs = new ArrayList<InputOffset>();
        for (var i = 0; i < names.size(); i++) {
            inputs.add(InputOffset.newBuilder().setTopic(names.get(i)).setPartition(history.partition()).setNextOffset(Long.parseLong(read[i])).build());
        }
        return Optional.of(new Row(recorded, inputs, Long.parseLong(read[names.size()])));
    }

    /** Each record that is read moves one of the offsets on: their sum orders what one owner did. */
    long read() {
        return sum(inputs);
    }

    static long sum(List<InputOffset> inputs) {
        return inputs.stream().mapToLong(InputOffset::getNextOffset).sum();
    }
}
