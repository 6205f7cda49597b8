package dev.muster.sandbox.k8s;

import io.fabric8.kubernetes.api.model.Quantity;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/** What an object of Kubernetes says that its class has no field for: an API server that is strict refuses it, and any other drops it. */
public final class UnknownFields {

    private static final String MODEL = "io.fabric8.kubernetes.api.model.";

    private UnknownFields() {}

    /** @param at what the object is called. @return by path, such as {@code Deployment.Spec.Template}: names and values; empty: there are none */
    public static Map<String, Map<?, ?>> of(Object object, String at) {
        var unknown = new TreeMap<String, Map<?, ?>>();
        try {
            look(object, at, unknown);
        } catch (IllegalAccessException | InvocationTargetException ours) {
            throw new IllegalStateException(at, ours);
        }
        return unknown;
    }

    private static void look(Object value, String at, Map<String, Map<?, ?>> unknown) throws IllegalAccessException, InvocationTargetException {
        if (value instanceof Collection<?> all) {
            for (var one : all) {
                look(one, at + "[]", unknown);
            }
        } else if (value instanceof Map<?, ?> map) {
            for (var one : map.entrySet()) {
                look(one.getValue(), at + "." + one.getKey(), unknown);
            }
        } else if (value != null && value.getClass().getName().startsWith(MODEL)) {
            for (var getter : value.getClass().getMethods()) {
                // Quantities keep their text there.
                if (getter.getName().equals("getAdditionalProperties") && !(value instanceof Quantity)) {
                    var additional = (Map<?, ?>) getter.invoke(value);
                    if (!additional.isEmpty()) {
                        unknown.put(at, additional);
                    }
                } else if (isGetter(getter)) {
                    look(getter.invoke(value), at + "." + getter.getName().substring(3), unknown);
                }
            }
        }
    }

    private static boolean isGetter(Method method) {
        return method.getName().startsWith("get") && method.getParameterCount() == 0 && (method.getReturnType().getName().startsWith(MODEL)
                || Collection.class.isAssignableFrom(method.getReturnType()) || Map.class.isAssignableFrom(method.getReturnType()));
    }
}
