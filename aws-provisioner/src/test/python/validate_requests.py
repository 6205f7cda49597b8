"""Validates requests to EC2, SSM and STS against Amazon's own models, as botocore ships them.

Usage: validate_requests.py FILE. Each line of it is one request as it came: {"target": X-Amz-Target or null, "body": ...}. What the Query
protocol flattened is put together again by the model, strictly: a parameter that no member has, a member that is required and missing,
text that is outside its enum, its pattern or its length, a number outside its range, and a value that does not parse, all fail. Prints
how many requests of which action were looked at; exits non-zero with every mistake there is.
"""
import collections
import datetime
import json
import re
import sys
import urllib.parse

import botocore.loaders
import botocore.model

LOADER = botocore.loaders.Loader()
MODELS = {name: botocore.model.ServiceModel(LOADER.load_service_model(name, "service-2"), name) for name in ("ec2", "ssm", "sts")}
VERSIONS = {MODELS[name].api_version: name for name in ("ec2", "sts")}
PROTOCOL = {"Action", "Version"}


def capital(name):
    return name[0].upper() + name[1:]


class Mistakes(list):
    def say(self, path, problem):
        self.append(f"{path} {problem}")


def query_name(service, name, member):
    """How the protocol calls a member: EC2's names are its own, those of the Query protocol the model's."""
    if service == "ec2":
        return member.serialization.get("queryName") or capital(member.serialization.get("name") or name)
    return member.serialization.get("name") or name


def tree(parameters):
    """Dotted names as nested dicts; a value is at the key ''."""
    root = {}
    for name, value in parameters:
        at = root
        for part in name.split("."):
            at = at.setdefault(part, {})
        if "" in at:
            raise ValueError(f"{name} is there twice")
        at[""] = value
    return root


def check(service, shape, given, path, mistakes):
    kind = shape.type_name
    if kind == "structure":
        if "" in given and len(given) == 1 and given[""] == "":
            return
        members = {query_name(service, name, member): (name, member) for name, member in shape.members.items()}
        for part in given:
            if part not in members:
                mistakes.say(f"{path}.{part}", "is no member of " + shape.name)
        for called, (name, member) in members.items():
            if called in given:
                check(service, member, given[called], f"{path}.{name}", mistakes)
            elif name in shape.required_members:
                mistakes.say(f"{path}.{name}", "is required and missing")
    elif kind == "list":
        items = given
        if service == "sts":
            items = given.get("member", {})
        numbers = [part for part in items if part]
        if sorted(numbers, key=lambda number: int(number) if number.isdigit() else 0) != [str(n + 1) for n in range(len(numbers))]:
            mistakes.say(path, f"is a list numbered {sorted(numbers)}")
            return
        length(shape, len(numbers), path, mistakes)
        for number in numbers:
            check(service, shape.member, items[number], f"{path}[{int(number) - 1}]", mistakes)
    elif set(given) != {""}:
        mistakes.say(path, f"has members {sorted(given)}, and the model says {kind}")
    else:
        scalar(shape, given[""], path, mistakes)


def check_json(shape, given, path, mistakes):
    kind = shape.type_name
    if kind == "structure":
        for name in given:
            if name not in shape.members:
                mistakes.say(f"{path}.{name}", "is no member of " + shape.name)
        for name, member in shape.members.items():
            if name in given:
                check_json(member, given[name], f"{path}.{name}", mistakes)
            elif name in shape.required_members:
                mistakes.say(f"{path}.{name}", "is required and missing")
    elif kind == "list":
        length(shape, len(given), path, mistakes)
        for index, item in enumerate(given):
            check_json(shape.member, item, f"{path}[{index}]", mistakes)
    else:
        scalar(shape, json.dumps(given) if not isinstance(given, str) else given, path, mistakes)


def length(shape, size, path, mistakes):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least or most is not None and size > most:
        mistakes.say(path, f"has {size}, and the model says {least} to {most}")


def scalar(shape, text, path, mistakes):
    kind = shape.type_name
    if kind == "string":
        enum = getattr(shape, "enum", None)
        if enum and text not in enum:
            mistakes.say(path, f"is {text!r}, and the model says {enum}")
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(python_pattern(pattern), text):
            mistakes.say(path, f"is {text!r}, and the model says {pattern}")
        length(shape, len(text), path, mistakes)
    elif kind in ("integer", "long"):
        if not re.fullmatch(r"-?\d+", text):
            mistakes.say(path, f"is {text!r}, and the model says {kind}")
        else:
            length(shape, int(text), path, mistakes)
            if kind == "integer" and not -2**31 <= int(text) < 2**31:
                mistakes.say(path, f"is {text}, outside 32 bits")
    elif kind == "boolean":
        if text not in ("true", "false"):
            mistakes.say(path, f"is {text!r}, and the model says boolean")
    elif kind in ("double", "float"):
        float(text)
    elif kind == "timestamp":
        datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    elif kind != "blob":
        mistakes.say(path, f"is a {kind}, which is not looked at here")


def python_pattern(pattern):
    """Amazon's patterns are Java's; what is used of them reads the same but for escapes of code points."""
    return re.sub(r"\\x\{([0-9A-F]+)\}|\\u([0-9A-F]{4})", lambda match: re.escape(chr(int(match.group(1) or match.group(2), 16))), pattern)


def main():
    mistakes = Mistakes()
    seen = collections.Counter()
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            if request["target"]:
                name = request["target"].split(".")[-1]
                check_json(MODELS["ssm"].operation_model(name).input_shape, json.loads(request["body"]), name, mistakes)
            else:
                parameters = urllib.parse.parse_qsl(request["body"], keep_blank_values=True, strict_parsing=True)
                sent = dict(parameters)
                name, service = sent["Action"], VERSIONS[sent["Version"]]
                given = tree([(key, value) for key, value in parameters if key not in PROTOCOL])
                shape = MODELS[service].operation_model(name).input_shape
                if shape is not None:
                    check(service, shape, given, name, mistakes)
            seen[name] += 1
    print(" ".join(f"{name}={count}" for name, count in sorted(seen.items())))
    for mistake in sorted(set(mistakes)):
        print(mistake)
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
