// The overview: what waits and why, what runs, what it costs and will have cost, and what was decided last.

import { connection, now } from './api.js';
import { useClock, useLive } from './live.js';
import { budgets, decisions, fleets, installation, machines, queues, session, spent } from './model.js';
import { Age, Badge, Bar, Empty, Figure, PageHead, Panel, Table, html } from './ui.js';
import { count, durationMs, money, periodStart, rate, span, stage, STAGES, words } from './format.js';
import { to, whyLink } from './route.js';
import { EventLine } from './events.js';

/** Chips of one stage in the page; more are told by their number. */
const CHIPS = 48;

/** Until the end of the day or the month of that zone, hours. */
function hoursLeft(at, zone, unit) {
  const start = periodStart(at, zone, unit);
  const next = unit === 'day' ? periodStart(start + 36 * 3_600_000, zone, 'day') : periodStart(start + 32 * 86_400_000, zone, 'month');
  return (next - at) / 3_600_000;
}

/** What will be spent by the end of the day or month if it goes on at the rate of now, micro-units; null if it is not known what was. */
export function forecast(view, unit) {
  const known = spent.value?.get(view.record.fleet);
  const zone = view.record.spec.timeZone || 'UTC';
  return known ? known[unit].micros + Number(view.microsPerHour) * hoursLeft(now(), zone, unit) : null;
}

/** Each part follows what it shows, and is drawn by itself. */
export function Overview() {
  const isNone = () => fleets.synced && fleets.list().length === 0;
  useLive(fleets, isNone);
  useLive(session);
  return isNone() ? html`<${PageHead} title="Overview" /><${First} />` : html`<${PageHead} title="Overview" />
    <${Figures} />
    <div class="grid">
      <${Life} />
      <${Warnings} />
      <${Budgets} />
      <${Waiting} />
      <${FleetTable} />
      <${Last} />
    </div>`;
}

function First() {
  return html`<div class="first"><h2>No fleet yet</h2>
    <p>A fleet is queues of ClearML, pools of machines that serve them, and what they may cost. Eight fields make one.</p>
    ${session.mayAnywhere('ADMIN')
      ? html`<p><a class="button primary" href="#/new">Create a fleet</a> <a class="button" href=${to(['new'], { import: 'yes' })}>Import a configuration</a></p>`
      : html`<p>You may look, and not create one: ask an admin.</p>`}</div>`;
}

function Figures() {
  useLive(machines);
  useLive(spent);
  const list = useLive(fleets).list();
  const sum = of => list.reduce((total, fleet) => total + of(fleet), 0);
  const waiting = sum(fleet => fleet.waiting);
  const counted = machines.list().filter(machine => machine.counted);
  const busy = counted.filter(machine => stage(machine) === 'BUSY').length;
  const idle = counted.filter(machine => stage(machine) === 'IDLE').length;
  const currencies = [...new Set(list.map(fleet => fleet.record.spec.currency || 'USD'))];
  const unpriced = sum(fleet => fleet.unpriced);
  const total = (unit, of) => currencies.map(currency => {
    const own = list.filter(fleet => (fleet.record.spec.currency || 'USD') === currency && spent.value?.has(fleet.record.fleet));
    return own.length ? money(own.reduce((all, fleet) => all + of(fleet), 0), currency) : '';
  }).filter(Boolean).join(' + ') || '–';
  const soFar = unit => total(unit, fleet => spent.value.get(fleet.record.fleet)[unit].micros);
  const will = unit => total(unit, fleet => forecast(fleet, unit));
  return html`<dl class="figures" aria-label="In all">
    <${Figure} name="Tasks waiting" value=${waiting} tone=${waiting > 0 ? 'strong' : ''} testid="waiting" />
    <${Figure} name="Machines" value=${counted.length} note=${`${busy} busy, ${idle} idle`} testid="machines" />
    <${Figure} name="Spend rate" value=${currencies.map(currency => rate(list.filter(fleet => (fleet.record.spec.currency || 'USD') === currency).reduce((all, fleet) => all + Number(fleet.microsPerHour), 0), currency)).join(' + ') || '–'}
      note=${unpriced > 0 ? `${count(unpriced, 'machine')} without a price` : undefined} testid="rate" />
    <${Figure} name="Today" value=${soFar('day')} note=${`${will('day')} by midnight at this rate`} testid="today" />
    <${Figure} name="This month" value=${soFar('month')} note=${`${will('month')} by its end at this rate`} testid="month" />
  </dl>`;
}

/** What needs a person: refusals that last, budgets at their limits, services that are not ready. */
function Warnings() {
  const list = useLive(fleets).list();
  useLive(installation);
  useLive(budgets);
  useClock();
  const found = [];
  for (const service of installation.value?.services ?? []) {
    if (!service.ready) {
      found.push({ key: `service ${service.instance}`, tone: 'bad', text: `${service.service} is not ready: ${service.notReadyBecause}`, where: service.instance });
    }
    for (const one of [...service.connections, ...service.accounts].filter(state => !state.ok)) {
      found.push({ key: `${service.instance} ${one.name}`, tone: 'bad', text: `${one.name}: ${one.detail || 'it needs attention'}`, where: service.service });
    }
  }
  for (const budget of budgets.value ?? []) {
    if (budget.state === 'AT_HARD_LIMIT' || budget.state === 'OVERRUN' || budget.state === 'UNKNOWN_SPENDING') {
      found.push({ key: `budget ${budget.fleet} ${budget.pool} ${budget.queue} ${budget.budget.period}`, tone: budget.state === 'UNKNOWN_SPENDING' ? 'warn' : 'bad',
        text: `Budget ${periodWord(budget.budget.period)} of ${budget.queue ? `queue ${budget.queue}` : budget.pool ? `pool ${budget.pool}` : 'the fleet'}: ${words(budget.state).toLowerCase()}`, where: budget.fleet, href: to(['fleets', budget.fleet]) });
    }
  }
  for (const fleet of list) {
    const name = fleet.record.fleet;
    if (fleet.record.state === 'PAUSED') {
      found.push({ key: `paused ${name}`, tone: 'warn', text: 'The fleet is paused: nothing is launched.', where: name, href: to(['fleets', name]) });
    }
    fleet.refusals.forEach((refusal, i) => found.push({
      key: `${name} ${refusal.rule} ${refusal.queue} ${refusal.pool} ${refusal.subject} ${i}`, tone: 'warn', text: refusal.text, more: refusal.unblockedBy, where: name,
      since: Date.parse(refusal.since), href: refusal.queue ? whyLink('queue', name, refusal.queue) : to(['fleets', name]), why: Boolean(refusal.queue),
    }));
  }
  return html`<${Panel} title="Warnings" note=${found.length ? String(found.length) : ''} testid="warnings">
    ${found.length === 0 ? html`<${Empty}>Nothing needs you.</${Empty}>` : html`<ul class="lines">${found.slice(0, 20).map(one => html`<li key=${one.key} class=${one.tone}>
      <p>${one.text}${one.more && html` <span class="muted">Ends when: ${one.more}</span>`}</p>
      <p class="meta">${one.href ? html`<a href=${one.href}>${one.why ? 'Why' : one.where}</a>` : one.where}${one.why && html`<span>${one.where}</span>`}${one.since > 0 && html`<span>for ${span(now() - one.since)}</span>`}</p></li>`)}
      ${found.length > 20 && html`<li class="muted">and ${found.length - 20} more</li>`}</ul>`}
  </${Panel}>`;
}

export function periodWord(period) {
  return { PER_HOUR: 'per hour', PER_DAY: 'per day', PER_MONTH: 'per month' }[period] ?? '';
}

/** Machines by where they are in their life. */
function Life() {
  useLive(machines);
  const lanes = new Map(STAGES.map(name => [name, []]));
  for (const machine of machines.list()) {
    const at = stage(machine);
    lanes.get(at)?.push(machine);
  }
  const ended = machines.list().filter(machine => machine.phase === 'FAILED' || machine.phase === 'LOST' || machine.phase === 'GONE');
  return html`<${Panel} title="Machines by phase" wide testid="phases"><ol class="life">
    ${[...lanes].map(([name, list]) => html`<li key=${name}><h3><${Badge} state=${name} /><span class="count">${list.length}</span></h3><${Chips} list=${list} /></li>`)}
    <li key="ended"><h3><${Badge} state="GONE" text="Just ended" /><span class="count">${ended.length}</span></h3><${Chips} list=${ended} /></li>
  </ol></${Panel}>`;
}

function Chips({ list }) {
  return html`<div class="chips">${list.slice(0, CHIPS).map(machine => html`<a key=${machine.machineId} class=${`chip ${machine.phase.toLowerCase()}`} href=${to(['machines', machine.machineId])}
    title=${`${machine.machineId} · ${machine.fleet}/${machine.pool} · ${machine.offer?.machineType ?? ''}`}><span class="hidden">${machine.machineId}</span></a>`)}
    ${list.length > CHIPS && html`<span class="more">+${list.length - CHIPS}</span>`}</div>`;
}

/** The first refusal that is about the queue. */
export function whyWaiting(fleet, queue) {
  const view = fleets.byName.get(fleet);
  return view?.refusals.find(refusal => refusal.queue === queue);
}

function Waiting() {
  useLive(queues);
  useLive(fleets);
  const list = [...(queues.value ?? [])].sort((a, b) => b.waiting - a.waiting || a.fleet.localeCompare(b.fleet) || a.name.localeCompare(b.name));
  return html`<${Panel} title="Queues" wide actions=${html`<${Age} at=${queues.at} />`} testid="queues">
    <${Table} label="Queues" columns=${['Queue', 'Fleet', { name: 'Waiting', num: true }, { name: 'Oldest', num: true }, { name: 'Workers', num: true }, { name: 'Others', num: true }, 'Why waiting', 'Seen']} empty=${queues.value ? 'No queue is watched.' : 'Reading…'}>
      ${list.slice(0, 100).map(queue => html`<${QueueRow} key=${`${queue.fleet}/${queue.id}/${queue.name}`} queue=${queue} withFleet />`)}
    </${Table}></${Panel}>`;
}

export function QueueRow({ queue, withFleet }) {
  const refusal = whyWaiting(queue.fleet, queue.name);
  const age = durationMs(queue.age);
  return html`<tr><th scope="row"><a href=${to(['fleets', queue.fleet], { queue: queue.name })}>${queue.name}</a></th>
    ${withFleet && html`<td><a href=${to(['fleets', queue.fleet])}>${queue.fleet}</a></td>`}
    <td class=${`num ${queue.waiting > 0 ? 'strong' : ''}`}>${queue.waiting}</td><td class="num">${queue.waiting > 0 ? span(durationMs(queue.oldestWait)) : '–'}</td>
    <td class="num">${queue.ourWorkers}</td><td class="num">${queue.otherWorkers}</td>
    <td class="why">${queue.problem ? html`<span class="bad-text">${queue.problem}</span>` : queue.waiting > 0
      ? html`<a href=${whyLink('queue', queue.fleet, queue.name)}>${refusal ? refusal.text : 'Machines are coming, or about to be asked for'}</a>` : html`<span class="muted">–</span>`}</td>
    <td class=${age > 15_000 ? 'bad-text' : 'muted'}>${Number.isFinite(age) ? `${span(age)} ago` : 'never'}</td></tr>`;
}

/** What was spent of each budget, and what it will be at its end. */
export function BudgetLine({ budget, withFleet }) {
  const { hardMicros: hard, softMicros: soft, period } = budget.budget;
  const limit = Number(hard ?? soft ?? 0);
  const spent = Number(budget.spentMicros);
  const reserved = Number(budget.reservedMicros);
  const will = Number(budget.forecastMicros);
  const unit = value => (period === 'PER_HOUR' ? rate(value, budget.currency) : money(value, budget.currency));
  const of = budget.queue ? `queue ${budget.queue}` : budget.pool ? `pool ${budget.pool}` : 'whole fleet';
  // For its first seconds, and those of the planner, nobody has said how it stands.
  const isTold = Boolean(words(budget.state));
  const spentTone = budget.state === 'AT_HARD_LIMIT' || budget.state === 'OVERRUN' ? 'bad' : budget.state === 'AT_SOFT_LIMIT' ? 'warn' : 'busy';
  return html`<li class="budget"><p class="budget-head"><span><strong>${withFleet ? html`<a href=${to(['fleets', budget.fleet])}>${budget.fleet}</a>, ` : ''}${of}</strong> <span class="muted">${periodWord(period)}</span></span>
      <span class="num"><strong>${!isTold ? 'not known yet' : budget.state === 'UNKNOWN_SPENDING' ? 'unknown' : unit(spent)}</strong> of ${unit(limit)}</span></p>
    <${Bar} label=${isTold ? `${unit(spent)} spent, ${unit(reserved)} reserved, of ${unit(limit)}` : `What is spent of ${unit(limit)} is not known yet`} whole=${limit} mark=${!isTold || period === 'PER_HOUR' ? undefined : will}
      parts=${[{ name: 'Spent', value: spent, text: unit(spent), tone: spentTone }, ...(period === 'PER_HOUR' ? [] : [{ name: 'Reserved', value: reserved, text: unit(reserved), tone: 'boot' }])]} />
    <p class="meta"><${Badge} state=${budget.state} text=${isTold ? undefined : 'Not known yet'} />${isTold && period !== 'PER_HOUR' && html`<span>${unit(reserved)} reserved</span><span class=${will > limit ? 'bad-text' : ''}>${unit(will)} by the end of the ${period === 'PER_DAY' ? 'day' : 'month'}</span>`}
      ${hard && soft && html`<span>warns at ${unit(soft)}</span>`}</p></li>`;
}

function Budgets() {
  useLive(budgets);
  const list = budgets.value ?? [];
  return html`<${Panel} title="Budgets" actions=${html`<${Age} at=${budgets.at} fresh=${20_000} />`} testid="budgets">
    ${list.length === 0 ? html`<${Empty}>${budgets.value ? 'No fleet has a budget: only its limits bound what it costs.' : 'Reading…'}</${Empty}>` : html`<ul class="budgets">${list.map(budget => html`<${BudgetLine} key=${`${budget.fleet} ${budget.pool} ${budget.queue} ${budget.budget.period}`} budget=${budget} withFleet />`)}</ul>`}
  </${Panel}>`;
}

export function FleetTable() {
  const list = useLive(fleets).list();
  useLive(machines);
  const busy = new Map();
  for (const machine of machines.list()) {
    const stages = busy.get(machine.fleet) ?? new Map();
    stages.set(stage(machine), (stages.get(stage(machine)) ?? 0) + 1);
    busy.set(machine.fleet, stages);
  }
  const n = (name, ...stages) => stages.reduce((sum, one) => sum + (busy.get(name)?.get(one) ?? 0), 0);
  return html`<${Panel} title="Fleets" wide testid="fleets" actions=${session.mayAnywhere('ADMIN') && html`<a class="button" href="#/new">Create a fleet</a>`}>
    <${Table} label="Fleets" columns=${['Fleet', 'State', { name: 'Waiting', num: true }, { name: 'Busy', num: true }, { name: 'Idle', num: true }, { name: 'Booting', num: true }, { name: 'Leaving', num: true }, { name: 'Rate', num: true }, 'Warnings']}
      empty=${fleets.synced ? 'None yet.' : 'Reading…'}>
      ${list.map(fleet => { const name = fleet.record.fleet; return html`<tr key=${name}><th scope="row"><a href=${to(['fleets', name])}>${name}</a></th><td><${Badge} state=${fleet.record.state} /></td>
        <td class="num">${fleet.waiting}</td><td class="num">${n(name, 'BUSY')}</td><td class="num">${n(name, 'IDLE')}</td><td class="num">${n(name, 'REQUESTED', 'LAUNCHING', 'BOOTING')}</td>
        <td class="num">${n(name, 'DRAINING', 'TERMINATING')}</td><td class="num">${rate(fleet.microsPerHour, fleet.record.spec.currency)}</td><td>${fleet.refusals.length || html`<span class="muted">none</span>`}</td></tr>`; })}
    </${Table}></${Panel}>`;
}

function Last() {
  useLive(decisions);
  useLive(connection);
  const list = decisions.kept.newest().slice(0, 12);
  return html`<${Panel} title="Last decisions" wide actions=${html`<a href="#/log">All</a>`} testid="decisions">
    ${list.length === 0 ? html`<${Empty}>${decisions.synced ? 'Nothing was decided yet.' : 'Reading…'}</${Empty}>` : html`<ol class="lines">${list.map(event => html`<${EventLine} key=${event.decisionId} event=${event} />`)}</ol>`}
  </${Panel}>`;
}
