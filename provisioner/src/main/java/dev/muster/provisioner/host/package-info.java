/**
 * What all provisioners share: reads commands from Kafka, has a {@link dev.muster.provisioner.spi.MachineProvider} carry them out,
 * and reports what its cloud shows. Start reading at {@link dev.muster.provisioner.host.ProvisionerHost}.
 */
package dev.muster.provisioner.host;
