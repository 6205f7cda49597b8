package dev.muster.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.header.Headers;

/** Traces as OpenTelemetry's own library tells them, in the background. Loaded only where an endpoint is configured. */
final class OtlpTraces implements Traces {

    private static final Duration EVERY = Duration.ofSeconds(1);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    /** Steps that wait to be told, each about a kilobyte; what is beyond is dropped. */
    private static final int MOST_WAITING = 2_048;
    private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();

    private static final TextMapGetter<Headers> GETTER = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Headers headers) {
            return List.of(HEADER);
        }

        @Override
        public String get(Headers headers, String key) {
            var header = headers.lastHeader(key);
            return header == null || header.value() == null ? null : new String(header.value(), UTF_8);
        }
    };

    private final SdkTracerProvider provider;
    private final Tracer tracer;

    private record Place(io.opentelemetry.context.Context context) implements Context {
        @Override
        public void write(Headers headers) {
            W3C.inject(context, headers, (into, key, value) -> into.remove(key).add(key, value.getBytes(UTF_8)));
        }
    }

    private record Open(Span span) implements Step {
        @Override
        public Context context() {
            return new Place(io.opentelemetry.context.Context.root().with(span));
        }

        @Override
        public void note(String key, String value) {
            span.setAttribute(key, value);
        }

        @Override
        public void end() {
            span.end();
        }

        @Override
        public void failed(String why) {
            span.setStatus(StatusCode.ERROR, why);
            span.end();
        }
    }

    private OtlpTraces(SdkTracerProvider provider) {
        this.provider = provider;
        this.tracer = provider.get("dev.muster");
    }

    static OtlpTraces to(URI endpoint, String service, String instance, String version, double ratio) {
        var base = endpoint.toString().replaceAll("/+$", "");
        var exporter = OtlpHttpSpanExporter.builder().setEndpoint(base.endsWith("/v1/traces") ? base : base + "/v1/traces").setTimeout(TIMEOUT).build();
        var resource = Resource.create(Attributes.builder().put("service.namespace", "muster").put("service.name", service)
                .put("service.instance.id", instance).put("service.version", version).build());
        return new OtlpTraces(SdkTracerProvider.builder().setResource(resource)
                .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(ratio)))
                .addSpanProcessor(BatchSpanProcessor.builder(exporter).setScheduleDelay(EVERY).setMaxQueueSize(MOST_WAITING).build())
                .build());
    }

    @Override
    public boolean isOn() {
        return true;
    }

    @Override
    public Context from(Headers headers) {
        var context = W3C.extract(io.opentelemetry.context.Context.root(), headers, GETTER);
        return Span.fromContext(context).getSpanContext().isValid() ? new Place(context) : null;
    }

    @Override
    public Step begin(String name, Context parent, Instant at, String... attributes) {
        var span = tracer.spanBuilder(name).setParent(parent == null ? io.opentelemetry.context.Context.root() : ((Place) parent).context());
        if (at != null) {
            span.setStartTimestamp(at);
        }
        for (int i = 0; i + 1 < attributes.length; i += 2) {
            span.setAttribute(attributes[i], attributes[i + 1]);
        }
        return new Open(span.startSpan());
    }

    @Override
    public void close() {
        provider.shutdown().join(2, TimeUnit.SECONDS);
    }
}
