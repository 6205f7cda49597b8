package dev.muster.k8s;

import dev.muster.provisioner.spi.ProviderException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What a task's own hyperparameters change about its pod. {@code docs/kubernetes-tasks.md} has the table of them.
 *
 * @param requests Kubernetes quantities by resource, over the pool's
 * @param limits the same
 * @param gpus in place of the pool's and of what docker arguments say
 * @param nodeSelector labels added to the pool's
 * @param pullSecrets names of Secrets with which the image is pulled, beside the pool's
 */
record TaskOverrides(SortedMap<String, String> requests, SortedMap<String, String> limits, OptionalInt gpus, SortedMap<String, String> nodeSelector,
        Optional<String> priorityClass, Optional<Boolean> forcePull, List<String> pullSecrets) {

    /** Of hyperparameters. */
    static final String SECTION = "Muster";
    /** Of their names: other clouds have others. */
    static final String PREFIX = "k8s/";

    static final String INVALID = "InvalidOverride";

    /** As the docs show them. */
    record Row(String name, String value, String meaning) {}

    private static final String CPU = PREFIX + "cpu";
    private static final String MEMORY = PREFIX + "memory";
    private static final String GPU = PREFIX + "gpu";
    private static final String REQUEST = PREFIX + "request/";
    private static final String LIMIT = PREFIX + "limit/";
    private static final String NODE_SELECTOR = PREFIX + "node-selector/";
    private static final String PRIORITY_CLASS = PREFIX + "priority-class";
    private static final String FORCE_PULL = PREFIX + "force-pull";
    private static final String PULL_SECRET = PREFIX + "pull-secret";

    static final List<Row> ROWS = List.of(
            new Row(CPU, "quantity: `4`, `500m`", "request of CPU; a lower limit of the pool is raised to it"),
            new Row(MEMORY, "quantity: `16Gi`", "request and limit of memory"),
            new Row(GPU, "whole number", "GPUs, of the kind that the pool asks for, else `nvidia.com/gpu`; comes before `--gpus`"),
            new Row(REQUEST + "<resource>", "quantity", "request of any resource, such as `ephemeral-storage`"),
            new Row(LIMIT + "<resource>", "quantity", "limit of any resource"),
            new Row(NODE_SELECTOR + "<label>", "label value", "only nodes with this label, beside what the pool asks of nodes"),
            new Row(PRIORITY_CLASS, "name", "priority class, in place of the pool's"),
            new Row(FORCE_PULL, "`true` or `false`", "whether the image is pulled at each start, in place of the pool's word"),
            new Row(PULL_SECRET, "name", "Secret of the namespace with which the image is pulled, beside the pool's"));

    /** Kubernetes' grammar of quantities, without a sign. */
    private static final Pattern QUANTITY = Pattern.compile("(?:[0-9]{1,20}(?:\\.[0-9]{0,9})?|\\.[0-9]{1,9})(?:Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?");
    /** What people write instead. */
    private static final Pattern OTHER_UNITS = Pattern.compile("([0-9.]+)\\s*([kKmMgGtT])(?:[iI]?[bB])?");
    private static final Pattern SUBDOMAIN = Pattern.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*");
    /** Of a label's or a resource's name, after its prefix. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?");
    private static final int MOST_SUBDOMAIN = 253;

    TaskOverrides {
        requests = Collections.unmodifiableSortedMap(new TreeMap<>(requests));
        limits = Collections.unmodifiableSortedMap(new TreeMap<>(limits));
        nodeSelector = Collections.unmodifiableSortedMap(new TreeMap<>(nodeSelector));
        pullSecrets = List.copyOf(pullSecrets);
    }

    /**
     * @param hyperparameters of the section, by name, all of them with the prefix. One without a value is left out
     * @throws ProviderException the task's fault, naming the hyperparameter and the fix
     */
    static TaskOverrides of(SortedMap<String, String> hyperparameters) throws ProviderException {
        var requests = new TreeMap<String, String>();
        var limits = new TreeMap<String, String>();
        var gpus = OptionalInt.empty();
        var nodeSelector = new TreeMap<String, String>();
        var priorityClass = Optional.<String>empty();
        var forcePull = Optional.<Boolean>empty();
        var pullSecrets = new ArrayList<String>();
        for (var parameter : hyperparameters.entrySet()) {
            var name = parameter.getKey();
            var value = parameter.getValue().strip();
            if (value.isEmpty()) {
                continue;
            }
            switch (name) {
                case CPU -> requests.putIfAbsent("cpu", quantity(name, value));
                case MEMORY -> {
                    requests.putIfAbsent("memory", quantity(name, value));
                    limits.putIfAbsent("memory", value);
                }
                case GPU -> gpus = OptionalInt.of(count(name, value));
                case PRIORITY_CLASS -> priorityClass = Optional.of(subdomain(name, value));
                case FORCE_PULL -> forcePull = Optional.of(yesOrNo(name, value));
                case PULL_SECRET -> pullSecrets.add(subdomain(name, value));
                default -> {
                    if (name.startsWith(REQUEST)) {
                        requests.put(resource(name, REQUEST), quantity(name, value));
                    } else if (name.startsWith(LIMIT)) {
                        limits.put(resource(name, LIMIT), quantity(name, value));
                    } else if (name.startsWith(NODE_SELECTOR)) {
                        nodeSelector.put(label(name), labelValue(name, value));
                    } else {
                        throw wrong(name, "is none that Muster knows; known are " + String.join(", ", ROWS.stream().map(Row::name).toList()));
                    }
                }
            }
        }
        for (var limit : limits.entrySet()) {
            var request = requests.get(limit.getKey());
            if (request != null && amount(request).compareTo(amount(limit.getValue())) > 0) {
                throw wrong("k8s/…/" + limit.getKey(), "asks for " + request + " with a limit of " + limit.getValue() + "; make the limit as large as the request");
            }
        }
        return new TaskOverrides(requests, limits, gpus, nodeSelector, priorityClass, forcePull, pullSecrets);
    }

    /** Requests and limits of a container, by resource. */
    record Resources(SortedMap<String, String> requests, SortedMap<String, String> limits) {
        Resources {
            requests = Collections.unmodifiableSortedMap(new TreeMap<>(requests));
            limits = Collections.unmodifiableSortedMap(new TreeMap<>(limits));
        }
    }

    /**
     * The pool's, changed. No request is larger than its limit: whichever of the two the task doesn't name follows the one that it does.
     *
     * @param dockers GPUs that the docker arguments ask for; empty: they don't say
     */
    Resources over(Resources pool, OptionalInt dockers) {
        var newRequests = new TreeMap<>(pool.requests);
        var newLimits = new TreeMap<>(pool.limits);
        newRequests.putAll(requests);
        newLimits.putAll(limits);
        var wanted = gpus.isPresent() ? gpus : dockers;
        if (wanted.isPresent()) {
            var resource = gpuResource(pool);
            newRequests.remove(resource);
            newLimits.remove(resource);
            if (wanted.getAsInt() > 0) {
                // Kubernetes takes GPUs as limits, and fills in the same request.
                newLimits.put(resource, Integer.toString(wanted.getAsInt()));
            }
        }
        for (var resource : List.copyOf(newRequests.keySet())) {
            var limit = newLimits.get(resource);
            if (limit != null && amount(newRequests.get(resource)).compareTo(amount(limit)) > 0) {
                if (limits.containsKey(resource)) {
                    newRequests.put(resource, limit);
                } else {
                    newLimits.put(resource, newRequests.get(resource));
                }
            }
        }
        return new Resources(newRequests, newLimits);
    }

    /** The pool's own kind of GPU. */
    private static String gpuResource(Resources pool) {
        for (var names : List.of(pool.limits.keySet(), pool.requests.keySet())) {
            for (var name : names) {
                if (name.endsWith("/gpu") || name.startsWith("nvidia.com/")) {
                    return name;
                }
            }
        }
        return "nvidia.com/gpu";
    }

    private static final Map<String, BigDecimal> UNITS = Map.ofEntries(
            Map.entry("", BigDecimal.ONE), Map.entry("n", BigDecimal.ONE.movePointLeft(9)), Map.entry("u", BigDecimal.ONE.movePointLeft(6)),
            Map.entry("m", BigDecimal.ONE.movePointLeft(3)), Map.entry("k", BigDecimal.ONE.movePointRight(3)),
            Map.entry("M", BigDecimal.ONE.movePointRight(6)), Map.entry("G", BigDecimal.ONE.movePointRight(9)),
            Map.entry("T", BigDecimal.ONE.movePointRight(12)), Map.entry("P", BigDecimal.ONE.movePointRight(15)),
            Map.entry("E", BigDecimal.ONE.movePointRight(18)), Map.entry("Ki", new BigDecimal(1L << 10)), Map.entry("Mi", new BigDecimal(1L << 20)),
            Map.entry("Gi", new BigDecimal(1L << 30)), Map.entry("Ti", new BigDecimal(1L << 40)), Map.entry("Pi", new BigDecimal(1L << 50)),
            Map.entry("Ei", new BigDecimal(1L << 60)));

    /** Of a quantity as Kubernetes has it. Zero for what is none: a pool's are judged elsewhere. */
    private static BigDecimal amount(String quantity) {
        if (!QUANTITY.matcher(quantity).matches()) {
            return BigDecimal.ZERO;
        }
        if (quantity.matches(".*[eE][+-]?[0-9]+")) {
            return new BigDecimal(quantity);
        }
        var number = quantity.replaceFirst("[A-Za-z]+$", "");
        return new BigDecimal(number).multiply(UNITS.get(quantity.substring(number.length())));
    }

    private static String quantity(String name, String value) throws ProviderException {
        if (QUANTITY.matcher(value).matches()) {
            return value;
        }
        var meant = OTHER_UNITS.matcher(value);
        throw wrong(name, "is '" + value + "', which is no quantity of Kubernetes; " + (meant.matches() && !name.endsWith("cpu")
                ? "write " + meant.group(1) + meant.group(2).toUpperCase(java.util.Locale.ROOT) + "i" : "write such as 4, 500m or 16Gi"));
    }

    private static int count(String name, String value) throws ProviderException {
        // Clients write what a script has as a number in their own way.
        if (!value.matches("[0-9]{1,4}(\\.0)?")) {
            throw wrong(name, "is '" + value + "'; write a whole number of GPUs, such as 2");
        }
        return Integer.parseInt(value.replace(".0", ""));
    }

    private static boolean yesOrNo(String name, String value) throws ProviderException {
        if (!value.matches("(?i)true|false")) {
            throw wrong(name, "is '" + value + "'; write true or false");
        }
        return Boolean.parseBoolean(value);
    }

    private static String subdomain(String name, String value) throws ProviderException {
        if (value.length() > MOST_SUBDOMAIN || !SUBDOMAIN.matcher(value).matches()) {
            throw wrong(name, "is '" + value + "', which is no name of Kubernetes; write lower-case letters, digits, '-' and '.'");
        }
        return value;
    }

    private static String resource(String name, String prefix) throws ProviderException {
        var resource = name.substring(prefix.length());
        if (!isQualified(resource)) {
            throw wrong(name, "names no resource; write one such as " + prefix + "memory or " + prefix + "nvidia.com/gpu");
        }
        return resource;
    }

    private static String label(String name) throws ProviderException {
        var label = name.substring(NODE_SELECTOR.length());
        if (!isQualified(label)) {
            throw wrong(name, "names no label; write one such as " + NODE_SELECTOR + "node.kubernetes.io/instance-type");
        }
        return label;
    }

    private static String labelValue(String name, String value) throws ProviderException {
        if (!NAME.matcher(value).matches()) {
            throw wrong(name, "is '" + value + "', which is no value of a label; write at most 63 letters, digits, '-', '_' and '.'");
        }
        return value;
    }

    /** A name, or a domain's name, a slash and a name. */
    private static boolean isQualified(String text) {
        var slash = text.indexOf('/');
        var prefix = slash < 0 ? "" : text.substring(0, slash);
        return NAME.matcher(text.substring(slash + 1)).matches()
                && (slash < 0 || prefix.length() <= MOST_SUBDOMAIN && SUBDOMAIN.matcher(prefix).matches());
    }

    private static ProviderException wrong(String name, String what) {
        return ProviderException.faultOfTask(INVALID, "hyperparameter " + SECTION + "/" + name + " " + what);
    }
}
