package dev.muster.planner.simulate;

/** Text in a page: nothing that a spec or a trace says may become markup. */
final class Html {

    private Html() {}

    static String escape(String text) {
        var safe = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                // Control characters are no part of HTML; a tab and the ends of lines are.
                default -> safe.append(c < ' ' && c != '\t' && c != '\n' && c != '\r' ? '\ufffd' : c);
            }
        }
        return safe.toString();
    }
}
