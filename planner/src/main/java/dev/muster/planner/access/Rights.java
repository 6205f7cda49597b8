package dev.muster.planner.access;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.muster.v1.AccessOuterClass;
import dev.muster.v1.Role;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;

/** What each call needs, as the option {@code muster.v1.access} beside it says. Thread-safe. */
final class Rights {

    private final Function<String, Optional<String>> fleetOfMachine;
    private final ConcurrentMap<String, Optional<Need>> needs = new ConcurrentHashMap<>();

    /**
     * What one call needs. A path leads from the request to a text; an empty one leads nowhere.
     *
     * @param read it changes nothing
     */
    private record Need(Role role, List<FieldDescriptor> fleet, List<FieldDescriptor> machine, List<FieldDescriptor> reads, boolean everywhere) {

        boolean isRead() {
            return role == Role.VIEWER;
        }
    }

    Rights(Function<String, Optional<String>> fleetOfMachine) {
        this.fleetOfMachine = fleetOfMachine;
    }

    /** Whether the call changes nothing. One that doesn't say what it needs is taken for one that does. */
    boolean isRead(MethodDescriptor<?, ?> method) {
        return need(method).map(Need::isRead).orElse(false);
    }

    /** What keeps the caller from this call; empty: nothing does. */
    Optional<StatusRuntimeException> refusal(Caller caller, MethodDescriptor<?, ?> method, Object message) {
        var need = need(method);
        if (need.isEmpty() || !(message instanceof Message request)) {
            return Optional.of(AccessErrors.undeclared(method.getFullMethodName()));
        }
        return refusal(caller, need.get(), request);
    }

    private Optional<StatusRuntimeException> refusal(Caller caller, Need need, Message request) {
        if (need.everywhere() && !caller.holds(need.role(), Caller.EVERYWHERE)) {
            return Optional.of(AccessErrors.denied(caller, need.role(), Caller.EVERYWHERE));
        }
        var machine = text(request, need.machine());
        if (!machine.isEmpty() && !caller.holds(need.role(), Caller.EVERYWHERE)) {
            var owner = fleetOfMachine.apply(machine).filter(caller::mayRead);
            if (owner.isEmpty()) {
                return Optional.of(AccessErrors.noMachine(machine));
            } else if (!caller.holds(need.role(), owner.get())) {
                return Optional.of(AccessErrors.denied(caller, need.role(), owner.get()));
            }
        }
        var fleet = text(request, need.fleet());
        if (!fleet.isEmpty() && !caller.holds(need.role(), fleet)) {
            return Optional.of(AccessErrors.denied(caller, need.role(), fleet));
        }
        // A read that names nothing is answered with what the caller may read. A change that names nothing is one of nothing.
        var path = need.fleet().isEmpty() ? need.machine() : need.fleet();
        if (!need.isRead() && !path.isEmpty() && fleet.isEmpty() && machine.isEmpty()) {
            return Optional.of(caller.roles().values().stream().anyMatch(role -> role.getNumber() >= need.role().getNumber())
                    ? AccessErrors.missing(name(path)) : AccessErrors.denied(caller, need.role(), Caller.EVERYWHERE));
        }
        var shown = text(request, need.reads());
        if (!shown.isEmpty() && !caller.mayRead(shown)) {
            return Optional.of(AccessErrors.denied(caller, Role.VIEWER, shown));
        }
        return Optional.empty();
    }

    /** What the call is about, for people who look after the planner; empty if it names nothing. */
    String subject(MethodDescriptor<?, ?> method, Object message) {
        if (!(message instanceof Message request)) {
            return "";
        }
        return need(method).map(need -> {
            var fleet = text(request, need.fleet());
            return fleet.isEmpty() ? text(request, need.machine()) : fleet;
        }).orElse("");
    }

    private Optional<Need> need(MethodDescriptor<?, ?> method) {
        return needs.computeIfAbsent(method.getFullMethodName(), name -> read(method));
    }

    private static Optional<Need> read(MethodDescriptor<?, ?> method) {
        if (!(method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier schema)
                || !schema.getMethodDescriptor().getOptions().hasExtension(AccessOuterClass.access)) {
            return Optional.empty();
        }
        var access = schema.getMethodDescriptor().getOptions().getExtension(AccessOuterClass.access);
        if (access.getRole() == Role.ROLE_UNSPECIFIED || access.getRole() == Role.UNRECOGNIZED) {
            return Optional.empty();
        }
        var request = schema.getMethodDescriptor().getInputType();
        return Optional.of(new Need(access.getRole(), path(request, access.getFleet()), path(request, access.getMachine()), path(request, access.getReads()), access.getEverywhere()));
    }

    private static List<FieldDescriptor> path(com.google.protobuf.Descriptors.Descriptor request, String written) {
        var path = new ArrayList<FieldDescriptor>();
        var type = request;
        for (var name : written.isEmpty() ? new String[0] : written.split("\\.")) {
            var field = type == null ? null : type.findFieldByName(name);
            if (field == null || field.isRepeated()) {
                // As good as undeclared, and nobody gets past what can't be looked up.
                throw new IllegalStateException(request.getFullName() + " has no field " + written + ", by which its access is told");
            }
            path.add(field);
            type = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE ? field.getMessageType() : null;
        }
        return path;
    }

    private static String text(Message request, List<FieldDescriptor> path) {
        var message = request;
        for (var i = 0; i < path.size() - 1; i++) {
            message = (Message) message.getField(path.get(i));
        }
        return path.isEmpty() ? "" : (String) message.getField(path.get(path.size() - 1));
    }

    private static String name(List<FieldDescriptor> path) {
        return String.join(".", path.stream().map(FieldDescriptor::getJsonName).toList());
    }
}
