#!/usr/bin/env python3
"""Runs the commands of deploy/aws/README.md with the AWS command line against moto, which judges each document as IAM does. The folder is the argument."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import boto3
from moto import mock_aws

# Nothing of whoever runs this.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(AWS_CONFIG_FILE="/none", AWS_SHARED_CREDENTIALS_FILE="/none", AWS_DEFAULT_REGION="us-east-1", AWS_PAGER="", AWS_ACCESS_KEY_ID="any",
                  AWS_SECRET_ACCESS_KEY="any")


def run(commands):
    from awscli.clidriver import create_clidriver
    made = 0
    for command in commands:
        words = shlex.split(command)
        if words[0] == "aws":
            if create_clidriver().main(words[1:]) != 0:
                raise SystemExit("refused: " + command)
            made += 1
        else:
            subprocess.run(["sh", "-c", command], check=True)
    return made


with tempfile.TemporaryDirectory() as folder, mock_aws():
    shutil.copytree(sys.argv[1], folder, dirs_exist_ok=True)
    os.chdir(folder)
    block = re.search(r"```sh\n(.*?)```", pathlib.Path("README.md").read_text(), re.DOTALL).group(1)
    made = run(block.splitlines())
    left = [str(path) for path in pathlib.Path(".").glob("*.json") if '"lab"' in path.read_text() or "123456789012" in path.read_text()]
    if left:
        raise SystemExit("still the example's: %s" % left)
    iam = boto3.client("iam")
    for name in ("policy-doctor.json", "policy-disk-key.json"):
        iam.put_role_policy(RoleName="muster-scaler", PolicyName=name[:-5], PolicyDocument=pathlib.Path(name).read_text())
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=pathlib.Path("trust-other-account.json").read_text())
    # That it would be found.
    broken = json.loads(pathlib.Path("policy-scaler.json").read_text())
    broken["Statement"][1]["Condition"] = {"StringEquals": "lab"}
    try:
        iam.put_role_policy(RoleName="muster-scaler", PolicyName="broken", PolicyDocument=json.dumps(broken))
        raise SystemExit("a broken condition passes")
    except iam.exceptions.MalformedPolicyDocumentException:
        pass
    assert iam.get_instance_profile(InstanceProfileName="muster-machine")["InstanceProfile"]["Roles"][0]["RoleName"] == "muster-machine"
    print("%d commands and %d documents pass" % (made, len(list(pathlib.Path(".").glob("*.json")))))
