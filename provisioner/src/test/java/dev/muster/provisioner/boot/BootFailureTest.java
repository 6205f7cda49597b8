package dev.muster.provisioner.boot;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BootFailureTest {

    @Test
    void readsTheLastOneWhateverStandsBeforeIt() {
        var console = "[    0.0] Linux\nMUSTER-BOOT-FAILED step=clearml reason=first\r\n"
                + "[   12.3] cloud-init[812]: MUSTER-BOOT-FAILED step=init-script reason=init_script ended with 3\r\n[   13.0] reboot: Power down\n";
        assertThat(BootFailure.last(console)).contains(new BootFailure("init-script", "init_script ended with 3"));
    }

    @Test
    void isEmptyWhereNothingFailed() {
        assertThat(BootFailure.last("")).isEmpty();
        assertThat(BootFailure.last("MUSTER-BOOT-FAILED and no more\n")).isEmpty();
    }

    @Test
    void keepsNoControlCharactersAndNoLongTail() {
        var failure = BootFailure.last("MUSTER-BOOT-FAILED step=agent reason=\u001b[31mred" + "x".repeat(1_000)).orElseThrow();
        assertThat(failure.reason()).startsWith("?[31mred").hasSize(301).doesNotContain("\u001b");
    }
}
