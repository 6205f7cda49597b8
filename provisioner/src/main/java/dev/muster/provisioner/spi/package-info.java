/**
 * What a cloud must offer so that Muster can start, mark, list and end machines there: one interface and the values it speaks in.
 * A new cloud is one class that implements {@link dev.muster.provisioner.spi.MachineProvider}.
 */
package dev.muster.provisioner.spi;
