package dev.muster.planner;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Who may know whom: what keeps the core pure and the shell boring. */
@AnalyzeClasses(packages = "dev.muster.planner", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule THE_CORE_NEEDS_ONLY_A_CRON_PARSER = classes().that().resideInAPackage("dev.muster.planner.core..")
            .should().onlyDependOnClassesThat().resideInAnyPackage("java..", "com.cronutils..", "dev.muster.planner.core..");

    @ArchTest
    static final ArchRule THE_CORE_HAS_NO_CLOCK = noClasses().that().resideInAPackage("dev.muster.planner.core..")
            .should().callMethod(java.time.Instant.class, "now")
            .orShould().callMethod(System.class, "currentTimeMillis")
            .orShould().callMethod(System.class, "nanoTime")
            .orShould().dependOnClassesThat().areAssignableTo(java.time.Clock.class)
            .orShould().dependOnClassesThat().areAssignableTo(java.util.Random.class);

    @ArchTest
    static final ArchRule THE_SIMULATION_IS_PLAIN_JAVA_AROUND_THE_CORE = classes().that().resideInAPackage("dev.muster.planner.simulate..")
            .should().onlyDependOnClassesThat().resideInAnyPackage("java..", "dev.muster.planner.core..", "dev.muster.planner.simulate..");

    @ArchTest
    static final ArchRule THE_SIMULATION_HAS_ITS_OWN_TIME_AND_DRAWS = noClasses().that().resideInAPackage("dev.muster.planner.simulate..")
            .should().callMethod(java.time.Instant.class, "now")
            .orShould().callMethod(System.class, "currentTimeMillis")
            .orShould().callMethod(System.class, "nanoTime")
            .orShould().dependOnClassesThat().areAssignableTo(java.time.Clock.class)
            .orShould().dependOnClassesThat().areAssignableTo(java.util.Random.class)
            .orShould().callMethod(Math.class, "random");

    @ArchTest
    static final ArchRule ONLY_THE_STREAM_KNOWS_KAFKA_STREAMS = noClasses().that().resideOutsideOfPackage("dev.muster.planner.stream..")
            .should().dependOnClassesThat().resideInAnyPackage("org.apache.kafka.streams..");

    private static final String[] API = {"dev.muster.planner.answer..", "dev.muster.planner.topic..", "dev.muster.planner.view..", "dev.muster.planner.recorded..",
        "dev.muster.planner.control.."};

    /** What a spec may say and means hangs on the spec, and on the facts that are handed over with it. */
    @ArchTest
    static final ArchRule A_SPEC_IS_JUDGED_BY_ITSELF = noClasses().that().resideInAPackage("dev.muster.planner.spec..")
            .should().dependOnClassesThat().resideInAnyPackage(API).orShould().dependOnClassesThat().resideInAnyPackage("dev.muster.planner.stream..", "dev.muster.planner.http..",
                    "dev.muster.planner.access..", "io.quarkus..", "io.grpc..", "org.apache.kafka..", "io.micrometer..");

    /** How calls end, what topics say, what is held of them, what is read of them for a call, and the calls: each knows those before it. */
    @ArchTest
    static final ArchRule THE_API_IS_BUILT_IN_LAYERS = layeredArchitecture().consideringOnlyDependenciesInLayers()
            .layer("topic").definedBy("dev.muster.planner.topic..").layer("answer").definedBy("dev.muster.planner.answer..")
            .layer("view").definedBy("dev.muster.planner.view..").layer("recorded").definedBy("dev.muster.planner.recorded..")
            .layer("control").definedBy("dev.muster.planner.control..")
            .whereLayer("control").mayNotBeAccessedByAnyLayer().whereLayer("recorded").mayOnlyBeAccessedByLayers("control")
            .whereLayer("view").mayOnlyBeAccessedByLayers("recorded", "control").whereLayer("answer").mayOnlyBeAccessedByLayers("view", "recorded", "control");

    @ArchTest
    static final ArchRule ONLY_THE_STREAM_PLANS = noClasses().that().resideInAnyPackage(API)
            .should().dependOnClassesThat().resideInAnyPackage("dev.muster.planner.core..", "dev.muster.planner.spec..", "dev.muster.planner.stream..");

    /** The command line runs a replay, with neither of them on its path. */
    @ArchTest
    static final ArchRule A_REPLAY_NEEDS_NO_SERVICE = noClasses().that().resideInAPackage("dev.muster.planner.replay..")
            .or().haveSimpleName("FleetOwner").or().haveSimpleName("ReplayedOwner").or().haveSimpleName("Outbox").or().haveSimpleName("FleetStore")
            .should().dependOnClassesThat().resideInAnyPackage("io.quarkus..", "org.apache.kafka.streams..", "io.micrometer..", "jakarta..", "org.jboss..");

    @ArchTest
    static final ArchRule ONLY_THE_API_KNOWS_GRPC = noClasses()
            .that().resideOutsideOfPackages(API).and().resideOutsideOfPackages("dev.muster.planner.access..", "dev.muster.planner.http..")
            .should().dependOnClassesThat().resideInAnyPackage("io.grpc..");

    /** Who may do what is decided before a service is asked, by what stands beside the call. */
    @ArchTest
    static final ArchRule ACCESS_KNOWS_NO_SERVICE = noClasses().that().resideInAPackage("dev.muster.planner.access..")
            .should().dependOnClassesThat().resideInAnyPackage(API).orShould().dependOnClassesThat().resideInAnyPackage("dev.muster.planner.http..",
                    "dev.muster.planner.core..", "dev.muster.planner.spec..", "dev.muster.planner.stream..");

    /** JSON over HTTP is a client of the API, which has all of it from the descriptors. */
    @ArchTest
    static final ArchRule HTTP_KNOWS_NO_SERVICE = noClasses().that().resideInAPackage("dev.muster.planner.http..")
            .should().dependOnClassesThat().resideInAnyPackage(API).orShould().dependOnClassesThat().resideInAnyPackage("dev.muster.planner.access..",
                    "dev.muster.planner.core..", "dev.muster.planner.spec..", "dev.muster.planner.stream..", "org.apache.kafka..");
}
