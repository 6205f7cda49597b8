package dev.muster.acceptance;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** A text that may be nowhere but where it was put, in each form in which it could get out. */
record Secret(String name, String text) {

    /** As it is; in JSON; in a URL or a form; in base64, of which there are three, after what stands before it. */
    Set<String> forms() {
        var forms = new TreeSet<String>();
        forms.add(text);
        forms.add(text.replace("\\", "\\\\").replace("\"", "\\\""));
        var form = URLEncoder.encode(text, UTF_8);
        forms.add(form);
        forms.add(form.replace("+", "%20"));
        forms.add(form.replace("+", "%20").replaceAll("%([0-9A-F])([0-9A-F])", "%$1$2").toLowerCase(java.util.Locale.ROOT));
        for (int before = 0; before < 3; before++) {
            var encoded = Base64.getEncoder().encodeToString(("xyz".substring(0, before) + text).getBytes(UTF_8));
            // The first and last letters hold bits of what is beside it.
            var own = encoded.substring(before == 0 ? 0 : before == 1 ? 2 : 3, encoded.length() - 4);
            forms.add(own);
            forms.add(own.replace('+', '-').replace('/', '_'));
        }
        return forms;
    }

    boolean isIn(byte[] bytes) {
        return isIn(new String(bytes, ISO_8859_1));
    }

    boolean isIn(String text) {
        return forms().stream().anyMatch(text::contains);
    }

    /** Files below a folder that hold it, those below {@code leftOut} not looked at. */
    List<Path> filesWithIt(Path folder, List<Path> leftOut) throws IOException {
        var found = new ArrayList<Path>();
        try (var files = Files.walk(folder)) {
            for (var file : files.filter(Files::isRegularFile).filter(file -> leftOut.stream().noneMatch(file::startsWith)).toList()) {
                if (isIn(Files.readAllBytes(file))) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    @Override
    public String toString() {
        return name;
    }
}
