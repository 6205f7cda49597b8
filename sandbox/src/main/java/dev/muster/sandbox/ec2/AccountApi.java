package dev.muster.sandbox.ec2;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.UUID;

/**
 * What is asked about an account beside its machines: IAM's GetRole in the Query protocol, and in AWS JSON 1.1 KMS's DescribeKey and
 * Service Quotas' GetServiceQuota. Quotas are those that launches meet. Thread-safe.
 */
final class AccountApi {

    /** Of IAM. */
    static final Set<String> ACTIONS = Set.of("GetRole");

    private static final String DESCRIBE_KEY = "TrentService.DescribeKey";
    private static final String GET_QUOTA = "ServiceQuotasV20190624.GetServiceQuota";
    private static final String IAM = "https://iam.amazonaws.com/doc/2010-05-08/";
    private static final String KEY_ID = "11111111-2222-3333-4444-555555555555";
    /** What an account without a quota is told to have: Service Quotas knows no "unlimited". vCPUs. */
    private static final double PLENTY = 1_000_000;

    private final Capacity capacity;
    private final Surroundings surroundings;

    private record Quota(String name, InstanceType.QuotaGroup group, String market) {
    }

    private static final Map<String, Quota> QUOTAS = Map.of(
            "L-1216C47A", new Quota("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", InstanceType.QuotaGroup.STANDARD, OfferFilter.ON_DEMAND),
            "L-DB2E81BA", new Quota("Running On-Demand G and VT instances", InstanceType.QuotaGroup.G_AND_VT, OfferFilter.ON_DEMAND),
            "L-417A185B", new Quota("Running On-Demand P instances", InstanceType.QuotaGroup.P, OfferFilter.ON_DEMAND),
            "L-34B43A08", new Quota("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", InstanceType.QuotaGroup.STANDARD, OfferFilter.SPOT),
            "L-3819A6DF", new Quota("All G and VT Spot Instance Requests", InstanceType.QuotaGroup.G_AND_VT, OfferFilter.SPOT),
            "L-7212CCBC", new Quota("All P4, P3 and P2 Spot Instance Requests", InstanceType.QuotaGroup.P, OfferFilter.SPOT),
            "L-C4BD4855", new Quota("All P5 Spot Instance Requests", InstanceType.QuotaGroup.P, OfferFilter.SPOT));

    AccountApi(Capacity capacity, Surroundings surroundings) {
        this.capacity = capacity;
        this.surroundings = surroundings;
    }

    static boolean answers(String target) {
        return target.equals(DESCRIBE_KEY) || target.equals(GET_QUOTA);
    }

    /** The name of the permission that a call needs. */
    static String permission(String target) {
        return (target.equals(DESCRIBE_KEY) ? "kms:" : "servicequotas:") + target.substring(target.indexOf('.') + 1);
    }

    /** @throws Refusal as the service would */
    JsonObject answer(Call.Scope scope, String target, JsonObject request) {
        return target.equals(DESCRIBE_KEY) ? key(scope, request) : quota(scope, request);
    }

    /** Whichever name it is asked by: an account has one key here, which its volumes are encrypted with. */
    private JsonObject key(Call.Scope scope, JsonObject request) {
        var asked = request.getString("KeyId", "");
        var state = surroundings.volumeKey();
        if (!List.of("alias/aws/ebs", KEY_ID, keyArn(scope)).contains(asked)) {
            throw Refusal.of("NotFoundException", "Key '" + asked + "' does not exist");
        }
        boolean enabled = state != Surroundings.VolumeKey.DISABLED;
        return new JsonObject().put("KeyMetadata", new JsonObject().put("AWSAccountId", scope.account()).put("KeyId", KEY_ID).put("Arn", keyArn(scope))
                .put("CreationDate", 1_767_225_600.0).put("Enabled", enabled).put("Description", "").put("KeyUsage", "ENCRYPT_DECRYPT")
                .put("KeyState", enabled ? "Enabled" : "Disabled").put("Origin", "AWS_KMS")
                .put("KeyManager", state == Surroundings.VolumeKey.MANAGED ? "AWS" : "CUSTOMER").put("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT")
                .put("KeySpec", "SYMMETRIC_DEFAULT").put("EncryptionAlgorithms", new JsonArray().add("SYMMETRIC_DEFAULT")).put("MultiRegion", false));
    }

    private static String keyArn(Call.Scope scope) {
        return "arn:aws:kms:" + scope.region() + ":" + scope.account() + ":key/" + KEY_ID;
    }

    /** As EC2 names the key to an account that asks for its default. */
    String volumeKeyId(Call.Scope scope) {
        return surroundings.volumeKey() == Surroundings.VolumeKey.MANAGED ? "alias/aws/ebs" : keyArn(scope);
    }

    private JsonObject quota(Call.Scope scope, JsonObject request) {
        var code = request.getString("QuotaCode", "");
        var quota = QUOTAS.get(code);
        if (quota == null || !"ec2".equals(request.getString("ServiceCode"))) {
            throw Refusal.of("NoSuchResourceException", "The request failed because the specified service does not exist.");
        }
        var vcpus = capacity.vcpuQuota(quota.group(), quota.market());
        return new JsonObject().put("Quota", new JsonObject().put("ServiceCode", "ec2").put("ServiceName", "Amazon Elastic Compute Cloud (Amazon EC2)")
                .put("QuotaArn", "arn:aws:servicequotas:" + scope.region() + ":" + scope.account() + ":ec2/" + code).put("QuotaCode", code)
                .put("QuotaName", quota.name()).put("Value", vcpus == null ? PLENTY : vcpus.doubleValue()).put("Unit", "None").put("Adjustable", true)
                .put("GlobalQuota", false));
    }

    /** IAM's GetRole. @throws Refusal if there is no such role: there is one, and that one may be missing */
    String role(String account, SortedMap<String, String> parameters) {
        var name = parameters.getOrDefault("RoleName", "");
        if (!name.equals(Surroundings.SPOT_ROLE) || !surroundings.has(Surroundings.Kind.ROLE, name)) {
            throw new Refusal(404, "NoSuchEntity", "The role with name " + name + " cannot be found.");
        }
        return Xml.bare().openIn("GetRoleResponse", IAM).open("GetRoleResult").open("Role").put("Path", "/aws-service-role/spot.amazonaws.com/")
                .put("RoleName", name).put("RoleId", "AROASANDBOXSPOTROLE").put("Arn", "arn:aws:iam::" + account + ":role/aws-service-role/spot.amazonaws.com/" + name)
                .put("CreateDate", "2026-01-01T00:00:00Z").put("AssumeRolePolicyDocument", "%7B%7D").close("Role").close("GetRoleResult")
                .open("ResponseMetadata").put("RequestId", UUID.randomUUID()).close("ResponseMetadata").close("GetRoleResponse").toString();
    }

    static String error(Refusal refusal) {
        return Xml.bare().openIn("ErrorResponse", IAM).open("Error").put("Type", refusal.status() < 500 ? "Sender" : "Receiver").put("Code", refusal.code())
                .put("Message", refusal.getMessage()).close("Error").put("RequestId", UUID.randomUUID()).close("ErrorResponse").toString();
    }
}
