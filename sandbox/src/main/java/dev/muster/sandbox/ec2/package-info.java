/**
 * A stand-in for Amazon EC2, true to it where Muster could lose a machine, a task or money, and plain elsewhere.
 *
 * <p>{@link dev.muster.sandbox.ec2.Ec2Server} is the way in: it listens, and hands out {@code Capacity} (what is left),
 * {@code Faults} (what goes wrong) and {@code Books} (what the cloud saw). Behind it {@code Ec2Cloud} takes one call at a time
 * and knows no network, so that its tests run in simulated time.
 *
 * <p>As at EC2: client tokens, held for a day past the end of their instances; launch indexes; fewer instances than asked for,
 * down to the minimum; tags, volumes and metadata options in the launch call; new instances that don't show at once, and
 * terminated ones that stay for an hour; one bad id that fails a whole call; error codes with their HTTP status (no capacity is
 * a 500); the token buckets; tags in the metadata service, live on nitro types and frozen on xen ones.
 *
 * <p>Not as at EC2: signatures aren't checked, only the access key; every caller may take on every role that has been made; a machine with
 * a profile has a role of the same name, which may do everything that isn't denied;
 * spot prices stand still unless moved; power is cut as soon as a termination is accepted, where a real machine is first asked
 * to shut down; a terminate isn't partial by zone; volumes live and die with their instance; there is one default VPC in a
 * region, and nothing in it has a public address; any key pair and instance profile that a call names is there, until a test
 * takes it away; a token used by a call that was refused is free again; a launch template gives whole parameters, never members
 * of one; persistent spot requests, placement groups and more are refused with UnsupportedOperation, and a parameter that EC2
 * doesn't know with UnknownParameter.
 */
package dev.muster.sandbox.ec2;
