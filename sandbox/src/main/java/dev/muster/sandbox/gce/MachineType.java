package dev.muster.sandbox.gce;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What Compute Engine sells under one name.
 *
 * @param builtIn the GPUs that every machine of this type has; null if it has none of its own
 * @param shared whether its CPUs are shared with others' machines
 * @param dollarsPerHour published list price in us-central1, GPUs of its own included, those added to it not
 */
record MachineType(String name, int cpus, int memoryMb, String architecture, boolean shared, Gpus builtIn, BigDecimal dollarsPerHour) {

    /** @param model such as {@code nvidia-tesla-t4} */
    record Gpus(String model, int count) {
    }

    private static final Map<String, MachineType> ALL = new LinkedHashMap<>();

    // Sizes are what machineTypes.list answers. Prices are Google's list prices for us-central1 ("VM instance pricing" and "GPU pricing"),
    // which add up from vCPUs, GB of memory and GPUs. They serve the cost in the books, and nothing else.
    static {
        shared("e2-micro", 1024, "0.008376");
        shared("e2-small", 2048, "0.016751");
        shared("e2-medium", 4096, "0.033503");
        family("e2", "standard", 4, "0.021811", "0.002923", 2, 4, 8, 16, 32);
        family("e2", "highmem", 8, "0.021811", "0.002923", 2, 4, 8, 16);
        family("e2", "highcpu", 1, "0.021811", "0.002923", 2, 4, 8, 16, 32);
        family("n1", "standard", 3.75, "0.031611", "0.004237", 1, 2, 4, 8, 16, 32, 64, 96);
        family("n1", "highmem", 6.5, "0.031611", "0.004237", 2, 4, 8, 16, 32, 64, 96);
        family("n1", "highcpu", 0.9, "0.031611", "0.004237", 2, 4, 8, 16, 32, 64, 96);
        family("n2", "standard", 4, "0.031611", "0.004237", 2, 4, 8, 16, 32, 48, 64, 80, 96, 128);
        family("n2", "highmem", 8, "0.031611", "0.004237", 2, 4, 8, 16, 32, 48, 64, 80);
        family("n2", "highcpu", 1, "0.031611", "0.004237", 2, 4, 8, 16, 32, 48, 64, 80);
        family("c3", "standard", 4, "0.03398", "0.004555", 4, 8, 22, 44, 88, 176);
        family("c3", "highcpu", 2, "0.03398", "0.004555", 4, 8, 22, 44, 88, 176);
        arm("t2a", "0.0385", 1, 2, 4, 8, 16, 32, 48);
        gpus("g2-standard", "0.024988", "0.002927", "nvidia-l4", "0.560040", "4 16 1", "8 32 1", "12 48 1", "16 64 1", "24 96 2", "32 128 1", "48 192 4", "96 384 8");
        gpus("a2-highgpu", "0.031611", "0.004237", "nvidia-tesla-a100", "2.933908", "12 85 1", "24 170 2", "48 340 4", "96 680 8");
    }

    /** Most GPUs of a model on one machine, and dollars an hour of each where it is added to an N1 machine; null where it comes with its type alone. */
    record GpuModel(String name, String sentence, int most, BigDecimal dollarsPerHour) {
    }

    static final List<GpuModel> GPU_MODELS = List.of(
            new GpuModel("nvidia-l4", "NVIDIA L4", 8, null),
            new GpuModel("nvidia-tesla-a100", "NVIDIA A100 40GB", 16, null),
            new GpuModel("nvidia-tesla-p100", "NVIDIA Tesla P100", 4, new BigDecimal("1.46")),
            new GpuModel("nvidia-tesla-p4", "NVIDIA Tesla P4", 4, new BigDecimal("0.60")),
            new GpuModel("nvidia-tesla-t4", "NVIDIA T4", 4, new BigDecimal("0.35")),
            new GpuModel("nvidia-tesla-v100", "NVIDIA Tesla V100", 8, new BigDecimal("2.48")));

    private static void shared(String name, int memoryMb, String dollars) {
        // Google shows two CPUs on these, of which a part may be used.
        ALL.put(name, new MachineType(name, 2, memoryMb, "X86_64", true, null, new BigDecimal(dollars)));
    }

    private static void family(String family, String shape, double gbPerCpu, String cpu, String gb, int... sizes) {
        for (int cpus : sizes) {
            double memory = cpus * gbPerCpu;
            var price = price(cpus, cpu, memory, gb);
            ALL.put(family + "-" + shape + "-" + cpus, new MachineType(family + "-" + shape + "-" + cpus, cpus, (int) Math.round(memory * 1024), "X86_64", false, null, price));
        }
    }

    private static void arm(String family, String dollarsPerCpu, int... sizes) {
        for (int cpus : sizes) {
            var name = family + "-standard-" + cpus;
            ALL.put(name, new MachineType(name, cpus, cpus * 4096, "ARM64", false, null, new BigDecimal(dollarsPerCpu).multiply(BigDecimal.valueOf(cpus))));
        }
    }

    /** Each size: CPUs, GB of memory, GPUs. A2 is named by its GPUs, G2 by its CPUs. */
    private static void gpus(String family, String cpu, String gb, String model, String gpu, String... sizes) {
        for (var size : sizes) {
            var part = size.split(" ");
            int cpus = Integer.parseInt(part[0]);
            int memory = Integer.parseInt(part[1]);
            int count = Integer.parseInt(part[2]);
            var name = family + "-" + (family.startsWith("a2") ? count + "g" : String.valueOf(cpus));
            var price = price(cpus, cpu, memory, gb).add(new BigDecimal(gpu).multiply(BigDecimal.valueOf(count)));
            ALL.put(name, new MachineType(name, cpus, memory * 1024, "X86_64", false, new Gpus(model, count), price));
        }
    }

    private static BigDecimal price(int cpus, String cpu, double memory, String gb) {
        return new BigDecimal(cpu).multiply(BigDecimal.valueOf(cpus)).add(new BigDecimal(gb).multiply(BigDecimal.valueOf(memory))).setScale(6, RoundingMode.HALF_UP);
    }

    /** In the order of the table above. */
    static List<MachineType> all() {
        return List.copyOf(ALL.values());
    }

    /** Null if the stand-in sells no such type. */
    static MachineType named(String name) {
        return ALL.get(name);
    }

    static GpuModel gpu(String name) {
        return GPU_MODELS.stream().filter(model -> model.name().equals(name)).findFirst().orElse(null);
    }

    /** Such as {@code n1}. */
    String family() {
        return name.substring(0, name.indexOf('-'));
    }

    /** GPUs may be added to it. */
    boolean takesGpus() {
        return family().equals("n1");
    }

    String description() {
        return builtIn != null ? "Accelerator Optimized: " + builtIn.count() + " " + gpu(builtIn.model()).sentence() + " GPU" + (builtIn.count() > 1 ? "s" : "") + ", "
                + cpus + " vCPUs, " + memoryMb / 1024 + "GB RAM" : cpus + " vCPUs " + memoryMb / 1024.0 + " GB RAM";
    }

    /** The quota that its vCPUs count towards. Older families share one. */
    String cpuQuota() {
        return switch (family()) {
            case "n2" -> "N2_CPUS";
            case "c3" -> "C3_CPUS";
            case "a2" -> "A2_CPUS";
            case "t2a" -> "T2A_CPUS";
            default -> "CPUS";
        };
    }

    /** As at Google, GPUs and the newest families are not in every zone. */
    boolean soldIn(String zone) {
        return switch (family()) {
            case "a2" -> Set.of("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f", "europe-west4-a", "europe-west4-b", "us-east1-b").contains(zone);
            case "g2" -> !zone.equals("us-central1-f");
            case "t2a" -> Set.of("us-central1-a", "us-central1-b", "us-central1-f", "europe-west4-a", "europe-west4-b", "europe-west4-c").contains(zone);
            default -> true;
        };
    }

    static boolean gpuSoldIn(String model, String zone) {
        return switch (model) {
            case "nvidia-tesla-t4" -> !zone.equals("europe-west1-b") && !zone.equals("us-east1-b");
            case "nvidia-l4" -> !zone.equals("us-central1-f");
            case "nvidia-tesla-p4" -> zone.equals("us-central1-a") || zone.equals("us-central1-c") || zone.startsWith("europe-west4");
            default -> true;
        };
    }
}
