package dev.muster.provisioner.doctor;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.provisioner.spi.Scope;
import io.smallrye.config.ConfigValidationException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/** A doctor as a program of its own, which reads a {@link DoctorQuestion} on standard input and writes what it found as one JSON document. */
public final class DoctorProgram {

    private DoctorProgram() {}

    /** What a cloud's doctor makes of a question. */
    public interface Doctor {
        ObjectNode examine(InputStream question) throws IOException;
    }

    /** Ends the process. */
    public static void run(Doctor doctor) throws IOException {
        // Whatever a library says must not end up in the answer.
        var out = System.out;
        System.setOut(System.err);
        try {
            out.println(DoctorQuestion.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(doctor.examine(System.in)));
            out.flush();
        } catch (IllegalArgumentException | ConfigValidationException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(2);
        }
        // Clients leave threads that are no daemons.
        System.exit(0);
    }

    /** @param configured scopes of the configuration, to which those of the fleets come */
    public static ObjectNode examine(DoctorQuestion question, String provider, Collection<Scope> configured, Function<Scope, List<Findings.Finding>> doctor) {
        var answer = DoctorQuestion.JSON.createObjectNode();
        var all = answer.putArray("accounts");
        for (var scope : scopes(question, provider, configured)) {
            var checks = all.addObject().put("account", scope.account()).put("region", scope.region()).putArray("checks");
            for (var finding : doctor.apply(scope)) {
                checks.addObject().put("check", finding.about().check().word()).put("of", finding.about().of())
                        .put("state", finding.state().name().toLowerCase(Locale.ROOT)).put("seen", finding.seen()).put("fix", finding.fix());
            }
        }
        return answer;
    }

    private static SortedSet<Scope> scopes(DoctorQuestion question, String provider, Collection<Scope> configured) {
        var scopes = new TreeSet<>(configured);
        question.fleets().forEach(fleet -> fleet.getPoolsList().forEach(pool -> pool.getOffersList().stream().map(offer -> offer.getKey())
                .filter(key -> key.getProvider().equals(provider)).forEach(key -> scopes.add(new Scope(provider, key.getAccount(), key.getRegion())))));
        scopes.removeIf(scope -> !question.only().isEmpty() && !scope.account().equals(question.only()));
        return scopes;
    }
}
