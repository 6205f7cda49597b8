package dev.muster.aws;

import static dev.muster.aws.DoctorCheck.KEY_PAIR;
import static dev.muster.aws.DoctorCheck.SPOT_ROLE;
import static dev.muster.aws.DoctorCheck.VOLUME_KEY;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.muster.provisioner.doctor.DoctorQuestion;
import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Findings;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.core.exception.SdkException;

/** Key pairs, the role of the spot market, and the keys that disks are encrypted with. Used by one thread. */
final class KeyChecks {

    private static final String ROLE = "AWSServiceRoleForEC2Spot";

    private final DoctorCalls calls;
    private final Findings findings;
    private final String caller;

    /** @param caller ARN of who launches */
    KeyChecks(DoctorCalls calls, Findings findings, String caller) {
        this.calls = calls;
        this.findings = findings;
        this.caller = caller;
    }

    void examine(List<Use> uses) {
        var pairs = new LinkedHashSet<String>();
        for (var use : uses) {
            if (use.request.keyName() != null) {
                use.look(KEY_PAIR, use.request.keyName());
                pairs.add(use.request.keyName());
            }
            if (use.spot()) {
                use.look(SPOT_ROLE, "");
            }
        }
        pairs.forEach(this::pair);
        if (uses.stream().anyMatch(Use::spot)) {
            spotRole();
        }
        volumes(uses);
    }

    private void pair(String name) {
        var about = new About(KEY_PAIR, name);
        var gone = new boolean[1];
        DoctorReads.read(findings, List.of(about), "ec2:DescribeKeyPairs", () -> {
            try {
                return calls.ec2().describeKeyPairs(asked -> asked.keyNames(name)).keyPairs();
            } catch (SdkException failure) {
                if (Ec2Failures.codeOf(failure).equals("InvalidKeyPair.NotFound")) {
                    gone[0] = true;
                    return List.of();
                }
                throw failure;
            }
        }).ifPresent(there -> {
            if (gone[0]) {
                findings.failed(about, "is not there in this region", "correct aws.keyName of the pool, or import the key pair into the region");
            } else {
                findings.ok(about, "is there");
            }
        });
    }

    private void spotRole() {
        var about = new About(SPOT_ROLE, "");
        try {
            var answer = calls.query("iam", "2010-05-08", "GetRole", Map.of("RoleName", ROLE));
            if (answer.succeeded()) {
                findings.ok(about, ROLE + " is there");
            } else if (answer.code().equals("NoSuchEntity")) {
                findings.failed(about, ROLE + " is not there, and EC2 starts no spot machine without it", "once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com");
            } else {
                DoctorReads.untold(findings, about, "iam:GetRole", answer.denied() ? "" : answer.reason());
            }
        } catch (IOException silent) {
            DoctorReads.untold(findings, about, "iam:GetRole", String.valueOf(silent.getMessage()));
        }
    }

    // ---- volumes

    private void volumes(List<Use> uses) {
        if (uses.isEmpty()) {
            return;
        }
        var account = new About(VOLUME_KEY, "");
        var byKey = new LinkedHashMap<String, Boolean>();
        var usual = false;
        var usualSpot = false;
        for (var use : uses) {
            var disks = use.request.blockDeviceMappings().stream().map(disk -> disk.ebs()).filter(ebs -> ebs != null).toList();
            for (var disk : disks) {
                if (disk.kmsKeyId() != null) {
                    byKey.merge(disk.kmsKeyId(), use.spot(), Boolean::logicalOr);
                    use.look(VOLUME_KEY, disk.kmsKeyId());
                }
            }
            if (disks.isEmpty() || disks.stream().anyMatch(disk -> Boolean.TRUE.equals(disk.encrypted()) && disk.kmsKeyId() == null)) {
                var asked = !disks.isEmpty() || encryptsAnyhow(account).orElse(false);
                usual |= asked;
                usualSpot |= asked && use.spot();
            }
        }
        if (usual) {
            var spot = usualSpot;
            DoctorReads.read(findings, List.of(account), "ec2:GetEbsDefaultKmsKeyId", () -> calls.ec2().getEbsDefaultKmsKeyId(asked -> {}).kmsKeyId())
                    .ifPresent(key -> byKey.merge(key, spot, Boolean::logicalOr));
        } else if (byKey.isEmpty() && findings.state(account) == Findings.State.OK) {
            findings.ok(account, "no disk is encrypted beyond what its image says");
        }
        byKey.forEach(this::key);
    }

    private Boolean encryptsAnyhow;

    /** Empty if it can't be told. */
    private Optional<Boolean> encryptsAnyhow(About about) {
        if (encryptsAnyhow == null) {
            encryptsAnyhow = DoctorReads.read(findings, List.of(about), "ec2:GetEbsEncryptionByDefault",
                    () -> calls.ec2().getEbsEncryptionByDefault(asked -> {}).ebsEncryptionByDefault()).orElse(null);
        }
        return Optional.ofNullable(encryptsAnyhow);
    }

    /** @param spot spot machines use it */
    private void key(String key, boolean spot) {
        var about = new About(VOLUME_KEY, key);
        try {
            var answer = calls.json("kms", "TrentService.DescribeKey", DoctorQuestion.JSON.writeValueAsString(Map.of("KeyId", key)));
            if (answer.code().equals("NotFoundException")) {
                findings.failed(about, "is not there in this region", "correct the disk's KMS key, or the account's default one");
                return;
            }
            if (!answer.succeeded()) {
                DoctorReads.untold(findings, about, "kms:DescribeKey", answer.denied() ? "" : answer.reason());
                return;
            }
            var told = DoctorQuestion.JSON.readTree(answer.body()).path("KeyMetadata");
            var state = told.path("KeyState").asText();
            if (!state.equals("Enabled")) {
                findings.failed(about, "is in state " + state + ": machines end right after their start", "enable the key: aws kms enable-key --key-id " + told.path("KeyId").asText());
            } else if (told.path("KeyManager").asText().equals("AWS")) {
                findings.ok(about, "is Amazon's own for the account");
            } else {
                findings.warning(about, "is enabled, and one of your own: whether EC2 may use it only a launch shows", policy(spot));
            }
        } catch (JsonProcessingException garbled) {
            DoctorReads.untold(findings, about, "kms:DescribeKey", "the answer is no JSON");
        } catch (IOException silent) {
            DoctorReads.untold(findings, about, "kms:DescribeKey", String.valueOf(silent.getMessage()));
        }
    }

    private String policy(boolean spot) {
        return "its policy must allow kms:CreateGrant, kms:Decrypt, kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext and kms:ReEncrypt* to " + caller
                + (spot ? " and, for spot machines, to the role " + ROLE : "");
    }
}
