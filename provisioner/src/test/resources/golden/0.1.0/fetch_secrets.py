#!/usr/bin/env python3
"""Fetches the secrets that a machine is given by reference, with the machine's own role, and completes its files with them.

The boot script has written each file up to the first line with such a secret. secrets.json has the rest: texts, and pairs of a reference and how
its value stands in the file. All values are there before the first is written, into files that only root reads. Nothing here prints a value: what
goes wrong is said with the reference and the cloud's code.

    fetch_secrets.py FOLDER     the folder of the files; exits 1 with one line that says why

Needs Python's standard library alone, 3.6 or later, and guard.py beside it. MUSTER_METADATA is unset on a machine; tests set it.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import guard

# A thousand machines that boot at once share what SSM answers in a second, 40 calls unless more is paid for.
DEADLINE_SECONDS = 180
# A role that is new takes a moment to reach its machines.
ROLE_SECONDS = 30
CALL_SECONDS = 10
# Names in one call: the APIs' own limits.
MOST = {"ssm": 10, "secretsmanager": 20}
# Codes after which the same call may succeed. A clock is set soon after the start: a signature from before that is refused.
PASSING = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException", "InternalServerError",
           "InternalServiceError", "InternalFailure", "ServiceUnavailable", "RequestTimeout", "InvalidSignatureException", "RequestExpired"}


class Refused(Exception):
    """Amazon's answer to a call, or why there is none. is_passing: the same call may succeed later."""

    def __init__(self, code, words="", is_passing=False):
        super().__init__(code + (" (%s)" % words if words else ""))
        self.code = code
        self.is_passing = is_passing


def patiently(seconds, attempt):
    """What the attempt returns, repeated as long as that makes sense."""
    until = time.monotonic() + seconds
    pause = 0.5
    while True:
        try:
            return attempt()
        except Refused as refused:
            why = refused
            if not refused.is_passing:
                raise
        except UnicodeDecodeError:
            raise Refused("NotText", "what is kept there is not UTF-8")
        except (OSError, http.client.HTTPException, ValueError, guard.Unread) as broken:
            why = Refused(type(broken).__name__, str(getattr(broken, "reason", broken)), True)
        if time.monotonic() + pause > until:
            raise why
        # Not all machines of a batch at the same moment.
        time.sleep(pause * random.uniform(0.5, 1))
        pause = min(10, pause * 2)


def role_keys(metadata):
    """Temporary keys of the machine's role: id, secret, token."""
    role = (metadata.read("iam/security-credentials/") or "").split()
    if not role:
        raise Refused("NoInstanceProfile", "the machine has no role; set aws.instanceProfile", True)
    said = json.loads(metadata.read("iam/security-credentials/" + role[0]) or "{}")
    if said.get("Code") != "Success":
        raise Refused(said.get("Code", "NoCredentials"), "role %s gives no keys; may ec2.amazonaws.com assume it?" % role[0], True)
    return said["AccessKeyId"], said["SecretAccessKey"], said["Token"]


def sign(keys, region, service, path, headers, body, now):
    """The headers of a POST with Amazon's signature, version 4. Names of headers in small letters; now as time.gmtime() has it."""
    access, secret, token = keys
    at = time.strftime("%Y%m%dT%H%M%SZ", now)
    signed = dict(headers, **{"x-amz-date": at})
    if token:
        signed["x-amz-security-token"] = token
    names = sorted(signed)
    request = "\n".join(["POST", path, ""] + ["%s:%s" % (name, signed[name]) for name in names]
                        + ["", ";".join(names), hashlib.sha256(body).hexdigest()])
    scope = "%s/%s/%s/aws4_request" % (at[:8], region, service)
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()])
    signed["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        access, scope, ";".join(names), hmac.new(key, text.encode(), hashlib.sha256).hexdigest())
    return signed


class Stores:
    """Systems Manager's parameters and Secrets Manager's secrets, through a proxy where the environment names one."""

    def __init__(self, metadata, endpoint):
        self.keys, self.region, self.domain = patiently(ROLE_SECONDS, lambda: (
            role_keys(metadata), metadata.read("placement/region"), metadata.read("services/domain")))
        self.endpoint = endpoint

    def url(self, service, region):
        """The variables are those that Amazon's own programs know, for a VPC endpoint without a private name."""
        name = {"ssm": "SSM", "secretsmanager": "SECRETS_MANAGER"}[service]
        return (os.environ.get("AWS_ENDPOINT_URL_" + name) or os.environ.get("AWS_ENDPOINT_URL") or self.endpoint
                or "https://%s.%s.%s" % (service, region, self.domain))

    def call(self, service, region, target, request):
        url = urllib.parse.urlsplit(self.url(service, region))
        body = json.dumps(request).encode()
        headers = {"host": url.netloc, "content-type": "application/x-amz-json-1.1", "x-amz-target": target}
        headers = sign(self.keys, region, service, url.path or "/", headers, body, time.gmtime())
        try:
            with urllib.request.urlopen(urllib.request.Request(url.geturl(), body, headers), timeout=CALL_SECONDS) as answer:
                return json.loads(answer.read().decode("utf-8"))
        except urllib.error.HTTPError as refused:
            try:
                said = json.loads(refused.read().decode("utf-8"))
                code, words = said["__type"].split("#")[-1].split(":")[0], said.get("message") or said.get("Message") or ""
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                code, words = "HTTP %d" % refused.code, ""
            raise Refused(code, words, code in PASSING or refused.code >= 500 or refused.code == 429)

    def look(self, service, region, names):
        """Values by name and by ARN. Refused if there are several and one is: then they are asked for alone."""
        if service == "ssm":
            found = self.call(service, region, "AmazonSSM.GetParameters", {"Names": names, "WithDecryption": True})
            return [((one["Name"], one.get("ARN")), one["Value"]) for one in found["Parameters"]]
        if len(names) == 1:
            found = [self.call(service, region, "secretsmanager.GetSecretValue", {"SecretId": names[0]})]
        else:
            found = self.call(service, region, "secretsmanager.BatchGetSecretValue", {"SecretIdList": names})["SecretValues"]
        return [((one["Name"], one["ARN"]), one["SecretString"] if "SecretString" in one else base64.b64decode(one["SecretBinary"]).decode("utf-8"))
                for one in found]

    def fetch(self, service, region, names):
        """Value by name; SystemExit names what can't be had."""
        try:
            found = patiently(DEADLINE_SECONDS, lambda: self.look(service, region, names))
        except Refused as refused:
            if len(names) == 1 or refused.is_passing:
                raise SystemExit("%s: %s" % (", ".join("%s:%s" % (service, name) for name in names), refused))
            # One of them, or a role that may read each and not several at once.
            found = []
        if len(names) == 1:
            if not found:
                raise SystemExit("%s:%s: ParameterNotFound" % (service, names[0]))
            return {names[0]: found[0][1]}
        values = {name: value for known, value in found for name in names if name in known}
        for name in names:
            if name not in values:
                values.update(self.fetch(service, region, [name]))
        return values

    def values(self, references):
        """Value by reference."""
        parts = {}
        wanted = {}
        for reference in references:
            service, _, rest = reference.partition(":")
            name, _, key = rest.partition("#")
            region = name.split(":")[3] if name.startswith("arn:") else self.region
            parts[reference] = (service, region, name, key)
            wanted.setdefault((service, region), set()).add(name)
        whole = {}
        for service, region in sorted(wanted):
            names = sorted(wanted[service, region])
            for begin in range(0, len(names), MOST[service]):
                for name, value in self.fetch(service, region, names[begin:begin + MOST[service]]).items():
                    whole[service, region, name] = value
        return {reference: one(reference, whole[service, region, name], key) for reference, (service, region, name, key) in parts.items()}


def one(reference, value, key):
    """The value of a key; without one all of it, less the blanks and line ends after it, as with a secret in a file."""
    if not key:
        return value.rstrip()
    try:
        held = json.loads(value)[key]
    except (ValueError, TypeError):
        raise SystemExit("%s: the secret is no JSON object" % reference)
    except KeyError:
        raise SystemExit("%s: the secret has no such key" % reference)
    return held if isinstance(held, str) else json.dumps(held)


def quoted(reference, value, quoting):
    if quoting == "line" and any(character < " " for character in value):
        raise SystemExit("%s: the secret holds a line break, and must be one line" % reference)
    if quoting == "shell":
        return value.replace("'", "'\\''")
    if quoting == "json":
        return json.dumps(value, ensure_ascii=False)[1:-1]
    return value


def main(folder):
    with open(folder + "/secrets.json", encoding="utf-8") as file:
        wanted = json.load(file)
    files = wanted["files"]
    stores = Stores(guard.Ec2(os.environ.get("MUSTER_METADATA")), wanted["endpoint"])
    values = stores.values({piece[0] for pieces in files.values() for piece in pieces if isinstance(piece, list)})
    # All of them first: a value that can't stand in its file must not leave half of it.
    texts = {name: "".join(piece if isinstance(piece, str) else quoted(piece[0], values[piece[0]], piece[1]) for piece in pieces)
             for name, pieces in files.items()}
    for name, text in texts.items():
        with open("%s/%s" % (folder, name), "a", encoding="utf-8", newline="") as file:
            file.write(text)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Refused as why:
        sys.exit(str(why))
    except Exception as ours:
        # Its words could show what it met.
        sys.exit("fetching failed here: %s" % type(ours).__name__)
