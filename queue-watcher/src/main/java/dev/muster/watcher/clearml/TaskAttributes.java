package dev.muster.watcher.clearml;

import java.util.Collection;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What a task's tags say of it to Muster: a tag {@code muster:<key>=<value>} is an attribute. Tags, since people see them, set them
 * in ClearML's page or with {@code task.add_tags}, and a clone of the task has them, too.
 */
final class TaskAttributes {

    /** Of a task; the first in the order of their keys. A queue's picture names them for each of its tasks. */
    static final int MOST = 8;
    private static final Pattern TAG = Pattern.compile("muster:([a-z][a-z0-9-]{0,31})=([A-Za-z0-9._/-]{1,64})");

    private TaskAttributes() {}

    /** By key. Of two tags with one key, the first in the alphabet holds; tags of another form say nothing. */
    static SortedMap<String, String> of(Collection<String> tags) {
        var attributes = new TreeMap<String, String>();
        for (var tag : new TreeSet<>(tags)) {
            var form = TAG.matcher(tag);
            if (form.matches()) {
                attributes.putIfAbsent(form.group(1), form.group(2));
            }
        }
        while (attributes.size() > MOST) {
            attributes.pollLastEntry();
        }
        return Collections.unmodifiableSortedMap(attributes);
    }
}
