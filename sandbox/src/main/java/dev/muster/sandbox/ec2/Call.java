package dev.muster.sandbox.ec2;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * One request in EC2's Query protocol, read by parameter name. Lists are numbered ({@code InstanceId.1}), structures dotted
 * ({@code MetadataOptions.HttpTokens}). A value that can't be read is refused as EC2 refuses it.
 *
 * @param prefix of the names this call reads, empty or ending in a dot: a nested structure is a call of its own
 */
record Call(Scope scope, String action, SortedMap<String, String> parameters, String prefix) {

    private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,5}");
    private static final Set<String> PROTOCOL = Set.of("Action", "Version", "AWSAccessKeyId", "SignatureMethod",
            "SignatureVersion", "Signature", "Timestamp", "Expires");

    /** Whose machines and where: EC2 keeps everything by account and region. */
    record Scope(String account, String region) {
    }

    static Call of(Scope scope, String action, SortedMap<String, String> parameters) {
        return new Call(scope, action, parameters, "");
    }

    /** Null if the caller didn't send it. */
    String text(String name) {
        return parameters.get(prefix + name);
    }

    String text(String name, String otherwise) {
        var value = text(name);
        return value == null ? otherwise : value;
    }

    String required(String name) {
        var value = text(name);
        if (value == null || value.isEmpty()) {
            throw Refusal.missing(prefix + name);
        }
        return value;
    }

    /** One of {@code allowed}, or {@code otherwise} if the caller didn't send it. */
    String oneOf(String name, String otherwise, String... allowed) {
        var value = text(name);
        if (value == null) {
            return otherwise;
        }
        if (!List.of(allowed).contains(value)) {
            throw Refusal.invalidValue("Value (" + value + ") for parameter " + prefix + name + " is invalid. Allowed: "
                    + String.join(", ", allowed));
        }
        return value;
    }

    Optional<Integer> integer(String name) {
        var value = text(name);
        if (value == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(Integer.valueOf(value));
        } catch (NumberFormatException e) {
            throw Refusal.invalidValue("Value (" + value + ") for parameter " + prefix + name + " is invalid. Expected: an integer");
        }
    }

    Optional<BigDecimal> decimal(String name) {
        var value = text(name);
        if (value == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new BigDecimal(value));
        } catch (NumberFormatException e) {
            throw Refusal.invalidValue("Value (" + value + ") for parameter " + prefix + name + " is invalid. Expected: a decimal number");
        }
    }

    Optional<Instant> instant(String name) {
        var value = text(name);
        if (value == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(OffsetDateTime.parse(value).toInstant());
        } catch (DateTimeParseException e) {
            throw Refusal.invalidValue("Value (" + value + ") for parameter " + prefix + name + " is invalid. Expected: an ISO 8601 time");
        }
    }

    boolean flag(String name, boolean otherwise) {
        var value = text(name);
        if (value == null) {
            return otherwise;
        }
        return switch (value) {
            case "true", "1" -> true;
            case "false", "0" -> false;
            default -> throw Refusal.invalidValue("Value (" + value + ") for parameter " + prefix + name + " is invalid. Expected: true or false");
        };
    }

    boolean dryRun() {
        return flag("DryRun", false);
    }

    /** The values of {@code name.1}, {@code name.2}, … in the order of their numbers. */
    List<String> texts(String name) {
        var values = new TreeMap<Integer, String>();
        for (var number : numbersUnder(name)) {
            var value = text(name + "." + number);
            if (value != null) {
                values.put(number, value);
            }
        }
        return List.copyOf(values.values());
    }

    /** The structures {@code name.1.…}, {@code name.2.…} in the order of their numbers. */
    List<Call> structures(String name) {
        var found = new ArrayList<Call>();
        for (var number : numbersUnder(name)) {
            found.add(structure(name + "." + number));
        }
        return found;
    }

    Call structure(String name) {
        return new Call(scope, action, parameters, prefix + name + ".");
    }

    /** Whether anything was sent below {@code name}. */
    boolean has(String name) {
        var start = prefix + name;
        return parameters.containsKey(start) || !parameters.subMap(start + ".", start + "/").isEmpty();
    }

    /**
     * Refuses any top-level parameter that is in neither set: a misspelt one must not pass unseen.
     *
     * @param known parameters that this action acts on
     * @param refused parameters that EC2 knows and the stand-in doesn't simulate
     */
    void checkNames(Set<String> known, Set<String> refused) {
        for (var name : parameters.keySet()) {
            int dot = name.indexOf('.');
            var root = dot < 0 ? name : name.substring(0, dot);
            if (refused.contains(root)) {
                throw Refusal.of("UnsupportedOperation", "This stand-in for EC2 does not simulate " + root
                        + "; leave it out and send what it holds as parameters of " + action + " itself.");
            }
            if (!known.contains(root) && !PROTOCOL.contains(root) && !root.startsWith("X-Amz-") && !root.equals("DryRun")) {
                throw Refusal.of("UnknownParameter", "The parameter " + root + " is not recognized");
            }
        }
    }

    private List<Integer> numbersUnder(String name) {
        var start = prefix + name + ".";
        var numbers = new TreeMap<Integer, Boolean>();
        for (var key : parameters.tailMap(start).keySet()) {
            if (!key.startsWith(start)) {
                break;
            }
            var rest = key.substring(start.length());
            int dot = rest.indexOf('.');
            var number = dot < 0 ? rest : rest.substring(0, dot);
            if (!NUMBER.matcher(number).matches()) {
                throw Refusal.of("InvalidQueryParameter", "The parameter " + key + " is not a numbered list item");
            }
            numbers.put(Integer.valueOf(number), true);
        }
        return List.copyOf(numbers.keySet());
    }
}
