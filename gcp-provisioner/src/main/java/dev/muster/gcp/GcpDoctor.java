package dev.muster.gcp;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.provisioner.doctor.DoctorProgram;
import dev.muster.provisioner.doctor.DoctorQuestion;
import java.io.IOException;
import java.io.InputStream;

/** {@code muster doctor gcp}: what would keep the provisioner from launching, with its own keys, its own way to Google and its own requests. */
public final class GcpDoctor {

    private GcpDoctor() {}

    public static void main(String[] arguments) throws IOException {
        DoctorProgram.run(GcpDoctor::examine);
    }

    static ObjectNode examine(InputStream in) throws IOException {
        var question = DoctorQuestion.read(in, GcpConfig.class);
        var accounts = new GcpAccounts(GcpProvisioner.accounts(question.config().getConfigMapping(GcpConfig.class)), question.secrets());
        return DoctorProgram.examine(question, GcpAccounts.PROVIDER, accounts.scopes(), scope -> new ScopeDoctor(question, accounts, scope).examine());
    }
}
