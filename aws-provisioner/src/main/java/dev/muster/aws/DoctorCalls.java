package dev.muster.aws;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.PartitionMetadata;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.ServiceMetadata;
import software.amazon.awssdk.services.ec2.Ec2Client;

/**
 * The doctor's calls in one region with one account. EC2 is Amazon's client, as launches have it; of each other service it asks one or
 * two questions, and for these a signed request of our own stands in place of a client of several megabytes. Used by one thread.
 */
final class DoctorCalls implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Pattern XML_CODE = Pattern.compile("<Code>([^<]*)</Code>");
    private static final Pattern XML_MESSAGE = Pattern.compile("<Message>([^<]*)</Message>");
    private static final Pattern JSON_CODE = Pattern.compile("\"__type\"\\s*:\\s*\"(?:[^\"#]*#)?([^\"]*)\"");
    private static final Pattern JSON_MESSAGE = Pattern.compile("\"[mM]essage\"\\s*:\\s*\"([^\"]*)\"");

    /**
     * A service's answer, be it an error.
     *
     * @param date the service's time, to the second; null if it doesn't say
     */
    record Answer(int status, String body, Instant date, Instant asked, Instant answered) {

        boolean succeeded() {
            return status == 200;
        }

        /** The error's; empty if it has none. */
        String code() {
            return find(XML_CODE).or(() -> find(JSON_CODE)).orElse("");
        }

        String message() {
            return find(XML_MESSAGE).or(() -> find(JSON_MESSAGE)).orElse("no message");
        }

        /** For people. */
        String reason() {
            return code().isEmpty() ? "HTTP " + status : code() + ": " + message();
        }

        /** The caller may not ask. */
        boolean denied() {
            return code().startsWith("AccessDenied") || code().equals("UnauthorizedOperation");
        }

        Optional<String> find(Pattern pattern) {
            var matcher = pattern.matcher(body);
            return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
        }
    }

    private final Region region;
    private final Optional<URI> endpoint;
    private final AwsCredentialsProvider credentials;
    private final SdkHttpClient http = UrlConnectionHttpClient.builder().connectionTimeout(Duration.ofSeconds(5)).socketTimeout(TIMEOUT).build();
    private final Ec2Client ec2;

    /** @param endpoint in place of every service's own */
    DoctorCalls(Region region, Optional<URI> endpoint, AwsCredentialsProvider credentials) {
        this.region = region;
        this.endpoint = endpoint;
        this.credentials = credentials;
        this.ec2 = SdkEc2Api.configured(Ec2Client.builder(), region, endpoint, credentials).build();
    }

    Ec2Client ec2() {
        return ec2;
    }

    URI endpoint(String service) {
        return endpoint.orElseGet(() -> URI.create("https://" + ServiceMetadata.of(service).endpointFor(place(service))));
    }

    String signingRegion(String service) {
        return ServiceMetadata.of(service).signingRegion(place(service)).id();
    }

    /** IAM is one for all regions of a part of AWS. */
    private Region place(String service) {
        if (!service.equals("iam")) {
            return region;
        }
        return switch (PartitionMetadata.of(region).id()) {
            case "aws" -> Region.AWS_GLOBAL;
            case "aws-cn" -> Region.AWS_CN_GLOBAL;
            case "aws-us-gov" -> Region.AWS_US_GOV_GLOBAL;
            default -> region;
        };
    }

    /** A question of nobody in particular, to learn whether and when somebody answers. @throws IOException if nobody does */
    Answer knock() throws IOException {
        return send(request("ec2", "application/x-www-form-urlencoded; charset=utf-8", Map.of()), "Action=DescribeRegions&Version=2016-11-15");
    }

    /** One call in the Query protocol. @throws IOException if there is no answer */
    Answer query(String service, String version, String action, Map<String, String> parameters) throws IOException {
        var form = new TreeMap<>(parameters);
        form.put("Action", action);
        form.put("Version", version);
        return signed(service, "application/x-www-form-urlencoded; charset=utf-8", Map.of(),
                form.entrySet().stream().map(one -> one.getKey() + "=" + URLEncoder.encode(one.getValue(), UTF_8)).collect(Collectors.joining("&")));
    }

    /** One call in AWS JSON 1.1. @param target service and operation. @throws IOException if there is no answer */
    Answer json(String service, String target, String body) throws IOException {
        return signed(service, "application/x-amz-json-1.1", Map.of("X-Amz-Target", target), body);
    }

    private Answer signed(String service, String type, Map<String, String> headers, String body) throws IOException {
        var signed = AwsV4HttpSigner.create().sign(sign -> sign.identity(credentials.resolveCredentials()).request(request(service, type, headers))
                .payload(stream(body)).putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, service)
                .putProperty(AwsV4HttpSigner.REGION_NAME, signingRegion(service)));
        return send(signed.request(), body);
    }

    private SdkHttpRequest request(String service, String type, Map<String, String> headers) {
        var request = SdkHttpRequest.builder().method(SdkHttpMethod.POST).uri(endpoint(service)).putHeader("Content-Type", type);
        if (request.encodedPath().isEmpty()) {
            request.encodedPath("/");
        }
        headers.forEach(request::putHeader);
        return request.build();
    }

    private Answer send(SdkHttpRequest request, String body) throws IOException {
        var asked = Instant.now();
        var sent = request.toBuilder().putHeader("Content-Length", Integer.toString(body.getBytes(UTF_8).length)).build();
        var answer = http.prepareRequest(HttpExecuteRequest.builder().request(sent).contentStreamProvider(stream(body)).build()).call();
        var text = "";
        if (answer.responseBody().isPresent()) {
            try (var in = answer.responseBody().get()) {
                text = new String(in.readAllBytes(), UTF_8);
            }
        }
        return new Answer(answer.httpResponse().statusCode(), text, date(answer.httpResponse().firstMatchingHeader("Date")), asked, Instant.now());
    }

    private static ContentStreamProvider stream(String body) {
        return () -> new ByteArrayInputStream(body.getBytes(UTF_8));
    }

    private static Instant date(Optional<String> header) {
        try {
            return header.map(text -> ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant()).orElse(null);
        } catch (DateTimeException unreadable) {
            return null;
        }
    }

    @Override
    public void close() {
        ec2.close();
        http.close();
    }
}
