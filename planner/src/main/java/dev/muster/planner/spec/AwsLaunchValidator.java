package dev.muster.planner.spec;

import dev.muster.v1.AwsLaunch;
import dev.muster.v1.Disk;
import dev.muster.v1.LaunchParameters;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What may be wrong with the parts of a launch that only AWS knows. Whether EC2 knows what a launch spec asks for is the provisioner's to
 * say; what is judged here is what a launch spec may not take out of Muster's hands.
 */
public final class AwsLaunchValidator {

    /** "Amazon EC2 API reference", RunInstances: what TagSpecification takes beside instance; elastic-gpu is retired. */
    private static final List<String> TAGGABLE = List.of("volume", "network-interface", "spot-instances-request");
    /** As "AMI names" of the EC2 user guide has them, and * and ? of a DescribeImages filter. */
    private static final Pattern IMAGE_NAME = Pattern.compile("[A-Za-z0-9()\\[\\] ./'@_*?-]{3,128}");
    private static final Pattern IMAGE_ID = Pattern.compile("ami-([0-9a-f]{8}|[0-9a-f]{17})");
    private static final Pattern IMAGE_PARAMETER = Pattern.compile("ssm:[A-Za-z0-9_./-]{1,1011}");
    private static final Pattern SNAPSHOT = Pattern.compile("snap-([0-9a-f]{8}|[0-9a-f]{17})");
    private static final Pattern KMS_KEY = Pattern.compile("(mrk-)?[0-9a-f-]{32,36}|alias/[A-Za-z0-9/_-]+|arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:(key|alias)/[A-Za-z0-9/_-]+");
    /** "Launch template names" of the EC2 API reference. */
    private static final Pattern TEMPLATE = Pattern.compile("[A-Za-z0-9().\\-/_]{3,128}");
    private static final Pattern TEMPLATE_ID = Pattern.compile("lt-([0-9a-f]{8}|[0-9a-f]{17})");
    private static final Pattern TEMPLATE_VERSION = Pattern.compile("[1-9]\\d{0,8}|\\$Latest|\\$Default");

    private static final String ITS_OWN = "remove it: Muster itself sets it";
    /** Members of RunInstances that a launch spec may not have, by their path, with what to do instead. */
    public static final Map<String, String> OWNED = owned();

    private final Findings found;

    AwsLaunchValidator(Findings found) {
        this.found = found;
    }

    private static Map<String, String> owned() {
        var owned = new LinkedHashMap<String, String>();
        // A call is repeated by its token; a batch is exactly as many machines as the planner has admitted.
        List.of("ClientToken", "MinCount", "MaxCount", "DryRun", "UserData", "AdditionalInfo").forEach(member -> owned.put(member, ITS_OWN));
        owned.put("InstanceType", "write it as the offer's type");
        owned.put("ImageId", "write it as image");
        owned.put("SubnetId", "write it as the offer's subnet");
        owned.put("Placement.AvailabilityZone", "write it as the offer's zone");
        owned.put("Placement.AvailabilityZoneId", "write the zone's name as the offer's zone");
        owned.put("InstanceMarketOptions", "write market: spot and ceiling in the offer");
        owned.put("LaunchTemplate", "write it as aws.launchTemplate");
        owned.put("InstanceInitiatedShutdownBehavior", ITS_OWN + ", since machines end by powering off");
        owned.put("DisableApiTermination", "remove it: Muster must be able to end its machines");
        owned.put("MetadataOptions.HttpTokens", ITS_OWN);
        owned.put("MetadataOptions.HttpEndpoint", ITS_OWN);
        owned.put("MetadataOptions.HttpPutResponseHopLimit", ITS_OWN);
        owned.put("MetadataOptions.InstanceMetadataTags", ITS_OWN + ", since machines read their mark there");
        return Collections.unmodifiableMap(owned);
    }

    void judge(String at, LaunchParameters launch) {
        image(at + ".image", launch.getImage());
        for (int i = 0; i < launch.getDisksCount(); i++) {
            disk(at + ".disks[" + i + "]", launch.getDisks(i));
        }
        aws(at + ".aws", launch.getAws());
        if (!launch.getAws().getLaunchTemplate().isEmpty() && launch.getImage().isEmpty()) {
            for (int i = 0; i < launch.getDisksCount(); i++) {
                if (launch.getDisks(i).getDevice().isEmpty()) {
                    found.say(at + ".disks[" + i + "].device", "is missing, and which device is the root of the launch template's image is not looked up",
                            "write the device, such as /dev/sda1, or name the image");
                }
            }
        }
    }

    private void image(String field, String image) {
        if (image.isEmpty()) {
            return;
        }
        var good = image.startsWith("ami-") ? IMAGE_ID.matcher(image).matches()
                : image.startsWith("ssm:") ? IMAGE_PARAMETER.matcher(image).matches() : IMAGE_NAME.matcher(image).matches();
        if (!good) {
            found.say(field, "'" + image + "' is neither an AMI id nor an image's name nor ssm: and a parameter's path",
                    "write an id such as ami-0123456789abcdef0, a name, or ssm:/my/image, or leave it out for the account's");
        }
    }

    private void disk(String at, Disk disk) {
        if (!disk.getKmsKey().isEmpty() && !KMS_KEY.matcher(disk.getKmsKey()).matches()) {
            found.say(at + ".kmsKey", "'" + disk.getKmsKey() + "' is no KMS key", "write its id, alias/<name>, or an ARN");
        }
        if (!disk.getSnapshot().isEmpty() && !SNAPSHOT.matcher(disk.getSnapshot()).matches()) {
            found.say(at + ".snapshot", "'" + disk.getSnapshot() + "' is no id of a snapshot", "write the id, which begins with snap-");
        }
    }

    private void aws(String at, AwsLaunch aws) {
        var template = aws.getLaunchTemplate();
        if (!template.isEmpty() && !(template.startsWith("lt-") ? TEMPLATE_ID : TEMPLATE).matcher(template).matches()) {
            found.say(at + ".launchTemplate", "'" + template + "' is neither an id nor a name of a launch template", "write the id, which begins with lt-, or the name");
        }
        var version = aws.getLaunchTemplateVersion();
        if (!version.isEmpty() && template.isEmpty()) {
            found.say(at + ".launchTemplateVersion", "is set, and there is no launchTemplate", "name the template, or remove it");
        } else if (!version.isEmpty() && !TEMPLATE_VERSION.matcher(version).matches()) {
            found.say(at + ".launchTemplateVersion", "'" + version + "' is no version", "write a number, $Latest or $Default, or leave it out for the template's default");
        }
        for (int i = 0; i < aws.getTagResourcesCount(); i++) {
            if (!TAGGABLE.contains(aws.getTagResources(i))) {
                found.say(at + ".tagResources[" + i + "]", "'" + aws.getTagResources(i) + "' is nothing that a launch can tag beside its instances",
                        "use " + String.join(", ", TAGGABLE));
            } else if (aws.getTagResourcesList().indexOf(aws.getTagResources(i)) < i) {
                found.say(at + ".tagResources[" + i + "]", "'" + aws.getTagResources(i) + "' is named twice", "name each once");
            }
        }
        if (!aws.getLaunchSpec().isEmpty()) {
            launchSpec(at + ".launchSpec", aws);
        }
    }

    private void launchSpec(String at, AwsLaunch aws) {
        var read = CloudTerms.read(found, at, aws.getLaunchSpec(), "keys and values of RunInstances", "CpuOptions: {CoreCount: 4}");
        if (read.isEmpty()) {
            return;
        }
        var spec = read.get();
        OWNED.forEach((path, fix) -> {
            if (CloudTerms.at(spec, path) != null) {
                found.say(at + "." + path, "may not stand in a launch spec", fix);
            }
        });
        tags(at, spec);
        int i = 0;
        for (var mapping : CloudTerms.objects(spec.get("BlockDeviceMappings"))) {
            if (Boolean.FALSE.equals(CloudTerms.at(mapping, "Ebs.Encrypted"))) {
                found.say(at + ".BlockDeviceMappings[" + i + "].Ebs.Encrypted", "is false, and disks are always encrypted", "remove it");
            }
            i++;
        }
        i = 0;
        for (var network : CloudTerms.objects(spec.get("NetworkInterfaces"))) {
            if (network.containsKey("SubnetId")) {
                found.say(at + ".NetworkInterfaces[" + i + "].SubnetId", "may not stand in a launch spec", "write it as the offer's subnet");
            }
            i++;
        }
    }

    private void tags(String at, Map<?, ?> spec) {
        int i = 0;
        for (var specification : CloudTerms.objects(spec.get("TagSpecifications"))) {
            int j = 0;
            for (var tag : CloudTerms.objects(specification.get("Tags"))) {
                var key = String.valueOf(tag.get("Key"));
                if (key.startsWith("muster-") || key.startsWith("aws:") || key.equals("Name")) {
                    found.say(at + ".TagSpecifications[" + i + "].Tags[" + j + "].Key", "'" + key + "' is " + (key.startsWith("aws:") ? "AWS's" : "Muster's") + " own",
                            "choose another key");
                } else if ("instance".equals(specification.get("ResourceType")) && (key.contains(" ") || key.contains("/"))) {
                    found.say(at + ".TagSpecifications[" + i + "].Tags[" + j + "].Key", "'" + key + "' has a space or a slash; EC2 refuses such a launch, since machines read their tags",
                            "use '-', '.', ':' or '_' instead");
                }
                j++;
            }
            i++;
        }
    }
}
