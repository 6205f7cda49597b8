package dev.muster.sandbox.ec2;

import dev.muster.sandbox.SimulatedTime;
import dev.muster.sandbox.machine.MachineImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathExpressionException;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** The cloud under test, without a network, in simulated time, with machines that only note what happens to them. */
final class Cloud {

    static final Call.Scope HOME = new Call.Scope(Ec2Config.ACCOUNT, "us-east-1");

    final SimulatedTime time = new SimulatedTime();
    final Map<String, MachineImage.Hardware> booted = new LinkedHashMap<>();
    final List<String> cut = new ArrayList<>();
    final Ec2Cloud ec2;

    Cloud() {
        this(Ec2Config.defaults());
    }

    Cloud(Ec2Config config) {
        ec2 = new Ec2Cloud(config, time, hardware -> {
            booted.put(hardware.cloudId(), hardware);
            return () -> cut.add(hardware.cloudId());
        });
    }

    /** @param parameters name, value, name, value, … */
    Reply call(String action, String... parameters) {
        return call(HOME, action, parameters);
    }

    Reply call(Call.Scope scope, String action, String... parameters) {
        var all = new TreeMap<String, String>();
        for (int i = 0; i < parameters.length; i += 2) {
            all.put(parameters[i], parameters[i + 1]);
        }
        return new Reply(ec2.answer(Call.of(scope, action, all)));
    }

    /** Launches {@code count} m5.large and returns their ids. */
    List<String> launch(int count, String... more) {
        return run("m5.large", count, count, more).all("//instanceId");
    }

    Reply run(String type, int min, int max, String... more) {
        var parameters = new ArrayList<>(List.of("ImageId", Ec2Config.UBUNTU.id(), "InstanceType", type, "MinCount", String.valueOf(min),
                "MaxCount", String.valueOf(max)));
        parameters.addAll(List.of(more));
        return call("RunInstances", parameters.toArray(String[]::new));
    }

    String state(String id) {
        return call("DescribeInstances", "InstanceId.1", id).one("//instanceState/name");
    }

    void untilRunning() {
        time.pass(Duration.ofSeconds(21));
    }

    void untilTerminated() {
        time.pass(Duration.ofSeconds(6));
    }

    /** One answer, with what is in it by XPath. */
    static final class Reply {

        final int status;
        private final Document document;

        private Reply(Ec2Cloud.Answer answer) {
            status = answer.status();
            try {
                document = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                        .parse(new ByteArrayInputStream(answer.body().getBytes(StandardCharsets.UTF_8)));
            } catch (ParserConfigurationException | SAXException | IOException e) {
                throw new AssertionError("no XML: " + answer.body(), e);
            }
        }

        List<String> all(String path) {
            try {
                var nodes = (NodeList) XPathFactory.newInstance().newXPath().evaluate(path, document, XPathConstants.NODESET);
                var texts = new ArrayList<String>();
                for (int i = 0; i < nodes.getLength(); i++) {
                    texts.add(nodes.item(i).getTextContent());
                }
                return texts;
            } catch (XPathExpressionException e) {
                throw new AssertionError(path, e);
            }
        }

        /** The one text at this path; null if there is none. */
        String one(String path) {
            var found = all(path);
            if (found.size() > 1) {
                throw new AssertionError(path + " is there " + found.size() + " times");
            }
            return found.isEmpty() ? null : found.get(0);
        }

        /** {@code Success} or the error code. */
        String code() {
            var code = one("/Response/Errors/Error/Code");
            return code == null ? "Success" : code;
        }

        String message() {
            return one("/Response/Errors/Error/Message");
        }
    }
}
