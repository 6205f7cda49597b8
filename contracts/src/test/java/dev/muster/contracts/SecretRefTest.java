package dev.muster.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.contracts.SecretRef.Store;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretRefTest {

    @ParameterizedTest
    @CsvSource({
        "git-password, FILE, git-password, ''",
        "ssm:/muster/git, SSM, /muster/git, ''",
        "ssm:plain, SSM, plain, ''",
        "ssm:/muster/git#password, SSM, /muster/git, password",
        "ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/shared/git, SSM, arn:aws:ssm:eu-west-1:123456789012:parameter/shared/git, ''",
        "secretsmanager:muster/git@lab, SECRETS_MANAGER, muster/git@lab, ''",
        "secretsmanager:muster/git#two words, SECRETS_MANAGER, muster/git, two words",
        "secretsmanager:arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:git-AbCdEf#user, SECRETS_MANAGER, "
                + "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:git-AbCdEf, user",
    })
    void isReadAndWrittenAsPeopleWriteIt(String text, Store store, String name, String key) {
        assertThat(SecretRef.parse(text)).isEqualTo(new SecretRef(store, name, key)).hasToString(text);
        assertThat(SecretRef.inStore(text)).isEqualTo(store == Store.FILE ? java.util.Optional.empty() : java.util.Optional.of(SecretRef.parse(text)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "../x", "a/b", "file#key", "ssm:", "ssm:#key", "ssm:/a#", "ssm:/a b", "ssm:/a:3", "ssm:/a#b#c", "ssm:/a#b\nc", "secretsmanager:a:b",
        "secretsmanager:arn:aws:ssm:eu-west-1:123456789012:parameter/x", "ssm:$(id)"})
    void whatIsNoneIsRefused(String text) {
        assertThatThrownBy(() -> SecretRef.parse(text)).isInstanceOf(IllegalArgumentException.class);
        assertThat(SecretRef.inStore(text)).isEmpty();
    }

    @Test
    void aStoreThatNobodyReadsIsNamed() {
        assertThatThrownBy(() -> SecretRef.parse("vault:kv/git")).hasMessage("'vault:kv/git' names a secret store that machines can't read");
        assertThat(SecretRef.inStore("p4ss:word")).isEmpty();
    }
}
