package dev.muster.sandbox.gce;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;

/**
 * Compute Engine's rate quotas as Google publishes them: each group of methods has so many requests a minute in a project, zonal and
 * regional ones in a region of it, and all of them are back "at the start of the next synchronized interval" and not before.
 *
 * <p>Groups are those of "Compute Engine rate quotas", 1,500 a minute where nothing else is agreed. Not thread-safe.
 */
final class Throttle {

    /** @param region null: one of all regions together */
    private record Window(String group, String region, Instant minute) {
    }

    private final Map<Window, Integer> counted = new HashMap<>();
    /** Null: there is none. */
    private Integer perMinute;

    void perMinute(Integer requests) {
        perMinute = requests;
        counted.clear();
    }

    /** Counts one request. @throws Refusal if the minute has no more */
    void request(Call call, Instant now) {
        if (perMinute == null) {
            return;
        }
        var minute = now.truncatedTo(ChronoUnit.MINUTES);
        counted.keySet().removeIf(window -> window.minute.isBefore(minute));
        var region = call.part("zone") != null ? Geography.zone(call.part("zone")).map(Geography.Zone::region).orElse("") : call.part("region");
        var group = group(call);
        if (counted.merge(new Window(group, region, minute), 1, Integer::sum) > perMinute) {
            // Words of scylladb/scylla-cluster-tests#7940.
            throw Refusal.of(403, "rateLimitExceeded", "Quota exceeded for quota metric '" + group + "' and limit '" + group + " per minute" + (region == null ? "" : " per region")
                    + "' of service 'compute.googleapis.com' for consumer 'project_number:" + Surroundings.PROJECT_NUMBER + "'.");
        }
    }

    private static String group(Call call) {
        var method = call.method();
        if (method.endsWith(".aggregatedList") || method.endsWith(".wait")) {
            return "Heavy-weight read requests";
        }
        if (method.equals("instances.getSerialPortOutput")) {
            return "Instance get serial port output requests";
        }
        if (method.endsWith("Operations.get")) {
            return "Operation read requests";
        }
        return method.endsWith(".list") ? "List requests" : call.route().http().equals("GET") ? "Read requests" : "Queries";
    }
}
