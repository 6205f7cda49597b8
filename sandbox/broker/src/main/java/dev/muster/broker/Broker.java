package dev.muster.broker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.Kafka;
import kafka.tools.StorageTool;

/**
 * Kafka in this JVM: formats its data folder if that was never done, and runs until it is asked to end. One JVM for both, since most of
 * what either costs is its start.
 *
 * <p>Arguments: the server's properties file, and the id of the cluster where there is none yet.
 */
public final class Broker {

    private Broker() {}

    public static void main(String[] arguments) throws IOException {
        format(Path.of(arguments[0]), arguments[1]);
        Kafka.main(new String[] {arguments[0]});
    }

    static void format(Path properties, String clusterId) throws IOException {
        var settings = new Properties();
        try (var reader = Files.newBufferedReader(properties)) {
            settings.load(reader);
        }
        if (Files.exists(Path.of(settings.getProperty("log.dirs"), "meta.properties"))) {
            return;
        }
        var exit = StorageTool.execute(new String[] {"format", "-t", clusterId, "-c", properties.toString()}, System.out);
        if (exit != 0) {
            System.err.println("the data folder could not be formatted");
            System.exit(exit);
        }
    }
}
