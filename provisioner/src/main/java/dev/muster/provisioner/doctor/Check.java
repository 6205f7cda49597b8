package dev.muster.provisioner.doctor;

import java.util.List;
import java.util.Locale;

/** One thing that a cloud's doctor looks at: a constant of that cloud's enum, which is the one list that answers, the cloud's page and tests share. */
public interface Check {

    String name();

    /** Checks are shown in this order. */
    int ordinal();

    /** What must be so. */
    String asks();

    /** Permissions that looking needs. */
    List<String> permissions();

    /** As in answers: {@code machine-hosts}. */
    default String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
