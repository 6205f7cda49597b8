package dev.muster.k8s;

import static dev.muster.k8s.DoctorCheck.CERTIFICATE;
import static dev.muster.k8s.DoctorCheck.CLOCK;
import static dev.muster.k8s.DoctorCheck.CREDENTIALS;
import static dev.muster.k8s.DoctorCheck.ENDPOINT;
import static dev.muster.k8s.DoctorCheck.NAMESPACE;
import static dev.muster.k8s.DoctorCheck.VERSION;

import dev.muster.k8s.DoctorCalls.Answer;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import io.fabric8.kubernetes.client.internal.SSLUtils;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** Whether the cluster is there, is the one that it says it is, knows us, and is one that Muster can work with. Used by one thread. */
final class ClusterChecks {

    /** Oldest and newest minor version of Kubernetes 1 whose API has all that Muster calls, and was tried or read for it. */
    static final int OLDEST = 20;
    static final int NEWEST = 33;
    private static final Duration CLOCK_OFF = Duration.ofSeconds(5);
    private static final Duration CLOCK_WRONG = Duration.ofMinutes(5);
    private static final Duration CERTIFICATE_SOON = Duration.ofDays(7);
    private static final int CONNECT_MILLIS = 5_000;

    private final DoctorCalls calls;
    private final Findings findings;
    private final String account;
    private final String namespace;
    private String caller = "";

    ClusterChecks(DoctorCalls calls, Findings findings, String account, String namespace) {
        this.calls = calls;
        this.findings = findings;
        this.account = account;
        this.namespace = namespace;
    }

    /** Who Muster is there; empty where the server doesn't tell. */
    String caller() {
        return caller;
    }

    /** @return what makes further questions pointless; null: they aren't */
    DoctorCheck examine() {
        var started = System.nanoTime();
        var answer = calls.get("/version");
        var took = (System.nanoTime() - started) / 1_000_000;
        if (answer.broken() != null && !isOfCertificate(answer.broken())) {
            findings.failed(new About(ENDPOINT, ""), calls.server() + " gives no answer: " + answer.words(), "correct the server's address in the kubeconfig of the account, or the way to it");
            return ENDPOINT;
        }
        findings.ok(new About(ENDPOINT, ""), calls.server() + " answers in " + took + " ms");
        if (!certificate(answer)) {
            return CERTIFICATE;
        }
        clock(answer);
        var pointless = credentials();
        if (pointless != null) {
            return pointless;
        }
        version(answer);
        return namespace() ? null : NAMESPACE;
    }

    // ---- certificate

    private static boolean isOfCertificate(Throwable broken) {
        for (var cause = broken; cause != null; cause = cause.getCause()) {
            if (cause instanceof SSLException || cause instanceof GeneralSecurityException) {
                return true;
            }
        }
        return false;
    }

    private boolean certificate(Answer answer) {
        var about = new About(CERTIFICATE, "");
        if (answer.broken() != null) {
            findings.failed(about, "of " + calls.server() + ": " + answer.words(), "write the CA of the cluster and a name that its certificate has into the kubeconfig: certificate-authority-data, server, tls-server-name");
            return false;
        }
        var uri = URI.create(calls.server());
        if (!uri.getScheme().equals("https")) {
            findings.warning(about, "there is none: " + calls.server() + " is spoken to without TLS, tokens included", "use the API server's https address");
            return true;
        }
        if (calls.config().isTrustCerts()) {
            findings.warning(about, "is not looked at, as the kubeconfig says: anyone may answer, and gets the token", "write certificate-authority-data in place of insecure-skip-tls-verify");
            return true;
        }
        try {
            var seen = shown(uri);
            var left = Duration.between(Instant.now(), seen.getNotAfter().toInstant());
            var until = "of " + seen.getSubjectX500Principal().getName() + ", until " + seen.getNotAfter().toInstant();
            if (left.compareTo(CERTIFICATE_SOON) <= 0) {
                findings.warning(about, until, "renew the API server's certificate");
            } else {
                findings.ok(about, until);
            }
        } catch (IOException | GeneralSecurityException proxied) {
            // The call itself went through, so that it is trusted; by a proxy, say, nobody else gets to see it.
            findings.ok(about, "is trusted");
        }
        return true;
    }

    private X509Certificate shown(URI uri) throws IOException, GeneralSecurityException {
        X509Certificate[] chain = new X509Certificate[1];
        var onlyLook = new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] certificates, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] certificates, String type) {
                chain[0] = certificates[0];
            }

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        };
        SSLContext context = SSLUtils.sslContext(null, new TrustManager[] {onlyLook});
        try (var plain = new Socket()) {
            plain.connect(new InetSocketAddress(uri.getHost(), uri.getPort() < 0 ? 443 : uri.getPort()), CONNECT_MILLIS);
            plain.setSoTimeout(CONNECT_MILLIS);
            // Nothing is sent: the call that did was over a connection that was judged.
            try (var socket = (SSLSocket) context.getSocketFactory().createSocket(plain, uri.getHost(), uri.getPort(), false)) {
                socket.startHandshake();
            }
        }
        return chain[0];
    }

    // ---- clock, credentials

    private void clock(Answer answer) {
        var about = new About(CLOCK, "");
        try {
            var ahead = Duration.between(Instant.now(), Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(answer.date().orElse(""))));
            // The header has whole seconds.
            var off = ahead.isNegative() ? ahead.negated().minusSeconds(1) : ahead;
            var seen = off.toSeconds() + " s " + (ahead.isNegative() ? "behind" : "ahead of") + " this computer's";
            var fix = "let this computer and the cluster's nodes keep time by NTP";
            if (off.compareTo(CLOCK_WRONG) >= 0) {
                findings.failed(about, seen, fix);
            } else if (off.compareTo(CLOCK_OFF) >= 0) {
                findings.warning(about, seen, fix);
            } else {
                findings.ok(about, "the API server's is this computer's");
            }
        } catch (DateTimeParseException unsaid) {
            findings.ok(about, "the API server doesn't say what time it is");
        }
    }

    private DoctorCheck credentials() {
        var about = new About(CREDENTIALS, "");
        var answer = calls.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", Map.of("apiVersion", "authentication.k8s.io/v1", "kind", "SelfSubjectReview"));
        if (answer.succeeded()) {
            caller = answer.body().at("/status/userInfo/username").asText();
            if (caller.equals("system:anonymous")) {
                findings.failed(about, "there are none, and the API server takes us for system:anonymous", fix());
                return CREDENTIALS;
            }
            findings.ok(about, caller);
            return null;
        }
        // Before 1.28: whoever is known may ask what they may do.
        var asked = answer.status() == 401 ? answer : RightChecks.ask(calls, namespace, KubeRight.CREATE_PODS);
        if (asked.succeeded()) {
            findings.ok(about, "are known; this version of Kubernetes doesn't say whose they are");
            return null;
        }
        if (asked.status() == 401 || asked.denied()) {
            findings.failed(about, "the API server refuses them: " + asked.words(), fix());
            return CREDENTIALS;
        }
        findings.failed(new About(ENDPOINT, ""), calls.server() + " fails: " + asked.words(), "look at the API server's own log");
        return ENDPOINT;
    }

    private String fix() {
        return "give account " + account + " a kubeconfig with credentials that work: kubectl auth whoami, or kubectl get pods, with the same file shows it";
    }

    // ---- version, namespace

    private void version(Answer answer) {
        var about = new About(VERSION, "");
        var said = answer.body().path("gitVersion").asText();
        // Some clouds write 27+.
        var minor = answer.body().path("minor").asText().replaceFirst("\\D.*$", "");
        if (!answer.body().path("major").asText().equals("1") || minor.isEmpty()) {
            findings.warning(about, said.isEmpty() ? "the API server doesn't tell: " + answer.words() : said + " is none that Muster knows", "use Kubernetes 1." + OLDEST + " to 1." + NEWEST);
        } else if (Integer.parseInt(minor) < OLDEST) {
            findings.failed(about, said + " is older than 1." + OLDEST + ": calls that Muster makes aren't there", "upgrade the cluster");
        } else if (Integer.parseInt(minor) > NEWEST) {
            findings.warning(about, said + " is newer than 1." + NEWEST + ", the last that this Muster was made for", "look for a newer release of Muster");
        } else {
            findings.ok(about, said);
        }
    }

    private boolean namespace() {
        var about = new About(NAMESPACE, namespace);
        var answer = calls.get("/api/v1/namespaces/" + namespace);
        if (answer.notFound()) {
            findings.failed(about, "is not there", "kubectl create namespace " + namespace + ", or name another as region of the pools");
            return false;
        }
        if (!answer.succeeded()) {
            RightChecks.notSeen(findings, about, answer, "namespaces get");
            return true;
        }
        if (answer.body().at("/status/phase").asText().equals("Terminating")) {
            findings.failed(about, "is being deleted: it takes no new pod", "wait until it is gone and create it anew, or name another as region of the pools");
            return false;
        }
        findings.ok(about, "is there");
        return true;
    }
}
