package dev.muster.k8s;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What stands in a pod template for what is known only when a pod is made: {@code ${task.id}}. A dollar sign before it makes it text: {@code $${HOME}}.
 */
final class Placeholders {

    private static final Pattern PLACE = Pattern.compile("(\\$?)\\$\\{([^}]*)}");
    /** Of objects whose values are labels'. */
    private static final Set<String> LABELS = Set.of("labels", "matchLabels", "nodeSelector");
    private static final Set<String> OF_TASKS = Set.of("task.id", "task.name", "project.id", "project.name", "user.id");

    private final Map<String, String> values = new TreeMap<>();

    Placeholders(MachineBatch batch, String machine, Optional<TaskWish> wish) {
        values.put("queue.name", batch.cause().queue());
        values.put("queue.id", batch.cause().queueId());
        values.put("fleet", batch.fleet());
        values.put("pool", batch.pool());
        values.put("machine", machine);
        wish.ifPresent(task -> {
            values.put("task.id", task.id());
            values.put("task.name", task.name());
            values.put("project.id", task.projectId());
            values.put("project.name", task.projectName());
            values.put("user.id", task.userId());
        });
    }

    /** The template with values in place of them; keys are left as they are. */
    JsonNode filled(JsonNode template) throws ProviderException {
        return filled(template, false);
    }

    private JsonNode filled(JsonNode node, boolean label) throws ProviderException {
        if (node instanceof ObjectNode object) {
            var copy = JsonNodeFactory.instance.objectNode();
            for (var field : object.properties()) {
                copy.set(field.getKey(), filled(field.getValue(), field.getValue().isTextual() ? label : LABELS.contains(field.getKey())));
            }
            return copy;
        }
        if (node instanceof ArrayNode array) {
            var copy = JsonNodeFactory.instance.arrayNode();
            for (var element : array) {
                copy.add(filled(element, false));
            }
            return copy;
        }
        return node.isTextual() && node.textValue().contains("${") ? TextNode.valueOf(filled(node.textValue(), label)) : node;
    }

    private String filled(String text, boolean label) throws ProviderException {
        var place = PLACE.matcher(text);
        var filled = new StringBuilder();
        boolean any = false;
        while (place.find()) {
            if (!place.group(1).isEmpty()) {
                place.appendReplacement(filled, Matcher.quoteReplacement("${" + place.group(2) + "}"));
                continue;
            }
            any = true;
            var value = values.get(place.group(2));
            if (value == null) {
                throw PodCalls.invalid("UnknownPlaceholder", "the pod template holds ${" + place.group(2) + "}"
                        + (OF_TASKS.contains(place.group(2)) ? ", which only task pods have" : ", which is none of " + all()
                                + "; write $${" + place.group(2) + "} if it is meant as it stands"));
            }
            place.appendReplacement(filled, Matcher.quoteReplacement(value));
        }
        place.appendTail(filled);
        return label && any ? PodNames.labelValue(filled.toString()) : filled.toString();
    }

    private Set<String> all() {
        var all = new TreeSet<>(values.keySet());
        all.addAll(OF_TASKS);
        return all;
    }
}
