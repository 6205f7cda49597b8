package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.util.ArrayList;

/** Server-sent events as they come, read by a plain socket. */
final class Events implements AutoCloseable {

    private final Socket socket;
    private final BufferedReader lines;
    private final String head;

    /** @param headers lines, each with its end */
    Events(String host, int port, String path, String headers) throws IOException {
        socket = new Socket(host, port);
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAccept: text/event-stream\r\n" + headers + "\r\n").getBytes(UTF_8));
        lines = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
        var read = new StringBuilder();
        for (var line = lines.readLine(); line != null && !line.isEmpty(); line = lines.readLine()) {
            read.append(line).append('\n');
        }
        head = read.toString();
    }

    String head() {
        return head;
    }

    /** The next event with data, without what chunks it. */
    String next() throws IOException {
        var event = new ArrayList<String>();
        while (true) {
            var line = line();
            if (line.startsWith("id: ") || line.startsWith("data: ") || line.startsWith("event: ")) {
                event.add(line);
                if (line.startsWith("data: ")) {
                    return String.join("\n", event);
                }
            }
        }
    }

    /** The next line that begins so; what is before it is passed over. */
    String next(String begin) throws IOException {
        while (true) {
            var line = line();
            if (line.startsWith(begin)) {
                return line;
            }
        }
    }

    private String line() throws IOException {
        var line = lines.readLine();
        assertThat(line).as("the stream has ended").isNotNull();
        return line;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
