package dev.muster.planner.core;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.Set;

/**
 * The accepted truth about a fleet.
 *
 * @param incarnation 8 base-32 characters, part of every machine id
 * @param past earlier lives of the name, newest last
 * @param version counts accepted writes from 1
 * @param action how it ends; null unless DELETING or DELETED
 * @param changedAt when this version was accepted
 */
public record FleetHead(
        String name, String incarnation, List<PastLife> past, long version, State state, ShutdownAction action, FleetSpec spec,
        Instant createdAt, Instant changedAt) {

    public enum State { ACTIVE, PAUSED, DELETING, DELETED }

    /** What a delete does with the machines: let them go, drain each, or end each at once. */
    public enum ShutdownAction { LEAVE, IDLE, ALL }

    public record PastLife(String incarnation, ShutdownAction action) {}

    public FleetHead {
        past = List.copyOf(past);
    }

    public boolean isEnding() {
        return state == State.DELETING || state == State.DELETED;
    }

    /** How the life that a machine's id speaks of was ended; empty: it wasn't, or is not known. */
    public Optional<ShutdownAction> endOf(String otherIncarnation) {
        return past.stream().filter(life -> life.incarnation().equals(otherIncarnation)).map(PastLife::action).findFirst();
    }

    /** Scopes that the spec's offers name, sorted. */
    public Set<String> scopes() {
        var scopes = new TreeSet<String>();
        spec.pools().forEach(pool -> pool.offers().forEach(offer -> scopes.add(offer.key().scope())));
        return scopes;
    }

    public FleetHead withState(State next) {
        return new FleetHead(name, incarnation, past, version, next, action, spec, createdAt, changedAt);
    }
}
