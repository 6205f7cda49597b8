package dev.muster.provisioner.doctor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the doctor found in one account and region. Of what is found twice of the same thing the worse stays. Used by one thread. */
public final class Findings {

    /** From good to bad. */
    public enum State { OK, SKIPPED, WARNING, FAILED }

    /**
     * What a check is about.
     *
     * @param of a machine type, an image, a pool …; empty: the account
     */
    public record About(Check check, String of) {}

    /**
     * What came of one check.
     *
     * @param fix what a person does about it; empty when there is nothing to do
     */
    public record Finding(About about, State state, String seen, String fix) {}

    private final Map<About, Finding> all = new LinkedHashMap<>();

    public void ok(About about, String seen) {
        add(new Finding(about, State.OK, seen, ""));
    }

    public void warning(About about, String seen, String fix) {
        add(new Finding(about, State.WARNING, seen, fix));
    }

    public void failed(About about, String seen, String fix) {
        add(new Finding(about, State.FAILED, seen, fix));
    }

    /** It can't be told, since another failed or can't be told itself. */
    public void skipped(About about, Check since) {
        add(new Finding(about, State.SKIPPED, "can't be told before " + since.word() + " is in order", ""));
    }

    private void add(Finding finding) {
        all.merge(finding.about(), finding, (before, now) -> now.state().compareTo(before.state()) > 0 ? now : before);
    }

    public State state(About about) {
        return Optional.ofNullable(all.get(about)).map(Finding::state).orElse(State.OK);
    }

    /** Of these checks, those that nobody came to. */
    public void skipRest(Set<? extends Check> checks, Check since) {
        for (var check : checks) {
            if (all.keySet().stream().noneMatch(about -> about.check() == check)) {
                skipped(new About(check, ""), since);
            }
        }
    }

    /** In the order of the checks, and of what they are about. */
    public List<Finding> inOrder() {
        var sorted = new ArrayList<>(all.values());
        sorted.sort(Comparator.comparing((Finding finding) -> finding.about().check().ordinal()).thenComparing(finding -> finding.about().of()));
        return List.copyOf(sorted);
    }
}
