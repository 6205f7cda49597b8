package dev.muster.contracts;

/** What {@code FleetRecord.managed_by} says: people, a tool by its name, or a file, which is then the only one that changes the spec. */
public final class ManagedBy {

    private static final String FILE = "file: ";

    private ManagedBy() {}

    /** @param where a person finds the file, such as "values.fleets of Helm release muster in namespace muster" */
    public static String file(String where) {
        if (where.isBlank()) {
            throw new IllegalArgumentException("say where the file is, so that people find it");
        }
        return FILE + where.strip();
    }

    /** Where the file is; of a tool, its name. */
    public static String where(String managedBy) {
        return isFile(managedBy) ? managedBy.substring(FILE.length()) : managedBy;
    }

    public static boolean isFile(String managedBy) {
        return managedBy.startsWith(FILE);
    }
}
