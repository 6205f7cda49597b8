package dev.muster.planner.simulation;

import dev.muster.planner.core.FleetEvent.MachinesAsked.Verb;
import dev.muster.planner.core.FleetHead.ShutdownAction;
import dev.muster.planner.core.FleetHead.State;
import java.time.Instant;
import java.util.function.UnaryOperator;

/** A person's request on its topic, before the fleet's owner has judged it. */
sealed interface Asked {

    Instant at();

    record Edit(Instant at, UnaryOperator<Shape.Edits> change) implements Asked {}

    record SetState(Instant at, State state) implements Asked {}

    record Delete(Instant at, ShutdownAction action) implements Asked {}

    record Adopt(Instant at, String prefix) implements Asked {}

    record OfMachine(Instant at, String machineId, Verb verb) implements Asked {}
}
