package dev.muster.sandbox.ec2;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.UUID;
import java.util.function.BiConsumer;

/** Writes the XML of one answer. A null value writes nothing: EC2 leaves out what it doesn't know. */
final class Xml {

    /** EC2 writes milliseconds always, as {@code 2026-11-23T14:00:00.000Z}. */
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static final String EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/";

    private final StringBuilder text = new StringBuilder(512).append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

    /** An answer of EC2 to {@code action}, opened, with its request id; {@link #end} closes it. */
    static Xml answerTo(String action) {
        var xml = new Xml();
        xml.text.append('<').append(action).append("Response xmlns=\"").append(EC2_NAMESPACE).append("\">");
        return xml.put("requestId", UUID.randomUUID().toString());
    }

    static String error(String code, String message) {
        return new Xml().open("Response").open("Errors").open("Error").put("Code", code).put("Message", message)
                .close("Error").close("Errors").put("RequestID", UUID.randomUUID().toString()).close("Response").text.toString();
    }

    static Xml bare() {
        return new Xml();
    }

    static String time(Instant instant) {
        return TIME.format(instant);
    }

    Xml open(String name) {
        text.append('<').append(name).append('>');
        return this;
    }

    Xml openIn(String name, String namespace) {
        text.append('<').append(name).append(" xmlns=\"").append(namespace).append("\">");
        return this;
    }

    Xml close(String name) {
        text.append("</").append(name).append('>');
        return this;
    }

    Xml put(String name, Object value) {
        if (value == null) {
            return this;
        }
        open(name);
        escape(value instanceof Instant instant ? time(instant) : value.toString());
        return close(name);
    }

    /** A list as EC2 writes it: {@code <name><item>…</item>…</name>}, an empty element when there is none. */
    <T> Xml list(String name, Collection<T> items, BiConsumer<Xml, T> content) {
        open(name);
        for (var item : items) {
            open("item");
            content.accept(this, item);
            close("item");
        }
        return close(name);
    }

    Xml values(String name, Collection<?> values) {
        open(name);
        for (var value : values) {
            put("item", value);
        }
        return close(name);
    }

    String end(String action) {
        return close(action + "Response").toString();
    }

    @Override
    public String toString() {
        return text.toString();
    }

    private void escape(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '<' -> text.append("&lt;");
                case '>' -> text.append("&gt;");
                case '&' -> text.append("&amp;");
                // A bare carriage return would be read back as a line feed.
                case '\r' -> text.append("&#13;");
                default -> text.append(c < 0x20 && c != '\t' && c != '\n' ? '\uFFFD' : c);
            }
        }
    }
}
