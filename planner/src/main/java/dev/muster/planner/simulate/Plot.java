package dev.muster.planner.simulate;

import java.util.List;
import java.util.Locale;

/** One plot as SVG: lines over a common span. Numbers are written the same everywhere, so that the same values give the same text. */
final class Plot {

    private static final int WIDTH = 960;
    private static final int HEIGHT = 240;
    private static final int LEFT = 64;
    private static final int RIGHT = 12;
    private static final int TOP = 12;
    private static final int BOTTOM = 28;

    /** @param name for people, unescaped. @param values at equal distances */
    record Line(String name, double[] values) {}

    private final String title;
    private final String unit;
    private final List<Line> lines;
    private final List<String> marks;
    private final boolean steps;

    /**
     * @param unit of the values, after each; empty: none
     * @param marks labels of the horizontal axis, at equal distances from end to end
     * @param steps each value holds for its span; else lines go from value to value
     */
    Plot(String title, String unit, List<Line> lines, List<String> marks, boolean steps) {
        this.title = title;
        this.unit = unit;
        this.lines = List.copyOf(lines);
        this.marks = List.copyOf(marks);
        this.steps = steps;
    }

    String svg() {
        double most = 0;
        for (var line : lines) {
            for (double value : line.values()) {
                most = Math.max(most, value);
            }
        }
        double step = step(most);
        double top = Math.max(step, Math.ceil(most / step - 1e-9) * step);
        var svg = new StringBuilder();
        svg.append("<figure><figcaption>").append(Html.escape(title)).append(legend()).append("</figcaption>\n<svg viewBox=\"0 0 ").append(WIDTH).append(' ')
                .append(HEIGHT).append("\" role=\"img\" aria-label=\"").append(Html.escape(title)).append("\">\n");
        for (double value = 0; value <= top + step / 2; value += step) {
            double y = y(value, top);
            svg.append("<line class=\"grid\" x1=\"").append(LEFT).append("\" x2=\"").append(WIDTH - RIGHT).append("\" y1=\"").append(number(y)).append("\" y2=\"")
                    .append(number(y)).append("\"/><text class=\"tick\" x=\"").append(LEFT - 8).append("\" y=\"").append(number(y + 4)).append("\" text-anchor=\"end\">")
                    .append(Html.escape(label(value, step) + unit)).append("</text>\n");
        }
        for (int i = 0; i < marks.size(); i++) {
            double x = LEFT + (double) (WIDTH - LEFT - RIGHT) * i / (marks.size() - 1);
            svg.append("<text class=\"tick\" x=\"").append(number(x)).append("\" y=\"").append(HEIGHT - 8).append("\" text-anchor=\"")
                    .append(i == 0 ? "start" : i == marks.size() - 1 ? "end" : "middle").append("\">").append(Html.escape(marks.get(i))).append("</text>\n");
        }
        for (int i = 0; i < lines.size(); i++) {
            svg.append("<path class=\"line side").append(i).append("\" d=\"").append(path(lines.get(i).values(), top)).append("\"><title>")
                    .append(Html.escape(lines.get(i).name())).append("</title></path>\n");
        }
        return svg.append("</svg></figure>\n").toString();
    }

    private String legend() {
        var text = new StringBuilder("<span class=\"legend\">");
        for (int i = 0; i < lines.size(); i++) {
            text.append("<span class=\"key side").append(i).append("\"></span>").append(Html.escape(lines.get(i).name()));
        }
        return text.append("</span>").toString();
    }

    private String path(double[] values, double top) {
        var path = new StringBuilder();
        double width = (double) (WIDTH - LEFT - RIGHT) / (steps ? values.length : Math.max(1, values.length - 1));
        double before = Double.NaN;
        for (int i = 0; i < values.length; i++) {
            double y = y(values[i], top);
            if (steps) {
                // A level that goes on needs no further point.
                if (values[i] != before) {
                    path.append(i == 0 ? "M" : "H").append(number(LEFT + i * width));
                    path.append(i == 0 ? " " : "V").append(number(y));
                }
                if (i == values.length - 1) {
                    path.append('H').append(WIDTH - RIGHT);
                }
            } else {
                path.append(i == 0 ? 'M' : 'L').append(number(LEFT + i * width)).append(' ').append(number(y));
            }
            before = values[i];
        }
        return path.toString();
    }

    private static double y(double value, double top) {
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
    }

    /** 1, 2 or 5 times a power of ten, so that there are four lines or so. */
    private static double step(double most) {
        if (most <= 0) {
            return 1;
        }
        double rough = most / 4;
        double power = StrictMath.pow(10, Math.floor(StrictMath.log10(rough)));
        double times = rough / power;
        return (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10) * power;
    }

    private static String label(double value, double step) {
        return step >= 1 ? String.format(Locale.ROOT, "%,.0f", value) : String.format(Locale.ROOT, step >= 0.1 ? "%.1f" : step >= 0.01 ? "%.2f" : "%.4f", value);
    }

    private static String number(double value) {
        var text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
