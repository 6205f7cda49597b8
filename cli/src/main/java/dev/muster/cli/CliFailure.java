package dev.muster.cli;

import dev.muster.v1.Violation;
import io.grpc.Status;
import java.util.List;

/** A command that did not do what was asked: what a person reads, and the process's exit code. */
final class CliFailure extends RuntimeException {

    static final int FAILED = 1;
    static final int USAGE = 2;
    static final int NOT_RUNNING = 3;

    private static final long serialVersionUID = 1;

    final int exitCode;
    /** One word for programs. */
    final String code;
    final transient List<Violation> violations;
    /** What the server answered; null: it is not of a server. */
    final Status.Code grpcCode;

    CliFailure(int exitCode, String code, String message, List<Violation> violations) {
        this(exitCode, code, message, violations, null);
    }

    CliFailure(int exitCode, String code, String message, List<Violation> violations, Status.Code grpcCode) {
        super(message);
        this.exitCode = exitCode;
        this.code = code;
        this.violations = violations;
        this.grpcCode = grpcCode;
    }

    static CliFailure failed(String message) {
        return new CliFailure(FAILED, "failed", message, List.of());
    }

    static CliFailure invalid(String message, List<Violation> violations) {
        return new CliFailure(FAILED, "invalid", message, violations);
    }

    static CliFailure usage(String message) {
        return new CliFailure(USAGE, "usage", message, List.of());
    }

    static CliFailure notRunning(String message) {
        return new CliFailure(NOT_RUNNING, "not-running", message, List.of());
    }
}
