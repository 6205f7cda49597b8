package dev.muster.planner.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** A client of HTTP/1.1 that sends whatever it is given, valid or not, and reads one answer. One connection at a time; not thread-safe. */
final class RawHttp implements AutoCloseable {

    private final String host;
    private final int port;
    private Socket socket;
    private InputStream in;

    /** @param code 0: the server closed the connection without an answer */
    record Answer(int code, Map<String, String> headers, String body) {}

    RawHttp(String host, int port) {
        this.host = host;
        this.port = port;
    }

    /** @throws java.net.SocketTimeoutException if there is no answer within 15 s */
    Answer send(byte[] request, boolean isHead) throws IOException {
        open();
        try {
            socket.getOutputStream().write(request);
            socket.getOutputStream().flush();
            return read(isHead);
        } catch (java.net.SocketTimeoutException silent) {
            close();
            throw silent;
        } catch (IOException ended) {
            close();
            return new Answer(0, Map.of(), "");
        }
    }

    /** Sends a part and is gone. */
    void sendAndLeave(byte[] request) throws IOException {
        open();
        try {
            socket.getOutputStream().write(request);
        } catch (IOException ended) {
            // It was refused before all of it was sent.
        }
        close();
    }

    private void open() throws IOException {
        if (socket == null) {
            socket = new Socket(host, port);
            socket.setSoTimeout(15_000);
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream());
        }
    }

    private Answer read(boolean isHead) throws IOException {
        var line = line();
        if (line.isEmpty()) {
            throw new IOException("closed");
        }
        int code = Integer.parseInt(line.split(" ")[1]);
        var headers = new HashMap<String, String>();
        for (line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
        }
        if (code == 100) {
            return read(isHead);
        }
        var length = headers.get("content-length");
        var body = "";
        if (length != null && !isHead) {
            body = new String(in.readNBytes(Integer.parseInt(length)), UTF_8);
        } else if (!isHead && code != 204) {
            // A stream, or another's page: it is not read further.
            close();
        }
        if (headers.getOrDefault("connection", "").equalsIgnoreCase("close")) {
            close();
        }
        return new Answer(code, headers, body);
    }

    private String line() throws IOException {
        var bytes = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n' && b >= 0; b = in.read()) {
            if (b != '\r') {
                bytes.write(b);
            }
        }
        return bytes.toString(ISO_8859_1);
    }

    @Override
    public void close() throws IOException {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }
}
