package dev.muster.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.muster.sandbox.suite.Programs;
import dev.muster.v1.FleetSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Has a cloud's provisioner look at its cloud: its own program is started, since only that has its keys, its clients and its requests. Holds no key.
 */
final class CloudDoctor {

    /** It lives for seconds. */
    private static final List<String> FLAGS = List.of("-Xms32m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            // Or the library that the provisioner logs with complains.
            "-Djava.util.logging.manager=org.jboss.logmanager.LogManager");

    private final Cloud cloud;
    private final Path home;

    /** @param home the source folder with the built modules in it, or a release */
    CloudDoctor(Cloud cloud, Path home) {
        this.cloud = cloud;
        this.home = home;
    }

    /**
     * @param settings the provisioner's
     * @param account empty: all
     * @param fleets with all defaults filled in
     */
    static ObjectNode question(Map<String, String> settings, boolean sandbox, String account, List<FleetSpec> fleets) {
        var question = Output.JSON.createObjectNode();
        var told = question.putObject("settings");
        settings.forEach(told::put);
        question.put("sandbox", sandbox).put("account", account);
        var all = question.putArray("fleets");
        for (var fleet : fleets) {
            try {
                all.add(Output.JSON.readTree(JsonFormat.printer().omittingInsignificantWhitespace().print(fleet)));
            } catch (InvalidProtocolBufferException | com.fasterxml.jackson.core.JsonProcessingException impossible) {
                throw new IllegalStateException(impossible);
            }
        }
        return question;
    }

    /** @throws CliFailure if the program isn't built, or gives no answer */
    JsonNode ask(ObjectNode question) {
        var programs = new Programs(home);
        try {
            programs.require(cloud.module());
        } catch (IllegalStateException missing) {
            throw CliFailure.failed(missing.getMessage());
        }
        var path = programs.classPath(cloud.module());
        var command = Stream.of(Stream.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()), FLAGS.stream(), Stream.of("-cp", path, cloud.doctor()))
                .flatMap(part -> part).toList();
        Path told = null;
        try {
            told = Files.createTempFile("muster-doctor", ".txt");
            var process = new ProcessBuilder(command).redirectError(told.toFile()).start();
            try (var in = process.getOutputStream()) {
                Output.JSON.writeValue(in, question);
            } catch (IOException ended) {
                // It didn't listen to the end; its own words say why.
            }
            var answer = process.getInputStream().readAllBytes();
            if (process.waitFor() != 0) {
                throw CliFailure.failed(Files.readString(told).strip());
            }
            return Output.JSON.readTree(answer);
        } catch (IOException broken) {
            throw CliFailure.failed("the provisioner's doctor gave no answer: " + broken.getMessage());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CliFailure.failed("interrupted");
        } finally {
            if (told != null) {
                told.toFile().delete();
            }
        }
    }
}
