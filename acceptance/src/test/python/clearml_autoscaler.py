"""ClearML's own open-source autoscaler, unmodified, as the installed package `clearml` has it, to be compared with.

    clearml_autoscaler.py launch FILE           launches one machine of each resource at moto, a model of EC2 in this process, and prints
                                                what was sent, as JSON
    clearml_autoscaler.py run FILE --speed N    runs its loop until it is killed, against the EC2 that AWS_ENDPOINT_URL names

FILE is the autoscaler's own. ClearML's server and keys come from the environment (CLEARML_API_HOST, CLEARML_API_ACCESS_KEY, ...).
"""
import argparse
import json
import logging
import os
import sys
import time
from unittest import mock

import yaml


def scaler_of(config):
    """As the example program that comes with it puts them together."""
    from clearml.automation.auto_scaler import AutoScaler, ScalerConfig
    from clearml.automation.aws_driver import AWSDriver

    return AutoScaler(ScalerConfig.from_config(config), AWSDriver.from_config(config))


def launch(config):
    import boto3
    from moto import mock_aws

    # The model answers calls for Amazon's own addresses.
    os.environ.pop("AWS_ENDPOINT_URL", None)
    hyper_params, configurations = config["hyper_params"], config["configurations"]
    region = hyper_params["cloud_credentials_region"]
    resources = configurations["resource_configurations"]
    calls = []

    def record(model, params, **_):
        sent = {name: value for name, value in params["body"].items() if name not in ("Action", "Version")}
        if "LaunchSpecification.UserData" in sent or "UserData" in sent:
            # It holds keys.
            name = "UserData" if "UserData" in sent else "LaunchSpecification.UserData"
            sent[name] = "%d characters" % len(sent[name])
        calls.append({"action": model.name, "parameters": {name: text(value) for name, value in sorted(sent.items())}})

    launched = {}
    with mock_aws():
        place(boto3.client("ec2", region_name=region), resources.values())
        if hyper_params.get("iam_arn"):
            boto3.client("iam").create_instance_profile(InstanceProfileName=hyper_params["iam_arn"].split("/")[-1])
        scaler = scaler_of(config)
        # The driver makes a client for each call; all are of the default session and its events.
        boto3.setup_default_session()
        boto3.DEFAULT_SESSION.events.register("before-call.ec2", record)
        for queue, of_queue in configurations["queues"].items():
            for name, _ in of_queue:
                calls.clear()
                resource = resources[name]
                scaler.driver.spin_up_worker(resource, scaler.gen_worker_prefix(name, resource), queue, task_id=None)
                launched[name] = list(calls)
    json.dump(launched, sys.stdout)


def place(ec2, resources):
    """Makes what the file names by id: a cloud chooses its ids itself, so moto's choice is steered."""
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = sorted({resource["subnet_id"] for resource in resources if resource.get("subnet_id")})
    groups = sorted({group for resource in resources for group in resource.get("security_group_ids") or []})
    snapshots = sorted({resource["ebs_snapshot_id"] for resource in resources if resource.get("ebs_snapshot_id")})
    for number, subnet in enumerate(subnets):
        with mock.patch("moto.ec2.models.subnets.random_subnet_id", return_value=subnet):
            ec2.create_subnet(VpcId=vpc, CidrBlock="172.31.%d.0/24" % (200 + number))
    for group in groups:
        with mock.patch("moto.ec2.models.security_groups.random_security_group_id", return_value=group):
            ec2.create_security_group(GroupName=group, Description="named in the file", VpcId=vpc)
    for snapshot in snapshots:
        volume = ec2.create_volume(AvailabilityZone=ec2.meta.region_name + "a", Size=8)["VolumeId"]
        with mock.patch("moto.ec2.models.elastic_block_store.random_snapshot_id", return_value=snapshot):
            ec2.create_snapshot(VolumeId=volume)


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def run(config, speed):
    """The machines of a sandbox live `speed` times as fast as the clock. So do all waits of this process: the loop's own, and those of
    the SDKs of ClearML and Amazon between two tries or two looks at a machine that boots. Times that it reckons with the server's stay the
    clock's, and are what the file says."""
    if not os.environ.get("AWS_ENDPOINT_URL"):
        sys.exit("AWS_ENDPOINT_URL is not set, and machines of the real EC2 are not for trials")
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(seconds / speed)
    # Its log, on standard output, then tells what it does.
    logging.basicConfig(level=logging.INFO)
    # Imported only now, since the loop takes the function by name.
    scaler = scaler_of(config)
    print("runs", flush=True)
    scaler.start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["launch", "run"])
    parser.add_argument("file")
    parser.add_argument("--speed", type=float, default=1)
    asked = parser.parse_args()
    with open(asked.file) as file:
        config = yaml.safe_load(file)
    if asked.what == "launch":
        launch(config)
    else:
        run(config, asked.speed)


if __name__ == "__main__":
    main()
