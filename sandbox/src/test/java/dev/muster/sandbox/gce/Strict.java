package dev.muster.sandbox.gce;

import com.google.cloud.compute.v1.AcceleratorType;
import com.google.cloud.compute.v1.AcceleratorTypeAggregatedList;
import com.google.cloud.compute.v1.AcceleratorTypeList;
import com.google.cloud.compute.v1.DiskType;
import com.google.cloud.compute.v1.DiskTypeList;
import com.google.cloud.compute.v1.FirewallList;
import com.google.cloud.compute.v1.Image;
import com.google.cloud.compute.v1.ImageList;
import com.google.cloud.compute.v1.InstanceAggregatedList;
import com.google.cloud.compute.v1.InstanceList;
import com.google.cloud.compute.v1.InstanceTemplate;
import com.google.cloud.compute.v1.InstanceTemplateList;
import com.google.cloud.compute.v1.MachineType;
import com.google.cloud.compute.v1.MachineTypeAggregatedList;
import com.google.cloud.compute.v1.MachineTypeList;
import com.google.cloud.compute.v1.Network;
import com.google.cloud.compute.v1.NetworkList;
import com.google.cloud.compute.v1.Operation;
import com.google.cloud.compute.v1.OperationAggregatedList;
import com.google.cloud.compute.v1.OperationList;
import com.google.cloud.compute.v1.Project;
import com.google.cloud.compute.v1.Region;
import com.google.cloud.compute.v1.RegionList;
import com.google.cloud.compute.v1.RouteList;
import com.google.cloud.compute.v1.RouterList;
import com.google.cloud.compute.v1.SerialPortOutput;
import com.google.cloud.compute.v1.Subnetwork;
import com.google.cloud.compute.v1.SubnetworkList;
import com.google.cloud.compute.v1.TestPermissionsResponse;
import com.google.cloud.compute.v1.Zone;
import com.google.cloud.compute.v1.ZoneList;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.vertx.core.json.JsonObject;

/** Reads answers into Google's own classes, which take no field that they don't have and no value of another type. */
final class Strict {

    private Strict() {
    }

    /** @throws AssertionError if Google's classes can't hold it */
    static Message read(String method, JsonObject body) {
        var builder = builder(method);
        try {
            JsonFormat.parser().merge(body.encode(), builder);
            return builder.build();
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError("the answer to " + method + " is not of Google's schema: " + e.getMessage() + "\n" + body.encodePrettily(), e);
        }
    }

    private static Message.Builder builder(String method) {
        return switch (method) {
            case "projects.get" -> Project.newBuilder();
            case "zones.get" -> Zone.newBuilder();
            case "zones.list" -> ZoneList.newBuilder();
            case "regions.get" -> Region.newBuilder();
            case "regions.list" -> RegionList.newBuilder();
            case "machineTypes.get" -> MachineType.newBuilder();
            case "machineTypes.list" -> MachineTypeList.newBuilder();
            case "machineTypes.aggregatedList" -> MachineTypeAggregatedList.newBuilder();
            case "acceleratorTypes.get" -> AcceleratorType.newBuilder();
            case "acceleratorTypes.list" -> AcceleratorTypeList.newBuilder();
            case "acceleratorTypes.aggregatedList" -> AcceleratorTypeAggregatedList.newBuilder();
            case "diskTypes.get" -> DiskType.newBuilder();
            case "diskTypes.list" -> DiskTypeList.newBuilder();
            case "subnetworks.get" -> Subnetwork.newBuilder();
            case "subnetworks.list" -> SubnetworkList.newBuilder();
            case "firewalls.list" -> FirewallList.newBuilder();
            case "subnetworks.testIamPermissions" -> TestPermissionsResponse.newBuilder();
            case "routers.list" -> RouterList.newBuilder();
            case "routes.list" -> RouteList.newBuilder();
            case "networks.get" -> Network.newBuilder();
            case "networks.list" -> NetworkList.newBuilder();
            case "images.get", "images.getFromFamily" -> Image.newBuilder();
            case "images.list" -> ImageList.newBuilder();
            case "instanceTemplates.get" -> InstanceTemplate.newBuilder();
            case "instanceTemplates.list" -> InstanceTemplateList.newBuilder();
            case "instances.get" -> com.google.cloud.compute.v1.Instance.newBuilder();
            case "instances.list" -> InstanceList.newBuilder();
            case "instances.aggregatedList" -> InstanceAggregatedList.newBuilder();
            case "instances.getSerialPortOutput" -> SerialPortOutput.newBuilder();
            case "instances.testIamPermissions" -> TestPermissionsResponse.newBuilder();
            case "zoneOperations.list", "regionOperations.list", "globalOperations.list" -> OperationList.newBuilder();
            case "globalOperations.aggregatedList" -> OperationAggregatedList.newBuilder();
            default -> Operation.newBuilder();
        };
    }
}
