package dev.muster.provisioner.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.muster.v1.Market;
import dev.muster.v1.OfferKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PriceFileTest {

    @TempDir
    Path folder;

    private PriceFile read(String text) throws IOException {
        return PriceFile.read(Files.writeString(folder.resolve("prices.yaml"), text));
    }

    private static OfferKey offer(String type, Market market) {
        return OfferKey.newBuilder().setProvider("aws").setAccount("any").setRegion("us-east-1").setZone("us-east-1a").setMachineType(type).setMarket(market).build();
    }

    /** The example of docs/prices.md. */
    @Test
    void readsThePagesExample() throws IOException {
        var block = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(Path.of("../docs/prices.md")));
        assertThat(block.find()).isTrue();
        var file = read(block.group(1));
        assertThat(file.of(offer("g4dn.xlarge", Market.ON_DEMAND))).hasValue(new PriceFile.Price(526_000, "0.526"));
        assertThat(file.of(offer("g4dn.xlarge", Market.SPOT))).hasValueSatisfying(price -> assertThat(price.perHour()).isPositive());
        assertThat(file.of(offer("p5.48xlarge", Market.ON_DEMAND))).isEmpty();
        assertThat(file.asOf()).hasToString("2026-11-01T00:00:00Z");
    }

    @Test
    void aFigureThatIsNoPriceIsHandedOnAsSuch() throws IOException {
        var file = read("asOf: 2026-11-01\nsource: s\ncurrency: USD\nprices: {aws: {us-east-1: {a: .nan, b: -1, c: free, d: 1e30}}}\n");
        for (var type : new String[] {"a", "b", "c", "d"}) {
            assertThat(file.of(offer(type, Market.ON_DEMAND))).as(type).hasValueSatisfying(price -> assertThat(price.perHour()).isEqualTo(-1));
        }
    }

    @Test
    void aWrongFormIsSaidWithItsFix() {
        assertThatThrownBy(() -> read("prices: 3\n")).hasMessageContaining("asOf").hasMessageContaining("prices").hasMessageContaining("must be an object");
        assertThatThrownBy(() -> read("asOf: yesterday\nsource: s\ncurrency: USD\nprices: {}\n")).hasMessageContaining("write a date such as 2026-11-01");
        assertThatThrownBy(() -> read("a: [\n")).hasMessageContaining("is no YAML");
    }
}
