package dev.muster.aws;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.provisioner.doctor.DoctorProgram;
import dev.muster.provisioner.doctor.DoctorQuestion;
import java.io.IOException;
import java.io.InputStream;

/** {@code muster doctor aws}: what would keep the provisioner from launching, with its own keys, its own way to AWS and its own requests. */
public final class AwsDoctor {

    private AwsDoctor() {}

    public static void main(String[] arguments) throws IOException {
        DoctorProgram.run(AwsDoctor::examine);
    }

    static ObjectNode examine(InputStream in) throws IOException {
        var question = DoctorQuestion.read(in, AwsConfig.class);
        var accounts = new AwsAccounts(AwsProvisioner.accounts(question.config().getConfigMapping(AwsConfig.class), question.installation()), question.secrets());
        return DoctorProgram.examine(question, AwsAccounts.PROVIDER, accounts.scopes(), scope -> new ScopeDoctor(question, accounts, scope).examine());
    }
}
