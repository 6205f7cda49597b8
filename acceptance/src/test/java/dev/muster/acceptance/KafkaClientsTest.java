package dev.muster.acceptance;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import dev.muster.contracts.KafkaConnection;
import dev.muster.contracts.KafkaSettings;
import dev.muster.sandbox.broker.KafkaBroker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every service comes to Kafka by the settings that docs/kafka.md has: read from the built classes of all of them, so that one that forgets who it is
 * fails here and not at a broker that asks.
 */
class KafkaClientsTest {

    /** With the command line, and what each of them carries. */
    private static final List<String> SERVICES = List.of("telemetry", "queue-watcher", "planner", "provisioner", "aws-provisioner", "gcp-provisioner", "k8s-provisioner", "cli");
    /** What they share, what they are tested with, the tests, and what packs them. */
    private static final Set<String> OTHERS = Set.of("contracts", "clearml-client", "sandbox", "sandbox/broker", "acceptance", "deploy/packaging");
    /** Kafka Streams hands it those of PlannerStreams. */
    private static final Set<String> HANDED = Set.of("TrackedConsumers");

    private static final Set<String> CLIENTS = Set.of("org.apache.kafka.clients.producer.KafkaProducer", "org.apache.kafka.clients.consumer.KafkaConsumer",
            "org.apache.kafka.clients.admin.Admin", "org.apache.kafka.clients.admin.AdminClient", "org.apache.kafka.clients.admin.KafkaAdminClient", "org.apache.kafka.streams.KafkaStreams");
    private static final Set<String> MAKING = Set.of("<init>", "create");

    private static final ArchRule NOBODY_IS_NOBODY = noClasses()
            .should().callMethod(KafkaSettings.class, "consumer", String.class)
            .orShould().callMethod(KafkaSettings.class, "producer", String.class)
            .orShould().callMethod(KafkaConnection.class, "plaintext", String.class)
            .orShould().callConstructor(KafkaConnection.class, String.class, Map.class, String.class)
            .because("those are for a broker that asks nobody who they are: the sandbox's, and tests'. A service has the KafkaConnection of its settings");

    private static JavaClasses services;

    @BeforeAll
    static void read() {
        var built = SERVICES.stream().map(module -> Path.of("..", module, "target/classes")).toList();
        assertThat(built).as("run this in a build of all modules").allMatch(Files::isDirectory);
        services = new ClassFileImporter().importPaths(built);
    }

    @Test
    void everyModuleIsAServiceOrIsNone() throws Exception {
        var modules = Pattern.compile("<module>([^<]+)</module>").matcher(Files.readString(Path.of("../pom.xml"))).results().map(module -> module.group(1)).distinct().toList();
        assertThat(modules).containsExactlyInAnyOrderElementsOf(Stream.concat(SERVICES.stream(), OTHERS.stream()).toList());
    }

    @Test
    void noServiceComesToKafkaAsNobody() {
        NOBODY_IS_NOBODY.check(services);
        assertThat(NOBODY_IS_NOBODY.evaluate(new ClassFileImporter().importClasses(KafkaSettings.class)).getFailureReport().getDetails()).as("where it is allowed, the rule sees it").hasSize(2);
    }

    @Test
    void whoMakesAClientTakesItsSettingsFromWhereSecurityIs() {
        var made = madeWith(services);
        assertThat(made.get(false)).containsExactlyInAnyOrderElementsOf(HANDED);
        assertThat(made.get(true)).contains("RequestPublisher", "PlannerStreams", "ProvisionerHost", "KafkaAccess", "KafkaLook");
        assertThat(madeWith(new ClassFileImporter().importClasses(KafkaBroker.class)).get(false)).as("the rule sees settings of one's own").containsExactly("KafkaBroker");
    }

    /** Simple names of classes that make a client of Kafka; true: they ask KafkaSettings with a connection. */
    private static Map<Boolean, TreeSet<String>> madeWith(JavaClasses classes) {
        var asking = classes.stream().filter(one -> calls(one).anyMatch(call -> call.getTargetOwner().isEquivalentTo(KafkaSettings.class)
                && call.getTarget() instanceof com.tngtech.archunit.core.domain.AccessTarget.CodeUnitCallTarget target
                && target.getRawParameterTypes().stream().anyMatch(type -> type.isEquivalentTo(KafkaConnection.class)))).map(KafkaClientsTest::outermost).collect(Collectors.toSet());
        return classes.stream().filter(one -> calls(one).anyMatch(call -> CLIENTS.contains(call.getTargetOwner().getName()) && MAKING.contains(call.getTarget().getName())))
                .map(KafkaClientsTest::outermost).collect(Collectors.partitioningBy(asking::contains, Collectors.toCollection(TreeSet::new)));
    }

    private static Stream<JavaAccess<?>> calls(JavaClass of) {
        return of.getCodeUnits().stream().map(JavaCodeUnit::getCallsFromSelf).flatMap(Set::stream).map(call -> (JavaAccess<?>) call);
    }

    private static String outermost(JavaClass of) {
        var name = of.getName().substring(of.getName().lastIndexOf('.') + 1);
        return name.contains("$") ? name.substring(0, name.indexOf('$')) : name;
    }
}
