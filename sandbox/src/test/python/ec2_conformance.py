"""Checks every answer of the EC2 stand-in against Amazon's own model, as botocore ships it.

Usage: ec2_conformance.py EC2_URL ADMIN_URL

botocore writes the requests. Its parser is lenient (it drops what it does not know), so the raw XML of each answer is read
here, strictly: an element that the model does not have, one that is there twice, a value that does not parse as its type, a
string outside its enum, a list without its items, or a missing element that EC2 always sends, all fail.
"""
import datetime
import json
import re
import sys
import time
import urllib.request
import xml.etree.ElementTree as ET

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

# What EC2 sends always, the model having no way to say so. A path with * goes through every item.
ALWAYS = {
    "RunInstances": ["reservationId", "ownerId", "groupSet", "instancesSet/*/instanceId", "instancesSet/*/instanceState/code", "instancesSet/*/amiLaunchIndex",
                     "instancesSet/*/launchTime", "instancesSet/*/placement/availabilityZone", "instancesSet/*/clientToken", "instancesSet/*/metadataOptions/httpTokens"],
    "DescribeInstances": ["reservationSet", "reservationSet/*/reservationId", "reservationSet/*/instancesSet/*/instanceId", "reservationSet/*/instancesSet/*/imageId",
                          "reservationSet/*/instancesSet/*/instanceState/name", "reservationSet/*/instancesSet/*/instanceType", "reservationSet/*/instancesSet/*/reason"],
    "DescribeInstanceStatus": ["instanceStatusSet", "instanceStatusSet/*/instanceId", "instanceStatusSet/*/instanceStatus/status"],
    "DescribeInstanceTypes": ["instanceTypeSet/*/instanceType", "instanceTypeSet/*/hypervisor", "instanceTypeSet/*/vCpuInfo/defaultVCpus",
                              "instanceTypeSet/*/memoryInfo/sizeInMiB", "instanceTypeSet/*/processorInfo/supportedArchitectures/*"],
    "DescribeInstanceTypeOfferings": ["instanceTypeOfferingSet/*/instanceType", "instanceTypeOfferingSet/*/location"],
    "DescribeSpotPriceHistory": ["spotPriceHistorySet/*/spotPrice", "spotPriceHistorySet/*/timestamp", "spotPriceHistorySet/*/availabilityZone"],
    "DescribeSubnets": ["subnetSet/*/subnetId", "subnetSet/*/availabilityZone", "subnetSet/*/vpcId"],
    "DescribeVpcs": ["vpcSet/*/vpcId"],
    "DescribeSecurityGroups": ["securityGroupInfo/*/groupId"],
    "DescribeAvailabilityZones": ["availabilityZoneInfo/*/zoneName", "availabilityZoneInfo/*/zoneState"],
    "DescribeRegions": ["regionInfo/*/regionName"],
    "DescribeImages": ["imagesSet/*/imageId", "imagesSet/*/architecture", "imagesSet/*/rootDeviceName"],
    "DescribeTags": ["tagSet/*/key", "tagSet/*/resourceId"],
    "DescribeRouteTables": ["routeTableSet/*/routeTableId", "routeTableSet/*/routeSet/*/state", "routeTableSet/*/associationSet/*/main"],
    "DescribeKeyPairs": ["keySet/*/keyName", "keySet/*/keyPairId"],
    "GetEbsEncryptionByDefault": ["ebsEncryptionByDefault"],
    "GetEbsDefaultKmsKeyId": ["kmsKeyId"],
    "GetConsoleOutput": ["instanceId", "timestamp", "output"],
    "TerminateInstances": ["instancesSet/*/instanceId", "instancesSet/*/currentState/name", "instancesSet/*/previousState/name"],
    "StopInstances": ["instancesSet/*/currentState/name"],
    "StartInstances": ["instancesSet/*/currentState/name"],
    "CreateTags": ["return"],
    "DeleteTags": ["return"],
}


class NotConforming(Exception):
    """An answer that is not as Amazon's model says."""


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def check_value(shape, element, path):
    if len(element):
        raise NotConforming(f"{path} has children, the model says {shape.type_name}")
    text = element.text or ""
    kind = shape.type_name
    if kind in ("integer", "long"):
        if not re.fullmatch(r"-?\d+", text):
            raise NotConforming(f"{path} is no {kind}: {text!r}")
        if kind == "integer" and not -2**31 <= int(text) < 2**31:
            raise NotConforming(f"{path} is outside 32 bits: {text}")
    elif kind in ("double", "float"):
        float(text)
    elif kind == "boolean":
        if text not in ("true", "false"):
            raise NotConforming(f"{path} is no boolean: {text!r}")
    elif kind == "timestamp":
        if not TIMESTAMP.match(text):
            raise NotConforming(f"{path} is no timestamp: {text!r}")
        datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    elif kind == "string":
        enum = getattr(shape, "enum", None)
        if enum and text not in enum:
            raise NotConforming(f"{path} is {text!r}, the model allows {enum}")
    else:
        raise NotConforming(f"{path}: type {kind} is not expected")


def check(shape, element, path, also=()):
    if element.attrib:
        raise NotConforming(f"{path} has attributes {element.attrib}")
    if shape.type_name == "structure":
        if (element.text or "").strip():
            raise NotConforming(f"{path} has text {element.text!r}, the model says structure")
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        seen = set()
        for child in element:
            name = local(child)
            if name in also:
                continue
            if name not in members:
                raise NotConforming(f"{path}/{name} is not in the model")
            if name in seen:
                raise NotConforming(f"{path}/{name} is there twice")
            seen.add(name)
            check(members[name], child, f"{path}/{name}")
    elif shape.type_name == "list":
        if (element.text or "").strip():
            raise NotConforming(f"{path} has text {element.text!r}, the model says list")
        item = shape.member.serialization.get("name", "item")
        for index, child in enumerate(element):
            if local(child) != item:
                raise NotConforming(f"{path}/{local(child)} should be {item}")
            check(shape.member, child, f"{path}[{index}]")
    else:
        check_value(shape, element, path)


def at(elements, path):
    for part in path.split("/"):
        found = []
        for element in elements:
            matching = list(element) if part == "*" else [child for child in element if local(child) == part]
            if not matching and part != "*":
                raise NotConforming(f"{path} is missing")
            found.extend(matching)
        elements = found
    return elements


def check_answer(operation, body):
    root = ET.fromstring(body)
    expected = f"{{{EC2_NAMESPACE}}}{operation.name}Response"
    if root.tag != expected:
        raise NotConforming(f"the root is {root.tag}, it should be {expected}")
    if [local(child) for child in root].count("requestId") != 1:
        raise NotConforming("requestId is not there once")
    if operation.output_shape is None:
        extra = [local(child) for child in root if local(child) not in ("requestId", "return")]
        if extra:
            raise NotConforming(f"{extra} in an answer that the model says is empty")
    else:
        check(operation.output_shape, root, operation.name, also=("requestId",))
    for path in ALWAYS.get(operation.name, []):
        at([root], path)


def check_error(body):
    root = ET.fromstring(body)
    if root.tag != "Response" or [local(child) for child in root] != ["Errors", "RequestID"]:
        raise NotConforming(f"an error is Response(Errors, RequestID), not {root.tag}{[local(child) for child in root]}")
    errors = root[0]
    if [local(child) for child in errors] != ["Error"] or sorted(local(child) for child in errors[0]) != ["Code", "Message"]:
        raise NotConforming("an error has one Error with Code and Message")


class Checked:
    """A botocore client whose every answer is checked on its way to the parser."""

    def __init__(self, session, url, key="MUSTERSANDBOXEC2", region="us-east-1"):
        self.client = session.create_client("ec2", endpoint_url=url, region_name=region, aws_access_key_id=key, aws_secret_access_key="any",
                                            config=Config(retries={"total_max_attempts": 1}))
        self.client.meta.events.register("before-parse.ec2", self.on_answer)
        self.operations = set()
        self.codes = set()
        self.answers = 0

    def on_answer(self, operation_model, response_dict, **_):
        self.answers += 1
        try:
            if response_dict["status_code"] >= 300:
                check_error(response_dict["body"])
            else:
                check_answer(operation_model, response_dict["body"])
        except NotConforming as wrong:
            raise SystemExit(f"{operation_model.name}: {wrong}\n{response_dict['body'].decode()}")

    def __getattr__(self, name):
        method = getattr(self.client, name)

        def call(**parameters):
            answer = method(**parameters)
            self.operations.add(self.client.meta.method_to_api_mapping[name])
            return answer
        return call

    def refused(self, name, status, code, **parameters):
        try:
            getattr(self.client, name)(**parameters)
        except ClientError as error:
            got = (error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
            if got != (status, code):
                raise SystemExit(f"{name}{parameters}: {got}, expected {(status, code)}")
            self.codes.add(code)
            return
        raise SystemExit(f"{name}{parameters} was not refused with {code}")


def prove_the_check_bites(model):
    """Each of these is wrong in one way, and must be found."""
    operation = model.operation_model("DescribeInstances")
    good = ("<DescribeInstancesResponse xmlns='%s'><requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId><instancesSet><item>"
            "<instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>16</code><name>running</name></instanceState><reason/>"
            "<instanceType>m5.large</instanceType><launchTime>2026-11-23T12:00:00.000Z</launchTime></item></instancesSet></item></reservationSet>"
            "</DescribeInstancesResponse>" % EC2_NAMESPACE)
    check_answer(operation, good)
    wrong = {
        "an unknown element": good.replace("<reason/>", "<reason/><colour>red</colour>"),
        "a bad number": good.replace("16", "sixteen"),
        "a bad enum value": good.replace("running", "walking"),
        "a bad time": good.replace("2026-11-23T12", "yesterday"),
        "a wrong list item": good.replace("<reservationSet><item>", "<reservationSet><member>").replace("</item></reservationSet>", "</member></reservationSet>"),
        "an element twice": good.replace("<reason/>", "<reason/><reason/>"),
        "a missing element": good.replace("<imageId>ami-1</imageId>", ""),
        "a missing list": good.split("<reservationSet>")[0] + "</DescribeInstancesResponse>",
        "a wrong root": good.replace("DescribeInstancesResponse", "DescribeInstancesResult"),
        "a wrong namespace": good.replace(EC2_NAMESPACE, "http://example.org/"),
    }
    for what, body in wrong.items():
        try:
            check_answer(operation, body)
        except NotConforming:
            continue
        raise SystemExit(f"the check let {what} pass")
    return len(wrong)


def admin(url, path, **body):
    request = urllib.request.Request(url + path, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).read()


def reset(url, path):
    urllib.request.urlopen(urllib.request.Request(url + path, method="DELETE"), timeout=10).read()


def until(what, holds):
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"never: {what}")
        time.sleep(0.05)


def states(ec2, **parameters):
    return {i["InstanceId"]: i["State"]["Name"] for r in ec2.describe_instances(**parameters)["Reservations"] for i in r["Instances"]}


def run(ec2, image, **more):
    parameters = dict(ImageId=image, InstanceType="m5.large", MinCount=1, MaxCount=1)
    parameters.update(more)
    return [i["InstanceId"] for i in ec2.run_instances(**parameters)["Instances"]]


def lives(ec2, image, admin_url):
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    subnet = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [zones[1]["ZoneName"]]}])["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    tags = [{"Key": "muster-installation", "Value": "i"}, {"Key": "muster-pool", "Value": "gpu <&> \"é\""}]
    batch = run(ec2, image, InstanceType="g5.xlarge", MinCount=2, MaxCount=3, ClientToken="batch-1", SubnetId=subnet, SecurityGroupIds=[group], KeyName="key",
                UserData="#!/bin/sh\necho é", Monitoring={"Enabled": True}, EbsOptimized=True, IamInstanceProfile={"Name": "agents"}, InstanceInitiatedShutdownBehavior="terminate",
                BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 100, "VolumeType": "gp3", "DeleteOnTermination": True}}],
                MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "InstanceMetadataTags": "enabled"},
                InstanceMarketOptions={"MarketType": "spot", "SpotOptions": {"MaxPrice": "5", "SpotInstanceType": "one-time"}},
                TagSpecifications=[{"ResourceType": "instance", "Tags": tags}, {"ResourceType": "volume", "Tags": tags}])
    plain = run(ec2, image, NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": True}])
    until("every instance runs", lambda: set(states(ec2).values()) == {"running"})
    ec2.describe_instance_status(IncludeAllInstances=True)
    ec2.get_console_output(InstanceId=batch[0])
    ec2.create_tags(Resources=batch, Tags=[{"Key": "muster-mark", "Value": "drain"}])
    ec2.delete_tags(Resources=batch[:1], Tags=[{"Key": "muster-mark"}])
    assert set(states(ec2, Filters=[{"Name": "tag:muster-mark", "Values": ["drain"]}])) == set(batch[1:])
    ec2.describe_tags(Filters=[{"Name": "key", "Values": ["muster-pool"]}])
    ec2.stop_instances(InstanceIds=plain)
    until("it is stopped", lambda: states(ec2, InstanceIds=plain)[plain[0]] == "stopped")
    ec2.start_instances(InstanceIds=plain)
    admin(admin_url, "/ec2/interruptions", instance=batch[0])
    until("it is interrupted", lambda: states(ec2, InstanceIds=batch[:1])[batch[0]] == "terminated")
    shown = ec2.describe_instances(InstanceIds=batch[:1])["Reservations"][0]["Instances"][0]
    assert shown["StateReason"]["Code"] == "Server.SpotInstanceTermination", shown
    ec2.terminate_instances(InstanceIds=batch[1:] + plain)
    until("all are terminated", lambda: set(states(ec2).values()) == {"terminated"})
    ec2.describe_instance_status(IncludeAllInstances=True, MaxResults=5)
    return batch


def looks(ec2, image):
    pages = list(ec2.client.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 20}))
    assert len(pages) > 2
    p3 = ec2.describe_instance_types(InstanceTypes=["p3.2xlarge", "g5.xlarge"])["InstanceTypes"]
    assert [t["Hypervisor"] for t in p3] == ["xen", "nitro"] and p3[1]["GpuInfo"]["Gpus"][0]["Count"] == 1
    for kind in ("region", "availability-zone", "availability-zone-id"):
        ec2.describe_instance_type_offerings(LocationType=kind, Filters=[{"Name": "instance-type", "Values": ["p4d.*", "m5.large"]}])
    prices = ec2.describe_spot_price_history(InstanceTypes=["g5.xlarge"], ProductDescriptions=["Linux/UNIX"], StartTime=datetime.datetime.now(datetime.timezone.utc))
    assert len(prices["SpotPriceHistory"]) == 3
    ec2.describe_vpcs()
    main = ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]
    assert main["Routes"][1]["GatewayId"].startswith("igw-")
    assert ec2.describe_key_pairs(KeyNames=["me"])["KeyPairs"][0]["KeyName"] == "me"
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"
    ec2.describe_regions()
    ec2.describe_images(ImageIds=[image], Owners=["self"])
    ec2.describe_images(Filters=[{"Name": "name", "Values": ["ubuntu*"]}])
    for _ in range(12):
        run(ec2, image, InstanceType="t3.micro")
    until("all are shown", lambda: len(states(ec2, Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}])) == 12)
    seen = [i["InstanceId"] for page in ec2.client.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
            for r in page["Reservations"] for i in r["Instances"]]
    assert len(seen) == len(set(seen)) and len(seen) >= 12
    return seen


def refusals(session, url, ec2, image, admin_url, batch):
    one = dict(ImageId=image, InstanceType="m5.large", MinCount=1, MaxCount=1)
    ec2.refused("run_instances", 412, "DryRunOperation", DryRun=True, **one)
    ec2.refused("run_instances", 400, "IdempotentParameterMismatch", ClientToken="batch-1", **one)
    ec2.refused("run_instances", 400, "InvalidAMIID.NotFound", **{**one, "ImageId": "ami-00000000"})
    ec2.refused("run_instances", 400, "InvalidSubnetID.NotFound", SubnetId="subnet-00000000", **one)
    ec2.refused("run_instances", 400, "InvalidGroup.NotFound", SecurityGroupIds=["sg-00000000"], **one)
    ec2.refused("run_instances", 400, "InvalidParameterValue", **{**one, "InstanceType": "m5.huge"})
    ec2.refused("run_instances", 400, "InvalidParameterCombination", **{**one, "MinCount": 2})
    ec2.refused("run_instances", 400, "InvalidLaunchTemplateName.NotFoundException", LaunchTemplate={"LaunchTemplateName": "x"}, **one)
    ec2.refused("run_instances", 400, "UnsupportedOperation", CpuOptions={"CoreCount": 2}, **one)
    ec2.refused("run_instances", 400, "MissingParameter", MinCount=1, MaxCount=1)
    ec2.refused("run_instances", 400, "Unsupported", Placement={"AvailabilityZone": "us-east-1c"}, **{**one, "InstanceType": "p4d.24xlarge"})
    ec2.refused("run_instances", 400, "InvalidParameterValue", MetadataOptions={"InstanceMetadataTags": "enabled"},
                TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "a key", "Value": ""}]}], **one)
    ec2.refused("run_instances", 400, "SpotMaxPriceTooLow", InstanceMarketOptions={"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.001"}}, **one)
    ec2.refused("describe_instances", 400, "InvalidInstanceID.NotFound", InstanceIds=["i-00000000000000000"])
    ec2.refused("describe_instances", 400, "InvalidInstanceID.Malformed", InstanceIds=["machine"])
    ec2.refused("describe_instances", 400, "InvalidPaginationToken", NextToken="nonsense")
    ec2.refused("describe_instance_types", 400, "InvalidInstanceType", InstanceTypes=["m5.huge"])
    ec2.refused("terminate_instances", 400, "InvalidInstanceID.NotFound", InstanceIds=batch[:1] + ["i-00000000000000000"])
    ec2.refused("create_tags", 400, "TagLimitExceeded", Resources=batch[:1], Tags=[{"Key": f"k{n}", "Value": ""} for n in range(51)])
    ec2.refused("describe_volumes", 400, "InvalidAction")
    ec2.refused("run_instances", 400, "InvalidBlockDeviceMapping", BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 4}}], **one)
    admin(admin_url, "/ec2/missing", kind="key-pair", name="lost")
    ec2.refused("run_instances", 400, "InvalidKeyPair.NotFound", KeyName="lost", **one)
    ec2.refused("describe_key_pairs", 400, "InvalidKeyPair.NotFound", KeyNames=["lost"])
    admin(admin_url, "/ec2/missing", kind="instance-profile", name="lost")
    ec2.refused("run_instances", 400, "InvalidParameterValue", IamInstanceProfile={"Name": "lost"}, **one)
    admin(admin_url, "/ec2/faults/denials", action="PassRole")
    ec2.refused("run_instances", 403, "UnauthorizedOperation", IamInstanceProfile={"Name": "agents"}, **one)
    reset(admin_url, "/ec2/faults")
    admin(admin_url, "/ec2/missing", kind="role", name="AWSServiceRoleForEC2Spot")
    ec2.refused("run_instances", 403, "AuthFailure.ServiceLinkedRoleCreationNotPermitted", InstanceMarketOptions={"MarketType": "spot"}, **one)
    admin(admin_url, "/ec2/subnets", subnet=ec2.describe_subnets()["Subnets"][0]["SubnetId"], route=False, full=True)
    assert len(ec2.describe_route_tables()["RouteTables"]) == 2 and ec2.describe_subnets()["Subnets"][0]["AvailableIpAddressCount"] == 0
    admin(admin_url, "/ec2/volume-key", key="customer")
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"].startswith("arn:aws:kms:")
    reset(admin_url, "/ec2/surroundings")

    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    admin(admin_url, "/ec2/capacity", type="m5.large", market="on-demand", most=0)
    ec2.refused("run_instances", 500, "InsufficientInstanceCapacity", **one)
    reset(admin_url, "/ec2/capacity")
    admin(admin_url, "/ec2/quotas", family="standard", market="on-demand", vcpus=1)
    admin(admin_url, "/ec2/quotas", family="standard", market="spot", vcpus=1)
    ec2.refused("run_instances", 400, "VcpuLimitExceeded", **one)
    ec2.refused("run_instances", 400, "MaxSpotInstanceCountExceeded", **one, **spot)
    admin(admin_url, "/ec2/quotas", instances=0)
    ec2.refused("run_instances", 400, "InstanceLimitExceeded", **one)
    reset(admin_url, "/ec2/capacity")
    admin(admin_url, "/ec2/faults/calls", kind="refuse", status=503, code="Unavailable")
    ec2.refused("describe_regions", 503, "Unavailable")
    admin(admin_url, "/ec2/faults/calls", kind="lose-answer", action="RunInstances")
    ec2.refused("run_instances", 500, "InternalError", ClientToken="lost", **one)
    assert run(ec2, image, ClientToken="lost"), "what a lost answer started is found by its token"
    admin(admin_url, "/ec2/faults/denials", action="TerminateInstances")
    ec2.refused("terminate_instances", 403, "UnauthorizedOperation", InstanceIds=batch[:1])
    reset(admin_url, "/ec2/faults")
    admin(admin_url, "/ec2/throttling", on=True)
    run(ec2, image, MinCount=1000, MaxCount=1000, InstanceType="t3.nano")
    ec2.refused("run_instances", 503, "RequestLimitExceeded", **{**one, "MinCount": 100, "MaxCount": 100})
    admin(admin_url, "/ec2/throttling", on=False)
    stranger = Checked(session, url, key="SOMEONEELSE")
    stranger.refused("describe_regions", 401, "AuthFailure")
    ec2.codes |= stranger.codes


def other_services(session, url, admin_url):
    keys = dict(endpoint_url=url, region_name="us-east-1", aws_access_key_id="MUSTERSANDBOXEC2", aws_secret_access_key="any")
    ssm = session.create_client("ssm", **keys)
    strict = []

    def on_ssm(operation_model, response_dict, **_):
        body = json.loads(response_dict["body"])
        check_json(operation_model.output_shape, body, operation_model.name) if response_dict["status_code"] == 200 else strict.append(body["__type"])

    ssm.meta.events.register("before-parse.ssm", on_ssm)
    name = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"
    image = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    answer = ssm.get_parameters(Names=[name, "/none"], WithDecryption=True)
    assert answer["InvalidParameters"] == ["/none"] and answer["Parameters"][0]["Value"] == image
    try:
        ssm.get_parameter(Name="/none")
        raise SystemExit("a parameter that isn't there was found")
    except ssm.exceptions.ParameterNotFound:
        pass
    sts = session.create_client("sts", **keys)
    assert re.fullmatch(r"\d{12}", sts.get_caller_identity()["Account"])
    account_services(session, keys, admin_url)
    return image


def account_services(session, keys, admin_url):
    def strictly(name):
        client = session.create_client(name, **keys)

        def on_answer(operation_model, response_dict, **_):
            if response_dict["status_code"] == 200:
                check_json(operation_model.output_shape, json.loads(response_dict["body"]), operation_model.name)

        client.meta.events.register(f"before-parse.{name}", on_answer)
        return client

    quotas = strictly("service-quotas")
    assert quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]["Value"] > 0
    try:
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")
        raise SystemExit("a quota that isn't there was found")
    except quotas.exceptions.NoSuchResourceException:
        pass
    kms = strictly("kms")
    assert kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]["KeyState"] == "Enabled"
    try:
        kms.describe_key(KeyId="alias/none")
        raise SystemExit("a key that isn't there was found")
    except kms.exceptions.NotFoundException:
        pass
    admin(admin_url, "/ec2/secrets", name="muster/git", value="hush")
    secrets = strictly("secretsmanager")
    one = secrets.get_secret_value(SecretId="muster/git")
    assert one["SecretString"] == "hush" and secrets.get_secret_value(SecretId=one["ARN"])["Name"] == "muster/git"
    several = secrets.batch_get_secret_value(SecretIdList=["muster/git", "none"])
    assert len(several["SecretValues"]) == 1 and several["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"
    try:
        secrets.get_secret_value(SecretId="none")
        raise SystemExit("a secret that isn't there was found")
    except secrets.exceptions.ResourceNotFoundException:
        pass
    iam = session.create_client("iam", **keys)
    assert iam.get_role(RoleName="AWSServiceRoleForEC2Spot")["Role"]["Path"] == "/aws-service-role/spot.amazonaws.com/"
    try:
        iam.get_role(RoleName="none")
        raise SystemExit("a role that isn't there was found")
    except iam.exceptions.NoSuchEntityException:
        pass


def check_json(shape, value, path):
    if shape.type_name == "structure":
        for name, part in value.items():
            if name not in shape.members:
                raise SystemExit(f"{path}.{name} is not in the model")
            check_json(shape.members[name], part, f"{path}.{name}")
    elif shape.type_name == "list":
        for part in value:
            check_json(shape.member, part, path + "[]")
    elif not isinstance(value, {"string": str, "long": int, "integer": int, "boolean": bool, "double": float, "timestamp": (int, float)}[shape.type_name]):
        raise SystemExit(f"{path} is no {shape.type_name}: {value!r}")


def main(url, admin_url):
    session = botocore.session.get_session()
    ec2 = Checked(session, url)
    proofs = prove_the_check_bites(ec2.client.meta.service_model)
    image = other_services(session, url, admin_url)
    batch = lives(ec2, image, admin_url)
    looks(ec2, image)
    refusals(session, url, ec2, image, admin_url, batch)
    missing = set(ALWAYS) - ec2.operations
    if missing:
        raise SystemExit(f"never asked: {sorted(missing)}")
    print(f"{ec2.answers} answers to {len(ec2.operations)} operations conform to botocore {botocore.__version__}; "
          f"{len(ec2.codes)} error codes; the check finds {proofs} of {proofs} planted mistakes")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
