package dev.muster.planner.console;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/** The way to a server, which can be cut: whoever comes is refused then, and who is there loses the connection. */
final class Wire implements AutoCloseable {

    private final URI there;
    private final int port;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile ServerSocket door;

    Wire(URI there) throws IOException {
        this.there = there;
        door = open();
        port = door.getLocalPort();
    }

    /** Where no connection that goes out gets its port from: nobody has taken it when the wire is mended. */
    private ServerSocket open() throws IOException {
        while (true) {
            try {
                return listen(ThreadLocalRandom.current().nextInt(20_000, 32_000));
            } catch (BindException taken) {
                // Then another.
            }
        }
    }

    URI here() {
        return URI.create("http://127.0.0.1:" + port + "/");
    }

    void cut() throws IOException {
        door.close();
        hangUp();
    }

    private void hangUp() throws IOException {
        synchronized (sockets) {
            for (var socket : sockets) {
                socket.close();
            }
            sockets.clear();
        }
    }

    void mend() throws IOException {
        door = listen(port);
    }

    private ServerSocket listen(int at) throws IOException {
        var socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), at));
        start(() -> {
            while (true) {
                var near = socket.accept();
                var far = new Socket(there.getHost(), there.getPort());
                synchronized (sockets) {
                    sockets.add(near);
                    sockets.add(far);
                    if (socket.isClosed()) {
                        // It was cut while this one was on its way.
                        hangUp();
                        return;
                    }
                }
                start(() -> pump(near, far));
                start(() -> pump(far, near));
            }
        });
        return socket;
    }

    private void pump(Socket from, Socket into) throws IOException {
        try (from; into; InputStream in = from.getInputStream(); OutputStream out = into.getOutputStream()) {
            in.transferTo(out);
        } finally {
            sockets.remove(from);
            sockets.remove(into);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        var thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException closed) {
                // It was cut, or one end is done.
            }
        }, "wire");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        cut();
    }
}
