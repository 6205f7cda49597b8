package dev.muster.contracts;

import dev.muster.v1.Violation;
import java.util.List;
import java.util.stream.Collectors;

/** A text that is not what it should be, with everything wrong in it. */
public final class InvalidYamlException extends Exception {

    private static final long serialVersionUID = 1;

    private final transient List<Violation> violations;

    public InvalidYamlException(List<Violation> violations) {
        super(violations.stream().map(InvalidYamlException::line).collect(Collectors.joining("\n")));
        this.violations = List.copyOf(violations);
    }

    /** At least one. */
    public List<Violation> violations() {
        return violations;
    }

    /** A violation in one line, for people. */
    public static String line(Violation violation) {
        var field = violation.getField().isEmpty() ? "" : violation.getField() + ": ";
        return field + violation.getProblem() + (violation.getFix().isEmpty() ? "" : "; " + violation.getFix());
    }
}
