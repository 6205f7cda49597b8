/** A provider whose cloud is a Java object: for tests and simulations, and the second proof that the provider interface is one. */
package dev.muster.provisioner.memory;
