package dev.muster.planner.stream;

/** A newer release of the planner wrote what is stored: this one must not touch it. */
final class NewerStateException extends RuntimeException {

    private static final long serialVersionUID = 1;

    NewerStateException(String fleet, int stored, int known) {
        super("the state of fleet " + fleet + " is of version " + stored + ", and this release knows versions up to " + known
                + ": start the release that wrote it, or a newer one");
    }
}
