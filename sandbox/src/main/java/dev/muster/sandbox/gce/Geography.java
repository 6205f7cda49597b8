package dev.muster.sandbox.gce;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Regions, zones, and in each region the subnetwork that a fresh project's network {@code default} has there. */
final class Geography {

    // Letters and address ranges are Google's own: "Regions and zones", and the table of auto mode ranges in "Subnets".
    private static final List<Region> REGIONS = List.of(region("us-central1", "10.128", "a", "b", "c", "f"), region("europe-west4", "10.164", "a", "b", "c"),
            region("us-east1", "10.142", "b", "c", "d"), region("europe-west1", "10.132", "b", "c", "d"));

    private Geography() {
    }

    private static Region region(String name, String range, String... letters) {
        return new Region(name, range, Stream.of(letters).map(letter -> new Zone(name, name + "-" + letter)).toList());
    }

    /** @param range first half of the subnetwork's addresses, which is a /20 */
    record Region(String name, String range, List<Zone> zones) {

        /** /20 less the four addresses that Google keeps. */
        static final int ADDRESSES = 4092;

        String cidr() {
            return range + ".0.0/20";
        }

        String gateway() {
            return range + ".0.1";
        }

        /** @param n from 0 to {@link #ADDRESSES} - 1 */
        String address(int n) {
            int host = n + 2;
            return range + "." + host / 256 + "." + host % 256;
        }
    }

    record Zone(String region, String name) {
    }

    static List<Region> regions() {
        return REGIONS;
    }

    static Optional<Region> region(String name) {
        return REGIONS.stream().filter(region -> region.name().equals(name)).findFirst();
    }

    static Optional<Zone> zone(String name) {
        return zones().stream().filter(zone -> zone.name().equals(name)).findFirst();
    }

    /** In alphabetical order. */
    static List<Zone> zones() {
        return REGIONS.stream().flatMap(region -> region.zones().stream()).sorted((one, other) -> one.name().compareTo(other.name())).toList();
    }

    /** A number that looks like Google's and is the same in every run. */
    static String id(String kind, String name) {
        try {
            var hash = MessageDigest.getInstance("SHA-256").digest((kind + "/" + name).getBytes(StandardCharsets.UTF_8));
            long number = 0;
            for (int i = 0; i < 8; i++) {
                number = number << 8 | hash[i] & 0xff;
            }
            return String.valueOf(1_000_000_000_000_000_000L + Math.floorMod(number, 8_000_000_000_000_000_000L));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
