package dev.muster.aws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.provisioner.spi.Scope;
import io.smallrye.config.ConfigValidationException;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * {@code muster doctor aws}: what would keep the provisioner from launching, with its own keys, its own way to AWS and its own requests.
 * A program of its own, which reads a {@link DoctorQuestion} on standard input and writes what it found as one JSON document.
 */
public final class AwsDoctor {

    private AwsDoctor() {}

    public static void main(String[] arguments) throws IOException {
        // Whatever a library says must not end up in the answer.
        var out = System.out;
        System.setOut(System.err);
        try {
            answer(DoctorQuestion.read(System.in), out);
        } catch (IllegalArgumentException | ConfigValidationException wrong) {
            System.err.println(wrong.getMessage());
            System.exit(2);
        }
        // Clients leave threads that are no daemons.
        System.exit(0);
    }

    private static void answer(DoctorQuestion question, PrintStream out) throws IOException {
        out.println(DoctorQuestion.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(examine(question)));
        out.flush();
    }

    static ObjectNode examine(DoctorQuestion question) {
        var answer = DoctorQuestion.JSON.createObjectNode();
        var all = answer.putArray("accounts");
        for (var scope : scopes(question)) {
            var checks = all.addObject().put("account", scope.account()).put("region", scope.region()).putArray("checks");
            for (var finding : new ScopeDoctor(question, scope).examine()) {
                checks.addObject().put("check", finding.about().check().word()).put("of", finding.about().of())
                        .put("state", finding.state().name().toLowerCase(Locale.ROOT)).put("seen", finding.seen()).put("fix", finding.fix());
            }
        }
        return answer;
    }

    /** Those that the configuration names, and those that fleets do. */
    private static SortedSet<Scope> scopes(DoctorQuestion question) {
        var scopes = new TreeSet<>(question.accounts().scopes());
        question.fleets().forEach(fleet -> fleet.getPoolsList().forEach(pool -> pool.getOffersList().stream().map(offer -> offer.getKey())
                .filter(key -> key.getProvider().equals(AwsAccounts.PROVIDER)).forEach(key -> scopes.add(new Scope(AwsAccounts.PROVIDER, key.getAccount(), key.getRegion())))));
        scopes.removeIf(scope -> !question.only().isEmpty() && !scope.account().equals(question.only()));
        return scopes;
    }
}
