package dev.muster.planner.access;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;

/** A client certificate as a name. That it is good, and of an authority that was named, TLS has seen to. */
final class ClientCertificate {

    /** RFC 5280, 4.2.1.6. */
    private static final Map<Integer, String> NAME_TYPES = Map.of(1, "email", 2, "dns", 6, "uri");

    private ClientCertificate() {}

    static Identity identity(X509Certificate certificate) {
        var holders = new LinkedHashMap<String, String>();
        var subject = certificate.getSubjectX500Principal();
        if (!subject.getName().isEmpty()) {
            holders.put(holder(subject), subject.getName());
        }
        for (var name : alternatives(certificate)) {
            holders.put(Grants.CERTIFICATE + ":" + name, name);
        }
        // Certificates of workloads often have an empty subject.
        var name = holders.values().stream().findFirst().orElse("without a name");
        return new Identity("certificate:" + name, List.copyOf(holders.keySet()), Optional.of(certificate.getNotAfter().toInstant()));
    }

    private static List<String> alternatives(X509Certificate certificate) {
        var names = new ArrayList<String>();
        try {
            var all = certificate.getSubjectAlternativeNames();
            if (all != null) {
                all.forEach(one -> {
                    if (NAME_TYPES.containsKey((Integer) one.get(0))) {
                        names.add(alternative(NAME_TYPES.get((Integer) one.get(0)), one.get(1).toString()));
                    }
                });
            }
        } catch (CertificateParsingException garbled) {
            // The subject is a name still.
        }
        return names;
    }

    /** What a grants file calls a certificate, as a holder of grants; empty if it is no such name. */
    static Optional<String> holder(String written) {
        for (var type : NAME_TYPES.values()) {
            if (written.startsWith(type + ":")) {
                return written.length() == type.length() + 1 ? Optional.empty()
                        : Optional.of(Grants.CERTIFICATE + ":" + alternative(type, written.substring(type.length() + 1)));
            }
        }
        try {
            return Optional.of(holder(new X500Principal(written)));
        } catch (IllegalArgumentException noName) {
            return Optional.empty();
        }
    }

    /** Host names have no case; the rest does. */
    private static String alternative(String type, String name) {
        return type + ":" + (type.equals("dns") ? name.toLowerCase(Locale.ROOT) : name);
    }

    /** However it is written: blanks, case and order of equal parts don't count. */
    private static String holder(X500Principal subject) {
        return Grants.CERTIFICATE + ":" + subject.getName(X500Principal.CANONICAL);
    }
}
