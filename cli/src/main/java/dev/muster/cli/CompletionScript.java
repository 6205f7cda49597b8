package dev.muster.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The scripts that complete commands in shells, made of the commands themselves. Commands and options stand in the script, so that they come at
 * once; names of fleets, pools, queues, machines and contexts are asked for.
 */
final class CompletionScript {

    /** What {@code complete-names} knows names of. */
    private static final Set<String> NAMED = Set.of("FLEET", "POOL", "QUEUE", "MACHINE", "CONTEXT");
    private static final Set<String> FILES = Set.of("FILE", "DIR", "FOLDER");

    private CompletionScript() {}

    /** One command that can be written. @param path as in "muster fleet get" */
    private record Node(String path, CommandLine command) {

        String subcommands() {
            return command.getSubcommands().entrySet().stream().filter(one -> !one.getValue().getCommandSpec().usageMessage().hidden()).map(one -> one.getKey()).collect(Collectors.joining(" "));
        }

        List<OptionSpec> options() {
            return command.getCommandSpec().options().stream().filter(option -> !option.hidden()).toList();
        }
    }

    static String bash() {
        var script = new StringBuilder("""
                # Completes muster in bash, and in zsh: source <(./muster completion bash), in a file that the shell reads at its start.
                [ -n "${ZSH_VERSION:-}" ] && autoload -U +X compinit bashcompinit && { (( ${+functions[compdef]} )) || compinit -u -D; } && bashcompinit

                # What a command has: commands below it, options (those that take a value with what it is), and what it takes besides.
                _muster_of() {
                    below= options= takes=
                    case $1 in
                """);
        for (var node : nodes()) {
            script.append("    '").append(node.path()).append("')");
            if (!node.subcommands().isEmpty()) {
                script.append(" below='").append(node.subcommands()).append("'");
            }
            script.append(" options='").append(node.options().stream().flatMap(option -> java.util.Arrays.stream(option.names()).map(name -> name + (takesValue(option) ? "=" + kind(option) : "")))
                    .collect(Collectors.joining(" "))).append("'");
            var takes = node.command().getCommandSpec().positionalParameters().stream().map(CompletionScript::kind).collect(Collectors.joining(" "));
            if (!takes.isEmpty()) {
                script.append(" takes='").append(takes).append("'");
            }
            script.append(" ;;\n");
        }
        return script.append("""
                    esac
                }

                # Of these words those that begin with what is written; compgen of zsh leaves that to others.
                _muster_choose() {
                    local one
                    for one in $1; do
                        [[ $one == "$word"* ]] && COMPREPLY+=("$one")
                    done
                }

                _muster_values() {
                    case $1 in
                    FILE) compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$word")) ;;
                    FLEET | POOL | QUEUE | MACHINE | CONTEXT) _muster_choose "$("$program" complete-names "$1" "${asked[@]}" 2>/dev/null)" ;;
                    *'|'*) _muster_choose "${1//|/ }" ;;
                    esac
                }

                _muster() {
                    [ -n "${ZSH_VERSION:-}" ] && emulate -L ksh
                    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} at=muster before= kind= count=0 i here option below options takes
                    local -a asked
                    asked=()
                    COMPREPLY=()
                    [ "$word" = = ] && word=
                    _muster_of "$at"
                    for ((i = 1; i < COMP_CWORD; i++)); do
                        here=${COMP_WORDS[i]}
                        [ "$here" = = ] && continue
                        if [ -n "$kind" ]; then
                            # Those that say which server is meant, and which fleet, decide which names there are.
                            case $before in
                            --server | --context | --folder | --token-file | --fleet) asked+=("$before" "$here") ;;
                            esac
                            kind=
                        elif [[ $here == -* ]]; then
                            before=$here
                            for option in $options; do
                                [[ $option == "$here="* ]] && kind=${option#*=}
                            done
                        elif [[ " $below " == *" $here "* ]]; then
                            at="$at $here"
                            _muster_of "$at"
                        else
                            count=$((count + 1))
                        fi
                    done
                    if [ -n "$kind" ]; then
                        _muster_values "$kind"
                    elif [[ $word == -* ]]; then
                        _muster_choose "$(for option in $options; do echo "${option%%=*}"; done)"
                    elif [ -n "$below" ]; then
                        _muster_choose "$below"
                    else
                        for kind in $takes; do
                            [ "$count" -le 0 ] && break
                            count=$((count - 1))
                            kind=
                        done
                        [ -n "$kind" ] && _muster_values "$kind"
                    fi
                    return 0
                }

                complete -F _muster muster ./muster
                """).toString();
    }

    static String fish() {
        var script = new StringBuilder("""
                # Completes muster in fish: ./muster completion fish >~/.config/fish/completions/muster.fish
                # The command that is being written: the words before the cursor that are no options and none of their values.
                function __muster_at
                    set -l at muster
                    for word in (commandline -opc)[2..-1]
                        contains -- "$at $word" $__muster_commands; and set at "$at $word"
                    end
                    test "$at" = "$argv[1]"
                end
                function __muster_names
                    set -l words (commandline -opc)
                    $words[1] complete-names $argv[1] 2>/dev/null
                end
                """);
        script.append("set -g __muster_commands ").append(nodes().stream().map(node -> "'" + node.path() + "'").collect(Collectors.joining(" "))).append("\ncomplete -c muster -f\n");
        for (var node : nodes()) {
            var here = "complete -c muster -n \"__muster_at '" + node.path() + "'\" ";
            node.command().getSubcommands().forEach((name, below) -> {
                if (!below.getCommandSpec().usageMessage().hidden()) {
                    script.append(here).append("-a ").append(name).append(" -d ").append(quoted(first(below.getCommandSpec().usageMessage().description()))).append("\n");
                }
            });
            for (var parameter : node.command().getCommandSpec().positionalParameters()) {
                values(kind(parameter)).ifPresent(values -> script.append(here).append(values).append("\n"));
            }
            for (var option : node.options()) {
                script.append(here);
                for (var name : option.names()) {
                    script.append(name.startsWith("--") ? "-l " + name.substring(2) + " " : "-s " + name.substring(1) + " ");
                }
                if (takesValue(option)) {
                    script.append(values(kind(option)).map(values -> values.equals("-F") ? "-r -F " : "-x " + values + " ").orElse("-x "));
                }
                script.append("-d ").append(quoted(first(option.description()))).append("\n");
            }
        }
        return script.toString();
    }

    /** How fish is told what comes there; empty: nothing is known of it. */
    private static java.util.Optional<String> values(String kind) {
        return kind.equals("FILE") ? java.util.Optional.of("-F") : NAMED.contains(kind) ? java.util.Optional.of("-a \"(__muster_names " + kind + ")\"")
                : kind.contains("|") ? java.util.Optional.of("-a '" + kind.replace('|', ' ') + "'") : java.util.Optional.empty();
    }

    /** Its first sentence or clause. */
    private static String first(String[] description) {
        return description.length == 0 ? "" : description[0].replaceFirst("(?s)([.:;]\\s|\\s\\(default).*", "").replaceFirst("\\.$", "").replace("$$", "$");
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }

    private static boolean takesValue(OptionSpec option) {
        return option.arity().max() > 0 && option.arity().min() > 0;
    }

    /** What a value is, in a word: a kind of name, FILE, what may be chosen with | between, or - for what only its writer knows. */
    private static String kind(ArgSpec argument) {
        if (argument.completionCandidates() != null) {
            return StreamSupport.stream(argument.completionCandidates().spliterator(), false).map(one -> one.toLowerCase(Locale.ROOT)).collect(Collectors.joining("|"));
        }
        if (argument.auxiliaryTypes().length > 0 && argument.auxiliaryTypes()[0].isEnum()) {
            return java.util.Arrays.stream(argument.auxiliaryTypes()[0].getEnumConstants()).map(one -> one.toString().toLowerCase(Locale.ROOT)).collect(Collectors.joining("|"));
        }
        var label = argument.paramLabel();
        return NAMED.contains(label) ? label : FILES.contains(label) ? "FILE" : label.matches("[a-z0-9-]+(\\|[a-z0-9-]+)+") ? label : "-";
    }

    private static List<Node> nodes() {
        var nodes = new ArrayList<Node>();
        add("muster", Muster.commands(), nodes);
        return nodes;
    }

    private static void add(String path, CommandLine command, List<Node> nodes) {
        nodes.add(new Node(path, command));
        command.getSubcommands().forEach((name, below) -> {
            if (!below.getCommandSpec().usageMessage().hidden()) {
                add(path + " " + name, below, nodes);
            }
        });
    }
}
