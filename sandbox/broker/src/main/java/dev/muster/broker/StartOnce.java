package dev.muster.broker;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/**
 * Starts a broker with nothing in it and ends it as soon as it answers. The build runs it with {@code -XX:ArchiveClassesAtExit}: brokers
 * that start with that archive need little more than half the processor time until they are ready.
 *
 * <p>Argument: a folder for its data, emptied before.
 */
public final class StartOnce {

    private static final long READY_WITHIN_MILLIS = 60_000;

    private StartOnce() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        var folder = Path.of(arguments[0]).toAbsolutePath();
        empty(folder);
        Files.createDirectories(folder);
        var port = freePort();
        var properties = folder.resolve("server.properties");
        Files.writeString(properties, """
                process.roles=broker,controller
                node.id=1
                listeners=PLAINTEXT://127.0.0.1:%1$d,CONTROLLER://127.0.0.1:%2$d
                controller.listener.names=CONTROLLER
                controller.quorum.voters=1@127.0.0.1:%2$d
                listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
                log.dirs=%3$s
                log.cleaner.dedupe.buffer.size=8388608
                """.formatted(port, freePort(), folder.resolve("records")));
        var broker = new Thread(() -> run(properties), "broker");
        broker.setDaemon(true);
        broker.start();
        await(port);
        System.exit(0);
    }

    private static void run(Path properties) {
        try {
            Broker.main(new String[] {properties.toString(), "AAAAAAAAAAAAAAAAAAAAAQ"});
        } catch (IOException failed) {
            failed.printStackTrace();
            System.exit(1);
        }
    }

    private static void await(int port) throws InterruptedException {
        var start = System.nanoTime();
        while (!answers(port)) {
            if ((System.nanoTime() - start) / 1_000_000 > READY_WITHIN_MILLIS) {
                System.err.println("the broker did not answer within " + READY_WITHIN_MILLIS / 1000 + " s");
                System.exit(1);
            }
            Thread.sleep(50);
        }
    }

    private static boolean answers(int port) {
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void empty(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
