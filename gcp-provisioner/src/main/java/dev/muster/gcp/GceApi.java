package dev.muster.gcp;

import com.google.cloud.compute.v1.AggregatedListInstancesRequest;
import com.google.cloud.compute.v1.AggregatedListMachineTypesRequest;
import com.google.cloud.compute.v1.BulkInsertInstanceRequest;
import com.google.cloud.compute.v1.BulkInsertRegionInstanceRequest;
import com.google.cloud.compute.v1.DeleteInstanceRequest;
import com.google.cloud.compute.v1.GetInstanceRequest;
import com.google.cloud.compute.v1.GetRegionOperationRequest;
import com.google.cloud.compute.v1.GetSerialPortOutputInstanceRequest;
import com.google.cloud.compute.v1.GetZoneOperationRequest;
import com.google.cloud.compute.v1.Instance;
import com.google.cloud.compute.v1.InstanceAggregatedList;
import com.google.cloud.compute.v1.ListZoneOperationsRequest;
import com.google.cloud.compute.v1.MachineTypeAggregatedList;
import com.google.cloud.compute.v1.Operation;
import com.google.cloud.compute.v1.OperationList;
import com.google.cloud.compute.v1.SerialPortOutput;
import com.google.cloud.compute.v1.SetLabelsInstanceRequest;
import com.google.cloud.compute.v1.SetMetadataInstanceRequest;

/** The calls of Compute Engine that are used. All block, and throw {@link com.google.api.gax.rpc.ApiException}. */
interface GceApi {

    Operation bulkInsert(BulkInsertInstanceRequest request);

    Operation bulkInsert(BulkInsertRegionInstanceRequest request);

    InstanceAggregatedList instances(AggregatedListInstancesRequest request);

    Instance instance(GetInstanceRequest request);

    Operation delete(DeleteInstanceRequest request);

    Operation setMetadata(SetMetadataInstanceRequest request);

    Operation setLabels(SetLabelsInstanceRequest request);

    SerialPortOutput serialPort(GetSerialPortOutputInstanceRequest request);

    Operation operation(GetZoneOperationRequest request);

    Operation operation(GetRegionOperationRequest request);

    OperationList operations(ListZoneOperationsRequest request);

    MachineTypeAggregatedList machineTypes(AggregatedListMachineTypesRequest request);
}
