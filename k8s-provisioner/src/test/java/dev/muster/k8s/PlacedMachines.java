package dev.muster.k8s;

import dev.muster.contracts.SecretRef;
import dev.muster.provisioner.boot.BootPlan;
import dev.muster.provisioner.boot.Given;
import dev.muster.provisioner.spi.Await;
import dev.muster.provisioner.spi.CloudStatus;
import dev.muster.provisioner.spi.Delivery;
import dev.muster.provisioner.spi.MachineBatch;
import dev.muster.provisioner.spi.MachineProvider;
import dev.muster.provisioner.spi.MachineSeen;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.stream.Collectors;

/** A provider whose launches return once their pods have a node: the contract marks machines that are there, and a pod that waits is deleted instead. */
final class PlacedMachines {

    private PlacedMachines() {}

    static MachineProvider of(PodMachines machines) {
        return (MachineProvider) Proxy.newProxyInstance(MachineProvider.class.getClassLoader(), new Class<?>[] {MachineProvider.class}, (proxy, method, given) -> {
            boolean launches = method.getName().equals("launch");
            var arguments = launches ? new Object[] {withKeptKeys((MachineBatch) given[0])} : given;
            try {
                var answer = method.invoke(machines, arguments);
                if (launches && answer instanceof Delivery delivery) {
                    var ids = delivery.machines().stream().map(MachineSeen::cloudId).collect(Collectors.toSet());
                    Await.until(() -> machines.list(((MachineBatch) arguments[0]).scope()).machines().stream().filter(machine -> ids.contains(machine.cloudId())
                            && machine.status() != CloudStatus.WAITING).count(), placed -> placed == ids.size());
                }
                return answer;
            } catch (InvocationTargetException failed) {
                throw failed.getCause();
            }
        });
    }

    /** The contract's machines are given their keys as text; a pod is given the names of keys, and another text another name. */
    static MachineBatch withKeptKeys(MachineBatch batch) {
        var boot = batch.boot();
        var kept = new BootPlan(boot.workerPrefix(), boot.agents(), boot.queueIds(), boot.hosts(), new BootPlan.Keys(kept(boot.keys().access()), kept(boot.keys().secret())),
                boot.docker(), boot.defaultImage(), boot.agentVersion(), boot.cpuOnly(), boot.environment(), boot.extraConf(), boot.initScript(), boot.checkpointHook(),
                boot.shellProfile(), boot.storage(), boot.hardAge());
        return new MachineBatch(batch.batchId(), batch.machineIds(), batch.fleet(), batch.pool(), batch.offer(), batch.maxPriceMicros(), batch.settings(), kept,
                batch.keepUntil(), batch.cause());
    }

    private static Given kept(Given given) {
        return given instanceof Given.Text known ? Given.kept(new SecretRef(SecretRef.Store.KUBERNETES, "key-" + known.text(), "")) : given;
    }
}
