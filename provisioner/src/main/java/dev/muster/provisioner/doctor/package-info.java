/** What {@code muster doctor <cloud>} is made of, whichever the cloud: its question, its findings, and launches as they would be asked for. The services load none of it. */
package dev.muster.provisioner.doctor;
