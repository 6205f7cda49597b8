package dev.muster.provisioner.spi;

import dev.muster.contracts.SecretRef;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One cloud's way to start, mark, list and end machines: the only class that a new cloud has to write.
 *
 * <p>Methods block; the host calls them on worker threads, many at once, also for one scope. Every method may be called again
 * with the same arguments after a crash, by another process, and then has no further effect. What can't be done is a
 * {@link ProviderException} whose kind says what to do about it. A provider never chooses, splits, merges or repeats a launch.
 */
public interface MachineProvider {

    /** First part of its scopes, such as {@code aws}. */
    String name();

    /** Scopes that the configuration names. Each must answer {@link #check} once before the service calls itself ready. */
    List<Scope> configuredScopes();

    /** Asks the cloud something cheap with the scope's credentials. */
    void check(Scope scope) throws ProviderException;

    /**
     * Takes the batch's place in the cloud's own rate limits.
     *
     * @return how long to wait before calling {@link #launch}; zero or more. The place is used up whether or not it is called
     */
    Duration reserve(MachineBatch batch);

    /**
     * Starts the batch's machines with one call whose idempotency token is the batch id. Returns before they have booted.
     * A batch that was asked for before gives the machines it gave then, even if its parameters differ by now.
     *
     * @return at least one machine; what the cloud did not deliver is out of capacity, unless the delivery says why
     * @throws ProviderException if nothing was started; after UNAVAILABLE nobody knows, and the same call is to be repeated. A cloud that decides
     *         later is {@link ProviderException#underWay}: its machines are in no list before the launch is answered
     */
    Delivery launch(MachineBatch batch) throws ProviderException;

    /**
     * What an earlier call for this batch started, without starting anything.
     *
     * @param size how many machines were asked for
     * @return no machines if the cloud shows none; indexes that it doesn't show are {@code undelivered}
     */
    Delivery find(Scope scope, String batchId, int size) throws ProviderException;

    /**
     * Writes the mark that the machine's guard reads. A mark with an ordinal below one already written is ignored.
     * RELEASED also takes the keep-until mark away.
     *
     * @return what the cloud knows of the machine: NOT_FOUND if nothing, UNKNOWN where the call doesn't show it
     */
    CloudStatus mark(MachineRef machine, Mark mark) throws ProviderException;

    /**
     * Ends the machine. One that is already gone is a success.
     *
     * @return the state that the call left it in; NOT_FOUND if there is none such
     */
    CloudStatus terminate(MachineRef machine) throws ProviderException;

    /**
     * Writes Muster's tags on a machine that another hand launched, and does nothing else to it. One that is another fleet's, that isn't there or
     * is none of the offers is left as it is.
     */
    Adoption adopt(AdoptWish wish) throws ProviderException;

    /**
     * Every machine of this installation that the scope shows, in any state, those that just ended included.
     *
     * @throws ProviderException rather than a list that lacks some without saying so
     */
    MachineList list(Scope scope) throws ProviderException;

    /**
     * The end of what a machine has written to its console, as far as the cloud keeps it: EC2 64 KB. Clouds show it late, and still for a while
     * after the machine's end.
     *
     * @return empty if there is nothing, yet or any more
     */
    String console(MachineRef machine) throws ProviderException;

    /**
     * What the offers cost now, as far as the cloud tells. Asked every few minutes: with as few calls as it allows.
     *
     * @return none of an offer whose price the cloud doesn't tell
     */
    default List<PriceSeen> prices(Scope scope, Collection<Offer> offers) throws ProviderException {
        return List.of();
    }

    /** What the machine types are, as far as the cloud knows them. Asked once for each. */
    default List<TypeSeen> types(Scope scope, Collection<String> machineTypes) throws ProviderException {
        return List.of();
    }

    /**
     * Of how many machines the keep-until marks may be renewed after one list without holding up the next: as many as there are where the cloud
     * takes many in a call, few where each is a call.
     */
    default int renewedAtOnce() {
        return Integer.MAX_VALUE;
    }

    /**
     * Names whom to tell when a scope shows something else than before. Called once, before everything else.
     *
     * <p>A cloud that doesn't tell its clients leaves it: its scopes are listed in time.
     */
    default void onChange(Consumer<Scope> changed) {
    }

    /** Where machines read secrets themselves that other clouds' machines are given as text; empty: they are given them. */
    default Optional<SecretRef.Store> machinesRead() {
        return Optional.empty();
    }

    /** Writes a new keep-until mark on all of them, with as few calls as the cloud allows. Machines that are gone don't matter. */
    void renewKeepUntil(Scope scope, Collection<String> cloudIds, KeepUntil keepUntil) throws ProviderException;
}
