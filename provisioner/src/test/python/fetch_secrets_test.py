#!/usr/bin/env python3
"""Tests of fetch_secrets.py, whose path is the first argument: its signature, and how long it waits for what."""
import importlib.util
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(sys.argv[1]))
spec = importlib.util.spec_from_file_location("fetch_secrets", sys.argv.pop(1))
fetch = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fetch)


class Read:
    """A machine's metadata."""

    def __init__(self, texts):
        self.read = texts.get


class Signature(unittest.TestCase):
    """Keys, time and host of Amazon's "Signature Version 4 Test Suite"; expected are its files post-vanilla.authz and post-header-key-sort.authz."""

    KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "")
    AT = time.strptime("20150830T123600Z", "%Y%m%dT%H%M%SZ")

    def signed(self, **headers):
        return fetch.sign(self.KEYS, "us-east-1", "service", "/", dict(headers, host="example.amazonaws.com"), b"", self.AT)["authorization"]

    def test_is_that_of_amazons_vectors(self):
        prefix = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="
        self.assertEqual(self.signed(), prefix + "host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
        self.assertEqual(self.signed(**{"my-header1": "value1"}),
                         prefix + "host;my-header1;x-amz-date, Signature=c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c")


class Patience(unittest.TestCase):

    def setUp(self):
        self.now = 0.0
        fetch.time.monotonic = lambda: self.now
        fetch.time.sleep = self.sleep

    def sleep(self, seconds):
        self.now += seconds

    def attempts(self, failure):
        made = []

        def attempt():
            made.append(self.now)
            raise failure
        with self.assertRaises(fetch.Refused) as ended:
            fetch.patiently(fetch.DEADLINE_SECONDS, attempt)
        return made, str(ended.exception)

    def test_ends_with_the_deadline_and_says_what_was_last(self):
        for failure, words in ((fetch.Refused("ThrottlingException", "Rate exceeded", True), "ThrottlingException (Rate exceeded)"),
                               (OSError("no route"), "OSError (no route)")):
            begun = self.now
            made, said = self.attempts(failure)
            self.assertEqual(said, words)
            self.assertTrue(10 < len(made) < 60, made)
            self.assertTrue(fetch.DEADLINE_SECONDS - 10 <= self.now - begun <= fetch.DEADLINE_SECONDS, self.now)

    def test_has_none_with_what_does_not_pass(self):
        self.assertEqual(self.attempts(fetch.Refused("AccessDeniedException")), ([0.0], "AccessDeniedException"))

    def test_shows_no_byte_of_what_is_no_text(self):
        self.assertEqual(self.attempts(UnicodeDecodeError("utf-8", b"t0psecret\xff", 9, 10, "no")), ([0.0], "NotText (what is kept there is not UTF-8)"))

    def test_waits_for_a_role_and_names_what_lacks(self):
        begun = self.now
        with self.assertRaises(fetch.Refused) as ended:
            fetch.Stores(Read({}), "")
        self.assertEqual(str(ended.exception), "NoInstanceProfile (the machine has no role; set aws.instanceProfile)")
        self.assertTrue(10 < self.now - begun <= fetch.ROLE_SECONDS, self.now)


class Endpoints(unittest.TestCase):

    def test_are_amazons_unless_others_are_named(self):
        known = Read({"iam/security-credentials/": "machine", "placement/region": "cn-north-1", "services/domain": "amazonaws.com.cn",
                      "iam/security-credentials/machine": '{"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}'})
        self.assertEqual(fetch.Stores(known, "").url("ssm", "cn-north-1"), "https://ssm.cn-north-1.amazonaws.com.cn")
        self.assertEqual(fetch.Stores(known, "http://127.0.0.1:1").url("secretsmanager", "eu-west-1"), "http://127.0.0.1:1")


    def test_a_role_that_ec2_may_not_take_on_is_named(self):
        with self.assertRaises(fetch.Refused) as ended:
            fetch.role_keys(Read({"iam/security-credentials/": "machine", "iam/security-credentials/machine": '{"Code": "AssumeRoleUnauthorizedAccess"}'}))
        self.assertEqual(str(ended.exception), "AssumeRoleUnauthorizedAccess (role machine gives no keys; may ec2.amazonaws.com assume it?)")


unittest.main()
