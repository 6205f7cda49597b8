package dev.muster.planner.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.suite.ControlToken;
import dev.muster.v1.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a local run makes at its start is what its planner reads. */
class LocalRunTokenTest {

    @TempDir
    Path folder;

    @Test
    void whoeverHasTheTokenMayDoEverything() throws Exception {
        ControlToken.make(folder);
        var grants = Grants.parse(Files.readString(folder.resolve("grants.yaml")));
        var caller = grants.caller(StaticTokens.identify(Files.readString(ControlToken.file(folder)).strip(), grants.tokens(), Instant.now()));
        assertThat(caller.name()).isEqualTo("token:local");
        assertThat(caller.roles()).isEqualTo(Map.of("*", Role.ADMIN));
    }
}
