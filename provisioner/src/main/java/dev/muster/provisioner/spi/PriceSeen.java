package dev.muster.provisioner.spi;

import java.time.Instant;
import java.util.Objects;

/**
 * What an offer costs at its cloud now.
 *
 * @param microsPerHour micro-units an hour; -1: what the cloud says is no price
 * @param currency such as {@code USD}
 * @param asOf since when, by the cloud's clock; of one offer never earlier than of what was said of it before
 * @param source where from, for people, such as {@code ec2:DescribeSpotPriceHistory}
 */
public record PriceSeen(Offer offer, long microsPerHour, String currency, Instant asOf, String source) {

    public PriceSeen {
        Objects.requireNonNull(offer);
        Objects.requireNonNull(asOf);
        if (currency.isEmpty() || source.isEmpty()) {
            throw new IllegalArgumentException("a price of " + offer + " has currency '" + currency + "' and source '" + source + "'");
        }
    }
}
