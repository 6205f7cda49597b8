package dev.muster.planner.stream;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.muster.v1.ClearmlCommand;
import dev.muster.v1.Command;
import dev.muster.v1.Decision;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.Refusal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a planner read and what it decided then, as lines of text: a step is an instant and what happened at it, and what came of it follows,
 * indented. How a decision is worded is left out, and so is what only people read; what is commanded is there whole.
 */
final class Transcript {

    private static final String PLAN = "plan";
    private static final String READ = "read ";
    private static final String OUTCOME = "  ";

    private final StringBuilder text = new StringBuilder();

    /**
     * Something that happened.
     *
     * @param input without a prefix; null: what is due is planned
     */
    record Step(Instant at, String input, byte[] value) {}

    void read(Instant at, String input, byte[] value) {
        text.append(at).append(' ').append(READ).append(input).append(' ').append(Base64.getEncoder().encodeToString(value)).append('\n');
    }

    void planned(Instant at) {
        text.append(at).append(' ').append(PLAN).append('\n');
    }

    void step(Step step) {
        if (step.input() == null) {
            planned(step.at());
        } else {
            read(step.at(), step.input(), step.value());
        }
    }

    /** Something that was written, if it is one of the things that are compared. */
    void wrote(String sink, byte[] value) {
        try {
            if (sink.equals(Sinks.DECISIONS)) {
                decided(DecisionEvent.parseFrom(value));
            } else if (sink.equals(Sinks.commands("clearml"))) {
                outcome(sink + " " + json(ClearmlCommand.parseFrom(value)));
            } else if (sink.startsWith("commands.")) {
                outcome(sink + " " + json(Command.parseFrom(value)));
            } else if (sink.equals(Sinks.DEAD_LETTERS)) {
                outcome("dead letter");
            }
        } catch (InvalidProtocolBufferException unreadable) {
            throw new IllegalStateException(unreadable);
        }
    }

    private void decided(DecisionEvent event) {
        switch (event.getWhatCase()) {
            case DECISION -> outcome("decided " + decision(event.getDecision()));
            case REFUSAL -> outcome("refused " + refusal(event.getRefusal()));
            case REQUEST_ANSWERED -> outcome("answered " + event.getRequestAnswered().getCode());
            default -> {
                // Snapshots, audit and where plans begin and end are not what is decided.
            }
        }
    }

    private static String decision(Decision decision) {
        return decision.getRule() + " " + decision.getReason() + about(decision.getPool(), decision.getQueue()) + " machines=" + decision.getMachineIdsList()
                + " tasks=" + decision.getTaskIdsList() + " " + sorted(decision.getNumbersMap());
    }

    private static String refusal(Refusal refusal) {
        return refusal.getRule() + " " + refusal.getReason() + about(refusal.getPool(), refusal.getQueue()) + " waiting=" + refusal.getWaiting() + " "
                + sorted(refusal.getNumbersMap()) + " " + sorted(refusal.getWordsMap());
    }

    private static String about(String pool, String queue) {
        return " pool=" + pool + " queue=" + queue;
    }

    private static String sorted(Map<String, ?> named) {
        return new TreeMap<>(named).toString();
    }

    private static String json(Message message) throws InvalidProtocolBufferException {
        return JsonFormat.printer().omittingInsignificantWhitespace().sortingMapKeys().print(message);
    }

    private void outcome(String line) {
        text.append(OUTCOME).append(line.replace("\n", " ")).append('\n');
    }

    String text() {
        return text.toString();
    }

    /** What happened, without what came of it. */
    static List<Step> steps(String text) {
        var steps = new ArrayList<Step>();
        text.lines().filter(line -> !line.startsWith(OUTCOME)).forEach(line -> {
            var words = line.split(" ");
            steps.add(words[1].equals(PLAN) ? new Step(Instant.parse(words[0]), null, null)
                    : new Step(Instant.parse(words[0]), words[2], Base64.getDecoder().decode(words[3])));
        });
        return steps;
    }

    /** The first thing that is not the same, in words; empty: all is. */
    static String firstDifference(String stored, String today) {
        var before = stored.lines().toList();
        var now = today.lines().toList();
        var at = "";
        for (int i = 0; i < Math.max(before.size(), now.size()); i++) {
            var was = i < before.size() ? before.get(i) : "";
            var is = i < now.size() ? now.get(i) : "";
            if (!was.equals(is)) {
                return at + ": was '" + was.strip() + "', is '" + is.strip() + "'";
            }
            at = was.startsWith(OUTCOME) ? at : was.substring(0, Math.min(was.length(), 40));
        }
        return "";
    }
}
