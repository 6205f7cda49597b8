package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.BOOT;
import static dev.muster.gcp.DoctorCheck.CLOCK;
import static dev.muster.gcp.DoctorCheck.CREDENTIALS;
import static dev.muster.gcp.DoctorCheck.ENDPOINT;
import static dev.muster.gcp.DoctorCheck.LABELS;
import static dev.muster.gcp.DoctorCheck.MACHINE_HOSTS;
import static dev.muster.gcp.DoctorCheck.METADATA;
import static dev.muster.gcp.DoctorCheck.NETWORK_TAGS;
import static dev.muster.gcp.DoctorCheck.PERMISSIONS;
import static dev.muster.gcp.DoctorCheck.PROJECT;
import static dev.muster.gcp.DoctorCheck.REGION;
import static dev.muster.gcp.DoctorCheck.REQUEST;

import com.google.cloud.compute.v1.BulkInsertInstanceResource;
import dev.muster.provisioner.doctor.DoctorQuestion;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.PlannedLaunches;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.OfferSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Looks at one account in one region: at what its fleets are told first, then at Google. It changes nothing there. Used by one thread. */
final class ScopeDoctor {

    /** "VM metadata": limits of one value, and of all keys and values. Bytes. */
    private static final int MOST_VALUE = 256 * 1024;
    private static final int MOST_METADATA = 512 * 1024;
    /** "Requirements for labels" of Resource Manager. */
    private static final Pattern LABEL_KEY = Pattern.compile("[\\p{Ll}\\p{Lo}][\\p{Ll}\\p{Lo}\\p{N}_-]{0,62}");
    private static final Pattern LABEL_VALUE = Pattern.compile("[\\p{Ll}\\p{Lo}\\p{N}_-]{0,63}");
    private static final int MOST_LABELS = 64;
    /** "Naming resources": RFC 1035. */
    private static final Pattern NETWORK_TAG = Pattern.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?");
    private static final int MOST_TAGS = 64;
    private static final Set<DoctorCheck> OF_FLEETS = EnumSet.of(BOOT, MACHINE_HOSTS, REQUEST, METADATA, LABELS, NETWORK_TAGS);

    private final DoctorQuestion question;
    private final GcpAccounts accounts;
    private final Scope scope;
    private final Findings findings = new Findings();

    ScopeDoctor(DoctorQuestion question, GcpAccounts accounts, Scope scope) {
        this.question = question;
        this.accounts = accounts;
        this.scope = scope;
    }

    List<Findings.Finding> examine() {
        GcpAccounts.Account account;
        var planned = new PlannedLaunches(question, scope);
        try {
            account = accounts.account(scope);
        } catch (ProviderException unknown) {
            findings.failed(new About(CREDENTIALS, ""), unknown.getMessage(), "configure the account, or name one that is");
            findings.skipRest(planned.pools().isEmpty() ? ofAccount() : EnumSet.allOf(DoctorCheck.class), CREDENTIALS);
            return findings.inOrder();
        }
        var uses = uses(planned);
        var credentials = accounts.credentials(scope.account());
        var calls = new DoctorCalls(account, credentials);
        var caller = new CallerChecks(calls, credentials, scope.account(), findings);
        var pointless = caller.examine();
        var places = new PlaceChecks(calls, findings, scope.region());
        if (pointless == null && !places.examine(uses)) {
            pointless = REGION;
        }
        if (pointless != null) {
            findings.skipRest(uses.isEmpty() ? ofAccount() : EnumSet.complementOf(EnumSet.copyOf(OF_FLEETS)), pointless);
            return findings.inOrder();
        }
        new AccessChecks(calls, findings, caller).examine(uses);
        var types = new TypeChecks(calls, findings, places);
        types.examine(uses);
        var images = new ImageChecks(calls, findings, types);
        images.examine(uses);
        new NetworkChecks(calls, findings, scope.region()).examine(uses);
        new QuotaChecks(calls, findings, places, types, images, caller.shown(), question.installation()).examine(uses);
        return findings.inOrder();
    }

    /** What Google is to be asked where there is no fleet. */
    private static Set<DoctorCheck> ofAccount() {
        return EnumSet.of(ENDPOINT, CLOCK, CREDENTIALS, PROJECT, REGION, PERMISSIONS);
    }

    // ---- what fleets are told

    private List<Use> uses(PlannedLaunches planned) {
        var uses = new LinkedHashSet<Use>();
        for (var pool : planned.pools()) {
            planned.machineHosts(pool, findings, MACHINE_HOSTS, BOOT);
            for (var offer : pool.offers()) {
                plan(planned, pool, offer, uses);
            }
        }
        return List.copyOf(uses);
    }

    private void plan(PlannedLaunches planned, PlannedLaunches.Planned pool, OfferSpec offer, Set<Use> uses) {
        MachineBatch batch;
        try {
            batch = planned.batch(pool, offer);
            findings.ok(new About(BOOT, pool.name()), "has all that it is given");
        } catch (ProviderException wrong) {
            findings.failed(new About(BOOT, pool.name()), wrong.getMessage(), "correct it in the fleet or the configuration");
            List.of(REQUEST, METADATA, LABELS, NETWORK_TAGS).forEach(check -> findings.skipped(new About(check, pool.name()), BOOT));
            return;
        }
        BulkInsertInstanceResource request;
        try {
            request = new LaunchRequests(question.installation(), accounts).of(batch);
            findings.ok(new About(REQUEST, pool.name()), "can be written");
        } catch (ProviderException unwritten) {
            var check = unwritten.code().equals("StartupScript") ? METADATA : REQUEST;
            findings.failed(new About(check, pool.name()), unwritten.getMessage(), check == METADATA ? "shorten what the pool's boot holds" : "correct it in the pool's launch settings");
            List.of(REQUEST, METADATA, LABELS, NETWORK_TAGS).stream().filter(other -> other != check).forEach(other -> findings.skipped(new About(other, pool.name()), check));
            return;
        }
        var use = new Use(pool.fleet(), pool.pool(), batch, request);
        metadata(use);
        labels(use);
        tags(use);
        uses.add(use);
    }

    private void metadata(Use use) {
        var about = new About(METADATA, use.poolName());
        var metadata = GceNames.metadata(use.properties().getMetadata());
        int all = metadata.entrySet().stream().mapToInt(one -> length(one.getKey()) + length(one.getValue())).sum();
        var longest = metadata.entrySet().stream().filter(one -> length(one.getValue()) > MOST_VALUE).findFirst();
        if (longest.isPresent()) {
            findings.failed(about, longest.get().getKey() + " has " + length(longest.get().getValue()) + " bytes, and Google takes " + MOST_VALUE, "shorten it");
        } else if (all > MOST_METADATA) {
            findings.failed(about, "has " + all + " bytes, and Google takes " + MOST_METADATA, "shorten gcp.metadata, or what the pool's boot holds");
        } else {
            findings.ok(about, "startup script " + length(metadata.getOrDefault(GceNames.STARTUP_SCRIPT, "")) + " of " + MOST_VALUE + " bytes, all " + all + " of " + MOST_METADATA);
        }
    }

    private static int length(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    private void labels(Use use) {
        var about = new About(LABELS, use.poolName());
        var labels = use.properties().getLabelsMap();
        var wrong = labels.entrySet().stream().filter(label -> !LABEL_KEY.matcher(label.getKey()).matches() || !LABEL_VALUE.matcher(label.getValue()).matches()).findFirst();
        if (wrong.isPresent()) {
            findings.failed(about, wrong.get().getKey() + ": " + wrong.get().getValue() + " is no label of Google's: small letters, digits, _ and -, at most 63, the key with a letter first",
                    wrong.get().getKey().startsWith(GceNames.OURS) ? "rename the fleet, the pool or the installation" : "rename it in tags of the pool");
        } else if (labels.size() > MOST_LABELS) {
            findings.failed(about, "has " + labels.size() + ", and Google takes " + MOST_LABELS, "take some out of tags of the pool");
        } else {
            findings.ok(about, String.join(", ", labels.keySet()));
        }
    }

    private void tags(Use use) {
        var about = new About(NETWORK_TAGS, use.poolName());
        var tags = use.properties().getTags().getItemsList();
        var wrong = tags.stream().filter(tag -> !NETWORK_TAG.matcher(tag).matches()).findFirst();
        if (wrong.isPresent()) {
            findings.failed(about, "'" + wrong.get() + "' is no tag of Google's: small letters, digits and -, at most 63, a letter first", "rename it in gcp.networkTags of the pool");
        } else if (tags.size() > MOST_TAGS) {
            findings.failed(about, "has " + tags.size() + ", and Google takes " + MOST_TAGS, "take some out of gcp.networkTags of the pool");
        } else {
            findings.ok(about, tags.isEmpty() ? "none" : String.join(", ", tags));
        }
    }
}
