package dev.muster.clearml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ClearmlAddressTest {

    @Test
    void doesNotRepeatWhatMayBeAPassword() {
        for (var api : List.of("https://ann:hunter2@clearml.example.org", "https://clearml.example.org/?token=hunter2", "ann:hunter2@clearml.example.org")) {
            assertThatThrownBy(() -> ClearmlAddress.at(URI.create(api))).hasMessageContaining("has a user name, a password").hasMessageNotContaining("hunter2");
        }
        var plain = ClearmlAddress.at(URI.create("https://example.org/api"));
        assertThatThrownBy(() -> new ClearmlAddress(plain.api(), plain.connectTimeout(), plain.timeout(), Optional.empty(), Optional.of(URI.create("http://ann:hunter2@proxy:3128")), true))
                .hasMessageContaining("proxy has a user name, a password").hasMessageNotContaining("hunter2");
        assertThat(plain.api()).hasToString("https://example.org/api");
    }
}
