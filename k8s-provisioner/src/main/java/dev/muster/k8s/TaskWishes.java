package dev.muster.k8s;

import dev.muster.provisioner.spi.ProviderException;

/** Where it is known what waiting tasks ask for. Blocks; called by many threads at once. */
interface TaskWishes {

    /**
     * The wish of a task that waits now.
     *
     * @param connection name of the ClearML server that has it
     * @throws ProviderException EXPIRED, {@code TaskGone}, if it isn't there any more or doesn't wait; UNAVAILABLE while ClearML is silent;
     *         UNAUTHORIZED where it refuses Muster's keys
     */
    TaskWish read(String connection, String task) throws ProviderException;
}
