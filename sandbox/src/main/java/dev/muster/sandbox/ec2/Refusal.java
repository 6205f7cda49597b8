package dev.muster.sandbox.ec2;

/** An error answer as EC2 gives it: a code that programs read, a sentence for people, and the HTTP status both travel under. */
final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final String code;
    private final int status;

    Refusal(int status, String code, String message) {
        super(message, null, false, false);
        this.code = code;
        this.status = status;
    }

    String code() {
        return code;
    }

    int status() {
        return status;
    }

    /** Most of EC2's refusals are the caller's: HTTP 400. */
    static Refusal of(String code, String message) {
        return new Refusal(400, code, message);
    }

    static Refusal invalidValue(String message) {
        return of("InvalidParameterValue", message);
    }

    static Refusal missing(String parameter) {
        return of("MissingParameter", "The request must contain the parameter " + parameter);
    }

    /** EC2 counts a lack of machines as a fault on its own side: a 500, which clients retry unless told not to. */
    static Refusal noCapacity(String message) {
        return new Refusal(500, "InsufficientInstanceCapacity", message);
    }

    static Refusal throttled() {
        return new Refusal(503, "RequestLimitExceeded", "Request limit exceeded.");
    }
}
