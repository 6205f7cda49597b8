package dev.muster.provisioner.spi;

/** A machine's id follows from its batch and its place in it, so that tags alone tell who is who, also after Kafka was lost. */
public final class MachineIds {

    /** Begins the id of a machine that another hand launched; the cloud id follows. */
    public static final String ADOPTED = "a-";

    private MachineIds() {}

    /**
     * The id of the batch's machine with this launch index: {@code m4kq…-17} and 3 make {@code m4kq…-20}.
     * An adopted machine is a batch of its own.
     *
     * @throws IllegalArgumentException if the batch id has no counter at its end
     */
    public static String of(String batchId, int launchIndex) {
        if (batchId.startsWith(ADOPTED)) {
            return batchId;
        }
        int dash = batchId.lastIndexOf('-');
        try {
            return batchId.substring(0, dash + 1) + Math.addExact(Long.parseLong(batchId.substring(dash + 1)), launchIndex);
        } catch (NumberFormatException | ArithmeticException none) {
            throw new IllegalArgumentException("batch id '" + batchId + "' must be m<incarnation>-<counter>");
        }
    }
}
