package dev.muster.planner.http;

import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.protobuf.Descriptors;
import com.google.protobuf.Message;
import dev.muster.v1.BudgetsGrpc;
import dev.muster.v1.DecisionsGrpc;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.HistoryGrpc;
import dev.muster.v1.InstallationGrpc;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.PoolsGrpc;
import dev.muster.v1.QueuesGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Every call of the API with its paths, as the options beside the calls say them. */
final class Bindings {

    static final List<ServiceDescriptor> SERVICES = List.of(FleetsGrpc.getServiceDescriptor(), PoolsGrpc.getServiceDescriptor(),
            MachinesGrpc.getServiceDescriptor(), QueuesGrpc.getServiceDescriptor(), DecisionsGrpc.getServiceDescriptor(),
            BudgetsGrpc.getServiceDescriptor(), HistoryGrpc.getServiceDescriptor(), InstallationGrpc.getServiceDescriptor());

    private final List<Binding> all = new ArrayList<>();

    /** @param values of the path's fields */
    record Match(Binding binding, Map<String, String> values) {}

    Bindings() {
        SERVICES.forEach(service -> service.getMethods().forEach(this::add));
        var shapes = new HashMap<String, Binding>();
        for (var binding : all) {
            var other = shapes.put(binding.verb() + " " + binding.path().shape(), binding);
            if (other != null) {
                throw new IllegalStateException(binding.path().text() + " and " + other.path().text() + " can't be told apart");
            }
        }
    }

    @SuppressWarnings("unchecked")
    private void add(MethodDescriptor<?, ?> call) {
        var rpc = ((ProtoMethodDescriptorSupplier) call.getSchemaDescriptor()).getMethodDescriptor();
        if (rpc.getOptions().hasExtension(AnnotationsProto.http)) {
            var rule = rpc.getOptions().getExtension(AnnotationsProto.http);
            all.add(binding(rule, rpc, (MethodDescriptor<Message, Message>) call));
            rule.getAdditionalBindingsList().forEach(more -> all.add(binding(more, rpc, (MethodDescriptor<Message, Message>) call)));
        }
    }

    private static Binding binding(HttpRule rule, Descriptors.MethodDescriptor rpc, MethodDescriptor<Message, Message> call) {
        var path = switch (rule.getPatternCase()) {
            case GET -> rule.getGet();
            case PUT -> rule.getPut();
            case POST -> rule.getPost();
            case DELETE -> rule.getDelete();
            case PATCH -> rule.getPatch();
            case CUSTOM, PATTERN_NOT_SET -> throw new IllegalStateException(rpc.getFullName() + " has no path that this server understands");
        };
        if (!rule.getBody().isEmpty() && !rule.getBody().equals("*")) {
            throw new IllegalStateException(rpc.getFullName() + ": a body is the whole request, '*', and not " + rule.getBody());
        }
        return new Binding(rule.getPatternCase().name(), PathTemplate.of(path), rule.getBody().equals("*"), rpc, call);
    }

    List<Binding> all() {
        return List.copyOf(all);
    }

    Optional<Match> find(String verb, RequestPath path) {
        for (var binding : all) {
            if (binding.verb().equals(verb)) {
                var values = binding.path().match(path);
                if (values.isPresent()) {
                    return Optional.of(new Match(binding, values.get()));
                }
            }
        }
        return Optional.empty();
    }

    /** As the header Allow has it; empty: there is no such path. */
    String allowed(RequestPath path) {
        var verbs = new TreeSet<String>();
        for (var binding : all) {
            if (binding.path().match(path).isPresent()) {
                verbs.add(binding.verb());
                if (binding.verb().equals("GET") && !binding.isStream()) {
                    verbs.add("HEAD");
                }
            }
        }
        if (!verbs.isEmpty()) {
            verbs.add("OPTIONS");
        }
        return String.join(", ", verbs);
    }
}
