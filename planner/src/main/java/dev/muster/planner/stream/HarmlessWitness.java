package dev.muster.planner.stream;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/** Tells another witness, and keeps its errors from whoever is planning: a figure that can't be shown must not keep a fleet from its machines. Thread-safe. */
final class HarmlessWitness implements InvocationHandler {

    private static final Logger LOG = Logger.getLogger(HarmlessWitness.class);
    /** What fails may fail with each record. */
    private static final Duration SAID_AGAIN_AFTER = Duration.ofMinutes(1);

    private final Witness witness;
    /** When an error in each of its methods was last said. */
    private final Map<Method, Long> said = new ConcurrentHashMap<>();

    private HarmlessWitness(Witness witness) {
        this.witness = witness;
    }

    static Witness of(Witness witness) {
        return (Witness) Proxy.newProxyInstance(Witness.class.getClassLoader(), new Class<?>[] {Witness.class}, new HarmlessWitness(witness));
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws IllegalAccessException {
        try {
            return method.invoke(witness, arguments);
        } catch (InvocationTargetException failed) {
            if (failed.getCause() instanceof Error error) {
                throw error;
            }
            var now = System.nanoTime();
            var before = said.get(method);
            if (before == null || now - before > SAID_AGAIN_AFTER.toNanos()) {
                said.put(method, now);
                LOG.errorf(failed.getCause(), "A figure or a trace failed, and is left out; what=%s", method.getName());
            }
            return null;
        }
    }
}
