package dev.muster.provisioner.spi;

/**
 * What one cloud client lists and paces: an account's region, a project's region, a cluster. No part is empty or holds a slash.
 *
 * @param provider such as {@code aws}
 * @param account the configuration's name for the credentials
 * @param region the cloud's word
 */
public record Scope(String provider, String account, String region) implements Comparable<Scope> {

    public Scope {
        for (var part : new String[] {provider, account, region}) {
            if (part == null || part.isEmpty() || part.contains("/")) {
                throw new IllegalArgumentException(
                        "scope " + provider + "/" + account + "/" + region + " must be <provider>/<account>/<region>, none empty");
            }
        }
    }

    /** @throws IllegalArgumentException if the text has not three parts */
    public static Scope parse(String text) {
        var parts = text.split("/", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("scope '" + text + "' must be <provider>/<account>/<region>");
        }
        return new Scope(parts[0], parts[1], parts[2]);
    }

    /** Key of its records. */
    @Override
    public String toString() {
        return provider + "/" + account + "/" + region;
    }

    @Override
    public int compareTo(Scope other) {
        return toString().compareTo(other.toString());
    }
}
