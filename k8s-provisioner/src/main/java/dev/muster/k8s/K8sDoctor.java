package dev.muster.k8s;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.muster.provisioner.doctor.DoctorProgram;
import dev.muster.provisioner.doctor.DoctorQuestion;
import java.io.IOException;
import java.io.InputStream;

/** {@code muster doctor k8s}: what would keep the provisioner from launching, with its own credentials, its own way to the cluster and its own pods. */
public final class K8sDoctor {

    private K8sDoctor() {}

    public static void main(String[] arguments) throws IOException {
        DoctorProgram.run(K8sDoctor::examine);
    }

    static ObjectNode examine(InputStream in) throws IOException {
        var question = DoctorQuestion.read(in, K8sConfig.class);
        var accounts = new K8sAccounts(K8sProvisioner.accounts(question.config().getConfigMapping(K8sConfig.class)), question.secrets());
        return DoctorProgram.examine(question, K8sAccounts.PROVIDER, accounts.scopes(), scope -> new ScopeDoctor(question, accounts, scope).examine());
    }
}
