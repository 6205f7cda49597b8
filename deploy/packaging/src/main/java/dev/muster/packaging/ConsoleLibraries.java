package dev.muster.packaging;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/** The JavaScript libraries that the planner's build unpacks into its console: works of others that are in no jar of their own. */
final class ConsoleLibraries {

    private static final String FOLDER = "console/lib";

    /** @param license its SPDX id */
    record Library(String group, String name, String version, String license) {}

    private ConsoleLibraries() {}

    /**
     * @param planner the module's folder, built
     * @throws IOException if one comes without a license that is known here, too
     */
    static List<Library> of(Path planner) throws IOException {
        var libraries = new ArrayList<Library>();
        try {
            var unpacked = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(planner.resolve("pom.xml").toFile()).getElementsByTagName("artifactItem");
            for (int i = 0; i < unpacked.getLength(); i++) {
                var item = (Element) unpacked.item(i);
                if (child(item, "outputDirectory").endsWith("/" + FOLDER)) {
                    var name = child(item, "artifactId");
                    libraries.add(new Library(child(item, "groupId"), name, child(item, "version"), license(planner.resolve("target/classes/" + FOLDER + "/" + name + "-LICENSE.txt"))));
                }
            }
        } catch (ParserConfigurationException | SAXException unreadable) {
            throw new IOException(planner.resolve("pom.xml") + " can't be read: " + unreadable.getMessage(), unreadable);
        }
        if (libraries.isEmpty()) {
            throw new IOException(planner.resolve("pom.xml") + " unpacks nothing into " + FOLDER);
        }
        return libraries;
    }

    private static String child(Element item, String name) {
        var found = item.getElementsByTagName(name);
        return found.getLength() == 0 ? "" : found.item(0).getTextContent().strip();
    }

    private static String license(Path file) throws IOException {
        var text = Files.readString(file);
        if (text.contains("MIT License")) {
            return "MIT";
        }
        if (text.contains("Apache License") && text.contains("Version 2.0")) {
            return "Apache-2.0";
        }
        throw new IOException(file + " is a license that the release doesn't know: name it there");
    }
}
