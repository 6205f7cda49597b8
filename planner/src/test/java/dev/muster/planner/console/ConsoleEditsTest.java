package dev.muster.planner.console;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.FilePayload;
import dev.muster.contracts.FleetYaml;
import dev.muster.planner.control.BrokerResource;
import dev.muster.v1.CloudState;
import dev.muster.v1.DiffFleetRequest;
import dev.muster.v1.ExportFleetRequest;
import dev.muster.v1.FieldChange;
import dev.muster.v1.FleetSpec;
import dev.muster.v1.FleetState;
import dev.muster.v1.FleetsGrpc;
import dev.muster.v1.GetFleetVersionRequest;
import dev.muster.v1.ListFleetVersionsRequest;
import dev.muster.v1.ListPoolsRequest;
import dev.muster.v1.MachineRecord;
import dev.muster.v1.MachinesGrpc;
import dev.muster.v1.Phase;
import dev.muster.v1.PoolsGrpc;
import dev.muster.v1.PreviewFleetOnRecordRequest;
import dev.muster.v1.PreviewFleetRequest;
import dev.muster.v1.QueueSpec;
import dev.muster.v1.ShutdownAction;
import dev.muster.v1.TerminateMachineRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What people change by the console: versions and back, previews, imports and copies, and machines; each as the API has it afterwards. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@QuarkusTestResource(value = LabResource.class, restrictToAnnotatedClass = true)
class ConsoleEditsTest extends ConsoleInBrowser {

    /** With secrets, as such files have them. */
    private static final String CLEARML = """
            hyper_params: {cloud_credentials_region: us-east-1, workers_prefix: old, git_user: ann, git_pass: CANARY-of-git}
            configurations:
              queues: {moved-train: [[gpu, 2]]}
              resource_configurations:
                gpu: {instance_type: g4dn.xlarge, is_spot: false, availability_zone: us-east-1a}
            """;

    private FleetsGrpc.FleetsBlockingStub fleets() {
        return FleetsGrpc.newBlockingStub(channel);
    }

    private static String spec(String name) {
        return Lab.NIGHTLY.replace("nightly", name).replace("archive", name + "-archive");
    }

    private static FleetSpec read(String yaml) throws Exception {
        return FleetYaml.read(yaml);
    }

    private FleetSpec held(String fleet) {
        return lab.fleet(fleet).getRecord().getSpec();
    }

    private static MachineRecord machine(String id) {
        return lab.machines().stream().filter(machine -> machine.getMachineId().equals(id)).findFirst().orElseThrow();
    }

    /** One of the page's own buttons, and of no part of it. */
    private static Locator action(Page page, String name) {
        return button(page.locator(".page-actions"), name);
    }

    private static Locator heading(Page page, String name) {
        return page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setName(name).setExact(true).setLevel(1));
    }

    private static String text(Download download) throws Exception {
        return Files.readString(download.path());
    }

    // Versions.

    private List<FieldChange> diff(String fleet, long from, long to) {
        return fleets().diffFleet(DiffFleetRequest.newBuilder().setName(fleet).setFromVersion(from).setToVersion(to).build()).getChangesList();
    }

    private static void assertShows(Locator table, List<FieldChange> changes) {
        assertThat(changes).isNotEmpty();
        assertThat(table.getByRole(AriaRole.ROW)).hasCount(changes.size() + 1);
        for (var change : changes) {
            var row = row(table, change.getField());
            assertThat(row).containsText(change.getBefore());
            assertThat(row).containsText(change.getAfter());
        }
    }

    private static Locator version(Page page, int version) {
        return part(page, "versions").getByRole(AriaRole.ROW).filter(new Locator.FilterOptions().setHas(page.getByRole(AriaRole.ROWHEADER, new Page.GetByRoleOptions()
                .setName(Pattern.compile("^" + version + "\\b")))));
    }

    @Test
    void versionsAreComparedAndOneHoldsAgain() throws Exception {
        lab.apply(spec("turned"));
        lab.apply(spec("turned").replace("max: 4", "max: 6"));
        lab.apply(spec("turned").replace("month: 500", "month: 700"));
        var page = open("/fleets/turned/versions");
        var differences = part(page, "differences");
        // The last against the one before it, until one chooses.
        assertShows(differences, diff("turned", 2, 3));
        page.getByLabel("From").selectOption("1");
        assertShows(differences, diff("turned", 1, 3));
        assertThat(page).hasURL(Pattern.compile("from=1"));
        assertThat(version(page, 3)).containsText("Current");
        assertThat(version(page, 1)).containsText("token:ann");
        // When one goes back, and somebody else changes the fleet before it is confirmed
        button(version(page, 1), "Roll back to it").click();
        assertThat(dialog(page)).containsText("is applied again, as a new version");
        assertShows(dialog(page), diff("turned", 3, 1));
        lab.apply(spec("turned").replace("month: 500", "month: 800"));
        button(dialog(page), "Roll back").click();
        // Then nothing is overwritten that the question did not show
        assertThat(dialog(page).getByRole(AriaRole.ALERT)).containsText("Version 3 was expected, and fleet turned is at version 4");
        assertThat(lab.fleet("turned").getRecord().getVersion()).isEqualTo(4);
        page.keyboard().press("Escape");
        // When it is asked anew
        assertThat(version(page, 4)).containsText("Current");
        button(version(page, 1), "Roll back to it").click();
        assertShows(dialog(page), diff("turned", 4, 1));
        button(dialog(page), "Roll back").click();
        // Then
        assertThat(heading(page, "turned")).isVisible();
        tabs.get(0).await("version 1 holds again", () -> lab.fleet("turned").getRecord().getVersion() == 5);
        assertThat(held("turned")).isEqualTo(fleets().getFleetVersion(GetFleetVersionRequest.newBuilder().setName("turned").setVersion(1).build()).getSpec());
        assertThat(held("turned").getBudgets(0).getHardMicros()).isEqualTo(500_000_000);
        assertThat(page.getByText("version 5, by token:ann")).isVisible();
        assertThat(fleets().listFleetVersions(ListFleetVersionsRequest.newBuilder().setName("turned").build()).getVersionsCount()).isEqualTo(5);
        page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Versions").setExact(true)).click();
        assertThat(version(page, 5)).containsText("Current");
        assertShows(differences, diff("turned", 4, 5));
    }

    // Previews.

    @Test
    void aPreviewSaysWhatThePlannerWouldDo() throws Exception {
        var page = open("/fleets/research/edit");
        assertThat(yaml(page)).hasValue(Pattern.compile("name: research"));
        yaml(page).fill(Lab.RESEARCH.replace("hour: 2.7", "hour: 4"));
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Preview").click();
        var preview = part(page, "preview");
        assertThat(preview).containsText("with it");
        var asked = PreviewFleetRequest.newBuilder().setSpec(read(Lab.RESEARCH.replace("hour: 2.7", "hour: 4"))).build();
        tabs.get(0).await("the page says what the API says", () -> {
            var told = fleets().previewFleet(asked);
            var shown = preview.innerText();
            return told.getDecisionsCount() > 0 && told.getDecisionsList().stream().allMatch(decision -> shown.contains(decision.getText()))
                    && told.getRefusalsList().stream().allMatch(refusal -> shown.contains(refusal.getText()))
                    && shown.contains("%.2f".formatted(told.getMicrosPerHourCurrent() / 1e6)) && shown.contains("%.2f".formatted(told.getMicrosPerHourProposed() / 1e6));
        });
        // It follows what is written, and asks no more than that.
        yaml(page).fill(Lab.RESEARCH);
        assertThat(preview).not().containsText("launch");
        assertThat(lab.fleet("research").getRecord().getVersion()).isEqualTo(1);
    }

    @Test
    void aPreviewPlaysWhatWasRecorded() throws Exception {
        var page = open("/fleets/research/edit");
        assertThat(page.getByLabel("Most machines").first()).hasValue("8");
        page.getByLabel("Most machines").first().fill("2");
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Preview").click();
        var preview = part(page, "preview");
        for (var days : List.of("7 days", "Day")) {
            button(preview, days).click();
            button(preview, "Play it").click();
            // It reads all that time of the record.
            assertThat(preview).containsText("Tasks begun");
            var table = preview.getByRole(AriaRole.TABLE);
            var told = fleets().previewFleetOnRecord(PreviewFleetOnRecordRequest.newBuilder().setSpec(held("research").toBuilder().setPools(0, held("research").getPools(0).toBuilder()
                    .setLimits(held("research").getPools(0).getLimits().toBuilder().setMax(2)))).build());
            assertCells(table, "Most machines", told.getCurrent().getMostMachines(), told.getProposed().getMostMachines());
            assertThat(told.getCurrent().getMostMachines()).isGreaterThan(told.getProposed().getMostMachines());
            assertThat(preview).containsText(told.getNotes(0));
            for (var what : List.of("Cost", "Half waited at most", "9 of 10 waited at most", "Longest wait", "Machines", "Tasks begun")) {
                assertThat(table.getByRole(AriaRole.ROWHEADER, new Locator.GetByRoleOptions().setName(what).setExact(true))).isVisible();
            }
        }
        assertThat(preview.getByRole(AriaRole.ALERT)).hasCount(0);
    }

    private static void assertCells(Locator table, String what, int current, int proposed) {
        assertThat(row(table, what).getByRole(AriaRole.CELL)).hasText(new String[] {Integer.toString(current), Integer.toString(proposed)});
    }

    // Files and copies.

    @Test
    void whatIsExportedIsImportedAgain() throws Exception {
        var page = open("/fleets/nightly");
        var download = page.waitForDownload(() -> action(page, "Export").click());
        assertThat(download.suggestedFilename()).isEqualTo("nightly.yaml");
        var yaml = text(download);
        assertThat(yaml).isEqualTo(fleets().exportFleet(ExportFleetRequest.newBuilder().setName("nightly").build()).getYaml());
        assertThat(read(yaml)).isEqualTo(held("nightly"));
        // As a file of another fleet
        var changed = yaml.replace("nightly", "carried").replace("archive", "carried-archive");
        goTo(tabs.get(0), "/new?import=yes");
        page.getByLabel("File").setInputFiles(new FilePayload("carried.yaml", "application/yaml", changed.getBytes(StandardCharsets.UTF_8)));
        assertThat(page.getByLabel("Its text")).hasValue(changed);
        button(page, "Read it").click();
        assertThat(page.getByLabel("Fleet name")).hasValue("carried");
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Create fleet").click();
        assertThat(heading(page, "carried")).isVisible();
        assertThat(held("carried")).isEqualTo(read(changed));
        // An older version is a file, too.
        goTo(tabs.get(0), "/fleets/carried/versions");
        assertThat(text(page.waitForDownload(() -> button(version(page, 1), "Export").click()))).isEqualTo(changed);
    }

    @Test
    void aFileOfClearMLsAutoscalerBecomesAFleetWithoutItsSecrets() {
        var page = open("/fleets");
        page.getByRole(AriaRole.LINK, new Page.GetByRoleOptions().setName("Import").setExact(true)).click();
        page.getByLabel("Its text").fill(CLEARML);
        button(page, "Read it").click();
        assertThat(part(page, "import-notes")).containsText("The text holds a secret, which is left out");
        assertThat(page.getByLabel("Queue name")).hasValue("moved-train");
        assertThat(page.getByLabel("Machine type")).hasValue("g4dn.xlarge");
        assertThat(page.getByLabel("Most machines").first()).hasValue("2");
        assertThat(yaml(page)).hasValue(Pattern.compile("moved-train"));
        assertThat(page.content()).doesNotContain("CANARY");
        assertThat(yaml(page).inputValue()).doesNotContain("CANARY");
        page.getByLabel("Fleet name").fill("moved");
        assertThat(part(page, "judged")).containsText("Valid");
        button(page, "Create fleet").click();
        assertThat(heading(page, "moved")).isVisible();
        assertThat(held("moved").getPools(0).getOffers(0).getKey().getMachineType()).isEqualTo("g4dn.xlarge");
    }

    @Test
    void ofSeveralFleetsInAFileOneIsChosenAndWhatIsNoneIsRefused() {
        var page = open("/new?import=yes");
        page.getByLabel("Its text").fill("{\"a\": ");
        button(page, "Read it").click();
        assertThat(page.getByRole(AriaRole.ALERT)).isVisible();
        page.getByLabel("Its text").fill(spec("one") + "---\n" + spec("other"));
        button(page, "Read it").click();
        assertThat(page.getByRole(AriaRole.MAIN)).containsText("The file makes 2 fleets");
        button(page, "other").click();
        assertThat(page.getByLabel("Fleet name")).hasValue("other");
    }

    @Test
    void aFleetIsClonedAndTheOlderOneKeepsTheQueues() throws Exception {
        lab.apply(spec("first"));
        var page = open("/fleets/first");
        action(page, "Clone").click();
        dialog(page).getByLabel("New name").fill("Not A Name");
        assertThat(button(dialog(page), "Clone")).isDisabled();
        dialog(page).getByLabel("New name").fill("nightly");
        button(dialog(page), "Clone").click();
        assertThat(dialog(page).getByRole(AriaRole.ALERT)).containsText("nightly");
        dialog(page).getByLabel("New name").fill("second");
        button(dialog(page), "Clone").click();
        assertThat(heading(page, "second")).isVisible();
        assertThat(held("second")).isEqualTo(held("first").toBuilder().setName("second").setWorkersPrefix("lab-second").build());
        tabs.get(0).await("the clone is told that it has no queue", () -> lab.fleet("second").getRefusalsCount() > 0);
        assertThat(part(page, "refusals")).containsText(lab.fleet("second").getRefusals(0).getText());
    }

    @Test
    void aFleetIsRenamedInTwoSteps() throws Exception {
        lab.apply(spec("before"));
        var page = open("/fleets/before");
        action(page, "Rename").click();
        assertThat(dialog(page)).containsText("then delete before");
        dialog(page).getByLabel("New name").fill("after");
        button(dialog(page), "Create under the new name").click();
        assertThat(heading(page, "after")).isVisible();
        goTo(tabs.get(0), "/fleets/before");
        assertThat(heading(page, "before")).isVisible();
        action(page, "Delete").click();
        assertThat(dialog(page)).containsText("Its queues are no longer served");
        assertThat(dialog(page).getByRole(AriaRole.RADIO, new Locator.GetByRoleOptions().setName(Pattern.compile("^Idle")))).isChecked();
        button(dialog(page), "Delete fleet").click();
        assertThat(heading(page, "Fleets")).isVisible();
        assertThat(row(part(page, "fleets"), "after")).hasCount(1);
        assertThat(row(part(page, "fleets"), "before")).hasCount(0);
        tabs.get(0).await("the old one is deleted", () -> {
            try {
                return lab.fleet("before").getRecord().getState() == FleetState.DELETED;
            } catch (StatusRuntimeException gone) {
                return gone.getStatus().getCode() == Status.Code.NOT_FOUND;
            }
        });
        assertThat(held("after").getQueuesList()).extracting(QueueSpec::getName).containsExactly("before", "before-archive");
    }

    // Machines, and what fleets and pools do with them.

    @Test
    void theConsoleOfAMachineIsReadAndSaved() throws Exception {
        var machine = lab.running("quick-1");
        var text = "[  0.31] cloud-init: begins\nclearml-agent: \u2713 <b>ready</b>";
        try (var consoles = new PlayedConsoles(brokers, lab, text)) {
            var page = open("/machines/" + machine.getMachineId());
            var output = part(page, "console-output");
            button(output, "Read the console").click();
            assertThat(output.locator("pre")).hasText(text);
            assertThat(output).containsText("there was more before it");
            var download = page.waitForDownload(() -> button(output, "Save").click());
            assertThat(download.suggestedFilename()).isEqualTo(machine.getMachineId() + ".txt");
            assertThat(text(download)).isEqualTo(text);
            assertThat(button(output, "Read again")).isEnabled();
        }
        // Of one that the cloud doesn't have yet there is none, and the page says so.
        var page = open("/machines/" + lab.machine("gpu", Phase.REQUESTED).getMachineId());
        button(part(page, "console-output"), "Read the console").click();
        assertThat(part(page, "console-output").getByRole(AriaRole.ALERT)).containsText("has no console: its cloud doesn't have it yet");
    }

    @Test
    void aBusyMachineIsTerminatedOnlyByWhoSaysThatItsTaskEnds() throws Exception {
        var machine = lab.running("train-2");
        var id = machine.getMachineId();
        var page = open("/machines/" + id);
        action(page, "Terminate").click();
        assertThat(dialog(page)).containsText("It stops 1 running task");
        assertThat(dialog(page)).containsText("train-2");
        assertThat(dialog(page)).containsText("$0.53/h");
        assertThat(button(dialog(page), "Terminate")).isDisabled();
        // The page asks for no more than the API does.
        assertThatThrownBy(() -> MachinesGrpc.newBlockingStub(channel).terminateMachine(TerminateMachineRequest.newBuilder().setMachineId(id).build()))
                .isInstanceOfSatisfying(StatusRuntimeException.class, refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION));
        button(dialog(page), "Cancel").click();
        assertThat(machine(id).getPhase()).isEqualTo(Phase.READY);
        action(page, "Terminate").click();
        dialog(page).getByRole(AriaRole.CHECKBOX, new Locator.GetByRoleOptions().setName("End it although it runs a task")).check();
        button(dialog(page), "Terminate").click();
        assertThat(dialog(page)).hasCount(0);
        tabs.get(0).await("it is on its way", () -> machine(id).getPhase() == Phase.DRAINING);
        assertThat(part(page, "events")).containsText("a person asked to end " + id + ", and with it train-2");
        lab.ends(machine, CloudState.SHUTTING_DOWN);
        assertThat(page.locator(".page-head")).containsText("Terminating");
        assertThat(action(page, "Terminate")).hasCount(0);
    }

    @Test
    void aMachineIsProtectedAndNoLonger() throws Exception {
        var id = lab.running("train-1").getMachineId();
        var page = open("/machines/" + id);
        action(page, "Protect").click();
        assertThat(dialog(page)).containsText("Neither idleness nor age lets it go");
        button(dialog(page), "Protect").click();
        tabs.get(0).await("it is protected", () -> machine(id).getProtected());
        assertThat(page.locator(".page-head .badge", new Page.LocatorOptions().setHasText("Protected"))).isVisible();
        action(page, "Unprotect").click();
        assertThat(dialog(page)).containsText("It is released as any other");
        button(dialog(page), "Unprotect").click();
        tabs.get(0).await("it is protected no longer", () -> !machine(id).getProtected());
        assertThat(page.locator(".page-head .badge", new Page.LocatorOptions().setHasText("Protected"))).hasCount(0);
    }

    @Test
    void idleMachinesGoNowAndBusyOnesStay() throws Exception {
        var idle = lab.idle();
        var busy = lab.running("quick-0");
        var page = open("/fleets/research");
        var pool = page.getByRole(AriaRole.GROUP, new Page.GetByRoleOptions().setName("Pool cpu"));
        button(pool, "Shut down idle").click();
        assertThat(dialog(page)).containsText("1 idle machine goes now");
        assertThat(dialog(page)).containsText(idle.getMachineId());
        assertThat(dialog(page)).containsText("saves $0.10/h");
        button(dialog(page), "Shut down idle").click();
        assertThat(dialog(page)).hasCount(0);
        tabs.get(0).await("it goes", () -> List.of(Phase.DRAINING, Phase.TERMINATING).contains(machine(idle.getMachineId()).getPhase()));
        assertThat(machine(busy.getMachineId()).getPhase()).isEqualTo(Phase.READY);
        // There is none any more.
        assertThat(button(pool, "Shut down idle")).isDisabled();
        action(page, "Shut down idle now").click();
        assertThat(dialog(page)).containsText("No machine is idle now");
        assertThat(button(dialog(page), "Shut down idle")).isDisabled();
    }

    @Test
    void aPoolIsPausedByItself() throws Exception {
        var page = open("/fleets/nightly");
        var pool = page.getByRole(AriaRole.GROUP, new Page.GetByRoleOptions().setName("Pool batch"));
        button(pool, "Pause").click();
        assertThat(dialog(page)).containsText("Pause pool batch");
        button(dialog(page), "Pause").click();
        tabs.get(0).await("it is paused", () -> isPaused("nightly", "batch"));
        assertThat(pool).containsText("Paused");
        assertThat(lab.fleet("nightly").getRecord().getState()).isEqualTo(FleetState.ACTIVE);
        button(pool, "Resume").click();
        button(dialog(page), "Resume").click();
        tabs.get(0).await("it is resumed", () -> !isPaused("nightly", "batch"));
        assertThat(pool).not().containsText("Paused");
    }

    private static boolean isPaused(String fleet, String pool) {
        return PoolsGrpc.newBlockingStub(channel).listPools(ListPoolsRequest.newBuilder().setFleet(fleet).build()).getPoolsList().stream()
                .anyMatch(one -> one.getName().equals(pool) && one.getPaused());
    }

    @Test
    void theShutdownActionIsChosenBeforeItIsNeeded() throws Exception {
        lab.apply(spec("ends"));
        var page = open("/fleets/ends");
        assertThat(page.locator(".page-head")).containsText("shutdown action: idle");
        action(page, "Shutdown action").click();
        assertThat(dialog(page)).containsText("Nothing happens now");
        assertThat(dialog(page).getByRole(AriaRole.RADIO, new Locator.GetByRoleOptions().setName(Pattern.compile("^Idle")))).isChecked();
        dialog(page).getByRole(AriaRole.RADIO, new Locator.GetByRoleOptions().setName(Pattern.compile("^All"))).check();
        button(dialog(page), "Change").click();
        tabs.get(0).await("it is changed", () -> held("ends").getShutdown() == ShutdownAction.ALL);
        assertThat(page.locator(".page-head")).containsText("shutdown action: all");
        // It is what a delete begins with.
        action(page, "Delete").click();
        assertThat(dialog(page).getByRole(AriaRole.RADIO, new Locator.GetByRoleOptions().setName(Pattern.compile("^All"))).first()).isChecked();
        assertThat(dialog(page)).containsText("0 running tasks end now");
    }
}
