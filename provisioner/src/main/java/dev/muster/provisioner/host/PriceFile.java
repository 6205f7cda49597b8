package dev.muster.provisioner.host;

import dev.muster.contracts.YamlValue;
import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import dev.muster.v1.Violation;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What machines cost where a spec does not say it: one file, kept by people, with the date and the source of its figures.
 *
 * @param asOf what the figures are true of
 * @param source where they come from
 * @param currency ISO 4217
 * @param prices by {@code provider/region/type} or {@code provider/region/type/spot}
 */
public record PriceFile(Instant asOf, String source, String currency, Map<String, Price> prices) {

    /**
     * @param perHour micro-units; -1: what is written is no price
     * @param written as it stands there
     */
    public record Price(long perHour, String written) {}

    public PriceFile {
        prices = Map.copyOf(prices);
    }

    /**
     * @throws IOException if it can't be read
     * @throws IllegalArgumentException if its form is wrong; the message says where and how to mend it. A figure that is no price is no error
     *     of form: it is handed on, so that the planner says which and keeps the last good one.
     */
    public static PriceFile read(Path file) throws IOException {
        var violations = new ArrayList<Violation>();
        var documents = YamlValue.parse(Files.readString(file), violations);
        PriceFile read = null;
        if (documents.size() == 1 && documents.get(0).isObject()) {
            read = read(documents.get(0), violations);
        } else if (violations.isEmpty()) {
            violations.add(Violation.newBuilder().setProblem("is no list of prices").setFix("write asOf, source, currency and prices").build());
        }
        if (!violations.isEmpty()) {
            throw new IllegalArgumentException(violations.stream().map(wrong -> wrong.getField() + (wrong.getField().isEmpty() ? "" : ": ") + wrong.getProblem()
                    + (wrong.getFix().isEmpty() ? "" : " (" + wrong.getFix() + ")")).collect(Collectors.joining("; ")));
        }
        return read;
    }

    private static PriceFile read(YamlValue yaml, List<Violation> violations) {
        for (var key : List.of("asOf", "source", "currency", "prices")) {
            if (!yaml.has(key)) {
                yaml.missing(key, "a figure is worth its date and its source: write asOf, source, currency and prices");
            }
        }
        var asOf = yaml.text("asOf").flatMap(text -> {
            try {
                return Optional.of(LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant());
            } catch (DateTimeParseException wrong) {
                yaml.get("asOf").get().wrong("is '" + text + "'", "write a date such as 2026-11-01");
                return Optional.<Instant>empty();
            }
        }).orElse(Instant.EPOCH);
        var prices = new TreeMap<String, Price>();
        yaml.object("prices").ifPresent(providers -> providers.names().forEach(provider -> providers.object(provider)
                .ifPresent(regions -> regions.names().forEach(region -> regions.object(region).ifPresent(types -> types.names().forEach(type ->
                        types.text(type).ifPresent(text -> prices.put(provider + "/" + region + "/" + type, price(text)))))))));
        var read = new PriceFile(asOf, yaml.text("source").orElse(""), yaml.text("currency").orElse(""), prices);
        yaml.finish();
        return read;
    }

    private static Price price(String text) {
        try {
            var amount = new BigDecimal(text).movePointRight(6);
            return new Price(amount.signum() < 0 || amount.precision() - amount.scale() > 18 ? -1 : amount.longValue(), text);
        } catch (NumberFormatException none) {
            return new Price(-1, text);
        }
    }

    Optional<Price> of(OfferKey offer) {
        return of(offer.getProvider(), offer.getRegion(), offer.getMachineType(), offer.getMarket() == Market.SPOT);
    }

    /** What one machine of the type costs in an hour; empty where the file doesn't say. */
    public Optional<Price> of(String provider, String region, String type, boolean spot) {
        return Optional.ofNullable(prices.get(provider + "/" + region + "/" + type + (spot ? "/spot" : "")));
    }
}
