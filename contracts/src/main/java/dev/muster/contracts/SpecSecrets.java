package dev.muster.contracts;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.NamedState;
import dev.muster.v1.Value;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Which secrets specs name, who must have each, and what a service says of those in its folder: names alone. */
public final class SpecSecrets {

    /** Reads webhooks' addresses. */
    public static final String PLANNER = "planner";
    /** Pods mount what their secrets name, whatever the form of the reference. */
    private static final String READS_ITSELF = "k8s";
    /** Keys of the installation itself: what a spec doesn't name of them is nobody's business. */
    private static final String OWN_KEY = "clearml-.+-(access|secret)-key|aws-.+-(access-key-id|secret-access-key)|gcp-.+-key|k8s-.+-token|kafka-.+";
    /** So that a report stays far below the largest record. */
    private static final int MOST = 1_000;

    private SpecSecrets() {}

    /**
     * A secret that a spec names.
     *
     * @param name as it is written there
     * @param service whose folder must have it; empty: machines read it themselves
     */
    public record Wanted(String name, String service) implements Comparable<Wanted> {
        @Override
        public int compareTo(Wanted other) {
            int names = name.compareTo(other.name);
            return names != 0 ? names : service.compareTo(other.service);
        }
    }

    public static Set<Wanted> of(FleetSpec spec) {
        var wanted = new TreeSet<Wanted>();
        for (var pool : spec.getPoolsList()) {
            var providers = new TreeSet<String>();
            pool.getOffersList().forEach(offer -> providers.add(offer.getKey().getProvider()));
            values(pool, value -> {
                if (value.hasSecretRef()) {
                    providers.forEach(provider -> wanted.add(new Wanted(value.getSecretRef(), reader(value.getSecretRef(), provider))));
                }
            });
        }
        spec.getNotificationsList().forEach(notification -> wanted.add(new Wanted(notification.getWebhookSecret(), PLANNER)));
        return wanted;
    }

    private static String reader(String reference, String provider) {
        return provider.equals(READS_ITSELF) || SecretRef.inStore(reference).isPresent() ? "" : provider + "-provisioner";
    }

    /** Every value in the message, however deep: a field that is added later is found, too. */
    private static void values(Message message, Consumer<Value> found) {
        if (message instanceof Value value) {
            found.accept(value);
            return;
        }
        message.getAllFields().forEach((field, value) -> {
            if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
                (field.isRepeated() ? (List<?>) value : List.of(value)).forEach(each -> values((Message) each, found));
            }
        });
    }

    /**
     * What a service says of its folder.
     *
     * @param wanted names that specs want of this service; one that is not there is said, too
     */
    public static List<NamedState> states(SecretsFolder folder, Collection<String> wanted) {
        var states = new TreeMap<String, NamedState>();
        var problem = "a spec names it, and the secrets folder has no file of that name";
        try {
            for (var name : folder.names()) {
                if (!name.matches(OWN_KEY) || wanted.contains(name)) {
                    states.put(name, NamedState.newBuilder().setName(name).setOk(true).build());
                }
            }
        } catch (IllegalStateException unreadable) {
            problem = "a spec names it, and the secrets folder can't be listed";
        }
        for (var name : wanted) {
            states.putIfAbsent(name, NamedState.newBuilder().setName(name).setDetail(problem).build());
        }
        return states.values().stream().limit(MOST).toList();
    }
}
