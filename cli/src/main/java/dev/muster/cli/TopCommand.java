package dev.muster.cli;

import dev.muster.v1.BudgetView;
import dev.muster.v1.DecisionEvent;
import dev.muster.v1.FleetView;
import dev.muster.v1.ListBudgetsRequest;
import dev.muster.v1.ListDecisionsRequest;
import dev.muster.v1.ListMachinesRequest;
import dev.muster.v1.ListQueuesRequest;
import dev.muster.v1.QueueView;
import dev.muster.v1.WatchMachinesRequest;
import io.grpc.Status;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code muster top}: everything at a glance, live. */
@Command(name = "top", mixinStandardHelpOptions = true, sortOptions = false,
        description = {"A live view in the terminal: fleets, budgets, queues and why they wait, machines and when they go, the last decisions.",
            "Keys: q quits; up and down, or 1 to 9, choose a fleet; a shows all of them."},
        footer = {"./muster top", "./muster top --fleet demo", "./muster top --once"})
final class TopCommand implements Runnable {

    private static final int DECISIONS = 30;
    /** Of so many fleets decisions are read when all are shown. */
    private static final int FLEETS_READ = 8;
    private static final long READ_EVERY_MILLIS = 2_000;
    /** Nobody looks at the edge of a pipe. */
    private static final int PIPE_COLUMNS = 160;
    private static final String BEGIN = "\u001b[?1049h\u001b[?25l";
    private static final String END = "\u001b[?25h\u001b[?1049l";

    @Mixin
    CommonOptions common;

    @Option(names = "--fleet", paramLabel = "FLEET", description = "The fleet that is chosen at first (default: all).")
    String fleet = "";

    @Option(names = "--once", description = "Print one frame, as wide as the terminal, and end.")
    boolean once;

    /** What is read again and again. */
    private record Seen(List<FleetView> fleets, List<QueueView> queues, List<BudgetView> budgets, List<DecisionEvent> decisions, Instant at, String problem) {}

    @Override
    public void run() {
        var output = common.output();
        if (output.isJson()) {
            throw CliFailure.usage("top is for people: fleet list, queue list, machine list and budget list have documents");
        }
        try (var control = common.control()) {
            if (once) {
                var machines = control.allMachines(ListMachinesRequest.newBuilder().setFleet(fleet).build());
                var seen = read(control, fleet);
                // All of it, however long: it is for a pipe, or for looking at once.
                var size = new Terminal.Size(output.isTerminal() ? Terminal.size().columns() : PIPE_COLUMNS, 100_000);
                var lines = new TopFrame(seen.at(), control.server().toString(), seen.fleets(), seen.budgets(), seen.queues(), machines, seen.decisions(), fleet, "").lines(size);
                lines.subList(0, lines.size() - 1).forEach(line -> output.line(line.text()));
                return;
            }
            live(control);
        }
    }

    private static Seen read(Control control, String fleet) {
        var fleets = control.allFleets();
        var queues = control.call(() -> control.queues().listQueues(ListQueuesRequest.getDefaultInstance())).getQueuesList();
        var decisions = new ArrayList<DecisionEvent>();
        fleets.stream().map(one -> one.getRecord().getFleet()).filter(name -> fleet.isEmpty() || fleet.equals(name)).limit(FLEETS_READ)
                .forEach(name -> decisions.addAll(control.decisions(ListDecisionsRequest.newBuilder().setFleet(name).build(), DECISIONS)));
        return new Seen(fleets, queues, budgets(control), decisions, Instant.now(), "");
    }

    /** None of a server that has no list of them yet. */
    private static List<BudgetView> budgets(Control control) {
        try {
            return control.call(() -> control.budgets().listBudgets(ListBudgetsRequest.getDefaultInstance())).getBudgetsList();
        } catch (CliFailure refused) {
            if (refused.grpcCode == Status.Code.UNIMPLEMENTED) {
                return List.of();
            }
            throw refused;
        }
    }

    private void live(Control control) {
        var selected = new AtomicReference<>(fleet);
        // A server that is not there at all is said in the terminal as it is.
        var seen = new AtomicReference<>(read(control, fleet));
        var keys = new LinkedBlockingQueue<Character>();
        var restore = Terminal.keysOneByOne();
        Runnable leave = () -> {
            System.out.print(END);
            System.out.flush();
            restore.run();
        };
        var onInterrupt = new Thread(leave, "leave-screen");
        Runtime.getRuntime().addShutdownHook(onInterrupt);
        System.out.print(BEGIN);
        var book = new MachineBook();
        var closed = new AtomicBoolean();
        background("read-keys", () -> readKeys(keys));
        background("read-fleets", () -> {
            while (!closed.get()) {
                seen.set(readAgain(control, selected.get(), seen.get()));
                keys.offer('\0');
                Run.sleep(READ_EVERY_MILLIS);
            }
        });
        try (var watched = control.watchMachines(WatchMachinesRequest.getDefaultInstance(), book::opened, book::take)) {
            var last = "";
            while (true) {
                var now = seen.get();
                var frame = picture(new TopFrame(Instant.now(), control.server().toString(), now.fleets(), now.budgets(), now.queues(), book.all(), now.decisions(), selected.get(), now.problem())
                        .lines(Terminal.size()));
                if (!frame.equals(last)) {
                    System.out.print(frame);
                    System.out.flush();
                    last = frame;
                }
                var key = keys.poll(1, TimeUnit.SECONDS);
                if (key != null && key == 'q') {
                    return;
                }
                if (key != null && key != '\0') {
                    selected.set(chosen(key, selected.get(), now.fleets().stream().map(one -> one.getRecord().getFleet()).toList()));
                }
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } catch (CliFailure failed) {
            throw failed;
        } catch (Exception closing) {
            throw new IllegalStateException(closing);
        } finally {
            closed.set(true);
            leave.run();
            Runtime.getRuntime().removeShutdownHook(onInterrupt);
        }
    }

    private static Seen readAgain(Control control, String fleet, Seen before) {
        try {
            return read(control, fleet);
        } catch (CliFailure failed) {
            var old = Times.span(Duration.between(before.at(), Instant.now()));
            return new Seen(before.fleets(), before.queues(), before.budgets(), before.decisions(), before.at(), "as of " + old + " ago: " + failed.getMessage().lines().findFirst().orElse(""));
        }
    }

    /** @param names of fleets, as shown; empty is all of them */
    static String chosen(char key, String selected, List<String> names) {
        var at = names.indexOf(selected);
        return switch (key) {
            case 'a', '0' -> "";
            case 'j' -> at + 1 < names.size() ? names.get(at + 1) : selected;
            case 'k' -> at <= 0 ? "" : names.get(at - 1);
            case '1', '2', '3', '4', '5', '6', '7', '8', '9' -> key - '1' < names.size() ? names.get(key - '1') : selected;
            default -> selected;
        };
    }

    /** Arrow keys as j and k. An end of the terminal is as q. */
    private static void readKeys(LinkedBlockingQueue<Character> keys) {
        try (InputStream tty = new FileInputStream("/dev/tty")) {
            int key;
            while ((key = tty.read()) >= 0) {
                if (key == 0x1b && tty.read() == '[') {
                    var arrow = tty.read();
                    keys.offer(arrow == 'A' ? 'k' : arrow == 'B' ? 'j' : '\0');
                } else {
                    keys.offer(key == 4 || key == 'Q' ? 'q' : (char) key);
                }
            }
            keys.offer('q');
        } catch (IOException hungUp) {
            keys.offer('q');
        }
    }

    /** Drawn over what is there, each line to its end, and shown as a whole by terminals that can: nothing flickers. */
    private static String picture(List<TopFrame.Line> lines) {
        var picture = new StringBuilder("\u001b[?2026h\u001b[H");
        for (var i = 0; i < lines.size(); i++) {
            var look = switch (lines.get(i).look()) {
                case TITLE -> "\u001b[1m";
                case CHOSEN -> "\u001b[7m";
                case WARNING -> "\u001b[33m";
                case PLAIN -> "";
            };
            picture.append(look).append(lines.get(i).text()).append(look.isEmpty() ? "" : "\u001b[0m").append("\u001b[K").append(i < lines.size() - 1 ? "\r\n" : "");
        }
        return picture.append("\u001b[J\u001b[?2026l").toString();
    }

    private static void background(String name, Runnable work) {
        var thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }
}
