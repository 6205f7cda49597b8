package dev.muster.provisioner.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.muster.contracts.SecretsFolder;
import dev.muster.provisioner.host.Connection;
import dev.muster.provisioner.host.HostConfig;
import dev.muster.provisioner.host.HostStart;
import dev.muster.v1.FleetSpec;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the doctor is asked: what the provisioner is told, and the fleets whose launches to try. Read from one JSON document:
 *
 * <ul>
 *   <li>{@code settings}: the provisioner's, by their own names; without them they are read where the provisioner itself reads them, so that
 *       the document needs nothing but fleets where one runs;
 *   <li>{@code fleets}: specs with all defaults filled in, as protobuf's JSON;
 *   <li>{@code account}: the only one to look at;
 *   <li>{@code sandbox}: machines are on this computer.
 * </ul>
 *
 * It names keys by their folder and holds none.
 *
 * @param only the account to look at; empty: all
 * @param connections ClearML servers, by name
 * @param config what the provisioner is told
 */
public record DoctorQuestion(String installation, SecretsFolder secrets, boolean sandbox, String only, Map<String, Connection> connections, List<FleetSpec> fleets,
        SmallRyeConfig config) {

    public static final ObjectMapper JSON = new ObjectMapper();
    /** Before files and the environment, should both say something. */
    private static final int ORDINAL = 1_000;
    /** Where a service finds its settings under its working folder, and before which sources, as Quarkus has it. */
    private static final Path SERVICE_FILE = Path.of("config", "application.properties");
    private static final int FILE_ORDINAL = 260;

    /**
     * @param cloud mapping of the cloud's own settings, which {@link #config} then has
     * @throws IllegalArgumentException if it is none, in one sentence
     */
    public static DoctorQuestion read(InputStream in, Class<?> cloud) throws IOException {
        JsonNode asked;
        try {
            asked = JSON.readTree(in);
        } catch (com.fasterxml.jackson.core.JsonProcessingException none) {
            throw new IllegalArgumentException("the question on standard input is no JSON: " + none.getOriginalMessage());
        }
        if (asked == null || !asked.isObject()) {
            throw new IllegalArgumentException("the question on standard input is no JSON object");
        }
        var config = config(asked.path("settings"), cloud);
        var host = config.getConfigMapping(HostConfig.class);
        var secrets = new SecretsFolder(Path.of(host.secrets().folder()));
        var fleets = new ArrayList<FleetSpec>();
        for (var fleet : asked.path("fleets")) {
            fleets.add(fleet(fleet));
        }
        return new DoctorQuestion(HostStart.installation(host), secrets, asked.path("sandbox").asBoolean(), asked.path("account").asText(), HostStart.connections(host),
                List.copyOf(fleets), config);
    }

    private static SmallRyeConfig config(JsonNode settings, Class<?> cloud) throws IOException {
        var told = new TreeMap<>(Map.of("smallrye.config.mapping.validate-unknown", "false"));
        settings.properties().forEach(one -> told.put(one.getKey(), one.getValue().asText()));
        var builder = new SmallRyeConfigBuilder().addDefaultInterceptors().addDiscoveredConverters().withSources(new PropertiesConfigSource(told, "question", ORDINAL))
                .withMapping(HostConfig.class).withMapping(cloud);
        if (settings.isEmpty()) {
            builder.addDefaultSources();
            if (Files.exists(SERVICE_FILE)) {
                builder.withSources(new PropertiesConfigSource(SERVICE_FILE.toUri().toURL(), FILE_ORDINAL));
            }
        }
        return builder.build();
    }

    private static FleetSpec fleet(JsonNode json) {
        var spec = FleetSpec.newBuilder();
        try {
            // Fields of a newer command line are nothing to stumble over.
            JsonFormat.parser().ignoringUnknownFields().merge(json.toString(), spec);
        } catch (InvalidProtocolBufferException none) {
            throw new IllegalArgumentException("a fleet of the question is no fleet spec: " + none.getMessage());
        }
        return spec.build();
    }
}
