package dev.muster.contracts;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The links of a page of docs that lead nowhere. */
final class PageLinks {

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.+)$");

    private PageLinks() {}

    static List<String> broken(Path file, String page) {
        var headings = HEADING.matcher(page).results().map(heading -> anchor(heading.group(1))).collect(Collectors.toSet());
        return LINK.matcher(page).results().map(link -> link.group(1)).distinct()
                .filter(link -> link.startsWith("#") ? !headings.contains(link.substring(1))
                        : !link.contains("://") && !Files.exists(file.resolveSibling(link.replaceFirst("#.*", ""))))
                .toList();
    }

    /** As GitHub makes it. */
    private static String anchor(String heading) {
        return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\w\\- ]", "").replace(' ', '-');
    }
}
