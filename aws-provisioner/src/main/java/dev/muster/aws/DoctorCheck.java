package dev.muster.aws;

import dev.muster.provisioner.doctor.Check;
import java.util.List;

/**
 * What {@code muster doctor aws} looks at, in the order in which it is shown: the one list that the answer, docs/aws-doctor.md and the
 * tests share.
 */
enum DoctorCheck implements Check {

    ENDPOINT("EC2's address answers.", List.of()),
    CLOCK("This computer's clock is EC2's: a minute apart is a warning, five minutes a failure, since signatures then count as expired.", List.of()),
    CREDENTIALS("The account is configured, and both STS and EC2 take its keys. Shown: the account's number, and who its keys are.",
            List.of("sts:GetCallerIdentity")),
    BOOT("Connection, keys and secrets that the pool's machines are given are there.", List.of()),
    MACHINE_HOSTS("ClearML's address for machines is none that each machine takes for its own.", List.of()),
    USER_DATA("The boot script is no longer than EC2 takes.", List.of()),
    TAGS("Keys of tags can be read as metadata: no space, no slash.", List.of()),
    PERMISSIONS("Every call that Muster makes is allowed, launches as each pool makes them.", List.of("all of the provisioner's")),
    PASS_ROLE("iam:PassRole is allowed for the instance profile: the launch is refused with it and not without it.", List.of("ec2:RunInstances")),
    INSTANCE_PROFILE("The instance profile is there.", List.of("ec2:RunInstances")),
    TYPE("The machine type is sold in the offer's zone.", List.of("ec2:DescribeInstanceTypes", "ec2:DescribeInstanceTypeOfferings")),
    MARKS("Machines of the type see marks while they run. Those that are not of the Nitro kind do not: they are drained by other means.",
            List.of("ec2:DescribeInstanceTypes")),
    QUOTA("The account's vCPU quota is enough for one machine; less than for all that the fleets' limits allow is a warning.",
            List.of("servicequotas:GetServiceQuota", "ec2:DescribeInstanceTypes")),
    IMAGE("The image is there, of the type's architecture, and its root device an EBS volume.", List.of("ec2:DescribeImages")),
    DISK("The root disk is no smaller than the image's own.", List.of("ec2:DescribeImages")),
    SUBNET("The subnet is there and in the offer's zone; without one, the zone has a default subnet.", List.of("ec2:DescribeSubnets")),
    ADDRESSES("The subnet has a free address; fewer than the pools' limits allow is a warning.", List.of("ec2:DescribeSubnets")),
    ROUTE("A route leads out of the subnet, and through an internet gateway only for machines with a public address.", List.of("ec2:DescribeRouteTables")),
    SECURITY_GROUPS("The security groups are there, in the subnet's VPC.", List.of("ec2:DescribeSecurityGroups")),
    KEY_PAIR("The key pair is there.", List.of("ec2:DescribeKeyPairs")),
    SPOT_ROLE("For spot offers: the account has EC2's own role for spot machines.", List.of("iam:GetRole")),
    VOLUME_KEY("The KMS key of encrypted disks is enabled. Whether EC2 may use a key of one's own only a launch shows: a warning says what its policy needs.",
            List.of("ec2:GetEbsDefaultKmsKeyId", "ec2:GetEbsEncryptionByDefault", "kms:DescribeKey")),
    LAUNCH("EC2 would launch the pool's machine: the whole request, as a dry run.", List.of("ec2:RunInstances"));

    private final String asks;
    private final List<String> permissions;

    DoctorCheck(String asks, List<String> permissions) {
        this.asks = asks;
        this.permissions = permissions;
    }

    @Override
    public String asks() {
        return asks;
    }

    @Override
    public List<String> permissions() {
        return permissions;
    }
}
