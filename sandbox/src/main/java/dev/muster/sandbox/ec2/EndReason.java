package dev.muster.sandbox.ec2;

/** Why an instance ended or stopped, as EC2 shows it in its state reason. */
enum EndReason {
    USER("Client.UserInitiatedShutdown", "User initiated shutdown"),
    FROM_INSIDE("Client.InstanceInitiatedShutdown", "Instance initiated shutdown"),
    INTERRUPTED("Server.SpotInstanceTermination", "Spot instance termination"),
    INTERNAL_ERROR("Server.InternalError", "Internal error on launch"),
    NO_CAPACITY("Server.InsufficientInstanceCapacity", "Insufficient instance capacity to satisfy the launch request");

    private final String code;
    private final String sentence;

    EndReason(String code, String sentence) {
        this.code = code;
        this.sentence = sentence;
    }

    String code() {
        return code;
    }

    String message() {
        return code + ": " + sentence;
    }
}
