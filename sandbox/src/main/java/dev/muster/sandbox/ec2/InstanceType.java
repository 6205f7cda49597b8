package dev.muster.sandbox.ec2;

import java.math.BigDecimal;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What EC2 sells under one name.
 *
 * @param memoryMib in MiB
 * @param gpus null if it has none
 * @param hypervisor {@code nitro} or {@code xen}; on xen a machine's tags in the metadata service stay as they were at launch
 * @param dollarsPerHour published on-demand list price, Linux, us-east-1
 */
record InstanceType(String name, int vcpus, int cores, int memoryMib, String architecture, String hypervisor, double ghz, Gpus gpus,
        BigDecimal dollarsPerHour) {

    /** @param memoryMib of each GPU, in MiB */
    record Gpus(int count, String maker, String model, int memoryMib) {
    }

    private static final Map<String, InstanceType> ALL = new LinkedHashMap<>();

    // Sizes, hypervisors and GPUs are what DescribeInstanceTypes answers in us-east-1. Prices are Amazon's list prices for Linux
    // on demand in us-east-1 (the EC2 on-demand price page; p4d and p5 after the reduction of June 2025). They serve the stand-in's
    // spot history and the cost in its books, and nothing else.
    static {
        family("t3", "x86_64", "nitro", 2.5, 2,
                "nano 2 512 0.0052", "micro 2 1024 0.0104", "small 2 2048 0.0208", "medium 2 4096 0.0416", "large 2 8192 0.0832",
                "xlarge 4 16384 0.1664", "2xlarge 8 32768 0.3328");
        family("t2", "x86_64", "xen", 2.3, 1,
                "micro 1 1024 0.0116", "small 1 2048 0.023", "medium 2 4096 0.0464", "large 2 8192 0.0928");
        family("t4g", "arm64", "nitro", 2.5, 1,
                "micro 2 1024 0.0084", "small 2 2048 0.0168", "medium 2 4096 0.0336", "large 2 8192 0.0672", "xlarge 4 16384 0.1344");
        family("m4", "x86_64", "xen", 2.4, 2, "large 2 8192 0.1", "xlarge 4 16384 0.2", "2xlarge 8 32768 0.4", "4xlarge 16 65536 0.8");
        family("m5", "x86_64", "nitro", 3.1, 2,
                "large 2 8192 0.096", "xlarge 4 16384 0.192", "2xlarge 8 32768 0.384", "4xlarge 16 65536 0.768",
                "8xlarge 32 131072 1.536", "12xlarge 48 196608 2.304", "16xlarge 64 262144 3.072", "24xlarge 96 393216 4.608");
        family("m6i", "x86_64", "nitro", 3.5, 2,
                "large 2 8192 0.096", "xlarge 4 16384 0.192", "2xlarge 8 32768 0.384", "4xlarge 16 65536 0.768",
                "8xlarge 32 131072 1.536", "12xlarge 48 196608 2.304", "16xlarge 64 262144 3.072", "24xlarge 96 393216 4.608",
                "32xlarge 128 524288 6.144");
        family("m6g", "arm64", "nitro", 2.5, 1,
                "medium 1 4096 0.0385", "large 2 8192 0.077", "xlarge 4 16384 0.154", "2xlarge 8 32768 0.308", "4xlarge 16 65536 0.616");
        family("c5", "x86_64", "nitro", 3.4, 2,
                "large 2 4096 0.085", "xlarge 4 8192 0.17", "2xlarge 8 16384 0.34", "4xlarge 16 32768 0.68", "9xlarge 36 73728 1.53");
        family("c6i", "x86_64", "nitro", 3.5, 2,
                "large 2 4096 0.085", "xlarge 4 8192 0.17", "2xlarge 8 16384 0.34", "4xlarge 16 32768 0.68", "8xlarge 32 65536 1.36",
                "12xlarge 48 98304 2.04", "16xlarge 64 131072 2.72", "24xlarge 96 196608 4.08", "32xlarge 128 262144 5.44");
        family("r5", "x86_64", "nitro", 3.1, 2, "large 2 16384 0.126", "xlarge 4 32768 0.252", "2xlarge 8 65536 0.504", "4xlarge 16 131072 1.008");
        family("g4dn", "x86_64", "nitro", 2.5, 2,
                "xlarge 4 16384 0.526 1 T4 16384", "2xlarge 8 32768 0.752 1 T4 16384", "4xlarge 16 65536 1.204 1 T4 16384",
                "8xlarge 32 131072 2.176 1 T4 16384", "12xlarge 48 196608 3.912 4 T4 16384", "16xlarge 64 262144 4.352 1 T4 16384");
        family("g5", "x86_64", "nitro", 3.3, 2,
                "xlarge 4 16384 1.006 1 A10G 22888", "2xlarge 8 32768 1.212 1 A10G 22888", "4xlarge 16 65536 1.624 1 A10G 22888",
                "8xlarge 32 131072 2.448 1 A10G 22888", "12xlarge 48 196608 5.672 4 A10G 22888", "16xlarge 64 262144 4.096 1 A10G 22888",
                "24xlarge 96 393216 8.144 4 A10G 22888", "48xlarge 192 786432 16.288 8 A10G 22888");
        family("g6", "x86_64", "nitro", 3.4, 2,
                "xlarge 4 16384 0.8048 1 L4 22888", "2xlarge 8 32768 0.9776 1 L4 22888", "4xlarge 16 65536 1.3232 1 L4 22888",
                "12xlarge 48 196608 4.6016 4 L4 22888");
        family("p3", "x86_64", "xen", 2.7, 2,
                "2xlarge 8 62464 3.06 1 V100 16384", "8xlarge 32 249856 12.24 4 V100 16384", "16xlarge 64 499712 24.48 8 V100 16384");
        family("p4d", "x86_64", "nitro", 3.0, 2, "24xlarge 96 1179648 21.957642 8 A100 40960");
        family("p5", "x86_64", "nitro", 3.6, 2, "48xlarge 192 2097152 55.04 8 H100 81920");
    }

    /** Each size: its name, vCPUs, memory in MiB, dollars an hour, then count, model and memory in MiB of its GPUs if it has any. */
    private static void family(String family, String architecture, String hypervisor, double ghz, int threadsPerCore, String... sizes) {
        for (var size : sizes) {
            var part = size.split(" ");
            int vcpus = Integer.parseInt(part[1]);
            var gpus = part.length == 4 ? null : new Gpus(Integer.parseInt(part[4]), "NVIDIA", part[5], Integer.parseInt(part[6]));
            var type = new InstanceType(family + "." + part[0], vcpus, Math.max(1, vcpus / threadsPerCore), Integer.parseInt(part[2]),
                    architecture, hypervisor, ghz, gpus, new BigDecimal(part[3]));
            ALL.put(type.name(), type);
        }
    }

    /** In the order of the table above. */
    static List<InstanceType> all() {
        return List.copyOf(ALL.values());
    }

    /** Null if the stand-in sells no such type. */
    static InstanceType named(String name) {
        return Collections.unmodifiableMap(ALL).get(name);
    }

    String family() {
        return name.substring(0, name.indexOf('.'));
    }

    int threadsPerCore() {
        return Math.max(1, vcpus / cores);
    }

    boolean tagsStayAsAtLaunch() {
        return hypervisor.equals("xen");
    }

    /** EC2's vCPU quotas are kept by these groups of families. */
    QuotaGroup quotaGroup() {
        return switch (name.charAt(0)) {
            case 'g' -> QuotaGroup.G_AND_VT;
            case 'p' -> QuotaGroup.P;
            default -> QuotaGroup.STANDARD;
        };
    }

    /** The families that share one vCPU quota, each market having its own. */
    enum QuotaGroup { STANDARD, G_AND_VT, P }
}
