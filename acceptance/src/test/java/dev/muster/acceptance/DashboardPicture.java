package dev.muster.acceptance;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** A dashboard as SVG, with what a Prometheus answers to its own queries; about as Grafana shows it. Not thread-safe. */
final class DashboardPicture {

    /** As Grafana's, which is a minute for a scrape in 15 s; here it is each second. */
    private static final Duration RATE = Duration.ofSeconds(30);
    private static final int WIDTH = 1200;
    private static final int ROW = 31;
    private static final int GAP = 6;
    private static final int TOP = 46;
    private static final int LEGEND_LINE = 15;
    private static final int LEGEND_LINES = 3;
    /** Of a letter of the legend, about. */
    private static final double LETTER = 6.6;
    private static final String[] PALETTE = {"#56A64B", "#E0A526", "#3274D9", "#E0752D", "#C4342B", "#8F5BB5", "#2A9D9D", "#B5508B", "#6E7B2F", "#7A6A58", "#5B8DB8", "#A0522D"};
    private static final Map<String, String> COLORS = Map.of("green", "#3C8D34", "orange", "#D9690F", "red", "#C4162A");
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm").withZone(ZoneOffset.UTC);
    private static final Pattern LABEL = Pattern.compile("\\{\\{(\\w+)}}");

    private final Prometheus prometheus;
    private final Instant from;
    private final Instant to;
    private final Duration step;
    private final StringBuilder svg = new StringBuilder();
    private final List<String> empty = new ArrayList<>();

    /** @param points by second of the epoch; what is not there had no answer */
    private record Line(String name, Map<String, String> labels, NavigableMap<Long, Double> points) {

        double last() {
            return points.lastEntry().getValue();
        }
    }

    /** Where something is drawn, in pixels. */
    private record Box(double x, double y, double width, double height) {

        double bottom() {
            return y + height;
        }

        double right() {
            return x + width;
        }
    }

    /** An axis' figures: what they are divided by, and what is behind them. */
    private record Unit(double of, String suffix) {

        /** @param most the largest value */
        static Unit of(String grafanas, double most) {
            return switch (grafanas) {
                case "s" -> most >= 180 ? new Unit(60, " min") : most > 0 && most < 1 ? new Unit(0.001, " ms") : new Unit(1, " s");
                case "percentunit" -> new Unit(0.01, " %");
                case "bytes" -> new Unit(1 << 20, " MiB");
                default -> new Unit(1, "");
            };
        }

        String text(double value) {
            var scaled = value / of;
            var digits = scaled == Math.rint(scaled) || Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : Math.abs(scaled) >= 0.1 ? 2 : 3;
            var text = String.format(Locale.ROOT, "%." + digits + "f", scaled);
            return (text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text) + suffix;
        }
    }

    /** @param step between two points */
    DashboardPicture(Prometheus prometheus, Instant from, Instant to, Duration step) {
        this.prometheus = prometheus;
        this.from = from;
        this.to = to;
        this.step = step;
    }

    /** @param about said beside the title: whose figures these are */
    String of(Dashboard dashboard, String about) throws Exception {
        var rows = dashboard.panels().stream().mapToInt(panel -> panel.place().y() + panel.place().height()).max().orElseThrow();
        var height = TOP + rows * ROW + GAP;
        svg.setLength(0);
        svg.append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"system-ui, Segoe UI, Helvetica, Arial, sans-serif\" font-size=\"11\">\n"
                .formatted(WIDTH, height, WIDTH, height));
        svg.append("<title>").append(escaped(dashboard.title())).append("</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#F1F2F4\"/>\n");
        text(GAP + 6, 29, dashboard.title(), "font-size=\"18\" font-weight=\"600\" fill=\"#20262E\"");
        text(WIDTH - GAP - 6, 29, about + " · " + CLOCK.format(from) + " to " + CLOCK.format(to) + " UTC", "text-anchor=\"end\" fill=\"#59616C\"");
        for (var panel : dashboard.panels()) {
            draw(panel);
        }
        return svg.append("</svg>\n").toString();
    }

    /** Titles of panels so far whose queries had no answer. */
    List<String> empty() {
        return List.copyOf(empty);
    }

    private void draw(Dashboard.Panel panel) throws Exception {
        var column = (double) (WIDTH - GAP) / 24;
        var place = panel.place();
        var box = new Box(GAP + place.x() * column, TOP + place.y() * ROW, place.width() * column - GAP, place.height() * ROW - GAP);
        if (panel.type().equals("row")) {
            text(box.x() + 6, box.y() + 18, panel.title(), "font-size=\"13\" font-weight=\"600\" fill=\"#20262E\"");
            return;
        }
        svg.append("<rect %s rx=\"3\" fill=\"#FFFFFF\" stroke=\"#DCDFE4\"/>\n".formatted(at(box)));
        text(box.x() + 9, box.y() + 18, panel.title(), "font-size=\"12\" font-weight=\"600\" fill=\"#20262E\"");
        var lines = lines(panel);
        var inner = new Box(box.x() + 9, box.y() + 26, box.width() - 18, box.height() - 34);
        if (lines.isEmpty()) {
            empty.add(panel.title());
            text(inner.x() + inner.width() / 2, inner.y() + inner.height() / 2 + 4, "No data: none of it happened", "text-anchor=\"middle\" fill=\"#8A919B\"");
            return;
        }
        switch (panel.type()) {
            case "stat" -> stat(panel, lines, inner);
            case "timeseries" -> timeSeries(panel, lines, inner);
            case "heatmap" -> heatMap(panel, lines, inner);
            default -> throw new IllegalStateException("no way to draw a panel of type " + panel.type());
        }
    }

    private List<Line> lines(Dashboard.Panel panel) throws Exception {
        var lines = new ArrayList<Line>();
        for (var target : panel.targets()) {
            for (var series : prometheus.range(target.asked(RATE, Duration.between(from, to)), from, to, step)) {
                var labels = new TreeMap<String, String>();
                series.path("metric").fields().forEachRemaining(label -> labels.put(label.getKey(), label.getValue().asText()));
                var points = new TreeMap<Long, Double>();
                series.path("values").forEach(point -> {
                    var value = Double.parseDouble(point.path(1).asText());
                    if (Double.isFinite(value)) {
                        points.put(point.path(0).asLong(), value);
                    }
                });
                if (!points.isEmpty()) {
                    var name = LABEL.matcher(target.legend()).replaceAll(label -> labels.getOrDefault(label.group(1), ""));
                    lines.add(new Line(target.legend().equals("__auto") ? "" : name.strip(), labels, points));
                }
            }
        }
        return lines;
    }

    private void stat(Dashboard.Panel panel, List<Line> lines, Box box) {
        var each = box.width() / lines.size();
        for (int i = 0; i < lines.size(); i++) {
            var line = lines.get(i);
            var cell = new Box(box.x() + i * each, box.y(), each - (lines.size() > 1 ? 8 : 0), box.height());
            var color = COLORS.get("green");
            for (var step : panel.steps()) {
                color = line.last() >= step.from() ? COLORS.get(step.color()) : color;
            }
            var most = Collections.max(line.points().values());
            var scale = new Scale(new Box(cell.x(), cell.y() + cell.height() * 0.62, cell.width(), cell.height() * 0.38), 0, most > 0 ? most : 1);
            svg.append("<path d=\"%s\" fill=\"%s\" fill-opacity=\"0.14\"/>\n".formatted(area(line.points(), Map.of(), scale), color));
            svg.append("<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-opacity=\"0.6\"/>\n".formatted(path(line.points(), scale), color));
            var middle = cell.x() + cell.width() / 2;
            text(middle, cell.y() + (panel.named() ? 38 : 34), Unit.of(panel.unit(), line.last()).text(line.last()), "text-anchor=\"middle\" font-size=\"26\" font-weight=\"600\" fill=\"" + color + "\"");
            if (panel.named()) {
                text(middle, cell.y() + 10, line.name(), "text-anchor=\"middle\" fill=\"#59616C\"");
            }
        }
    }

    private void timeSeries(Dashboard.Panel panel, List<Line> lines, Box box) {
        var plot = legend(lines, box);
        var times = new TreeSet<Long>();
        lines.forEach(line -> times.addAll(line.points().keySet()));
        var tops = new ArrayList<NavigableMap<Long, Double>>();
        var below = new TreeMap<Long, Double>();
        for (var line : lines) {
            var top = new TreeMap<Long, Double>();
            if (panel.stacked()) {
                // What is not there for a while adds nothing, and the rest stays above what is below.
                times.forEach(at -> top.put(at, below.merge(at, line.points().getOrDefault(at, 0.0), Double::sum)));
            } else {
                top.putAll(line.points());
            }
            tops.add(top);
        }
        var most = tops.stream().flatMap(top -> top.values().stream()).mapToDouble(value -> value).max().orElse(0);
        var least = panel.fromZero() ? 0 : Math.min(0, tops.stream().flatMap(top -> top.values().stream()).mapToDouble(value -> value).min().orElse(0));
        var scale = axes(panel.unit(), plot, least, most);
        below.clear();
        for (int i = 0; i < lines.size(); i++) {
            var color = PALETTE[i % PALETTE.length];
            var under = panel.stacked() ? Map.copyOf(below) : Map.<Long, Double>of();
            svg.append("<path d=\"%s\" fill=\"%s\" fill-opacity=\"%s\"/>\n".formatted(area(tops.get(i), under, scale), color, panel.fill() / 100.0));
            var there = new TreeMap<>(tops.get(i));
            there.keySet().retainAll(lines.get(i).points().keySet());
            svg.append("<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.3\" stroke-linejoin=\"round\"/>\n".formatted(path(there, scale), color));
            if (panel.stacked()) {
                below.putAll(tops.get(i));
            }
        }
    }

    /** A histogram's buckets over time: darker is more. */
    private void heatMap(Dashboard.Panel panel, List<Line> lines, Box box) {
        var buckets = new TreeMap<Double, Line>();
        lines.forEach(line -> buckets.put(line.labels().get("le").equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(line.labels().get("le")), line));
        var times = new TreeSet<Long>();
        lines.forEach(line -> times.addAll(line.points().keySet()));
        var counts = new ArrayList<NavigableMap<Long, Double>>();
        Line lower = null;
        double most = 0;
        for (var bucket : buckets.values()) {
            var count = new TreeMap<Long, Double>();
            for (long at : times) {
                count.put(at, Math.max(0, bucket.points().getOrDefault(at, 0.0) - (lower == null ? 0 : lower.points().getOrDefault(at, 0.0))));
            }
            most = Math.max(most, Collections.max(count.values()));
            counts.add(count);
            lower = bucket;
        }
        var plot = new Box(box.x() + 62, box.y() + 4, box.width() - 66, box.height() - 26);
        times(plot);
        var high = plot.height() / counts.size();
        var wide = plot.width() * step.toSeconds() / Duration.between(from, to).toSeconds();
        var labelled = Math.max(1, (int) Math.ceil(13 / high));
        int row = 0;
        for (var bound : buckets.keySet()) {
            var y = plot.bottom() - (row + 1) * high;
            if (row % labelled == 0) {
                text(plot.x() - 6, y + high / 2 + 4, bound.isInfinite() ? "more" : "≤ " + Unit.of(panel.unit(), bound).text(bound), "text-anchor=\"end\" fill=\"#59616C\"");
            }
            for (var count : counts.get(row).entrySet()) {
                if (count.getValue() > 0 && x(plot, count.getKey()) + wide <= plot.right() + 1) {
                    svg.append("<rect %s fill=\"#D9690F\" fill-opacity=\"%s\"/>\n".formatted(at(new Box(x(plot, count.getKey()), y, wide, high)), String.format(Locale.ROOT, "%.2f", 0.15 + 0.85 * count.getValue() / most)));
                }
            }
            row++;
        }
        svg.append("<rect %s fill=\"none\" stroke=\"#DCDFE4\"/>\n".formatted(at(plot)));
    }

    // What is around.

    /** Names below, as many as there is room for. @return what is left for the plot */
    private Box legend(List<Line> lines, Box box) {
        var rows = new ArrayList<List<Integer>>(List.of(new ArrayList<>()));
        double used = 0;
        for (int i = 0; i < lines.size(); i++) {
            var width = 26 + lines.get(i).name().length() * LETTER;
            if (used + width > box.width() && used > 0) {
                rows.add(new ArrayList<>());
                used = 0;
            }
            rows.get(rows.size() - 1).add(i);
            used += width;
        }
        var shown = Math.min(rows.size(), LEGEND_LINES);
        var y = box.bottom() - (shown - 1) * LEGEND_LINE;
        for (int row = 0; row < shown; row++, y += LEGEND_LINE) {
            var x = box.x();
            for (int i : rows.get(row)) {
                svg.append("<rect %s fill=\"%s\"/>\n".formatted(at(new Box(x, y - 6, 10, 3)), PALETTE[i % PALETTE.length]));
                text(x + 14, y, lines.get(i).name(), "fill=\"#3C434D\"");
                x += 26 + lines.get(i).name().length() * LETTER;
            }
        }
        if (rows.size() > shown) {
            var hidden = rows.subList(shown, rows.size()).stream().mapToInt(List::size).sum();
            text(box.right(), box.y() - 8, "+ " + hidden + " more", "text-anchor=\"end\" fill=\"#8A919B\"");
        }
        return new Box(box.x() + 46, box.y() + 6, box.width() - 50, box.height() - 26 - shown * LEGEND_LINE);
    }

    private record Scale(Box plot, double least, double most) {

        double y(double value) {
            return plot.bottom() - (value - least) / (most - least) * plot.height();
        }
    }

    private Scale axes(String unit, Box plot, double least, double most) {
        var in = Unit.of(unit, Math.max(Math.abs(least), most));
        var range = (most > least ? most - least : in.of()) / in.of();
        var tens = Math.pow(10, Math.floor(Math.log10(range / 4)));
        var tick = in.of() * tens * (range / 4 / tens <= 1 ? 1 : range / 4 / tens <= 2 ? 2 : range / 4 / tens <= 5 ? 5 : 10);
        var scale = new Scale(plot, Math.floor(least / tick) * tick, Math.max(1, Math.ceil((most > least ? most : least + in.of()) / tick - 1e-9)) * tick);
        for (int i = 0; scale.least() + i * tick <= scale.most() + tick / 2; i++) {
            var value = scale.least() + i * tick;
            var y = scale.y(value);
            svg.append("<line x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\" stroke=\"#E8EAED\"/>\n".formatted(number(plot.x()), number(plot.right()), number(y), number(y)));
            text(plot.x() - 6, y + 4, in.text(Math.abs(value) < tick / 1000 ? 0 : value), "text-anchor=\"end\" fill=\"#59616C\"");
        }
        times(plot);
        return scale;
    }

    private void times(Box plot) {
        var minutes = Math.max(1, (long) Math.ceil(Duration.between(from, to).toSeconds() / 60.0 / (plot.width() / 60)));
        var each = minutes * 60;
        for (long at = (from.getEpochSecond() / each + 1) * each; at <= to.getEpochSecond(); at += each) {
            var x = x(plot, at);
            svg.append("<line x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\" stroke=\"#E8EAED\"/>\n".formatted(number(x), number(x), number(plot.y()), number(plot.bottom())));
            if (x < plot.right() - 12) {
                text(x, plot.bottom() + 14, CLOCK.format(Instant.ofEpochSecond(at)), "text-anchor=\"middle\" fill=\"#59616C\"");
            }
        }
    }

    // Lines.

    private double x(Box plot, long at) {
        return plot.x() + plot.width() * (at - from.getEpochSecond()) / Duration.between(from, to).toSeconds();
    }

    /** Runs of points without a gap. */
    private List<NavigableMap<Long, Double>> runs(NavigableMap<Long, Double> points) {
        var runs = new ArrayList<NavigableMap<Long, Double>>();
        long before = Long.MIN_VALUE / 2;
        for (var point : points.entrySet()) {
            if (point.getKey() - before > step.toSeconds()) {
                runs.add(new TreeMap<>());
            }
            runs.get(runs.size() - 1).put(point.getKey(), point.getValue());
            before = point.getKey();
        }
        return runs;
    }

    private String path(NavigableMap<Long, Double> points, Scale scale) {
        var path = new StringBuilder();
        for (var run : runs(points)) {
            append(path, run, scale, "M");
            if (run.size() == 1) {
                path.append("h1");
            }
        }
        return path.toString();
    }

    /** Between the points and what is under them, or zero. */
    private String area(NavigableMap<Long, Double> points, Map<Long, Double> under, Scale scale) {
        var path = new StringBuilder();
        for (var run : runs(points)) {
            append(path, run, scale, "M");
            var back = new TreeMap<Long, Double>(Collections.reverseOrder());
            run.keySet().forEach(at -> back.put(at, under.getOrDefault(at, Math.max(0, scale.least()))));
            append(path, back, scale, "L");
            path.append("Z");
        }
        return path.toString();
    }

    private void append(StringBuilder path, Map<Long, Double> points, Scale scale, String first) {
        var how = first;
        var all = List.copyOf(points.entrySet());
        for (int i = 0; i < all.size(); i++) {
            var y = number(scale.y(all.get(i).getValue()));
            var isWithinALevel = i > 0 && i < all.size() - 1 && y.equals(number(scale.y(all.get(i - 1).getValue()))) && y.equals(number(scale.y(all.get(i + 1).getValue())));
            if (!isWithinALevel) {
                path.append(how).append(number(x(scale.plot(), all.get(i).getKey()))).append(' ').append(y);
                how = "L";
            }
        }
    }

    // SVG.

    private void text(double x, double y, String text, String how) {
        svg.append("<text x=\"%s\" y=\"%s\" %s>".formatted(number(x), number(y), how)).append(escaped(text)).append("</text>\n");
    }

    private static String at(Box box) {
        return "x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"".formatted(number(box.x()), number(box.y()), number(box.width()), number(box.height()));
    }

    private static String number(double value) {
        var text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
