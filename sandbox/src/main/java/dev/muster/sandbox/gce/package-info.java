/**
 * A stand-in for Google's Compute Engine, true to it where Muster could lose a machine, a task or money, and plain elsewhere.
 *
 * <p>{@link dev.muster.sandbox.gce.GceServer} is the way in: it listens, and hands out {@code Capacity} (what is left),
 * {@code Faults} (what goes wrong), {@code Books} (what the cloud saw) and key files. Behind it {@code GceCloud} takes one call at a time
 * and knows no network, so that its tests run in simulated time.
 *
 * <p>As at Google: every answer is of its published schema, and a request that isn't is refused; request ids that give back their first
 * operation, as it stands now, whatever is sent with them; operations that go from PENDING to DONE, and those that Google starts by itself;
 * an instance that shows before anyone knows whether there is a machine for it, and vanishes if there is none; names that are taken until
 * the delete is done; stopped instances that stay, with their disks billed; types by address in an insert and by name in a bulk insert;
 * bulk inserts that create some, or roll back below their least; a create that a delete overtakes and that ends in a conflict; fingerprints; filters, pages, lists of all zones with those out of
 * reach; a standard machine that starts again by itself after a host error; RS256 assertions and bearer tokens; on request, rate quotas that come back
 * with the next minute.
 *
 * <p>Not as at Google, or not known: a request id holds until it is forgotten on request; a revoked key's tokens end at once; a permission
 * is asked for where a method's own name says so, and not for the disks and networks it uses; a change of metadata shows at once, and its
 * operation is done later; {@code unreachables} names zones as {@code projects/p/zones/z}; a full quota lets a call's operation fail,
 * unless told otherwise; spot prices stand still unless moved; power is cut as soon as a stop is accepted, where a real machine is first
 * asked to shut down; disks are seen on their instance alone and are billed until it is deleted; there is one network, with a subnetwork in
 * each region; there are no reservations, custom machine types, machine images and regional templates.
 */
package dev.muster.sandbox.gce;
