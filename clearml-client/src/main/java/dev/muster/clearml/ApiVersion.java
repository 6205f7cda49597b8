package dev.muster.clearml;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Pattern;

/** A version of ClearML's HTTP API, such as 2.34. It grows with the server's, and is another number. */
public record ApiVersion(int major, int minor) implements Comparable<ApiVersion> {

    /** The first with all that Muster asks for and reads. */
    public static final ApiVersion OLDEST = new ApiVersion(2, 20);
    /** The newest whose answers are known here. A newer server is asked for answers of this one. */
    public static final ApiVersion NEWEST = new ApiVersion(2, 34);

    private static final Pattern FORM = Pattern.compile("([0-9]{1,4})\\.([0-9]{1,4})");
    private static final Comparator<ApiVersion> ORDER = Comparator.comparingInt(ApiVersion::major).thenComparingInt(ApiVersion::minor);

    /** Empty if the text is no version. */
    public static Optional<ApiVersion> parse(String text) {
        var form = FORM.matcher(text);
        return form.matches() ? Optional.of(new ApiVersion(Integer.parseInt(form.group(1)), Integer.parseInt(form.group(2)))) : Optional.empty();
    }

    ApiVersion atMost(ApiVersion other) {
        return compareTo(other) <= 0 ? this : other;
    }

    @Override
    public int compareTo(ApiVersion other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
