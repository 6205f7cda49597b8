#!/usr/bin/env python3
"""Signs the same requests with fetch_secrets.py, whose path is the argument, and with botocore, which is Amazon's own."""
import datetime
import importlib.util
import json
import os
import random
import sys
import time
from unittest import mock

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

sys.path.insert(0, os.path.dirname(sys.argv[1]))
spec = importlib.util.spec_from_file_location("fetch_secrets", sys.argv[1])
fetch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fetch)

draws = random.Random(7)
LETTERS = "abcXYZ019/+=-_. é\"'\\$"


def word():
    return "".join(draws.choice(LETTERS) for _ in range(draws.randint(1, 40)))


for case in range(60):
    moment = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=draws.randint(0, 31_000_000))
    service, target = draws.choice([("ssm", "AmazonSSM.GetParameters"), ("secretsmanager", "secretsmanager.GetSecretValue")])
    host = "%s.eu-central-1.amazonaws.com%s" % (service, draws.choice(["", ":8443"]))
    body = json.dumps({"Names": [word() for _ in range(draws.randint(1, 10))]}).encode()
    keys = ("ASIA" + word().encode("ascii", "ignore").decode().strip(), word(), draws.choice(["", "token/" + str(case)]))
    ours = fetch.sign(keys, "eu-central-1", service, "/", {"host": host, "content-type": "application/x-amz-json-1.1", "x-amz-target": target},
                      body, time.strptime(moment.strftime("%Y%m%dT%H%M%S"), "%Y%m%dT%H%M%S"))
    request = AWSRequest("POST", "https://%s/" % host, {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}, body)
    # botocore has had its clock in two places.
    with mock.patch("botocore.auth.get_current_datetime", lambda *zone: moment, create=True), mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = moment
        clock.datetime.now.return_value = moment
        SigV4Auth(Credentials(keys[0], keys[1], keys[2] or None), service, "eu-central-1").add_auth(request)
    theirs = request.headers
    assert theirs["X-Amz-Date"] == ours["x-amz-date"], (theirs["X-Amz-Date"], ours["x-amz-date"])
    assert theirs["Authorization"] == ours["authorization"], (case, theirs["Authorization"], ours["authorization"])
print("the same signature, 60 times")
