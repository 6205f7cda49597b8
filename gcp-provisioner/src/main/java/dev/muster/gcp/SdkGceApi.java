package dev.muster.gcp;

import com.google.api.gax.core.FixedCredentialsProvider;
import com.google.api.gax.core.FixedExecutorProvider;
import com.google.api.gax.rpc.ClientSettings;
import com.google.api.gax.rpc.UnaryCallSettings;
import com.google.auth.Credentials;
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
import com.google.cloud.compute.v1.InstancesClient;
import com.google.cloud.compute.v1.InstancesSettings;
import com.google.cloud.compute.v1.ListZoneOperationsRequest;
import com.google.cloud.compute.v1.MachineTypeAggregatedList;
import com.google.cloud.compute.v1.MachineTypesClient;
import com.google.cloud.compute.v1.MachineTypesSettings;
import com.google.cloud.compute.v1.Operation;
import com.google.cloud.compute.v1.OperationList;
import com.google.cloud.compute.v1.RegionInstancesClient;
import com.google.cloud.compute.v1.RegionInstancesSettings;
import com.google.cloud.compute.v1.RegionOperationsClient;
import com.google.cloud.compute.v1.RegionOperationsSettings;
import com.google.cloud.compute.v1.SerialPortOutput;
import com.google.cloud.compute.v1.SetLabelsInstanceRequest;
import com.google.cloud.compute.v1.SetMetadataInstanceRequest;
import com.google.cloud.compute.v1.ZoneOperationsClient;
import com.google.cloud.compute.v1.ZoneOperationsSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** Compute Engine by Google's client, without its retries: how often and when a call is repeated is the host's to say. */
final class SdkGceApi implements GceApi {

    /** Google answers with an operation and works on it afterwards; what takes longer than this is not answered, and asked again. */
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(30);

    /** All that Google's clients have to do beside calls, for all of them. */
    private static final ScheduledExecutorService BACKGROUND = Executors.newScheduledThreadPool(2, task -> {
        var thread = new Thread(task, "gce-client");
        thread.setDaemon(true);
        return thread;
    });

    private final InstancesClient instances;
    private final RegionInstancesClient regionInstances;
    private final ZoneOperationsClient zoneOperations;
    private final RegionOperationsClient regionOperations;
    private final MachineTypesClient machineTypes;

    SdkGceApi(Optional<URI> endpoint, Credentials credentials) {
        try {
            instances = InstancesClient.create(configured(InstancesSettings.newBuilder().applyToAllUnaryMethods(SdkGceApi::once), endpoint, credentials).build());
            regionInstances = RegionInstancesClient.create(
                    configured(RegionInstancesSettings.newBuilder().applyToAllUnaryMethods(SdkGceApi::once), endpoint, credentials).build());
            zoneOperations = ZoneOperationsClient.create(
                    configured(ZoneOperationsSettings.newBuilder().applyToAllUnaryMethods(SdkGceApi::once), endpoint, credentials).build());
            regionOperations = RegionOperationsClient.create(
                    configured(RegionOperationsSettings.newBuilder().applyToAllUnaryMethods(SdkGceApi::once), endpoint, credentials).build());
            machineTypes = MachineTypesClient.create(
                    configured(MachineTypesSettings.newBuilder().applyToAllUnaryMethods(SdkGceApi::once), endpoint, credentials).build());
        } catch (IOException unusable) {
            throw new UncheckedIOException(unusable);
        }
    }

    /** As every client of Google's here is. */
    static <S extends ClientSettings<S>, B extends ClientSettings.Builder<S, B>> B configured(B builder, Optional<URI> endpoint, Credentials credentials) {
        builder.setCredentialsProvider(FixedCredentialsProvider.create(credentials)).setBackgroundExecutorProvider(FixedExecutorProvider.create(BACKGROUND));
        endpoint.ifPresent(url -> builder.setEndpoint(url.toString()));
        return builder;
    }

    static Void once(UnaryCallSettings.Builder<?, ?> call) {
        call.setRetryableCodes(Set.of()).setSimpleTimeoutNoRetriesDuration(CALL_TIMEOUT);
        return null;
    }

    @Override
    public Operation bulkInsert(BulkInsertInstanceRequest request) {
        return instances.bulkInsertCallable().call(request);
    }

    @Override
    public Operation bulkInsert(BulkInsertRegionInstanceRequest request) {
        return regionInstances.bulkInsertCallable().call(request);
    }

    @Override
    public InstanceAggregatedList instances(AggregatedListInstancesRequest request) {
        return instances.aggregatedListCallable().call(request);
    }

    @Override
    public Instance instance(GetInstanceRequest request) {
        return instances.getCallable().call(request);
    }

    @Override
    public Operation delete(DeleteInstanceRequest request) {
        return instances.deleteCallable().call(request);
    }

    @Override
    public Operation setMetadata(SetMetadataInstanceRequest request) {
        return instances.setMetadataCallable().call(request);
    }

    @Override
    public Operation setLabels(SetLabelsInstanceRequest request) {
        return instances.setLabelsCallable().call(request);
    }

    @Override
    public SerialPortOutput serialPort(GetSerialPortOutputInstanceRequest request) {
        return instances.getSerialPortOutputCallable().call(request);
    }

    @Override
    public Operation operation(GetZoneOperationRequest request) {
        return zoneOperations.getCallable().call(request);
    }

    @Override
    public Operation operation(GetRegionOperationRequest request) {
        return regionOperations.getCallable().call(request);
    }

    @Override
    public OperationList operations(ListZoneOperationsRequest request) {
        return zoneOperations.listCallable().call(request);
    }

    @Override
    public MachineTypeAggregatedList machineTypes(AggregatedListMachineTypesRequest request) {
        return machineTypes.aggregatedListCallable().call(request);
    }
}
