package dev.muster.sandbox.gce;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What a project has around its machines: Google's services that are switched on, its bill, service accounts, ways out of its network, keys of
 * disks, and the clock that answers tell. All of it is in order, and any service account and key that a call names is there, until a test says
 * otherwise. As a fresh project has it, nothing translates addresses. Thread-safe.
 */
public final class Surroundings {

    /** A service of Google's that a project switches on before it is used. */
    public enum Service {
        COMPUTE("compute.googleapis.com", "Compute Engine API"), RESOURCE_MANAGER("cloudresourcemanager.googleapis.com", "Cloud Resource Manager API"),
        IAM("iam.googleapis.com", "Identity and Access Management (IAM) API"), KMS("cloudkms.googleapis.com", "Cloud Key Management Service (KMS) API");

        final String host;
        final String title;

        Service(String host, String title) {
            this.host = host;
            this.title = title;
        }
    }

    /** How a service account is. */
    public enum Account { THERE, DISABLED, MISSING }

    /** How a key that disks are encrypted with is. */
    public enum DiskKey {
        /** Compute Engine may use it. */
        GRANTED,
        /** It is there, and its own policy says nothing of Compute Engine. */
        NOT_GRANTED, DISABLED, MISSING
    }

    /** Compute Engine takes it for the project's number. */
    static final String PROJECT_NUMBER = "314159265358";

    private final Set<Service> off = new HashSet<>();
    private final Map<String, Account> accounts = new HashMap<>();
    private final Set<String> translated = new HashSet<>();
    private final Set<String> privateAccess = new HashSet<>();
    private final Set<String> hosts = new HashSet<>();
    private boolean letsOut = true;
    private boolean bill = true;
    private boolean wayOut = true;
    private boolean usualAccount = true;
    private DiskKey diskKey = DiskKey.GRANTED;
    private Duration clockAhead = Duration.ZERO;

    public synchronized void off(Service service) {
        off.add(service);
    }

    /** Nobody pays for the project: Compute Engine refuses every call. */
    public synchronized void withoutBill() {
        bill = false;
    }

    public synchronized void account(String email, Account account) {
        accounts.put(email, account);
    }

    /** The project has no account that machines have where a launch names none. */
    public synchronized void withoutUsualAccount() {
        usualAccount = false;
    }

    /** No route leads out of the network. */
    public synchronized void withoutRoute() {
        wayOut = false;
    }

    /** A router of the region translates the addresses of all its subnetworks: Cloud NAT. */
    public synchronized void translate(String region) {
        translated.add(region);
    }

    /** Machines without an address of their own reach Google's services, and nothing else by it. */
    public synchronized void privateAccess(String region) {
        privateAccess.add(region);
    }

    /** Another project lends this one its network: a shared VPC. Machines can't be launched into it here. */
    public synchronized void hostProject(String project) {
        hosts.add(project);
    }

    /** A firewall rule keeps everything in. */
    public synchronized void letNothingOut() {
        letsOut = false;
    }

    public synchronized void diskKey(DiskKey key) {
        diskKey = key;
    }

    /** Answers tell a time that is this much ahead of the true one; it may be negative. */
    public synchronized void clockAhead(Duration by) {
        clockAhead = by;
    }

    /** All in order again. */
    public synchronized void reset() {
        off.clear();
        accounts.clear();
        translated.clear();
        privateAccess.clear();
        hosts.clear();
        letsOut = true;
        bill = true;
        wayOut = true;
        usualAccount = true;
        diskKey = DiskKey.GRANTED;
        clockAhead = Duration.ZERO;
    }

    synchronized Duration clockAhead() {
        return clockAhead;
    }

    synchronized boolean isHost(String project) {
        return hosts.contains(project);
    }

    synchronized boolean letsOut() {
        return letsOut;
    }

    synchronized boolean leadsOut() {
        return wayOut;
    }

    synchronized boolean translates(String region) {
        return translated.contains(region);
    }

    synchronized boolean hasPrivateAccess(String region) {
        return privateAccess.contains(region);
    }

    synchronized boolean hasUsualAccount() {
        return usualAccount;
    }

    /** @throws Refusal as each of Google's services says that it may not be used in a project */
    synchronized void admit(Service service, String project) {
        if (off.contains(service)) {
            throw Refusal.notSwitchedOn(service, project);
        }
        if (service == Service.COMPUTE && !bill) {
            throw Refusal.withoutBill(project);
        }
    }

    /** What IAM shows of an account. @throws Refusal if it isn't there */
    synchronized JsonObject account(String email, String project) {
        var how = accounts.getOrDefault(email, Account.THERE);
        if (how == Account.MISSING) {
            throw new Refusal(404, "notFound", "Unknown service account");
        }
        var shown = new JsonObject().put("name", "projects/" + project + "/serviceAccounts/" + email).put("projectId", project).put("email", email)
                .put("uniqueId", Geography.id("account", email)).put("etag", "MDEwMjE5MjA=").put("oauth2ClientId", Geography.id("account", email));
        return how == Account.DISABLED ? shown.put("disabled", true) : shown;
    }

    /** What KMS shows of a key. @throws Refusal if it isn't there */
    synchronized JsonObject key(String name) {
        if (diskKey == DiskKey.MISSING) {
            throw new Refusal(404, "notFound", "CryptoKey " + name + " not found.");
        }
        var state = diskKey == DiskKey.DISABLED ? "DISABLED" : "ENABLED";
        return new JsonObject().put("name", name).put("purpose", "ENCRYPT_DECRYPT").put("createTime", "2026-01-12T13:00:00Z")
                .put("primary", new JsonObject().put("name", name + "/cryptoKeyVersions/1").put("state", state).put("algorithm", "GOOGLE_SYMMETRIC_ENCRYPTION"));
    }

    /** Who may do what with a key, as far as its own policy says. */
    synchronized JsonObject keyPolicy() {
        return diskKey == DiskKey.NOT_GRANTED ? new JsonObject().put("etag", "ACAB")
                : new JsonObject().put("version", 1).put("etag", "BwYx").put("bindings", new JsonArray().add(new JsonObject().put("role", "roles/cloudkms.cryptoKeyEncrypterDecrypter")
                        .put("members", new JsonArray().add("serviceAccount:service-" + PROJECT_NUMBER + "@compute-system.iam.gserviceaccount.com"))));
    }

    /** What Resource Manager shows of a project. */
    static JsonObject project(String id) {
        return new JsonObject().put("projectNumber", PROJECT_NUMBER).put("projectId", id).put("lifecycleState", "ACTIVE").put("name", id)
                .put("createTime", "2026-01-12T13:00:00.000Z");
    }
}
