package dev.muster.sandbox.process;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What a child JVM runs.
 *
 * @param name short, for people and for the log file's name
 * @param flags of the JVM, such as {@code -Xmx128m}; never a secret, since every user of the computer may read them
 * @param target what comes after the flags: {@code -jar x.jar}, or {@code -cp path Main arguments}
 * @param environment added to this process's own; an empty value removes the variable
 * @param folder working folder; exists
 * @param log standard output and error go to its end
 */
public record JvmCommand(String name, List<String> flags, List<String> target, Map<String, String> environment, Path folder, Path log) {

    public JvmCommand {
        flags = List.copyOf(flags);
        target = List.copyOf(target);
        environment = Map.copyOf(environment);
    }
}
