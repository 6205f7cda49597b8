package dev.muster.k8s;

import java.util.ArrayList;
import java.util.List;

/**
 * A text split as the agent splits it, which is by Python's rules of a POSIX shell: at spaces outside of quotes. Nothing is expanded.
 *
 * @param isComplete every quote is closed
 */
record ShellWords(List<String> words, boolean isComplete) {

    ShellWords {
        words = List.copyOf(words);
    }

    static ShellWords of(String text) {
        var words = new ArrayList<String>();
        var word = new StringBuilder();
        var isWord = false;
        var quote = '\0';
        for (int i = 0; i < text.length(); i++) {
            var c = text.charAt(i);
            if (quote == '\'') {
                if (c == quote) {
                    quote = '\0';
                } else {
                    word.append(c);
                }
            } else if (c == '\\' && i + 1 < text.length()) {
                var next = text.charAt(++i);
                // Within double quotes a backslash stands for itself before most signs; which ones, is Python's word here.
                if (quote == '"' && next != '"' && next != '\\') {
                    word.append(c);
                }
                word.append(next);
                isWord = true;
            } else if (quote == '"') {
                if (c == quote) {
                    quote = '\0';
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
                isWord = true;
            } else if (Character.isWhitespace(c)) {
                if (isWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    isWord = false;
                }
            } else {
                word.append(c);
                isWord = true;
            }
        }
        if (isWord && quote == '\0') {
            words.add(word.toString());
        }
        return new ShellWords(words, quote == '\0');
    }
}
