package dev.muster.sandbox.ec2;

import dev.muster.sandbox.machine.MachineImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPInputStream;

/**
 * An instance as what boots on it sees it.
 *
 * @param life of the instance that this hardware belongs to: after a stop, an earlier one's calls do nothing
 */
record Hardware(Ec2Cloud cloud, Instance instance, int life) implements MachineImage.Hardware {

    @Override
    public String cloudId() {
        return instance.id;
    }

    /** Unpacked if it was gzipped, as cloud-init does; the metadata service serves the bytes as they came. */
    @Override
    public String userData() {
        var bytes = instance.spec.userData();
        if (bytes.length > 2 && bytes[0] == (byte) 0x1f && bytes[1] == (byte) 0x8b) {
            try (var unpacked = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
                return new String(unpacked.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException("user data of " + instance.id + " begins like gzip and is not", e);
            }
        }
        return new String(bytes, StandardCharsets.UTF_8);
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
