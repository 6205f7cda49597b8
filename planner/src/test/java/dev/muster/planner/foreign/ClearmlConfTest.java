package dev.muster.planner.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ClearmlConfTest {

    private static final ClearmlConf EXPECTED =
            new ClearmlConf("http://10.0.0.5:8008", "http://10.0.0.5:8080", "http://10.0.0.5:8081", "AK", "s/ec+ret==");

    @Test
    void readsWhatClearmlsOwnWizardWrites() {
        assertThat(ClearmlConf.parse("""
                # ClearML SDK configuration file
                api {
                    # Notice: 'host' is the api server (default port 8008), not the web server.
                    api_server: http://10.0.0.5:8008
                    web_server: http://10.0.0.5:8080
                    files_server: http://10.0.0.5:8081
                    # Credentials are generated using the webapp
                    credentials {"access_key": "AK", "secret_key": "s/ec+ret=="}
                }
                sdk {
                    storage { cache { default_base_dir: "~/.clearml/cache" } direct_access: [ { url: "file://*" } ] }
                    aws { s3 { key: "", secret: "", credentials: [ # a list
                        { bucket: "x", key: "other" } ] } }
                }
                """)).isEqualTo(EXPECTED);
    }

    @Test
    void readsJsonDottedKeysAndEqualSigns() {
        assertThat(ClearmlConf.parse("""
                {"api": {"api_server": "http://10.0.0.5:8008", "web_server": "http://10.0.0.5:8080", "files_server": "http://10.0.0.5:8081",
                 "credentials": {"access_key": "AK", "secret_key": "s/ec+ret=="}}, "agent": {"x": [1, 2, {"y": "]"}]}}
                """)).isEqualTo(EXPECTED);
        assertThat(ClearmlConf.parse("""
                sdk.development.worker.report_period_sec = 2
                api.api_server = "http://10.0.0.5:8008"  // what agents call
                "api"."web_server" : http://10.0.0.5:8080 # the pages
                api.files_server=http://10.0.0.5:8081
                api { credentials.access_key = AK, credentials.secret_key = "s/ec+ret==" }
                """)).isEqualTo(EXPECTED);
    }

    @Test
    void aReferenceIsNoKeyAndTheLastValueWins() {
        assertThat(ClearmlConf.parse("""
                api {
                  api_server: "http://old:8008"
                  credentials { access_key: ${CLEARML_API_ACCESS_KEY}, secret_key: "" }
                }
                api.api_server: "http://new:8008"
                """)).isEqualTo(new ClearmlConf("http://new:8008", "", "", "", ""));
    }

    @Test
    void survivesObjectsInObjects() {
        assertThat(ClearmlConf.parse("api" + "{a".repeat(100_000))).isEqualTo(ClearmlConf.NONE);
        assertThat(ClearmlConf.parse("a: {".repeat(100_000))).isEqualTo(ClearmlConf.NONE);
    }

    @Test
    void survivesAnyText() {
        var pieces = new String[] {"{", "}", "[", "]", "\"", "api", ".", ":", "=", ",", "\n", "#", "//", " ", "api_server", "\\", "\"\"\"", "${", "+="};
        for (var seed = 1L; seed <= 2_000; seed++) {
            var random = new Random(seed);
            var text = new StringBuilder();
            for (var i = 0; i < 60; i++) {
                text.append(pieces[random.nextInt(pieces.length)]);
            }
            assertThat(ClearmlConf.parse(text.toString())).as("seed %d", seed).isNotNull();
        }
        assertThat(ClearmlConf.parse("")).isEqualTo(ClearmlConf.NONE);
    }
}
