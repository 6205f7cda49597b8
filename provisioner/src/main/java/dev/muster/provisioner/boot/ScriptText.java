package dev.muster.provisioner.boot;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/** What scripts of machines and of pods are made with: programs beside this class, their places filled, packed. The same input gives the same bytes. */
final class ScriptText {

    private ScriptText() {}

    /** In one pass, so that a value that looks like a place is left as it is. */
    static String filled(String template, Pattern place, Map<String, String> values) {
        return place.matcher(template).replaceAll(found -> Matcher.quoteReplacement(values.get(found.group(1))));
    }

    static String base64(String text) {
        return base64(text.getBytes(UTF_8));
    }

    static String base64(byte[] bytes) {
        return Base64.getMimeEncoder(76, new byte[] {'\n'}).encodeToString(bytes);
    }

    static byte[] compress(byte[] text) {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return bytes.toByteArray();
    }

    /** Without lines that only explain, which are a fifth of what EC2 takes: comments, and Python's where a body goes on after them or the file begins. */
    static String compact(String program) {
        return program.replaceFirst("(?s)(\\A#!.*?\n)\"\"\".*?\"\"\"\n", "$1").replaceAll("(?m)^ *#(?!!).*\n", "").replaceAll("(?m)^( +)\"\"\"[^\"\n]*\"\"\"\n+(?=\\1\\S)", "");
    }

    static String read(String name) {
        try (var in = ScriptText.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException missing) {
            throw new UncheckedIOException(missing);
        }
    }
}
