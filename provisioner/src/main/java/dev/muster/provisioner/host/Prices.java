package dev.muster.provisioner.host;

import com.google.protobuf.util.Timestamps;
import dev.muster.provisioner.spi.Scope;
import dev.muster.v1.OfferKey;
import dev.muster.v1.OfferPrice;
import dev.muster.v1.PricesReported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Reports what the price file says of the offers whose spec names no price: once for each fleet and scope, and again when the file, the
 * spec or the owner changes. A file that can't be read leaves what was reported before. The planner takes a cloud's own price before a file's.
 */
final class Prices {

    private static final Logger LOG = Logger.getLogger(Prices.class);
    private static final int LOOK_EVERY_SECONDS = 5;

    private final Path path;
    private final FleetBook book;
    private final Reports reports;
    private final ReportPublisher publisher;
    private final Function<Scope, Ownership> owners;
    private final Clock clock;
    private final Map<String, Said> said = new HashMap<>();
    private PriceFile file;
    private FileTime readAt;

    private record Said(Ownership owner, List<OfferPrice> prices) {}

    /** @param path of the price file, which {@link #check} has found to be good */
    Prices(Path path, FleetBook book, Reports reports, ReportPublisher publisher, Function<Scope, Ownership> owners, Clock clock) {
        this.path = path;
        this.book = book;
        this.reports = reports;
        this.publisher = publisher;
        this.owners = owners;
        this.clock = clock;
    }

    /** @throws IllegalStateException if the file can't be read; the message names the key and the fix */
    static void check(Path path) {
        try {
            PriceFile.read(path);
        } catch (IOException unreadable) {
            throw new IllegalStateException("muster.prices.file is '" + path + "', which can't be read: name a file that this process may read, or leave it out.");
        } catch (IllegalArgumentException wrong) {
            throw new IllegalStateException("muster.prices.file is '" + path + "', and " + wrong.getMessage() + ".");
        }
    }

    void start(ScheduledExecutorService timer) {
        timer.scheduleWithFixedDelay(this::look, 0, LOOK_EVERY_SECONDS, TimeUnit.SECONDS);
    }

    private void look() {
        try {
            reread();
            if (file != null) {
                book.scopes().forEach(scope -> {
                    var owner = owners.apply(scope);
                    if (owner != null) {
                        book.fleetsOf(scope).forEach(fleet -> say(fleet, scope, owner));
                    }
                });
            }
        } catch (RuntimeException ours) {
            LOG.error("Prices failed in our own code and go on", ours);
        }
    }

    private void reread() {
        try {
            var changed = Files.getLastModifiedTime(path);
            if (!changed.equals(readAt)) {
                readAt = changed;
                file = PriceFile.read(path);
                LOG.infof("Prices were read: file=%s prices=%d as_of=%s", path.getFileName(), file.prices().size(), file.asOf());
            }
        } catch (IOException | IllegalArgumentException wrong) {
            LOG.warnf("The price file can't be read, and its last prices stay: file=%s reason=%s", path.getFileName(), wrong.getMessage());
        }
    }

    private void say(String fleet, Scope scope, Ownership owner) {
        var unpriced = file.currency().equals(book.currencyOf(fleet)) ? book.unpriced(fleet, scope) : List.<OfferKey>of();
        var prices = unpriced.stream().flatMap(offer -> file.of(offer).stream().map(price -> OfferPrice.newBuilder()
                .setOffer(offer).setMicrosPerHour(price.perHour()).setCurrency(file.currency()).setAsOf(Timestamps.fromMillis(file.asOf().toEpochMilli()))
                .setSource("the price file (" + file.source() + ")" + (price.perHour() < 0 ? ", where '" + price.written() + "' stands" : "")).build())).toList();
        var now = new Said(owner, prices);
        if (!prices.isEmpty() && !now.equals(said.put(fleet + " " + scope, now))) {
            publisher.seen(owner, List.of(reports.prices(fleet, scope, owner.generation(), clock.instant(), PricesReported.newBuilder().addAllPrices(prices).build())));
        }
    }
}
