package dev.muster.sandbox.ec2;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Regions, zones, and in each region what a fresh account has: one default VPC, a subnet in every zone, one security group. */
final class Geography {

    private static final List<String> LETTERS = List.of("a", "b", "c");
    private static final List<Region> REGIONS = List.of(new Region("us-east-1", "use1"), new Region("us-east-2", "use2"),
            new Region("us-west-2", "usw2"), new Region("eu-west-1", "euw1"), new Region("eu-central-1", "euc1"),
            new Region("ap-southeast-1", "apse1"));

    private Geography() {
    }

    record Region(String name, String shortName) {

        List<Zone> zones() {
            var zones = new ArrayList<Zone>();
            for (int i = 0; i < LETTERS.size(); i++) {
                zones.add(new Zone(name, name + LETTERS.get(i), shortName + "-az" + (i + 1), i));
            }
            return zones;
        }

        String vpc() {
            return id("vpc", name);
        }

        String securityGroup() {
            return id("sg", name);
        }

        Optional<Zone> zone(String zoneName) {
            return zones().stream().filter(zone -> zone.name().equals(zoneName)).findFirst();
        }

        Optional<Zone> zoneOfSubnet(String subnet) {
            return zones().stream().filter(zone -> zone.subnet().equals(subnet)).findFirst();
        }
    }

    /** @param index counts from 0; the zone's subnet is 172.31.(16 × index).0/20, as in a default VPC */
    record Zone(String region, String name, String id, int index) {

        /** /20 less the five addresses that Amazon keeps. */
        static final int ADDRESSES = 4091;

        String subnet() {
            return Geography.id("subnet", name);
        }

        String cidr() {
            return "172.31." + 16 * index + ".0/20";
        }

        /** @param n from 0 to {@link #ADDRESSES} - 1 */
        String address(int n) {
            int host = n + 4;
            return "172.31." + (16 * index + host / 256) + "." + host % 256;
        }
    }

    static List<Region> regions() {
        return REGIONS;
    }

    static Optional<Region> region(String name) {
        return REGIONS.stream().filter(region -> region.name().equals(name)).findFirst();
    }

    /** An id that looks like Amazon's and is the same in every run, so that a fleet spec may name it. */
    static String id(String kind, String name) {
        try {
            var hash = MessageDigest.getInstance("SHA-256").digest((kind + "/" + name).getBytes(StandardCharsets.UTF_8));
            return kind + "-0" + HexFormat.of().formatHex(hash).substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
