package dev.muster.aws;

import dev.muster.provisioner.spi.ProviderException;
import dev.muster.provisioner.spi.Scope;
import dev.muster.provisioner.spi.TypeSeen;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Function;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.ec2.model.DescribeInstanceTypesRequest;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.InstanceTypeHypervisor;
import software.amazon.awssdk.services.ec2.model.InstanceTypeInfo;

/** What EC2's machine types are: how large, and whether a machine of one sees tags that are written while it runs. */
final class Ec2Types {

    /** EC2's limits: of a page here, and of values of a filter. */
    private static final int MOST_ON_PAGE = 100;

    private final AwsAccounts accounts;
    private final Function<Scope, Ec2Rates> rates;

    Ec2Types(AwsAccounts accounts, Function<Scope, Ec2Rates> rates) {
        this.accounts = accounts;
        this.rates = rates;
    }

    /** None of a type that the region doesn't have. */
    List<TypeSeen> of(Scope scope, Collection<String> machineTypes) throws ProviderException {
        var found = new ArrayList<TypeSeen>();
        var names = List.copyOf(new TreeSet<>(machineTypes));
        try {
            for (int from = 0; from < names.size(); from += MOST_ON_PAGE) {
                // By a filter: one that is not there would fail the call of all, named in it.
                var request = DescribeInstanceTypesRequest.builder().maxResults(MOST_ON_PAGE)
                        .filters(Filter.builder().name("instance-type").values(names.subList(from, Math.min(names.size(), from + MOST_ON_PAGE))).build());
                String next = null;
                do {
                    rates.apply(scope).awaitDescribe();
                    var page = accounts.images(scope).describeInstanceTypes(request.nextToken(next).build());
                    page.instanceTypes().forEach(type -> found.add(type(type)));
                    next = page.nextToken() == null || page.nextToken().isEmpty() ? null : page.nextToken();
                } while (next != null);
            }
            return found;
        } catch (SdkException failure) {
            throw Ec2Failures.translate(failure);
        }
    }

    /** A bare machine has no hypervisor, and nitro's cards all the same. */
    private static TypeSeen type(InstanceTypeInfo type) {
        var gpus = type.gpuInfo() == null ? List.<software.amazon.awssdk.services.ec2.model.GpuDeviceInfo>of() : type.gpuInfo().gpus();
        return new TypeSeen(type.instanceTypeAsString(), type.vCpuInfo() == null ? 0 : type.vCpuInfo().defaultVCpus(),
                type.memoryInfo() == null ? 0 : type.memoryInfo().sizeInMiB(), gpus.stream().mapToInt(gpu -> gpu.count() == null ? 0 : gpu.count()).sum(),
                gpus.isEmpty() || gpus.get(0).name() == null ? "" : gpus.get(0).name(),
                type.processorInfo() == null ? "" : architecture(type.processorInfo().supportedArchitecturesAsStrings()),
                type.hypervisor() == InstanceTypeHypervisor.NITRO || Boolean.TRUE.equals(type.bareMetal()));
    }

    /** Old types run 32 bits too. */
    private static String architecture(List<String> supported) {
        return supported.stream().filter(name -> !name.equals("i386")).findFirst().orElse("");
    }
}
