package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenApiTest {

    private final Bindings bindings = new Bindings();
    private final JsonObject document = OpenApi.of(bindings);

    @TempDir
    Path folder;

    private JsonObject operation(String path, String verb) {
        return document.getAsJsonObject("paths").getAsJsonObject(path).getAsJsonObject(verb);
    }

    @Test
    void hasEachPathOfEachCallOnce() {
        var operations = new ArrayList<String>();
        document.getAsJsonObject("paths").entrySet().forEach(path -> path.getValue().getAsJsonObject().entrySet()
                .forEach(operation -> operations.add(operation.getValue().getAsJsonObject().get("operationId").getAsString())));
        assertThat(operations).hasSameSizeAs(bindings.all()).doesNotHaveDuplicates();
        assertThat(operations).contains("Fleets_ApplyFleet", "Fleets_ExportFleet", "Fleets_ExportFleet_2", "Installation_GetCaller");
    }

    @Test
    void everyReferenceLeadsSomewhereAndNoSchemaIsLeftOver() {
        var references = new TreeSet<String>();
        collect(document, references);
        references.forEach(reference -> {
            JsonElement at = document;
            for (var part : reference.substring(2).split("/")) {
                at = at.getAsJsonObject().get(part);
                assertThat(at).as(reference).isNotNull();
            }
        });
        assertThat(document.getAsJsonObject("components").getAsJsonObject("schemas").keySet())
                .allSatisfy(schema -> assertThat(references).contains("#/components/schemas/" + schema));
    }

    private static void collect(JsonElement element, TreeSet<String> references) {
        if (element.isJsonArray()) {
            element.getAsJsonArray().forEach(part -> collect(part, references));
        } else if (element.isJsonObject()) {
            element.getAsJsonObject().entrySet().forEach(part -> {
                if (part.getKey().equals("$ref")) {
                    references.add(part.getValue().getAsString());
                }
                collect(part.getValue(), references);
            });
        }
    }

    @Test
    void everyFieldOfAPathIsAParameter() {
        document.getAsJsonObject("paths").entrySet().forEach(path -> path.getValue().getAsJsonObject().entrySet().forEach(operation -> {
            var named = new HashSet<String>();
            operation.getValue().getAsJsonObject().getAsJsonArray("parameters").forEach(parameter -> {
                if (parameter.getAsJsonObject().has("in") && parameter.getAsJsonObject().get("in").getAsString().equals("path")) {
                    named.add(parameter.getAsJsonObject().get("name").getAsString());
                }
            });
            var inPath = new HashSet<String>();
            for (var part : path.getKey().split("[/:]")) {
                if (part.startsWith("{")) {
                    inPath.add(part.substring(1, part.length() - 1));
                }
            }
            assertThat(named).as(path.getKey()).isEqualTo(inPath);
        }));
    }

    @Test
    void saysWhatTheProtosSay() {
        var apply = operation("/v1/fleets/{name}", "put");
        assertThat(apply.get("description").getAsString()).startsWith("Creates the fleet or replaces its spec.");
        assertThat(apply.getAsJsonObject("x-muster-access").toString()).isEqualTo("{\"role\":\"ADMIN\",\"fleet\":\"spec.name\"}");
        assertThat(operation("/v1/machines:watch", "get").getAsJsonObject("responses").getAsJsonObject("200").getAsJsonObject("content").keySet()).containsExactly("text/event-stream");
        var schemas = document.getAsJsonObject("components").getAsJsonObject("schemas");
        var view = schemas.getAsJsonObject("FleetView").getAsJsonObject("properties");
        assertThat(view.getAsJsonObject("microsPerHour").toString()).isEqualTo("{\"type\":\"string\",\"format\":\"int64\",\"pattern\":\"^-?[0-9]{1,19}$\","
                + "\"description\":\"Sum over counted machines, micro-units an hour. unpriced machines are left out.\"}");
        assertThat(schemas.getAsJsonObject("Phase").get("description").getAsString()).contains("- `READY`: Its worker is registered; idle or busy.");
    }

    @Test
    void isOpenApiAsOthersUnderstandIt() throws Exception {
        var python = python();
        assumeTrue(python.isPresent(), () -> {
            System.out.println("Skipped: whether /openapi.json is OpenAPI by openapi-spec-validator; no Python with it is here, run .ci/parts");
            return "no openapi-spec-validator";
        });
        var file = folder.resolve("openapi.json");
        Files.writeString(file, document.toString());
        var validator = new ProcessBuilder(python.get(), "-m", "openapi_spec_validator", file.toString()).redirectErrorStream(true).start();
        var said = new String(validator.getInputStream().readAllBytes(), UTF_8);
        assertThat(validator.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(validator.exitValue()).as(said).isZero();
    }

    /** MUSTER_PYTHON, else the one of .muster/parts; only if it has the validator. */
    private static Optional<String> python() throws Exception {
        var named = System.getenv("MUSTER_PYTHON");
        var candidates = new ArrayList<>(named == null || named.isBlank() ? List.<String>of() : List.of(named));
        for (var folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            candidates.add(folder.resolve(".muster/parts/python/bin/python").toString());
        }
        for (var python : candidates) {
            if (Files.isExecutable(Path.of(python))
                    && new ProcessBuilder(python, "-c", "import openapi_spec_validator").redirectErrorStream(true).start().waitFor() == 0) {
                return Optional.of(python);
            }
        }
        return Optional.empty();
    }
}
