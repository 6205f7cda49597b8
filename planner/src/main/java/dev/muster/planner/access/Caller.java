package dev.muster.planner.access;

import dev.muster.v1.Role;
import io.grpc.Context;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Who makes a call, and what they may do. A service asks {@link #current()} while it is called; what goes on later, such as a watch, keeps
 * the caller that it began with.
 *
 * @param name as audit has it: {@code oidc:ann@example.org}, {@code token:ci}, {@code certificate:CN=ops}, {@code anonymous}
 * @param roles by fleet; under {@link #EVERYWHERE} what is held for all fleets and the installation
 * @param expiresAt when what the caller showed ends; empty: with the connection
 */
public record Caller(String name, Map<String, Role> roles, Optional<Instant> expiresAt) {

    /** In place of a fleet's name: all fleets, and the installation. */
    public static final String EVERYWHERE = "*";
    /** Where nobody is asked who they are, everybody may do everything. */
    public static final Caller ANYBODY = new Caller("anonymous", Map.of(EVERYWHERE, Role.ADMIN), Optional.empty());
    /** Code that runs outside a call reads nothing: a forgotten check must not open anything. */
    private static final Caller NOBODY = new Caller("nobody", Map.of(), Optional.empty());
    private static final Context.Key<Caller> CURRENT = Context.keyWithDefault("muster-caller", NOBODY);

    public Caller {
        roles = Map.copyOf(roles);
    }

    /** Of the call that this thread serves. */
    public static Caller current() {
        return CURRENT.get();
    }

    /** A context whose calls are this caller's. */
    public Context in(Context context) {
        return context.withValue(CURRENT, this);
    }

    /** The highest that is held for the fleet; {@link Role#ROLE_UNSPECIFIED} if none is. */
    public Role role(String fleet) {
        var everywhere = roles.getOrDefault(EVERYWHERE, Role.ROLE_UNSPECIFIED);
        var here = roles.getOrDefault(fleet, Role.ROLE_UNSPECIFIED);
        return here.getNumber() > everywhere.getNumber() ? here : everywhere;
    }

    public boolean holds(Role least, String fleet) {
        return role(fleet).getNumber() >= least.getNumber();
    }

    /** For answers about all fleets: each holds what is of fleets that the caller may read, and nothing that tells of others. */
    public boolean mayRead(String fleet) {
        return holds(Role.VIEWER, fleet);
    }

    /** Whether the caller may read what is of no fleet. */
    public boolean mayReadEverything() {
        return mayRead(EVERYWHERE);
    }

    /** As requests and audit have it: {@code viewer}, {@code operator}, {@code admin}; empty where nobody is asked who they are. */
    public String roleName(String fleet) {
        return equals(ANYBODY) || role(fleet) == Role.ROLE_UNSPECIFIED ? "" : role(fleet).name().toLowerCase(java.util.Locale.ROOT);
    }

    /** This caller with one role more. */
    Caller with(Role role, String fleet) {
        var more = new TreeMap<>(roles);
        more.merge(fleet, role, (one, other) -> one.getNumber() >= other.getNumber() ? one : other);
        return new Caller(name, more, expiresAt);
    }
}
