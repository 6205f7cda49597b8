package dev.muster.gcp;

import static dev.muster.gcp.DoctorCheck.DISK;
import static dev.muster.gcp.DoctorCheck.DISK_KEY;
import static dev.muster.gcp.DoctorCheck.IMAGE;
import static dev.muster.gcp.DoctorCheck.TEMPLATE;

import com.fasterxml.jackson.databind.JsonNode;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What machines begin with: templates, images, boot disks, and the keys that disks are encrypted with. Used by one thread. */
final class ImageChecks {

    /** The project's agent of Compute Engine, which uses keys of disks. */
    private static final String AGENT = "serviceAccount:service-%s@compute-system.iam.gserviceaccount.com";
    private static final String MAY_USE = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

    private final DoctorCalls calls;
    private final Findings findings;
    private final TypeChecks types;
    private final Map<String, Optional<JsonNode>> images = new HashMap<>();

    ImageChecks(DoctorCalls calls, Findings findings, TypeChecks types) {
        this.calls = calls;
        this.findings = findings;
        this.types = types;
    }

    void examine(List<Use> uses) {
        var keys = new LinkedHashSet<String>();
        for (var use : uses) {
            template(use);
            image(use);
            use.properties().getDisksList().stream().map(disk -> disk.getDiskEncryptionKey().getKmsKeyName()).filter(key -> !key.isEmpty()).forEach(keys::add);
        }
        if (keys.isEmpty() && !uses.isEmpty()) {
            findings.ok(new About(DISK_KEY, ""), "disks are encrypted with Google's own");
        }
        keys.forEach(this::key);
    }

    /** GB of the boot disk; empty if it isn't known. */
    Optional<Long> bootSize(Use use) {
        return use.boot().flatMap(boot -> boot.getInitializeParams().getDiskSizeGb() > 0 ? Optional.of(boot.getInitializeParams().getDiskSizeGb())
                : images.getOrDefault(source(use), Optional.empty()).map(image -> image.path("diskSizeGb").asLong()));
    }

    private static String source(Use use) {
        return use.boot().map(boot -> boot.getInitializeParams().getSourceImage()).orElse("");
    }

    private void template(Use use) {
        if (!use.byTemplate()) {
            findings.ok(new About(TEMPLATE, use.poolName()), "none");
            return;
        }
        var about = new About(TEMPLATE, GceNames.last(use.request().getSourceInstanceTemplate()));
        var answer = calls.get(DoctorCalls.Api.COMPUTE, "instanceTemplates.get", path(use.request().getSourceInstanceTemplate()));
        if (answer.notFound()) {
            findings.failed(about, "is not there", "correct gcp.instanceTemplate of " + use.poolName());
        } else {
            calls.told(answer, findings, List.of(about)).ifPresent(shown -> findings.ok(about, "is there"));
        }
    }

    /** From {@code projects/} on. */
    private static String path(String link) {
        return link.contains("projects/") ? link.substring(link.indexOf("projects/")) : link;
    }

    private void image(Use use) {
        var source = source(use);
        var disk = new About(DISK, use.poolName());
        if (source.isEmpty()) {
            var snapshot = use.boot().map(boot -> boot.getInitializeParams().getSourceSnapshot()).orElse("");
            if (!snapshot.isEmpty()) {
                snapshot(new About(IMAGE, use.poolName()), snapshot);
            } else {
                findings.ok(new About(IMAGE, use.poolName()), "is left to the instance template");
            }
            findings.ok(disk, "as it is there");
            return;
        }
        var about = new About(IMAGE, GceNames.last(source));
        images.computeIfAbsent(source, none -> read(about, source)).ifPresentOrElse(image -> {
            judge(about, image, use);
            size(disk, image, use);
        }, () -> findings.skipped(disk, IMAGE));
    }

    private void snapshot(About about, String snapshot) {
        var answer = calls.get(DoctorCalls.Api.COMPUTE, "snapshots.get", path(snapshot));
        if (answer.notFound()) {
            findings.failed(about, "the snapshot " + GceNames.last(snapshot) + " is not there", "correct disks[].snapshot of the pool");
        } else {
            calls.told(answer, findings, List.of(about)).ifPresent(shown -> findings.ok(about, "is the snapshot " + GceNames.last(snapshot)));
        }
    }

    private Optional<JsonNode> read(About about, String source) {
        var family = source.contains("/images/family/");
        var answer = calls.get(DoctorCalls.Api.COMPUTE, family ? "images.getFromFamily" : "images.get", path(source));
        if (answer.notFound()) {
            findings.failed(about, source + " is not there" + (family ? ": no image of the family, or none that isn't deprecated" : ""),
                    "correct image of the pool or the account: projects/<project>/global/images/family/<family>, or the name of one of the project's own");
            return Optional.empty();
        }
        if (answer.denied() && GcePermissions.isForeign(source, calls.project())) {
            findings.failed(about, source + " may not be read: " + answer.words(), "have its project give " + "roles/compute.imageUser to Muster's account");
            return Optional.empty();
        }
        return calls.told(answer, findings, List.of(about));
    }

    private void judge(About about, JsonNode image, Use use) {
        var architecture = image.path("architecture").asText("");
        var its = types.type(use.type()).map(type -> type.path("architecture").asText("")).orElse("");
        var deprecated = image.path("deprecated").path("state").asText("");
        if (!image.path("status").asText("READY").equals("READY")) {
            findings.failed(about, image.path("name").asText() + " is " + image.path("status").asText(), "wait until it is ready, or name another one");
        } else if (deprecated.equals("OBSOLETE") || deprecated.equals("DELETED")) {
            findings.failed(about, image.path("name").asText() + " is " + deprecated.toLowerCase(java.util.Locale.ROOT) + ": no disk is made from it", "name its family, or a newer one");
        } else if (!architecture.isEmpty() && !its.isEmpty() && !architecture.equals(its)) {
            findings.failed(about, image.path("name").asText() + " is for " + architecture + ", and " + use.type() + " of " + use.poolName() + " is " + its,
                    "name an image for that architecture in image of the pool");
        } else if (deprecated.equals("DEPRECATED")) {
            findings.warning(about, image.path("name").asText() + " is deprecated", "name its family, or a newer one");
        } else {
            findings.ok(about, image.path("name").asText() + (architecture.isEmpty() ? "" : ", " + architecture));
        }
    }

    private void size(About about, JsonNode image, Use use) {
        long own = image.path("diskSizeGb").asLong();
        long asked = use.boot().map(boot -> boot.getInitializeParams().getDiskSizeGb()).orElse(0L);
        if (asked > 0 && asked < own) {
            findings.failed(about, asked + " GB, and its image has " + own, "let the pool's disk have " + own + " GB at least");
        } else {
            findings.ok(about, (asked > 0 ? asked : own) + " GB");
        }
    }

    private void key(String key) {
        var about = new About(DISK_KEY, key.substring(key.lastIndexOf("/cryptoKeys/") + "/cryptoKeys/".length()));
        var name = key.replaceFirst("/cryptoKeyVersions/.*", "");
        var answer = calls.get(DoctorCalls.Api.KMS, "cloudkms.cryptoKeys.get", name);
        if (answer.notFound()) {
            findings.failed(about, "is not there", "correct disks[].kmsKey of the pool");
            return;
        }
        var shown = calls.told(answer, findings, List.of(about));
        if (shown.isEmpty()) {
            return;
        }
        var state = shown.get().path("primary").path("state").asText("");
        if (!state.equals("ENABLED")) {
            findings.failed(about, "its primary version is " + (state.isEmpty() ? "none" : state) + ": no disk can be made", "gcloud kms keys versions enable, or name another key");
            return;
        }
        var number = calls.told(calls.get(DoctorCalls.Api.RESOURCE_MANAGER, "resourcemanager.projects.get", "projects/" + calls.project()), findings, List.of(about));
        var policy = calls.told(calls.get(DoctorCalls.Api.KMS, "cloudkms.cryptoKeys.getIamPolicy", name + ":getIamPolicy"), findings, List.of(about));
        if (number.isEmpty() || policy.isEmpty()) {
            return;
        }
        var agent = AGENT.formatted(number.get().path("projectNumber").asText());
        var members = new ArrayList<String>();
        policy.get().path("bindings").forEach(binding -> {
            if (binding.path("role").asText().equals(MAY_USE)) {
                binding.path("members").forEach(member -> members.add(member.asText()));
            }
        });
        if (members.contains(agent)) {
            findings.ok(about, "is enabled, and Compute Engine may use it");
        } else {
            findings.warning(about, "is enabled, and its own policy doesn't let Compute Engine use it",
                    "unless its key ring or project does: gcloud kms keys add-iam-policy-binding " + name + " --member " + agent + " --role " + MAY_USE);
        }
    }
}
