package dev.muster.aws;

import static dev.muster.aws.DoctorCheck.CLOCK;
import static dev.muster.aws.DoctorCheck.CREDENTIALS;
import static dev.muster.aws.DoctorCheck.ENDPOINT;

import dev.muster.provisioner.doctor.Findings.About;
import dev.muster.provisioner.doctor.Findings;
import dev.muster.provisioner.spi.FailureKind;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.model.DescribeInstancesRequest;

/** Whether AWS is there, and takes the account's keys. Used by one thread. */
final class CallerChecks {

    private static final Duration WARN_OF_SKEW = Duration.ofMinutes(1);
    /** AWS takes a signature for five minutes around its time, says "Signing AWS API requests" in the IAM user guide. */
    private static final Duration MOST_SKEW = Duration.ofMinutes(5);
    private static final Pattern ARN = Pattern.compile("<Arn>([^<]*)</Arn>");
    private static final Pattern NUMBER = Pattern.compile("<Account>([^<]*)</Account>");
    /** What a key is answered whose signature is of another time. */
    private static final Set<String> LATE = Set.of("SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException");

    private final DoctorCalls calls;
    private final String account;
    private final Findings findings;
    private String arn = "";

    CallerChecks(DoctorCalls calls, String account, Findings findings) {
        this.calls = calls;
        this.account = account;
        this.findings = findings;
    }

    /** @return the check that makes it pointless to go on, or null */
    DoctorCheck examine() {
        var endpoint = new About(ENDPOINT, "");
        DoctorCalls.Answer answer;
        try {
            answer = calls.knock();
        } catch (IOException silent) {
            findings.failed(endpoint, calls.endpoint("ec2") + " gives no answer: " + silent.getMessage(),
                    "see whether the region's name is right and the way to AWS is open, and endpoint: if the account has one");
            return ENDPOINT;
        } catch (SdkException unusable) {
            findings.failed(endpoint, "no address: " + unusable.getMessage(), "correct the region of the account or offer");
            return ENDPOINT;
        }
        findings.ok(endpoint, calls.endpoint("ec2") + " answers in " + Duration.between(answer.asked(), answer.answered()).toMillis() + " ms");
        clock(answer);
        return credentials() ? null : CREDENTIALS;
    }

    /** Whom AWS takes the caller for. */
    String arn() {
        return arn;
    }

    /** The answer says its second; it was given some time between question and answer. */
    private void clock(DoctorCalls.Answer answer) {
        var about = new About(CLOCK, "");
        if (answer.date() == null) {
            findings.ok(about, "EC2 doesn't tell its time");
            return;
        }
        var late = Duration.between(answer.asked(), answer.date());
        var early = Duration.between(answer.answered(), answer.date().plusSeconds(1));
        var ahead = late.compareTo(WARN_OF_SKEW) > 0;
        var skew = ahead ? late : early.isNegative() ? early.negated() : Duration.ZERO;
        if (skew.compareTo(WARN_OF_SKEW) <= 0) {
            findings.ok(about, "EC2's is this computer's");
            return;
        }
        var seen = "EC2's is " + skew.toSeconds() + " s " + (ahead ? "ahead of" : "behind") + " this computer's";
        if (skew.compareTo(MOST_SKEW) > 0) {
            findings.failed(about, seen + ": signatures count as expired", "set this computer's clock, and have it kept (chrony, systemd-timesyncd)");
        } else {
            findings.warning(about, seen, "have this computer's clock kept (chrony, systemd-timesyncd): beyond five minutes signatures count as expired");
        }
    }

    private boolean credentials() {
        var about = new About(CREDENTIALS, "");
        DoctorCalls.Answer answer;
        try {
            answer = calls.query("sts", "2011-06-15", "GetCallerIdentity", Map.of());
        } catch (SdkException none) {
            var said = DoctorReads.words(none);
            findings.failed(about, said, said.contains("AssumeRole") ? "let the role's trust policy name the account's keys and its external id, and allow these keys sts:AssumeRole on it" : fix());
            return false;
        } catch (IOException silent) {
            findings.failed(about, "STS gives no answer: " + silent.getMessage(), "see whether the way to " + calls.endpoint("sts") + " is open");
            return false;
        } catch (IllegalStateException unreadable) {
            findings.failed(about, unreadable.getMessage(), "make it readable for Muster");
            return false;
        }
        if (!answer.succeeded()) {
            if (LATE.contains(answer.code()) && findings.state(new About(CLOCK, "")) == Findings.State.FAILED) {
                findings.skipped(about, CLOCK);
            } else {
                findings.failed(about, "STS refuses them: " + answer.reason(), fix());
            }
            return false;
        }
        arn = answer.find(ARN).orElse("");
        return ec2Takes(about, answer.find(NUMBER).orElse("an unknown account") + ", " + arn);
    }

    /** A region that the account has not opted in to refuses keys that STS takes. */
    private boolean ec2Takes(About about, String who) {
        try {
            calls.ec2().describeInstances(DescribeInstancesRequest.builder().dryRun(true).build());
        } catch (SdkException answer) {
            // One call that isn't allowed is no judgement of the keys.
            if (Ec2Failures.translate(answer).kind() == FailureKind.UNAUTHORIZED && !Ec2Failures.codeOf(answer).equals("UnauthorizedOperation")) {
                findings.failed(about, who + "; EC2 refuses them here: " + DoctorReads.words(answer), "enable the region for the account, or take it out of its regions");
                return false;
            }
        }
        findings.ok(about, who);
        return true;
    }

    private String fix() {
        return "put the account's keys into the secrets folder as aws-" + account + "-access-key-id and aws-" + account
                + "-secret-access-key, or give the process a role";
    }
}
