package dev.muster.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/metrics.md} is made of the definitions. {@code -Ddocs.write=true} writes it. */
class MetricsPageTest {

    private static final Path PAGE = Path.of("../docs/metrics.md");
    private static final List<String> PROVISIONERS = List.of("aws-provisioner", "gcp-provisioner", "k8s-provisioner");

    @Test
    void thePageSaysWhatTheDefinitionsSay() throws Exception {
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, page());
        }
        assertThat(Files.readString(PAGE)).as("docs/metrics.md; -Ddocs.write=true writes it").isEqualTo(page());
    }

    @Test
    void everyDefinitionIsListedOnce() throws Exception {
        var defined = Stream.of(Metrics.class.getFields()).filter(field -> Modifier.isStatic(field.getModifiers()) && field.getType() == Metric.class).toList();
        assertThat(Metrics.all()).hasSize(defined.size()).doesNotHaveDuplicates();
        assertThat(Metrics.all()).extracting(Metric::name).doesNotHaveDuplicates();
        for (var field : defined) {
            assertThat(Metrics.all()).contains((Metric) field.get(null));
        }
    }

    @Test
    void noLabelIsATaskOrAMachine() {
        assertThat(Metrics.all()).flatExtracting(Metric::labels).isSubsetOf("service", "topic", "fleet", "pool", "provider", "queue", "connection", "scope", "currency",
                "phase", "outcome", "cause", "reason", "kind", "verb", "operation", "blocked", "period", "limit");
    }

    private static String page() {
        var page = new StringBuilder("""
                # Metrics

                Each service shows its figures at `/q/metrics`, in Prometheus' format, beside those of the JVM, HTTP and gRPC that Quarkus shows. Names and labels below are kept: a release
                adds, and says in its notes what it takes away. No label names a task or a machine. What is about a fleet is shown by the planner that plans it, and by no other replica;
                a fleet, queue, pool or scope that is no more is shown no more. [Dashboards and alert rules](../deploy/grafana) use nothing else, which a test holds them to.

                A histogram has `_bucket`, `_count` and `_sum`, and `_max` of the last minutes. Money is in the fleet's currency, whole units. Amounts of the last seconds may not be in yet: a
                planner looks at its fleets every 5 s, and less often where that takes it more than a hundredth of its time.

                """);
        page.append("| name | type | unit | labels | shown by | meaning |\n| --- | --- | --- | --- | --- | --- |\n");
        for (var metric : Metrics.all()) {
            page.append("| `").append(metric.name()).append("` | ").append(metric.kind().name().toLowerCase(Locale.ROOT)).append(" | ").append(metric.unit()).append(" | ")
                    .append(metric.labels().stream().map(label -> "`" + label + "`").collect(Collectors.joining(" "))).append(" | ").append(shownBy(metric)).append(" | ")
                    .append(metric.meaning());
            if (!metric.buckets().isEmpty()) {
                page.append(" Buckets: ").append(metric.buckets().stream().map(MetricsPageTest::seconds).collect(Collectors.joining(", "))).append('.');
            }
            page.append(" |\n");
        }
        return page.toString();
    }

    private static String seconds(Duration bound) {
        var text = String.valueOf(bound.toNanos() / 1e9);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text.replace("1.0E-4", "0.0001").replace("2.5E-4", "0.00025").replace("5.0E-4", "0.0005");
    }

    private static String shownBy(Metric metric) {
        if (metric.shownBy().containsAll(PROVISIONERS)) {
            var others = metric.shownBy().stream().filter(service -> !PROVISIONERS.contains(service)).toList();
            return others.size() == 2 ? "every service" : Stream.concat(others.stream(), Stream.of("provisioners")).collect(Collectors.joining(", "));
        }
        return String.join(", ", metric.shownBy());
    }
}
