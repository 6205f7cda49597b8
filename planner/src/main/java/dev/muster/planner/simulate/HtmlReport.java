package dev.muster.planner.simulate;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * One page about one simulation or two: figures, plots and what tasks waited for. It holds all that it needs, asks no network, runs
 * no script, and is read by day and by night.
 */
public final class HtmlReport {

    private static final int POINTS = 720;
    private static final int MARKS = 7;
    private static final long DAY = 86_400;

    /**
     * One spec.
     *
     * @param file as the reader knows it
     */
    public record Side(String file, Outcome outcome, Figures figures) {}

    private final String workload;
    private final long seed;
    private final String currency;
    private final Conditions conditions;
    private final List<Side> sides;
    private final List<String> names = new ArrayList<>();
    private final long from;
    private final long to;

    /**
     * @param workload for people
     * @param sides one or two, of the same workload
     */
    public HtmlReport(String workload, long seed, String currency, Conditions conditions, List<Side> sides) {
        if (sides.isEmpty() || sides.size() > 2) {
            throw new IllegalArgumentException("a report is of one spec or two, got " + sides.size());
        }
        this.workload = workload;
        this.seed = seed;
        this.currency = currency;
        this.conditions = conditions;
        this.sides = List.copyOf(sides);
        var sameName = sides.size() == 2 && sides.get(0).outcome().fleet().equals(sides.get(1).outcome().fleet());
        this.sides.forEach(side -> names.add(sameName ? side.file() : side.outcome().fleet()));
        from = sides.get(0).outcome().began();
        to = Math.max(from + 1, sides.stream().mapToLong(side -> side.outcome().ended()).max().orElseThrow());
    }

    /** The page. */
    public String text() {
        var page = new StringBuilder();
        page.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
                .append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
                .append("<title>Muster simulation: ").append(Html.escape(String.join(" and ", names))).append("</title>\n<style>\n").append(STYLE)
                .append("</style>\n</head>\n<body>\n<main>\n");
        page.append("<h1>").append(Html.escape(String.join(" and ", names))).append("</h1>\n<p class=\"lead\">").append(Html.escape(workload + ", "
                + days() + ", seed " + seed + ". " + assumptions())).append("</p>\n");
        figures(page);
        page.append("<h2>Machines</h2>\n");
        for (var pool : union(Outcome::pools)) {
            plot(page, "Machines of " + pool + ", most at once", "", side -> Series.machines(
                    side.outcome().machines().stream().filter(machine -> machine.pool().equals(pool)).toList(), from, to, POINTS), true);
        }
        page.append("<h2>Waiting</h2>\n");
        plot(page, "Tasks waiting, most at once", "", side -> Series.waiting(side.outcome().tasks(), task -> true, from, to, POINTS), true);
        var queues = union(Outcome::queues);
        if (queues.size() > 1) {
            for (var queue : queues) {
                plot(page, "Tasks waiting in " + queue + ", most at once", "",
                        side -> Series.waiting(side.outcome().tasks(), task -> task.task().queue().equals(queue), from, to, POINTS), true);
            }
        }
        distribution(page);
        page.append("<h2>Money</h2>\n");
        plot(page, "Spent so far, " + currency, "", side -> Series.cost(side.outcome().machines(), from, to, POINTS), false);
        split(page);
        constraints(page);
        page.append("</main>\n</body>\n</html>\n");
        return page.toString();
    }

    private String days() {
        return String.format(Locale.ROOT, "%.1f days", (to - from) / (double) DAY);
    }

    private String assumptions() {
        var text = new StringBuilder("Machines register " + conditions.boot().toSeconds() + " s after they run (median");
        text.append(conditions.bootSpread() == 0 ? ")" : String.format(Locale.ROOT, "; log-normal, spread %s)", plain(conditions.bootSpread())));
        if (conditions.bootFailures() > 0) {
            text.append("; ").append(plain(conditions.bootFailures() * 100)).append(" % never do");
        }
        if (conditions.outOfCapacity() > 0) {
            text.append("; offers have no capacity ").append(plain(conditions.outOfCapacity() * 100)).append(" % of the time");
        }
        if (conditions.interruptions() > 0) {
            text.append("; a spot machine is taken back ").append(plain(conditions.interruptions())).append(" times an hour");
        }
        if (conditions.spotSpread() > 0) {
            text.append("; spot prices drift by up to ").append(plain(conditions.spotSpread() * 100)).append(" %");
        }
        return text.append('.').toString();
    }

    private static String plain(double value) {
        return BigDecimal.valueOf(value).setScale(4, RoundingMode.HALF_UP).stripTrailingZeros().toPlainString();
    }

    private LinkedHashSet<String> union(Function<Outcome, List<String>> of) {
        var all = new LinkedHashSet<String>();
        sides.forEach(side -> all.addAll(of.apply(side.outcome())));
        return all;
    }

    // Figures.

    private void figures(StringBuilder page) {
        var rows = new LinkedHashMap<String, Function<Figures, String>>();
        rows.put("Cost, " + currency, figures -> String.format(Locale.ROOT, "%,.2f", figures.cost()));
        if (sides.stream().anyMatch(side -> side.figures().unpricedSeconds() > 0)) {
            rows.put("Machine-hours without a price", figures -> hours(figures.unpricedSeconds()));
        }
        rows.put("Machine-hours paid", figures -> hours(figures.seconds().paid()));
        rows.put("Utilization", figures -> String.format(Locale.ROOT, "%.1f %%", figures.seconds().utilization() * 100));
        rows.put("Machines launched", figures -> String.format(Locale.ROOT, "%,d", figures.machines()));
        rows.put("Machines per task", figures -> String.format(Locale.ROOT, "%.3f", figures.machinesPerTask()));
        rows.put("Wait, half of the tasks up to", figures -> span(figures.waits().p50()));
        rows.put("Wait, 9 of 10", figures -> span(figures.waits().p90()));
        rows.put("Wait, 99 of 100", figures -> span(figures.waits().p99()));
        rows.put("Longest wait", figures -> span(figures.waits().max()));
        for (var pool : union(Outcome::pools)) {
            rows.put("Most machines of " + pool, figures -> figures.pools().containsKey(pool) ? Integer.toString(figures.pools().get(pool).peak()) : "-");
        }
        rows.put("Tasks not run", figures -> Integer.toString(figures.notRun()));
        rows.put("Tasks run again", figures -> Integer.toString(figures.runAgain()));
        rows.put("Launches refused by the cloud", figures -> Long.toString(figures.launchesRefused().values().stream().mapToLong(Long::longValue).sum()));
        page.append("<table>\n<tr><th></th>");
        for (int i = 0; i < names.size(); i++) {
            page.append("<th><span class=\"key side").append(i).append("\"></span>").append(Html.escape(names.get(i))).append("</th>");
        }
        page.append("</tr>\n");
        rows.forEach((name, value) -> {
            page.append("<tr><th scope=\"row\">").append(Html.escape(name)).append("</th>");
            sides.forEach(side -> page.append("<td>").append(Html.escape(value.apply(side.figures()))).append("</td>"));
            page.append("</tr>\n");
        });
        page.append("</table>\n");
    }

    private static String hours(long seconds) {
        return String.format(Locale.ROOT, "%,.1f", seconds / 3600.0);
    }

    static String span(long seconds) {
        if (seconds < 60) {
            return seconds + " s";
        }
        if (seconds < 3600) {
            return String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60);
        }
        if (seconds < 2 * DAY) {
            return String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60);
        }
        return String.format(Locale.ROOT, "%d d %02d h", seconds / DAY, seconds / 3600 % 24);
    }

    // Plots.

    private void plot(StringBuilder page, String title, String unit, Function<Side, double[]> values, boolean steps) {
        var lines = new ArrayList<Plot.Line>();
        for (int i = 0; i < sides.size(); i++) {
            lines.add(new Plot.Line(names.get(i), values.apply(sides.get(i))));
        }
        page.append(new Plot(title, unit, lines, times(), steps).svg());
    }

    private List<String> times() {
        var marks = new ArrayList<String>();
        for (int i = 0; i < MARKS; i++) {
            long at = (to - from) * i / (MARKS - 1);
            marks.add(to - from >= 3 * DAY ? String.format(Locale.ROOT, "day %.0f", at / (double) DAY)
                    : to - from >= 3 * 3600 ? String.format(Locale.ROOT, "%.1f h", at / 3600.0) : String.format(Locale.ROOT, "%.0f min", at / 60.0));
        }
        return marks;
    }

    /** Share of the tasks that waited no longer, over a logarithmic axis: seconds and days matter alike. */
    private void distribution(StringBuilder page) {
        long most = sides.stream().mapToLong(side -> side.figures().waits().max()).max().orElse(0);
        var edges = List.of(1L, 3L, 10L, 30L, 60L, 180L, 600L, 1800L, 3600L, 3 * 3600L, 10 * 3600L, DAY, 3 * DAY, 10 * DAY, 30 * DAY, 100 * DAY, 365 * DAY, 3650 * DAY);
        int last = 4;
        while (last < edges.size() - 1 && edges.get(last) < most) {
            last++;
        }
        var used = edges.subList(0, last + 1);
        int each = Math.max(1, 240 / last);
        var lines = new ArrayList<Plot.Line>();
        for (int s = 0; s < sides.size(); s++) {
            var waits = sides.get(s).outcome().tasks().stream().filter(task -> task.started() >= 0).mapToLong(TaskOutcome::waited).sorted().toArray();
            int all = sides.get(s).outcome().tasks().size();
            var values = new double[last * each + 1];
            for (int i = 0; i < values.length; i++) {
                int edge = Math.min(i / each, last - 1);
                double within = (double) (i - edge * each) / each;
                double until = used.get(edge) * StrictMath.pow((double) used.get(edge + 1) / used.get(edge), within);
                values[i] = 100.0 * atMost(waits, until) / all;
            }
            lines.add(new Plot.Line(names.get(s), values));
        }
        page.append(new Plot("Share of tasks that waited at most so long", " %", lines, used.stream().map(HtmlReport::shortSpan).toList(), false).svg());
    }

    private static String shortSpan(long seconds) {
        return seconds < 60 ? seconds + " s" : seconds < 3600 ? seconds / 60 + " min" : seconds < DAY ? seconds / 3600 + " h" : seconds / DAY + " d";
    }

    private static int atMost(long[] sorted, double value) {
        int low = 0;
        int high = sorted.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle] <= value + 1e-9) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Where the paid time went, one bar a side. */
    private void split(StringBuilder page) {
        page.append("<figure><figcaption>What the paid machine-hours went into</figcaption>\n");
        long most = Math.max(1, sides.stream().mapToLong(side -> side.figures().seconds().paid()).max().orElse(1));
        for (int i = 0; i < sides.size(); i++) {
            var seconds = sides.get(i).figures().seconds();
            Map<String, Long> parts = new LinkedHashMap<>();
            parts.put("useful", seconds.useful());
            parts.put("idle", seconds.idle());
            parts.put("boot", seconds.boot());
            parts.put("waste", seconds.waste());
            page.append("<p class=\"name\">").append(Html.escape(names.get(i))).append("</p><div class=\"bar\">");
            parts.forEach((part, value) -> {
                if (value > 0) {
                    page.append("<span class=\"part ").append(part).append("\" style=\"width:")
                            .append(String.format(Locale.ROOT, "%.3f", 100.0 * value / most)).append("%\" title=\"").append(part).append(' ')
                            .append(hours(value)).append(" h\"></span>");
                }
            });
            page.append("</div><p class=\"parts\">");
            parts.forEach((part, value) -> page.append("<span class=\"key ").append(part).append("\"></span>").append(part).append(' ')
                    .append(hours(value)).append(" h &nbsp; "));
            page.append("</p>\n");
        }
        page.append("</figure>\n");
    }

    private void constraints(StringBuilder page) {
        page.append("<h2>What tasks waited for</h2>\n");
        for (int i = 0; i < sides.size(); i++) {
            page.append("<h3>").append(Html.escape(names.get(i))).append("</h3>\n<table>\n<tr><th>Constraint</th><th>Pool</th><th>Task-hours</th><th>Tasks</th><th>Times refused</th></tr>\n");
            for (var bound : sides.get(i).figures().constraints()) {
                page.append("<tr><th scope=\"row\">").append(Html.escape(bound.word())).append("</th><td>").append(Html.escape(bound.pool().isEmpty() ? "-" : bound.pool()))
                        .append("</td><td>").append(String.format(Locale.ROOT, "%,.2f", bound.taskSeconds() / 3600.0)).append("</td><td>").append(bound.tasks())
                        .append("</td><td>").append(bound.times() == 0 ? "-" : Long.toString(bound.times())).append("</td></tr>\n");
            }
            page.append("</table>\n");
        }
    }

    /** Both palettes keep a contrast of 3:1 for lines against their ground, and the two sides differ in lightness too. */
    private static final String STYLE = """
            :root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --faint: #57606a; --rule: #d8dee4;
              --side0: #0b5cad; --side1: #c2410c; --useful: #1a7f37; --idle: #bf8700; --boot: #6e7781; --waste: #cf222e; }
            @media (prefers-color-scheme: dark) {
              :root { --ground: #0d1117; --text: #e6edf3; --faint: #9aa4ae; --rule: #30363d;
                --side0: #58a6ff; --side1: #ffa657; --useful: #3fb950; --idle: #d29922; --boot: #8b949e; --waste: #f85149; } }
            body { background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; margin: 0; }
            main { max-width: 1000px; margin: 0 auto; padding: 24px 16px 64px; }
            h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 8px; } h3 { font-size: 16px; margin: 20px 0 4px; }
            .lead, .tick, .parts, .name { color: var(--faint); } .lead { margin: 0 0 24px; } .parts, .name { margin: 4px 0; }
            figure { margin: 16px 0 28px; } figcaption { font-weight: 600; margin-bottom: 4px; }
            .legend { font-weight: 400; color: var(--faint); margin-left: 16px; }
            .key { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin: 0 6px 0 12px; vertical-align: -1px; }
            svg { width: 100%; height: auto; display: block; } .grid { stroke: var(--rule); } .tick { font-size: 12px; fill: var(--faint); }
            .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; } .line.side0 { stroke: var(--side0); } .line.side1 { stroke: var(--side1); stroke-opacity: 0.85; }
            .key.side0 { background: var(--side0); } .key.side1 { background: var(--side1); }
            .useful { background: var(--useful); } .idle { background: var(--idle); } .boot { background: var(--boot); } .waste { background: var(--waste); }
            .bar { display: flex; height: 22px; border-radius: 3px; overflow: hidden; } .part { display: block; height: 100%; }
            table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: 4px 16px 4px 0; text-align: right; border-bottom: 1px solid var(--rule); }
            th[scope=row], tr > th:first-child { text-align: left; font-weight: 400; } tr:first-child th { font-weight: 600; }
            """;
}
