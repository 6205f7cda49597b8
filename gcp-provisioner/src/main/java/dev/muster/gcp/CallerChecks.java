package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.CLOCK;
import static dev.muster.gcp.DoctorCheck.CREDENTIALS;
import static dev.muster.gcp.DoctorCheck.ENDPOINT;
import static dev.muster.gcp.DoctorCheck.PROJECT;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Whether Google is there, gives the account a token, and lets it into its project. Used by one thread. */
final class CallerChecks {

    private static final Duration WARN_OF_SKEW = Duration.ofSeconds(5);
    /** "Using OAuth 2.0 for server to server applications" wants a clock in a reasonable timeframe; beyond this, tokens are refused. */
    private static final Duration MOST_SKEW = Duration.ofMinutes(5);

    private final DoctorCalls calls;
    private final AccountCredentials credentials;
    private final String account;
    private final Findings findings;
    private String email = "";
    private JsonNode project = MissingNode.getInstance();

    CallerChecks(DoctorCalls calls, AccountCredentials credentials, String account, Findings findings) {
        this.calls = calls;
        this.credentials = credentials;
        this.account = account;
        this.findings = findings;
    }

    /** @return the check that makes it pointless to go on, or null */
    DoctorCheck examine() {
        var endpoint = new About(ENDPOINT, "");
        var address = calls.endpoint(DoctorCalls.Api.COMPUTE);
        var answer = calls.knock();
        if (answer.status() == 0) {
            findings.failed(endpoint, address + " gives no answer: " + answer.message(), "see whether the way to Google is open, and endpoint: if the account has one");
            return ENDPOINT;
        }
        findings.ok(endpoint, address + " answers in " + Duration.between(answer.asked(), answer.answered()).toMillis() + " ms");
        clock(answer);
        if (!credentials()) {
            return CREDENTIALS;
        }
        return project();
    }

    /** Whom Google takes the caller for. */
    String who() {
        return email.isEmpty() ? "the account's credentials" : email;
    }

    /** As Compute Engine shows it; missing if it may not be read. */
    JsonNode shown() {
        return project;
    }

    /** The answer says its second; it was given some time between question and answer. */
    private void clock(DoctorCalls.Answer answer) {
        var about = new About(CLOCK, "");
        if (answer.date() == null) {
            findings.ok(about, "Compute Engine doesn't tell its time");
            return;
        }
        var late = Duration.between(answer.asked(), answer.date());
        var early = Duration.between(answer.answered(), answer.date().plusSeconds(1));
        var ahead = late.compareTo(WARN_OF_SKEW) > 0;
        var skew = ahead ? late : early.isNegative() ? early.negated() : Duration.ZERO;
        if (skew.compareTo(WARN_OF_SKEW) <= 0) {
            findings.ok(about, "Google's is this computer's");
            return;
        }
        var seen = "Google's is " + skew.toSeconds() + " s " + (ahead ? "ahead of" : "behind") + " this computer's";
        var keep = "this computer's clock kept (chrony, systemd-timesyncd)";
        if (skew.compareTo(MOST_SKEW) > 0) {
            findings.failed(about, seen + ": Google gives no token for a key", "have " + keep);
        } else {
            findings.warning(about, seen, "have " + keep + ": beyond five minutes Google gives no token for a key");
        }
    }

    private boolean credentials() {
        var about = new About(CREDENTIALS, "");
        try {
            email = credentials.email();
            calls.token();
        } catch (AccountCredentials.NoCredentialsException none) {
            findings.failed(about, none.getMessage(), fix());
            return false;
        } catch (IOException refused) {
            if (findings.state(new About(CLOCK, "")) == Findings.State.FAILED) {
                findings.skipped(about, CLOCK);
            } else {
                findings.failed(about, "Google gives no token: " + innermost(refused), fix());
            }
            return false;
        } catch (IllegalStateException unreadable) {
            findings.failed(about, unreadable.getMessage(), "make it readable for Muster");
            return false;
        }
        findings.ok(about, email.isEmpty() ? "Application Default Credentials, which don't say whose they are" : email);
        return true;
    }

    private static String innermost(Throwable failure) {
        var cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage()).lines().map(String::strip).filter(line -> !line.isEmpty() && !line.startsWith("POST ") && !line.startsWith("{"))
                .reduce((one, other) -> one + " " + other).orElse("no reason");
    }

    private DoctorCheck project() {
        var about = new About(PROJECT, calls.project());
        var answer = calls.compute("projects.get", "");
        if (answer.succeeded()) {
            project = answer.body();
            findings.ok(about, "is there, with Compute Engine");
            return null;
        }
        if (answer.status() == 401) {
            findings.failed(new About(CREDENTIALS, ""), who() + "; Compute Engine refuses the token: " + answer.words(), fix());
            return CREDENTIALS;
        }
        if (answer.notFound()) {
            findings.failed(about, "is not there, or " + who() + " is not known in it", "correct project of the account: its id, not its name or number");
            return PROJECT;
        }
        if (answer.reason().equals("BILLING_DISABLED") || answer.reason().equals("billingNotEnabled")) {
            findings.failed(about, "nobody pays for it: Compute Engine refuses every call", "gcloud billing projects link " + calls.project() + " --billing-account …");
            return PROJECT;
        }
        if (answer.switchedOff()) {
            findings.failed(about, "Compute Engine's API is not switched on in it", "gcloud services enable compute.googleapis.com --project " + calls.project());
            return PROJECT;
        }
        calls.told(answer, findings, List.of(about));
        return null;
    }

    private String fix() {
        return "put the key file of a service account into the secrets folder as " + AccountCredentials.secretName(account)
                + ", or give the process Application Default Credentials";
    }
}
