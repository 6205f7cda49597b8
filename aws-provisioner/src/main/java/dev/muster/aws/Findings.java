package dev.muster.aws;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the doctor found in one account and region. Of what is found twice of the same thing the worse stays. Used by one thread. */
final class Findings {

    /** From good to bad. */
    enum State { OK, SKIPPED, WARNING, FAILED }

    /**
     * What a check is about.
     *
     * @param of a machine type, an image, a pool …; empty: the account
     */
    record About(DoctorCheck check, String of) {}

    /**
     * What came of one check.
     *
     * @param fix what a person does about it; empty when there is nothing to do
     */
    record Finding(About about, State state, String seen, String fix) {}

    private final Map<About, Finding> all = new LinkedHashMap<>();

    void ok(About about, String seen) {
        add(new Finding(about, State.OK, seen, ""));
    }

    void warning(About about, String seen, String fix) {
        add(new Finding(about, State.WARNING, seen, fix));
    }

    void failed(About about, String seen, String fix) {
        add(new Finding(about, State.FAILED, seen, fix));
    }

    /** It can't be told, since another failed or can't be told itself. */
    void skipped(About about, DoctorCheck since) {
        add(new Finding(about, State.SKIPPED, "can't be told before " + since.word() + " is in order", ""));
    }

    private void add(Finding finding) {
        all.merge(finding.about(), finding, (before, now) -> now.state().compareTo(before.state()) > 0 ? now : before);
    }

    State state(About about) {
        return Optional.ofNullable(all.get(about)).map(Finding::state).orElse(State.OK);
    }

    /** Of these checks, those that nobody came to. */
    void skipRest(Set<DoctorCheck> checks, DoctorCheck since) {
        for (var check : checks) {
            if (all.keySet().stream().noneMatch(about -> about.check() == check)) {
                skipped(new About(check, ""), since);
            }
        }
    }

    /** In the order of the checks, and of what they are about. */
    List<Finding> inOrder() {
        var sorted = new ArrayList<>(all.values());
        sorted.sort(Comparator.comparing((Finding finding) -> finding.about().check()).thenComparing(finding -> finding.about().of()));
        return List.copyOf(sorted);
    }
}
