package dev.muster.sandbox.clearml;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;

/** The endpoints about who one is and whom one talks to: auth, users, login, server, debug. */
final class Accounts {

    private final ClearmlConfig config;
    private final Logins logins;

    Accounts(ClearmlConfig config, Logins logins) {
        this.config = config;
        this.logins = logins;
    }

    void register(Map<String, Endpoint> endpoints) {
        endpoints.put("auth.login", Endpoint.since("2.4", this::login));
        endpoints.put("auth.logout", Endpoint.since("2.2", call -> {
            call.optionalText("token").ifPresent(logins::revoke);
            return Json.object();
        }));
        endpoints.put("auth.validate_token", Endpoint.since("2.4", call -> Json.object().put("valid", true)
                .put("user", call.caller().user()).put("company", call.caller().company())));
        endpoints.put("users.get_current_user", Endpoint.since("2.20", this::currentUser));
        endpoints.put("users.get_all", Endpoint.since("2.8", this::users));
        endpoints.put("users.get_all_ex", Endpoint.since("2.8", this::users));
        endpoints.put("login.supported_modes", Endpoint.open("2.9", call -> supportedModes()));
        endpoints.put("server.info", Endpoint.open("2.13", call -> Json.object().put("version", ClearmlServer.SERVER_VERSION)
                .put("build", ClearmlServer.SERVER_BUILD).put("commit", "").put("uid", "muster-stand-in")
                .put("api_version", config.apiVersion())));
        endpoints.put("debug.ping", Endpoint.open("2.4", call -> Json.object().put("msg", "ClearML server")));
    }

    private ObjectNode login(Call call) {
        long seconds = call.number("expiration_sec", Logins.DEFAULT_LIFE.toSeconds());
        if (seconds < 1 || seconds > Logins.LONGEST_LIFE.toSeconds()) {
            throw ApiFault.invalid("expiration_sec", "must be from 1 to " + Logins.LONGEST_LIFE.toSeconds());
        }
        return Json.object().put("token", logins.issue(call.caller(), Duration.ofSeconds(seconds)));
    }

    private ObjectNode currentUser(Call call) {
        var answer = Json.object();
        var user = answer.putObject("user");
        user.put("id", call.caller().user()).put("name", call.caller().userName());
        user.put("role", "user");
        user.putObject("company").put("id", call.caller().company()).put("name", call.caller().companyName());
        user.putObject("preferences");
        answer.putNull("getting_started");
        answer.putObject("settings").put("max_download_items", 1000);
        return answer;
    }

    private ObjectNode users(Call call) {
        var answer = Json.object();
        var rows = answer.putArray("users");
        config.credentials().stream()
                .filter(credential -> credential.company().equals(call.caller().company()))
                .map(ClearmlConfig.Credential::user).distinct()
                .forEach(user -> rows.addObject().put("id", user).put("name", user));
        return answer;
    }

    private static ObjectNode supportedModes() {
        var answer = Json.object();
        answer.put("authenticated", false);
        answer.putObject("basic").put("enabled", false).putObject("guest").put("enabled", false);
        answer.putObject("sso");
        answer.putArray("sso_providers");
        answer.putObject("server_errors").put("missed_es_upgrade", false).put("es_connection_error", false);
        return answer;
    }
}
