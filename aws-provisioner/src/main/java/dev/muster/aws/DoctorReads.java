package dev.muster.aws;

import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.doctor.Findings.About;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Supplier;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * Reads of the doctor: an account may forbid those that only it makes, and that is a warning and no fault of what they were to show. One that
 * launches need, too, is among the permissions that are missing.
 */
final class DoctorReads {

    private DoctorReads() {}

    /** @return empty if it can't be read; then each of {@code abouts} says why */
    static <T> Optional<T> read(Findings findings, Collection<About> abouts, String permission, Supplier<T> call) {
        try {
            return Optional.of(call.get());
        } catch (SdkException failure) {
            var denied = Ec2Failures.codeOf(failure).equals("UnauthorizedOperation");
            if (denied && LaunchChecks.PROBES.containsKey(permission.substring(permission.indexOf(':') + 1))) {
                abouts.forEach(about -> findings.skipped(about, DoctorCheck.PERMISSIONS));
                return Optional.empty();
            }
            abouts.forEach(about -> untold(findings, about, permission, denied ? "" : words(failure)));
            return Optional.empty();
        }
    }

    /** @param reason empty: it isn't allowed */
    static void untold(Findings findings, About about, String permission, String reason) {
        if (reason.isEmpty()) {
            findings.warning(about, "can't be told: " + permission + " is not allowed", "allow " + permission + ", which only the doctor uses");
        } else {
            findings.warning(about, "can't be told: " + permission + ": " + reason, "ask again");
        }
    }

    /** EC2's own. */
    static String words(SdkException failure) {
        var said = Ec2Failures.translate(failure);
        return said.code() + ": " + plain(said.getMessage());
    }

    /** Without the part of a refusal that only sts:DecodeAuthorizationMessage can read. */
    static String plain(String message) {
        var end = message.indexOf(" Encoded authorization failure message");
        return end < 0 ? message : message.substring(0, end);
    }
}
