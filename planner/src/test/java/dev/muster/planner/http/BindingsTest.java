package dev.muster.planner.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.muster.v1.Control;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BindingsTest {

    private final Bindings bindings = new Bindings();

    @Test
    void everyCallOfTheContractHasAPath() {
        assertThat(bindings.all().stream().map(binding -> binding.rpc().getFullName()).distinct())
                .containsExactlyElementsOf(Control.getDescriptor().getServices().stream().flatMap(service -> service.getMethods().stream())
                        .map(method -> method.getFullName()).toList());
    }

    @ParameterizedTest
    @CsvSource({
            "GET, /v1/fleets, ListFleets",
            "GET, /v1/fleets:watch, WatchFleets",
            "GET, /v1/fleets/watch, GetFleet",
            "POST, /v1/fleets/a%3Apause, PauseFleet",
            "GET, /v1/fleets/a:export, ExportFleet",
            "POST, /v1/fleets:export, ExportFleet",
            "PUT, /v1/fleets/a, ApplyFleet",
            "DELETE, /v1/fleets/a, DeleteFleet",
            "GET, /v1/fleets/a/versions/3, GetFleetVersion",
            "GET, /v1/fleets/a/queues/gpu%2Fbig/tasks, ListWaitingTasks",
            "POST, /v1/machines/m-1:drain, DrainMachine",
            "GET, /v1/decisions:explain, Explain",
    })
    void aPathIsACall(String verb, String path, String call) {
        assertThat(bindings.find(verb, RequestPath.of(path))).hasValueSatisfying(match -> assertThat(match.binding().rpc().getName()).isEqualTo(call));
    }

    @Test
    void fieldsOfThePathAreDecoded() {
        assertThat(bindings.find("GET", RequestPath.of("/v1/fleets/a%20b/queues/gpu%2Fbig/tasks")).orElseThrow().values())
                .isEqualTo(Map.of("fleet", "a b", "queue", "gpu/big"));
        assertThat(bindings.find("PUT", RequestPath.of("/v1/fleets/Z%C3%BCrich")).orElseThrow().values()).isEqualTo(Map.of("spec.name", "Zürich"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/v1", "/v1/", "/v1/fleets/", "/v1/fleets/a/", "/v1//fleets", "/v1/fleets/a:fly", "/v1/fleets:", "/V1/fleets", "/v1/fleets/a:pause:pause"})
    void otherPathsAreNone(String path) {
        try {
            assertThat(bindings.allowed(RequestPath.of(path))).isEmpty();
        } catch (HttpFailure refused) {
            assertThat(refused.code()).isEqualTo(404);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/fleets/%", "/v1/fleets/%4", "/v1/fleets/%zz", "/v1/fleets/%ff", "/v1/fleets/%c0%af", "/v1/fleets/a b"})
    void badEncodingIsRefusedAndNotGuessed(String path) {
        assertThat(catchThrowableOfType(HttpFailure.class, () -> RequestPath.of(path)).code()).isEqualTo(400);
    }

    @Test
    void saysWhichMethodsAPathTakes() {
        assertThat(bindings.allowed(RequestPath.of("/v1/fleets/a"))).isEqualTo("DELETE, GET, HEAD, OPTIONS, PUT");
        assertThat(bindings.allowed(RequestPath.of("/v1/fleets:watch"))).isEqualTo("GET, OPTIONS");
    }

    @Test
    void aPathThatNobodyUnderstandsIsNotPassedOver() {
        for (var path : List.of("/v1/{name=fleets/*}", "/v1/**", "v1/fleets")) {
            assertThat(catchThrowableOfType(IllegalArgumentException.class, () -> PathTemplate.of(path))).hasMessageContaining(path);
        }
    }
}
