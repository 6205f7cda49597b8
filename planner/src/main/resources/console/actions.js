// What can be done to fleets and machines; each asks first, and says by the planner's own numbers what it stops or costs.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call } from './api.js';
import { count, money, ms, rate, span, stage } from './format.js';
import { fleets, session } from './model.js';
import { now } from './api.js';
import { Confirm, html, save } from './ui.js';
import { go, to } from './route.js';

const enc = encodeURIComponent;

/** Machines of a fleet or pool as the planner has them now. */
async function asOf(name, pool) {
  const view = await call('GET', `/v1/fleets/${enc(name)}`);
  const found = [];
  let pageToken = '';
  do {
    const page = await call('GET', `/v1/machines?fleet=${enc(name)}${pool ? `&pool=${enc(pool)}` : ''}&pageSize=1000${pageToken ? `&pageToken=${enc(pageToken)}` : ''}`);
    found.push(...page.machines);
    pageToken = page.nextPageToken;
  } while (pageToken);
  const of = (...stages) => found.filter(machine => stages.includes(stage(machine)));
  return { view, machines: found, idle: of('IDLE').filter(machine => !machine.protected), guarded: of('IDLE').filter(machine => machine.protected), busy: of('BUSY'), coming: of('REQUESTED', 'LAUNCHING', 'BOOTING'),
    leaving: of('DRAINING', 'TERMINATING'), currency: view.record.spec.currency || 'USD' };
}

const sumRate = list => list.reduce((sum, machine) => sum + Number(machine.paid?.microsPerHour ?? machine.committedMicrosPerHour ?? 0), 0);
const tasksOf = list => list.flatMap(machine => machine.tasks);

/** A button that opens its question; about says what it is of. */
export function Action({ text, confirm, about, danger, quiet, disabled, title }) {
  // What was asked stays what it was, while the button may become another's.
  const [open, setOpen] = useState(null);
  const button = useRef(null);
  // A button that goes away leaves the focus to the page.
  useLayoutEffect(() => () => button.current !== null && button.current === document.activeElement && document.querySelector('h1')?.focus(), []);
  return html`<button ref=${button} type="button" class=${quiet ? 'quiet' : danger ? 'risky' : ''} disabled=${disabled} title=${title} onClick=${() => setOpen({ Ask: confirm, about })}>${text}</button>${open && html`<${open.Ask} ...${open.about} onClose=${() => setOpen(null)} />`}`;
}

export function PauseFleet({ fleet, pool, onClose }) {
  const what = pool ? `pool ${pool}` : `fleet ${fleet}`;
  return html`<${Confirm} title=${`Pause ${what}`} verb="Pause" onClose=${onClose} ask=${() => asOf(fleet, pool)}
    act=${() => call('POST', `/v1/fleets/${enc(fleet)}:pause`, { pool })}
    say=${({ view, machines: all, coming, currency }) => html`<p>Nothing new is launched until it is resumed; machines that are there work on, and idle ones are released as always.</p>
      <ul>${!pool && html`<li>${count(view.waiting, 'task')} ${view.waiting === 1 ? 'waits' : 'wait'} now, and will find only the machines that are there.</li>`}
      <li>${count(all.length, 'machine')} at ${rate(sumRate(all), currency)}; ${coming.length} of them still coming, and they do come.</li></ul>`} />`;
}

export function ResumeFleet({ fleet, pool, onClose }) {
  return html`<${Confirm} title=${`Resume ${pool ? `pool ${pool}` : `fleet ${fleet}`}`} verb="Resume" onClose=${onClose} ask=${() => asOf(fleet, pool)}
    act=${() => call('POST', `/v1/fleets/${enc(fleet)}:resume`, { pool })}
    say=${({ view }) => html`<p>Machines are launched again as tasks want them: ${count(view.waiting, 'task')} ${view.waiting === 1 ? 'waits' : 'wait'} now. Limits and budgets hold as before.</p>`} />`;
}

export function ReleaseIdle({ fleet, pool, onClose }) {
  return html`<${Confirm} title=${`Shut down idle machines of ${pool ? `pool ${pool}` : fleet}`} verb="Shut down idle" danger onClose=${onClose} ask=${() => asOf(fleet, pool)}
    act=${() => call('POST', `/v1/fleets/${enc(fleet)}:releaseIdle`, { pool })} may=${(choice, { idle }) => idle.length > 0}
    say=${({ idle, guarded, busy, currency }) => idle.length === 0 ? html`<p>No machine is idle now${guarded.length ? ', but those that are protected' : ''}.</p>`
      : html`<p>${count(idle.length, 'idle machine')} ${idle.length === 1 ? 'goes' : 'go'} now instead of waiting for the idle time-out. That saves ${rate(sumRate(idle), currency)}; the next task waits for a boot.</p>
      <${Names} list=${idle} /><p class="muted">${busy.length} busy machines are not touched${guarded.length ? `, nor ${guarded.length} protected` : ''}. What the pools' minimum and warm want is launched anew.</p>`} />`;
}

function Names({ list }) {
  return html`<ul>${list.slice(0, 50).map(machine => html`<li key=${machine.machineId}><code>${machine.machineId}</code>${machine.tasks.length > 0 && html`, runs ${machine.tasks.map(task => html`<code key=${task}>${task}</code> `)}`}</li>`)}${list.length > 50 && html`<li>and ${list.length - 50} more</li>`}</ul>`;
}

const SHUTDOWN = [['IDLE', 'Idle: each machine finishes its task, then goes'], ['ALL', 'All: every machine ends now, tasks included; tasks are put back into their queues'], ['LEAVE', 'None: machines run on, are paid for, and are never touched by Muster again']];

/** What a delete does that does not say otherwise. */
function shutdownOf(fleet) {
  const said = fleets.byName.get(fleet)?.record.spec.shutdown;
  return !said || said === 'SHUTDOWN_ACTION_UNSPECIFIED' ? 'IDLE' : said;
}

function Radios({ name, legend, options, value, onChange }) {
  return html`<fieldset class="radios"><legend class="hidden">${legend}</legend>${options.map(([key, text]) => html`<label key=${key}><input type="radio" name=${name} value=${key} checked=${value === key} onChange=${() => onChange(key)} /><span>${text}</span></label>`)}</fieldset>`;
}

export function DeleteFleet({ fleet, onClose }) {
  return html`<${Confirm} title=${`Delete fleet ${fleet}`} verb="Delete fleet" danger onClose=${onClose} onDone=${() => go(to(['fleets']))} ask=${() => asOf(fleet)} first=${shutdownOf(fleet)}
    act=${(choice, { view: seen }) => call('DELETE', `/v1/fleets/${enc(fleet)}?action=${choice}&expectedVersion=${seen.record.version}`)}
    form=${(choice, set) => html`<${Radios} name="shutdown" legend="What happens to its machines" options=${SHUTDOWN} value=${choice} onChange=${set} />`}
    say=${({ view: seen, machines: all, busy, idle, currency }, choice) => html`<p>Its queues are no longer served: ${count(seen.waiting, 'task')} ${seen.waiting === 1 ? 'waits' : 'wait'} in them.</p>
      <p>${choice === 'ALL' ? html`<strong>${count(tasksOf(busy).length, 'running task')} ${tasksOf(busy).length === 1 ? 'ends' : 'end'} now</strong>, with all ${count(all.length, 'machine')}.`
        : choice === 'LEAVE' ? html`<strong>${count(all.length, 'machine')} ${all.length === 1 ? 'runs' : 'run'} on at ${rate(sumRate(all), currency)}</strong>, and somebody else must end them.`
        : html`${count(idle.length, 'idle machine')} ${idle.length === 1 ? 'goes' : 'go'} at once, ${count(busy.length, 'busy one')} after its task. Until then they cost ${rate(sumRate(busy), currency)}.`}</p>`} />`;
}

export function ShutdownAction({ fleet, onClose }) {
  return html`<${Confirm} title=${`Shutdown action of ${fleet}`} verb="Change" onClose=${onClose} first=${shutdownOf(fleet)} ask=${() => asOf(fleet)}
    act=${async (choice, { view }) => call('PUT', `/v1/fleets/${enc(fleet)}`, { spec: { ...view.record.spec, shutdown: choice }, expectedVersion: view.record.version })}
    form=${(choice, set) => html`<${Radios} name="action" legend="What a delete does that does not say" options=${SHUTDOWN} value=${choice} onChange=${set} />`}
    say=${({ machines: all, busy }) => html`<p>What becomes of the machines when the fleet is deleted and nobody says otherwise. Nothing happens now: ${count(all.length, 'machine')} ${all.length === 1 ? 'is' : 'are'} there, ${busy.length} busy.</p>`} />`;
}

export function CloneFleet({ fleet, rename, onClose }) {
  return html`<${Confirm} title=${rename ? `Rename fleet ${fleet}` : `Clone fleet ${fleet}`} verb=${rename ? 'Create under the new name' : 'Clone'} onClose=${onClose} first="" may=${choice => /^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/.test(choice)}
    act=${choice => call('POST', `/v1/fleets/${enc(fleet)}:clone`, { newName: choice })} onDone=${answer => go(to(['fleets', answer.fleet]))}
    form=${(choice, set) => html`<div class="field"><label for="new-name">New name</label><input id="new-name" value=${choice} autocomplete="off" maxlength="32" onInput=${e => set(e.target.value)} /><p class="help">Small letters, digits and dashes, at most 32.</p></div>`}
    say=${() => rename ? html`<p>A name is part of every machine's and worker's name, so that a fleet is renamed in two steps: it is created under the new name, which gets no tasks while the old one has the queues; then delete ${fleet}, and the new one serves them.</p>`
      : html`<p>Its spec is applied under another name. A queue has one fleet, the older: the new one's queues wait until you give it others, or delete ${fleet}.</p>`} />`;
}

export async function exportFleet(fleet) {
  const { yaml } = await call('GET', `/v1/fleets/${enc(fleet)}:export`);
  save(`${fleet}.yaml`, yaml);
}

/** The machine as the planner has it now. */
const machineNow = id => call('GET', `/v1/machines/${enc(id)}`);

function Cost({ machine }) {
  const currency = fleets.currency(machine.fleet);
  const price = machine.paid?.microsPerHour ?? machine.committedMicrosPerHour;
  return html`<p class="muted">It costs ${rate(price, currency)}, and has cost ${money(machine.paid?.spentMicros ?? 0, currency)} until its last change.</p>`;
}

export function DrainMachine({ id, onClose }) {
  return html`<${Confirm} title=${`Drain ${id}`} verb="Drain" onClose=${onClose} ask=${() => machineNow(id)} act=${() => call('POST', `/v1/machines/${enc(id)}:drain`, {})}
    say=${machine => html`<p>It takes no other task from now on${machine.tasks.length ? html`, finishes ${count(machine.tasks.length, 'task')} that it runs, and goes. Nothing is stopped.` : ', and goes at once: it runs none.'}</p><${Names} list=${[machine]} /><${Cost} machine=${machine} />
      <p class="muted">If tasks still wait, another machine is launched for them.</p>`} />`;
}

export function CancelDrain({ id, onClose }) {
  return html`<${Confirm} title=${`Cancel the drain of ${id}`} verb="Let it work on" onClose=${onClose} ask=${() => machineNow(id)} act=${() => call('POST', `/v1/machines/${enc(id)}:cancelDrain`, {})}
    say=${machine => html`<p>It takes tasks again, and goes on costing what it costs.</p><${Cost} machine=${machine} />`} />`;
}

export function ProtectMachine({ id, onClose }) {
  return html`<${Confirm} title=${`Protect ${id}`} verb="Protect" onClose=${onClose} ask=${() => machineNow(id)} act=${() => call('POST', `/v1/machines/${enc(id)}:protect`, {})}
    say=${machine => html`<p>Neither idleness nor age lets it go until you unprotect it; a budget still does. It is paid for all that time.</p><${Cost} machine=${machine} />`} />`;
}

export function UnprotectMachine({ id, onClose }) {
  return html`<${Confirm} title=${`Unprotect ${id}`} verb="Unprotect" onClose=${onClose} ask=${() => machineNow(id)} act=${() => call('POST', `/v1/machines/${enc(id)}:unprotect`, {})}
    say=${machine => html`<p>It is released as any other: when it has been idle for its pool's time-out${machine.idleSince && machine.tasks.length === 0 ? `. It has been idle for ${span(now() - ms(machine.idleSince))}` : ''}.</p>`} />`;
}

export function TerminateMachine({ id, onClose }) {
  return html`<${Confirm} title=${`Terminate ${id}`} verb="Terminate" danger onClose=${onClose} ask=${() => machineNow(id)} first=${false}
    act=${(choice, machine) => call('POST', `/v1/machines/${enc(id)}:terminate`, { busyToo: machine.tasks.length > 0 && choice })} may=${(choice, machine) => machine.tasks.length === 0 || choice}
    form=${(choice, set, machine) => machine.tasks.length > 0 && html`<label class="check"><input type="checkbox" checked=${choice} onChange=${e => set(e.target.checked)} /><span>End it although it runs ${machine.tasks.length === 1 ? 'a task' : `${machine.tasks.length} tasks`}</span></label>`}
    say=${machine => machine.tasks.length ? html`<p><strong>It stops ${count(machine.tasks.length, 'running task')}</strong>, of which ${span(now() - ms(machine.paid?.kindSince))} of work since the last change may be lost. They are put back at the front of their queues.</p><${Names} list=${[machine]} /><${Cost} machine=${machine} />`
      : html`<p>It runs no task, and ends at once.</p><${Cost} machine=${machine} />`} />`;
}

/** What this caller may do to this machine now. */
export function MachineActions({ machine, quiet }) {
  if (!session.may('OPERATOR', machine.fleet) || ['GONE', 'FAILED', 'LOST'].includes(machine.phase)) {
    return null;
  }
  const id = machine.machineId;
  const alive = machine.phase !== 'TERMINATING';
  const about = { id };
  return html`${machine.phase === 'DRAINING' ? html`<${Action} key="drain" text="Cancel drain" quiet=${quiet} confirm=${CancelDrain} about=${about} />` : alive && html`<${Action} key="drain" text="Drain" quiet=${quiet} confirm=${DrainMachine} about=${about} />`}
    ${alive && (machine.protected ? html`<${Action} key="protect" text="Unprotect" quiet=${quiet} confirm=${UnprotectMachine} about=${about} />` : html`<${Action} key="protect" text="Protect" quiet=${quiet} confirm=${ProtectMachine} about=${about} />`)}
    ${alive && html`<${Action} key="terminate" text="Terminate" danger quiet=${quiet} confirm=${TerminateMachine} about=${about} />`}`;
}

export function FleetActions({ view }) {
  const name = view.record.fleet;
  const about = { fleet: name };
  const operator = session.may('OPERATOR', name);
  const admin = session.may('ADMIN', name);
  const active = view.record.state !== 'DELETING' && view.record.state !== 'DELETED';
  return html`${operator && active && (view.record.state === 'PAUSED' ? html`<${Action} key="pause" text="Resume" confirm=${ResumeFleet} about=${about} />` : html`<${Action} key="pause" text="Pause" confirm=${PauseFleet} about=${about} />`)}
    ${operator && html`<${Action} key="idle" text="Shut down idle now" confirm=${ReleaseIdle} about=${about} />`}
    ${active && html`<a key="edit" class="button" href=${to(['fleets', name, 'edit'])}>${admin ? 'Edit' : 'Spec'}</a>`}
    <a key="versions" class="button" href=${to(['fleets', name, 'versions'])}>Versions</a>
    <button key="export" type="button" onClick=${() => exportFleet(name)}>Export</button>
    ${admin && active && html`<${Action} key="clone" text="Clone" confirm=${CloneFleet} about=${about} /><${Action} key="rename" text="Rename" confirm=${CloneFleet} about=${{ fleet: name, rename: true }} />
      <${Action} key="shutdown" text="Shutdown action" confirm=${ShutdownAction} about=${about} /><${Action} key="delete" text="Delete" danger confirm=${DeleteFleet} about=${about} />`}`;
}

