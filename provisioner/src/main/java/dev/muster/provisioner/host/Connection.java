package dev.muster.provisioner.host;

import dev.muster.provisioner.boot.BootPlan;
import java.net.URI;
import java.util.Optional;

/**
 * One ClearML server as the configuration names it.
 *
 * @param machineHosts what machines are given
 */
public record Connection(String name, BootPlan.Hosts machineHosts) {

    /**
     * Fills in what is not configured: machines use {@code api} itself, and the web and files addresses follow from it by
     * ClearML's own custom, ports 8008, 8080 and 8081 or the host names api., app. and files.; where neither shows, they are it.
     */
    public static Connection of(String name, String api, Optional<String> machineApi, Optional<String> web, Optional<String> files) {
        var forMachines = plain(machineApi.orElse(api));
        return new Connection(name, new BootPlan.Hosts(forMachines,
                plain(web.orElseGet(() -> sibling(forMachines, 8080, "app."))),
                plain(files.orElseGet(() -> sibling(forMachines, 8081, "files.")))));
    }

    private static String sibling(String api, int port, String host) {
        var uri = URI.create(api);
        if (uri.getPort() == 8008) {
            return api.replace(":8008", ":" + port);
        }
        if (uri.getHost() != null && uri.getHost().startsWith("api.")) {
            return api.replaceFirst("//api\\.", "//" + host);
        }
        return api;
    }

    private static String plain(String url) {
        return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    }
}
