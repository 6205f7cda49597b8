package dev.muster.k8s;

import dev.muster.provisioner.spi.MachineSeen;

/** Told of every pod that is new or other than before. */
interface PodListener {

    PodListener NONE = (connection, machine, node, console) -> { };

    /**
     * Must not block.
     *
     * @param connection the ClearML server of its task, by its name in the configuration; empty: the pod doesn't say
     * @param node that it was placed on; empty: none
     * @param console the end of what it has written, read when it is asked for
     */
    void seen(String connection, MachineSeen machine, String node, TaskMirror.Console console);

    /** The pod is not to be deleted yet: its log may be needed. */
    default boolean isOwing(String connection, String machineId) {
        return false;
    }
}
