package dev.muster.provisioner.spi;

import java.util.List;
import java.util.Optional;

/**
 * A machine that another hand launched, and whose it is to be.
 *
 * @param machine its id is {@link MachineIds#ADOPTED} and the cloud id
 * @param offers it must be one of them; empty: whatever it is
 */
public record AdoptWish(MachineRef machine, String fleet, String pool, List<Offer> offers, KeepUntil keepUntil) {

    public AdoptWish {
        offers = List.copyOf(offers);
    }

    /**
     * Why a machine is not taken, before anything is written on it; empty: it may be.
     *
     * @param seen as it would be listed once it were taken
     * @param installation whose wish this is
     * @param itsInstallation from its tags; empty: it has none
     * @param itsFleet the same
     */
    public Optional<Adoption> against(MachineSeen seen, String installation, String itsInstallation, String itsFleet) {
        if (!itsInstallation.isEmpty() && !(itsInstallation.equals(installation) && itsFleet.equals(fleet) && seen.machineId().equals(machine.machineId()))) {
            return Optional.of(Adoption.refused(Adoption.Refusal.OF_ANOTHER, "is of fleet " + itsFleet + " of installation " + itsInstallation));
        }
        if (seen.mark().word() == Mark.Word.RELEASED) {
            return Optional.of(Adoption.refused(Adoption.Refusal.OF_ANOTHER, "was let go by fleet " + itsFleet + ", and is its user's"));
        }
        if (seen.status() != CloudStatus.RUNNING && seen.status() != CloudStatus.PENDING && seen.status() != CloudStatus.IMPAIRED) {
            return Optional.of(Adoption.refused(Adoption.Refusal.NOT_THERE, "is " + seen.status()));
        }
        if (!offers.isEmpty() && offers.stream().noneMatch(offer -> offer.covers(seen.offer()))) {
            return Optional.of(Adoption.refused(Adoption.Refusal.NO_SUCH_OFFER, "is a " + seen.offer().machineType() + " in "
                    + (seen.offer().zone().isEmpty() ? seen.offer().scope().toString() : seen.offer().zone())
                    + (seen.offer().subnet().isEmpty() ? "" : ", " + seen.offer().subnet())
                    + (seen.offer().market() == Offer.Market.SPOT ? ", spot" : ", on demand")));
        }
        return Optional.empty();
    }
}
