package dev.muster.sandbox.ec2;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Launch templates, in every region. A launch takes from its template each top-level parameter of which it has no part itself; EC2 merges
 * some of them member by member. Thread-safe.
 */
final class LaunchTemplates {

    private static final String OF_LAUNCH = "LaunchTemplate.";

    /** By name, oldest version first; the first one stays the default. */
    private final Map<String, List<SortedMap<String, String>>> versions = new HashMap<>();

    static String id(String name) {
        return Geography.id("lt", name);
    }

    synchronized int put(String name, Map<String, String> parameters) {
        var of = versions.computeIfAbsent(name, fresh -> new ArrayList<>());
        of.add(new TreeMap<>(parameters));
        return of.size();
    }

    /** The launch with what its template adds; the launch itself if it names none. */
    synchronized Call merged(Call launch) {
        if (!launch.has("LaunchTemplate")) {
            return launch;
        }
        var asked = launch.structure("LaunchTemplate");
        var name = asked.text("LaunchTemplateName");
        var id = asked.text("LaunchTemplateId");
        if ((name == null) == (id == null)) {
            throw Refusal.of("InvalidParameterCombination", "Either LaunchTemplateId or LaunchTemplateName must be given, and not both");
        }
        var found = versions.keySet().stream().filter(known -> name != null ? known.equals(name) : id(known).equals(id)).findFirst()
                .orElseThrow(() -> name != null
                        ? Refusal.of("InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name " + name + ", does not exist.")
                        : Refusal.of("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID " + id + ", does not exist."));
        var merged = new TreeMap<>(launch.parameters());
        version(found, asked.text("Version", "$Default")).forEach((key, value) -> {
            int dot = key.indexOf('.');
            if (!launch.has(dot < 0 ? key : key.substring(0, dot))) {
                merged.put(key, value);
            }
        });
        merged.keySet().removeIf(key -> key.startsWith(OF_LAUNCH));
        return Call.of(launch.scope(), launch.action(), merged);
    }

    private SortedMap<String, String> version(String name, String version) {
        var all = versions.get(name);
        int number = version.equals("$Default") ? 1 : version.equals("$Latest") ? all.size() : version.matches("[1-9]\\d{0,8}") ? Integer.parseInt(version) : 0;
        if (number < 1 || number > all.size()) {
            throw Refusal.of("InvalidLaunchTemplateId.VersionNotFound", "Could not find launch template version " + version);
        }
        return all.get(number - 1);
    }
}
