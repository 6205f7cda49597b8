package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.ACT_AS;
import static dev.muster.gcp.DoctorCheck.PERMISSIONS;
import static dev.muster.gcp.DoctorCheck.PROJECT;
import static dev.muster.gcp.DoctorCheck.SCOPES;
import static dev.muster.gcp.DoctorCheck.SERVICE_ACCOUNT;

import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** What Muster may do, and what its machines are. Used by one thread. */
final class AccessChecks {

    private static final String AUTH = "https://www.googleapis.com/auth/";
    private static final String USUAL = "default";
    private static final Pattern HOME = Pattern.compile("[^@]+@([a-z0-9-]+)\\.iam\\.gserviceaccount\\.com");

    private final DoctorCalls calls;
    private final Findings findings;
    private final CallerChecks caller;

    AccessChecks(DoctorCalls calls, Findings findings, CallerChecks caller) {
        this.calls = calls;
        this.findings = findings;
        this.caller = caller;
    }

    void examine(List<Use> uses) {
        permissions(uses);
        var accounts = new LinkedHashMap<String, Set<String>>();
        for (var use : uses) {
            scopes(use);
            if (use.serviceAccount().isEmpty()) {
                findings.ok(new About(SERVICE_ACCOUNT, use.poolName()), use.byTemplate() ? "is left to the instance template" : "machines are none");
                findings.ok(new About(ACT_AS, use.poolName()), use.byTemplate() ? "is left to the instance template" : "machines are none");
            } else {
                accounts.computeIfAbsent(use.serviceAccount().get(), none -> new LinkedHashSet<>()).add(use.poolName());
            }
        }
        accounts.forEach(this::serviceAccount);
    }

    private void permissions(List<Use> uses) {
        var about = new About(PERMISSIONS, "");
        var needed = new TreeSet<>(GcePermissions.ofCalls());
        uses.forEach(use -> needed.addAll(GcePermissions.ofLaunch(use.request(), calls.project())));
        calls.allowed(DoctorCalls.Api.RESOURCE_MANAGER, "resourcemanager.projects.testIamPermissions", "projects/" + calls.project() + ":testIamPermissions", needed, findings, about)
                .ifPresent(allowed -> judge(about, needed, allowed, "all that calls" + (uses.isEmpty() ? "" : " and these launches") + " need: " + needed.size()));
        var foreign = new LinkedHashMap<String, Set<String>>();
        for (var use : uses) {
            use.network().filter(network -> GcePermissions.isForeign(network.getSubnetwork(), calls.project())).ifPresent(network -> {
                var its = foreign.computeIfAbsent(network.getSubnetwork(), none -> new TreeSet<>(Set.of(GcePermissions.USE_SUBNET)));
                if (network.getAccessConfigsCount() > 0) {
                    its.add(GcePermissions.USE_EXTERNAL);
                }
            });
        }
        foreign.forEach((subnet, its) -> calls.allowed(DoctorCalls.Api.COMPUTE, "subnetworks.testIamPermissions", subnet + "/testIamPermissions", its, findings,
                new About(PERMISSIONS, subnet)).ifPresent(allowed -> judge(new About(PERMISSIONS, subnet), its, allowed, "machines may be in it")));
    }

    private void judge(About about, Set<String> needed, List<String> allowed, String seen) {
        var missing = new ArrayList<>(needed);
        missing.removeAll(allowed);
        if (missing.isEmpty()) {
            findings.ok(about, seen);
        } else {
            findings.failed(about, "not allowed: " + String.join(", ", missing), "give " + caller.who() + " a role that has them: deploy/gcp/role-muster.yaml is one");
        }
    }

    private void serviceAccount(String named, Set<String> pools) {
        var email = named;
        if (named.equals(USUAL)) {
            var about = new About(SERVICE_ACCOUNT, USUAL);
            if (caller.shown().isMissingNode()) {
                findings.skipped(about, PROJECT);
                findings.skipped(new About(ACT_AS, USUAL), PROJECT);
                return;
            }
            email = caller.shown().path("defaultServiceAccount").asText("");
            if (email.isEmpty()) {
                findings.failed(about, "the project has no default account, and " + String.join(", ", pools) + " name none",
                        "make one for machines, and name it in gcp.serviceAccount; or gcp.serviceAccount: none");
                findings.skipped(new About(ACT_AS, USUAL), SERVICE_ACCOUNT);
                return;
            }
        }
        var about = new About(SERVICE_ACCOUNT, email);
        // IAM takes "-" for a project, too, and then says of an account that isn't there that it may not be seen.
        var home = HOME.matcher(email);
        var path = "projects/" + (home.matches() ? home.group(1) : calls.project()) + "/serviceAccounts/" + email;
        var answer = calls.get(DoctorCalls.Api.IAM, "iam.serviceAccounts.get", path);
        if (answer.notFound()) {
            findings.failed(about, "is not there", "correct gcp.serviceAccount of " + String.join(", ", pools));
            findings.skipped(new About(ACT_AS, email), SERVICE_ACCOUNT);
            return;
        }
        calls.told(answer, findings, List.of(about)).ifPresent(shown -> {
            if (shown.path("disabled").asBoolean()) {
                findings.failed(about, "is disabled: tasks get no token", "gcloud iam service-accounts enable " + shown.path("email").asText());
            } else {
                findings.ok(about, "is there, for " + String.join(", ", pools));
            }
        });
        if (answer.switchedOff()) {
            findings.skipped(new About(ACT_AS, email), SERVICE_ACCOUNT);
        } else {
            actAs(email, path);
        }
    }

    private void actAs(String email, String path) {
        var about = new About(ACT_AS, email);
        calls.allowed(DoctorCalls.Api.IAM, "iam.serviceAccounts.testIamPermissions", path + ":testIamPermissions", List.of(GcePermissions.ACT_AS), findings, about).ifPresent(allowed -> {
            if (allowed.isEmpty()) {
                findings.failed(about, GcePermissions.ACT_AS + " is not allowed: no launch with this account is taken, and no mark on its machines",
                        "gcloud iam service-accounts add-iam-policy-binding " + email + " --project " + path.split("/")[1] + " --member serviceAccount:" + caller.who() + " --role roles/iam.serviceAccountUser");
            } else {
                findings.ok(about, "is allowed");
            }
        });
    }

    private void scopes(Use use) {
        var about = new About(SCOPES, use.poolName());
        var storage = use.pool().getLaunch().getBoot().getStorage();
        if (use.serviceAccount().isEmpty()) {
            if (storage.getMachineIdentity() && !use.byTemplate()) {
                findings.failed(about, "tasks are to use what the machine may, and the machine is no account", "name one in gcp.serviceAccount, or take storage.machineIdentity away");
            } else {
                findings.ok(about, "none");
            }
            return;
        }
        var wrong = use.scopes().stream().filter(scope -> !scope.startsWith(AUTH)).findFirst();
        var widest = use.scopes().contains(AUTH + "cloud-platform");
        if (wrong.isPresent()) {
            findings.failed(about, wrong.get() + " is none of Google's", "write the last part of " + AUTH + "<name> into gcp.scopes");
        } else if (storage.getMachineIdentity() && !widest && use.scopes().stream().noneMatch(scope -> scope.startsWith(AUTH + "devstorage."))) {
            findings.warning(about, "tasks are to use what the machine may, and no scope lets them into Cloud Storage", "add devstorage.read_write to gcp.scopes");
        } else {
            findings.ok(about, String.join(", ", use.scopes().stream().map(scope -> scope.substring(AUTH.length())).toList()));
        }
    }
}
