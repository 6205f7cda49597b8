package dev.muster.sandbox.gce;

import dev.muster.sandbox.machine.MachineImage;

/**
 * An instance as what boots on it sees it.
 *
 * @param life of the instance that this hardware belongs to: after a stop, an earlier one's calls do nothing
 */
record Hardware(GceCloud cloud, Instance instance, int life) implements MachineImage.Hardware {

    /** The name, by which everything on Compute Engine is called. */
    @Override
    public String cloudId() {
        return instance.name;
    }

    /** What Google's guest agent would run: metadata of the instance wins over the project's. */
    @Override
    public String userData() {
        return cloud.startupScript(instance);
    }

    @Override
    public String metadataUrl() {
        return cloud.metadataUrl(instance);
    }

    @Override
    public void writeConsole(String line) {
        cloud.writeConsole(instance, line);
    }

    @Override
    public void powerOff() {
        cloud.powerOff(instance, life);
    }
}
