// One fleet: its pools and machines now, how they were over time, what they cost and for whom, and what can be done.

import { useEffect, useState } from 'preact/hooks';
import { all, call, connection, now, withQuery } from './api.js';
import { Live, useClock, useLive } from './live.js';
import { budgets, decisions, fleets, machines, poll, pools, queues, session, spent, useFleet } from './model.js';
import { Age, Badge, Bar, Choice, Empty, Figure, LongTable, PageHead, Panel, Problem, Table, html } from './ui.js';
import { count, countdown, ms, money, percentile, rate, releaseAt, span, stage, words } from './format.js';
import { refine, to, useRoute, whyLink } from './route.js';
import { Chart } from './chart.js';
import { BudgetLine, FleetTable, QueueRow, forecast } from './overview.js';
import { EventLine } from './events.js';
import { Action, FleetActions, MachineActions, PauseFleet, ReleaseIdle, ResumeFleet } from './actions.js';

const enc = encodeURIComponent;
const RANGES = { '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000 };

export function FleetList() {
  return html`<${PageHead} title="Fleets">${session.mayAnywhere('ADMIN') && html`<a class="button" href=${to(['new'], { import: 'yes' })}>Import</a>`}</${PageHead}>
    <div class="grid"><${FleetTable} /></div>`;
}

/** Each part follows what it shows, and is drawn by itself. */
export function FleetPage({ name }) {
  useLive(fleets, () => `${fleets.synced} ${fleets.byName.has(name)}`);
  useLive(session);
  const { query } = useRoute();
  if (!fleets.byName.has(name)) {
    return html`<${PageHead} title=${name} /><p class="empty">${fleets.synced ? html`There is no such fleet, or you may not see it. <a href="#/fleets">All fleets</a>` : 'Reading…'}</p>`;
  }
  return html`<${Head} name=${name} />
    <${Figures} name=${name} />
    <div class="grid">
      <${Gauges} name=${name} />
      <${Refusals} name=${name} />
      <${FleetBudgets} name=${name} />
      <${FleetQueues} name=${name} open=${query.queue} />
      <${MachineTable} name=${name} query=${query} />
      <${Charts} name=${name} range=${RANGES[query.range] ? query.range : '1h'} />
      <${Cost} name=${name} by=${query.by} />
      <${Recent} name=${name} />
    </div>`;
}

function Head({ name }) {
  const view = useFleet(name);
  if (!view) {
    return null;
  }
  const { record } = view;
  return html`<${PageHead} title=${name} kicker="Fleet" sub=${html`<${Badge} state=${record.state} /><span>version ${record.version}, by ${record.changedBy || 'nobody'} ${span(now() - ms(record.changedAt))} ago</span>
    ${record.managedBy && html`<span>managed by ${record.managedBy}</span>`}<span>shutdown action: ${words(record.spec.shutdown).toLowerCase() || 'idle'}</span><${StaleFleet} />`}><${FleetActions} view=${view} /></${PageHead}>`;
}

function StaleFleet() {
  useLive(connection);
  return connection.state === 'gone' ? html`<${Age} at=${fleets.at} fresh=${0} />` : null;
}

function Figures({ name }) {
  const view = useFleet(name);
  useLive(spent);
  useLive(machines);
  if (!view) {
    return null;
  }
  const { currency, limits } = view.record.spec;
  const list = machines.list(name).filter(machine => machine.counted);
  const known = spent.value?.get(name);
  const of = (...stages) => list.filter(machine => stages.includes(stage(machine))).length;
  return html`<dl class="figures" aria-label="In all">
    <${Figure} name="Tasks waiting" value=${view.waiting} testid="waiting" />
    <${Figure} name="Machines" value=${`${list.length}${limits?.max !== undefined ? ` of ${limits.max}` : ''}`} note=${`${of('BUSY')} busy, ${of('IDLE')} idle, ${of('REQUESTED', 'LAUNCHING', 'BOOTING')} coming`} testid="machines" />
    <${Figure} name="Spend rate" value=${rate(view.microsPerHour, currency)} note=${view.unpriced ? `${count(view.unpriced, 'machine')} without a price` : undefined} testid="rate" />
    <${Figure} name="Today" value=${known ? money(known.day.micros, currency) : '–'} note=${known ? `${money(forecast(view, 'day'), currency)} by midnight at this rate` : undefined} />
    <${Figure} name="This month" value=${known ? money(known.month.micros, currency) : '–'} note=${known ? `${money(forecast(view, 'month'), currency)} by its end at this rate` : undefined} />
  </dl>`;
}

/** Each pool: what runs, comes, idles and leaves, of its most. */
function Gauges({ name }) {
  const view = useFleet(name);
  useLive(machines);
  useLive(pools);
  if (!view) {
    return null;
  }
  const byPool = new Map();
  for (const machine of machines.list(name)) {
    if (machine.counted) {
      const stages = byPool.get(machine.pool) ?? {};
      const at = stage(machine);
      stages[at] = (stages[at] ?? 0) + 1;
      byPool.set(machine.pool, stages);
    }
  }
  return html`<${Panel} title="Pools" wide actions=${html`<${Age} at=${pools.at} />`} testid="pools"><div class="gauges">${view.record.spec.pools.map(pool => {
    const live = (pools.value ?? []).find(one => one.fleet === name && one.name === pool.name);
    const n = byPool.get(pool.name) ?? {};
    const booting = (n.REQUESTED ?? 0) + (n.LAUNCHING ?? 0) + (n.BOOTING ?? 0);
    const leaving = (n.DRAINING ?? 0) + (n.TERMINATING ?? 0);
    const total = (n.BUSY ?? 0) + (n.IDLE ?? 0) + booting + leaving;
    const max = live?.max ?? pool.limits?.max ?? 0;
    const about = { fleet: name, pool: pool.name };
    const text = `${total} of ${max}: ${n.BUSY ?? 0} busy, ${n.IDLE ?? 0} idle, ${booting} booting, ${leaving} draining`;
    return html`<div key=${pool.name} class="gauge" role="group" aria-label=${`Pool ${pool.name}`}><p class="gauge-head"><span><strong>${pool.name}</strong> <span class="muted">${[...new Set(pool.offers.map(offer => offer.key.machineType))].join(', ')}</span></span><span><strong>${total}</strong> of ${max}</span></p>
      <${Bar} label=${text} whole=${max} parts=${[{ name: 'Busy', value: n.BUSY ?? 0, tone: 'busy' }, { name: 'Idle', value: n.IDLE ?? 0, tone: 'idle' }, { name: 'Booting', value: booting, tone: 'boot' }, { name: 'Draining', value: leaving, tone: 'drain' }]} />
      <p class="meta"><span>${n.BUSY ?? 0} busy</span><span>${n.IDLE ?? 0} idle</span><span>${booting} booting</span><span>${leaving} draining</span>${live && html`<span>${rate(live.microsPerHour, view.record.spec.currency)}</span>`}
        ${(live?.min ?? 0) > 0 && html`<span>min ${live.min}</span>`}${(live?.warm ?? 0) > 0 && html`<span>warm ${live.warm}</span>`}</p>
      <p class="meta">${live?.paused && html`<${Badge} state="PAUSED" />`}${session.may('OPERATOR', name) && html`${live?.paused ? html`<${Action} key="pause" text="Resume" quiet confirm=${ResumeFleet} about=${about} />` : html`<${Action} key="pause" text="Pause" quiet confirm=${PauseFleet} about=${about} />`}
        <${Action} key="idle" text="Shut down idle" quiet disabled=${!n.IDLE} confirm=${ReleaseIdle} about=${about} />`}</p></div>`;
  })}</div></${Panel}>`;
}

function Refusals({ name }) {
  const list = useFleet(name)?.refusals ?? [];
  useClock();
  return html`<${Panel} title="What is in the way" note=${list.length ? String(list.length) : ''} testid="refusals">${list.length === 0 ? html`<${Empty}>Nothing: what waits is served.</${Empty}>`
    : html`<ul class="lines">${list.map((refusal, i) => html`<li key=${`${refusal.rule} ${refusal.queue} ${refusal.pool} ${refusal.subject} ${i}`} class="warn"><p>${refusal.text}</p>
      <p class="meta">${refusal.queue && html`<a href=${whyLink('queue', name, refusal.queue)}>Why</a>`}<span>${words(refusal.reason)}</span><span>for ${span(now() - ms(refusal.since))}</span>${refusal.unblockedBy && html`<span>ends when: ${refusal.unblockedBy}</span>`}</p></li>`)}</ul>`}</${Panel}>`;
}

function FleetBudgets({ name }) {
  useLive(budgets);
  const list = (budgets.value ?? []).filter(budget => budget.fleet === name);
  return html`<${Panel} title="Budgets" actions=${html`<${Age} at=${budgets.at} fresh=${20_000} />`} testid="budgets">${list.length === 0 ? html`<${Empty}>${!budgets.value ? 'Reading…' : 'None: only limits bound what it costs.'} ${budgets.value && session.may('ADMIN', name) && html`<a href=${to(['fleets', name, 'edit'])}>Set one</a>`}</${Empty}>`
    : html`<ul class="budgets">${list.map(budget => html`<${BudgetLine} key=${`${budget.pool} ${budget.queue} ${budget.budget.period}`} budget=${budget} />`)}</ul>`}</${Panel}>`;
}

function FleetQueues({ name, open }) {
  useLive(queues);
  // Why tasks wait is said by the fleet.
  useLive(fleets);
  const list = (queues.value ?? []).filter(queue => queue.fleet === name);
  return html`<${Panel} title="Queues" wide actions=${html`<${Age} at=${queues.at} />`} testid="queues">
    <${Table} label="Queues" columns=${['Queue', { name: 'Waiting', num: true }, { name: 'Oldest', num: true }, { name: 'Workers', num: true }, { name: 'Others', num: true }, 'Why waiting', 'Seen']} empty=${queues.value ? 'None.' : 'Reading…'}>
      ${list.map(queue => html`<${QueueRow} key=${queue.name} queue=${queue} />`)}</${Table}>
    ${open && list.some(queue => queue.name === open) && html`<${WaitingTasks} fleet=${name} queue=${open} />`}</${Panel}>`;
}

function WaitingTasks({ fleet, queue }) {
  const asked = useLive(poll(`tasks ${fleet} ${queue}`, () => call('GET', `/v1/fleets/${enc(fleet)}/queues/${enc(queue)}/tasks?pageSize=500`), 3000));
  useClock();
  const tasks = asked.value?.tasks ?? [];
  return html`<div class="panel-head" style=${{ marginTop: '16px' }}><h3>Tasks waiting in ${queue}</h3><span class="note">${asked.value ? (asked.value.waiting > tasks.length ? `the first ${tasks.length} of ${asked.value.waiting}` : String(asked.value.waiting)) : ''}</span>
      <span class="panel-actions"><button type="button" class="quiet" onClick=${() => refine({ queue: undefined })}>Close</button></span></div><${Problem} error=${asked.error} />
    <${LongTable} label=${`Tasks waiting in ${queue}`} height=${280} rows=${tasks} keyOf=${task => task.task} empty=${asked.value ? 'None waits.' : 'Reading…'} columns=${['Task', 'Project', 'User', { name: 'Waits', num: true }, 'Why']}
      row=${task => html`<th scope="row"><code>${task.task}</code></th><td><code>${task.project || '–'}</code></td><td><code>${task.user || '–'}</code></td><td class="num">${span(now() - ms(task.added))}</td><td><a href=${whyLink('task', fleet, task.task)}>Why</a></td>`} />`;
}

const ORDER = { state: machine => machine.phase + (machine.tasks.length ? '0' : '1'), machine: machine => machine.machineId.padStart(40), pool: machine => machine.pool, age: machine => machine.requestedAt, cost: machine => -Number(machine.paid?.spentMicros ?? 0) };

function MachineTable({ name, query }) {
  useLive(machines);
  useClock();
  const currency = fleets.currency(name);
  const specs = new Map((fleets.byName.get(name)?.record.spec.pools ?? []).map(pool => [pool.name, pool]));
  const filter = query.show ?? 'all';
  const order = ORDER[query.sort] ? query.sort : 'age';
  const every = machines.list(name);
  const shown = every.filter(machine => (filter === 'all' || (filter === 'leaving' ? ['DRAINING', 'TERMINATING'] : filter === 'coming' ? ['REQUESTED', 'LAUNCHING', 'BOOTING'] : [filter.toUpperCase()]).includes(stage(machine))) && (!query.pool || machine.pool === query.pool))
    .map(machine => [ORDER[order](machine), machine]).sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)).map(([, machine]) => machine);
  const at = now();
  return html`<${Panel} title="Machines" wide note=${shown.length === every.length ? String(every.length) : `${shown.length} of ${every.length}`} testid="machine-table" actions=${html`
      <${Choice} label="Which machines" value=${filter} onChange=${show => refine({ show: show === 'all' ? undefined : show })} options=${[['all', 'All'], ['coming', 'Coming'], ['busy', 'Busy'], ['idle', 'Idle'], ['leaving', 'Leaving']]} />
      <label class="theme"><span class="hidden">Sort by</span><select value=${order} onChange=${e => refine({ sort: e.target.value })}><option value="age">Oldest first</option><option value="state">By state</option><option value="pool">By pool</option><option value="cost">Dearest first</option><option value="machine">By name</option></select></label>`}>
    <${LongTable} label="Machines" testid="machines-long" rows=${shown} keyOf=${machine => machine.machineId} empty=${machines.synced ? 'None.' : 'Reading…'} height=${Math.min(510, Math.max(80, (shown.length + 1) * 35 + 4))}
      columns=${['Machine', 'State', 'Pool', 'Type', 'Task', { name: 'Released in', num: true }, { name: 'Age', num: true }, { name: 'Cost', num: true }, { name: 'Rate', num: true }, 'Actions']}
      row=${machine => { const gone = releaseAt(machine, specs.get(machine.pool)); return html`<th scope="row"><a href=${to(['machines', machine.machineId])}>${machine.machineId}</a></th><td><${Badge} state=${stage(machine)} />${machine.protected && html` <span class="badge off">Protected</span>`}</td>
        <td>${machine.pool}</td><td>${machine.offer?.machineType}${machine.offer?.market === 'SPOT' ? ' spot' : ''}</td><td>${machine.tasks.length ? html`<code>${machine.tasks.join(', ')}</code>` : html`<span class="muted">${machine.causeDetail || '–'}</span>`}</td>
        <td class="num">${Number.isFinite(gone) ? (gone > at ? countdown(gone - at) : 'now, if not kept') : '–'}</td><td class="num">${span(at - ms(machine.requestedAt))}</td><td class="num">${money(paidNow(machine, at), currency)}</td>
        <td class="num">${rate(machine.paid?.microsPerHour ?? machine.committedMicrosPerHour, currency)}</td><td><a href=${whyLink('machine', machine.machineId)}>Why</a> <${MachineActions} machine=${machine} quiet /></td>`; }} /></${Panel}>`;
}

/** What it has cost until now, micro-units. */
export function paidNow(machine, at) {
  const { paid } = machine;
  if (!paid) {
    return null;
  }
  const running = paid.kind && paid.kind !== 'PAID_KIND_UNSPECIFIED' ? Math.max(0, at - ms(paid.kindSince)) / 3_600_000 * Number(paid.microsPerHour ?? 0) : 0;
  return Number(paid.spentMicros) + running;
}

/** What is not asked for. */
const nothing = Object.assign(new Live(), { value: null, error: null });

function Charts({ name, range }) {
  const asked = useLive(poll(`history ${name} ${range}`, async () => {
    const until = now();
    const since = new Date(until - RANGES[range]).toISOString();
    return { rows: await all(`/v1/fleets/${enc(name)}/history`, { series: 'minute', since }, 'rows'), since: Date.parse(since), until };
  }, 30_000));
  const [shape, setShape] = useState('pool');
  // Rows of history know pools and phases; types are known of machines only, of which there may be thousands.
  const lives = useLive(shape === 'type' ? poll(`lives ${name}`, () => all('/v1/machines', { fleet: name, endedToo: true }, 'machines', 5000), 30_000) : nothing);
  const [data, setData] = useState(null);
  useEffect(() => setData(asked.value && chartData({ ...asked.value, lives: lives.value ?? [] }, range)), [asked.value, lives.value]);
  const point = length => at => { location.hash = whyLink('moment', name, String(Math.round(at)), String(length)); };
  const amount = value => money(value, fleets.currency(name));
  return html`<${Panel} title="Over time" wide note="Click a point for what was decided then" testid="charts" actions=${html`<${Age} at=${asked.at} fresh=${70_000} /><${Choice} label="Range" value=${range} options=${Object.keys(RANGES).map(key => [key, key])} onChange=${key => refine({ range: key })} />`}>
    <${Problem} error=${asked.error} />
    ${!data ? html`<${Empty}>Reading…</${Empty}>` : html`<div class="charts">
      <section aria-label="Machines over time"><div class="panel-head"><h3>Machines</h3><span class="panel-actions"><${Choice} label="Machines by" value=${shape} options=${[['pool', 'By pool'], ['type', 'By type'], ['phase', 'By phase']]} onChange=${setShape} /></span></div>
        <${Problem} error=${lives.error} />${shape === 'type' && !lives.value ? html`<${Empty}>Reading…</${Empty}>` : html`<${Chart} key=${shape} label="Machines over time" times=${data.times} series=${data[shape]} stacked whole format=${value => String(Math.round(value * 10) / 10)} onPoint=${point(STEP[range])} />`}</section>
      <section aria-label="Tasks over time"><div class="panel-head"><h3>Tasks</h3></div><${Chart} label="Tasks over time" times=${data.times} series=${data.tasks} whole format=${value => String(Math.round(value * 10) / 10)} onPoint=${point(STEP[range])} /></section>
      <section aria-label="Waiting times"><div class="panel-head"><h3>Waited before their start</h3><span class="note">at most, of the tasks that started</span></div><${Chart} label="Waiting times" times=${data.waitTimes} series=${data.waits} points format=${value => span(value * 1000)} axis=${shortSpan} onPoint=${point(waitStep(range))} /></section>
      <section aria-label="Spend rate over time"><div class="panel-head"><h3>Spend rate by pool</h3></div><${Chart} label="Spend rate over time" times=${data.times} series=${data.spend} stacked format=${value => `${amount(value)}/h`} onPoint=${point(STEP[range])} /></section>
    </div>`}</${Panel}>`;
}

/** For an axis, where there is little room. */
function shortSpan(seconds) {
  return seconds < 100 ? `${Math.round(seconds)}s` : seconds < 6000 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 360) / 10}h`;
}

const STEP = { '1h': 60_000, '6h': 60_000, '24h': 300_000 };

/** Of a minute too few tasks start to say how long most of them waited. */
function waitStep(range) {
  return Math.max(STEP[range], 300_000);
}

/** Rows of a minute as series of steps; a step without a row is nothing: rows are written while something waits or runs. */
function chartData({ rows, lives, since, until }, range) {
  const step = STEP[range];
  const wide = waitStep(range);
  const first = Math.ceil(since / step) * step;
  const length = Math.max(0, Math.floor((until - 60_000 - first) / step));
  const times = Array.from({ length }, (_, i) => (first + i * step) / 1000);
  const series = new Map();
  const put = (group, name, at, value, merge) => {
    const i = Math.floor((at - first) / step);
    if (i >= 0 && i < length) {
      const key = `${group}\n${name}`;
      const values = series.get(key) ?? series.set(key, new Array(length).fill(0)).get(key);
      values[i] = merge === 'sum' ? values[i] + value : Math.max(values[i], value);
    }
  };
  const waits = new Map();
  for (const row of rows) {
    const at = ms(row.start);
    const sum = Object.values(row.machines).reduce((total, n) => total + n, 0);
    if (row.labels.pool) {
      put('pool', row.labels.pool, at, sum);
      put('spend', row.labels.pool, at, Number(row.spentMicros) * (3_600_000 / step), 'sum');
    } else if (Object.keys(row.labels).length === 0) {
      put('tasks', 'Waiting', at, row.waiting);
      put('tasks', 'Running', at, row.running);
      for (const [phase, n] of Object.entries(row.machines)) {
        put('phase', words(phase), at, n);
      }
      if (row.waits.length) {
        const slot = Math.floor(at / wide) * wide;
        const counts = waits.get(slot) ?? waits.set(slot, new Array(9).fill(0)).get(slot);
        row.waits.forEach((n, i) => { counts[i] += Number(n); });
      }
    }
  }
  for (const machine of lives) {
    const from = ms(machine.requestedAt);
    const to = machine.endedAt ? ms(machine.endedAt) : until;
    if (machine.acceptedAt) {
      for (let i = Math.max(0, Math.ceil((from - first) / step)); i < length && first + i * step < to; i++) {
        put('type', machine.offer?.machineType ?? '', first + i * step, 1, 'sum');
      }
    }
  }
  const of = group => [...series].filter(([key]) => key.startsWith(`${group}\n`)).map(([key, values]) => ({ name: key.slice(group.length + 1), values })).sort((a, b) => a.name.localeCompare(b.name));
  // As far as the other charts go, with gaps where no task started.
  const slots = Array.from({ length: Math.floor(until / wide) - Math.floor(since / wide) + 1 }, (_, i) => (Math.floor(since / wide) + i) * wide);
  return { times, pool: of('pool'), type: of('type'), phase: of('phase'), tasks: of('tasks'), spend: of('spend'), waitTimes: slots.map(slot => slot / 1000),
    waits: waits.size === 0 ? [] : [['Half', 0.5], ['9 of 10', 0.9], ['99 of 100', 0.99]].map(([label, part]) => ({ name: label, values: slots.map(slot => (waits.has(slot) ? percentile(waits.get(slot), part) : null)) })) };
}

const GROUPS = { pool: 'BY_POOL', queue: 'BY_QUEUE', project: 'BY_PROJECT', user: 'BY_USER' };

function Cost({ name, by }) {
  const group = GROUPS[by] ? by : 'pool';
  const asked = useLive(poll(`cost ${name} ${group}`, () => call('GET', withQuery(`/v1/fleets/${enc(name)}/spend`, { since: new Date(now() - 30 * 86_400_000).toISOString(), groupBy: GROUPS[group] })), 15_000));
  useLive(queues);
  const rows = new Map();
  for (const row of asked.value?.rows ?? []) {
    const key = row.labels[group] ?? '';
    const sum = rows.get(key) ?? { spent: 0, useful: 0, idle: 0, boot: 0, waste: 0 };
    sum.spent += Number(row.spentMicros);
    for (const kind of ['useful', 'idle', 'boot', 'waste']) {
      sum[kind] += Number(row.paidMs[kind] ?? 0);
    }
    rows.set(key, sum);
  }
  const list = [...rows].sort((a, b) => b[1].spent - a[1].spent);
  const title = key => (group === 'queue' ? (queues.value ?? []).find(queue => queue.id === key)?.name ?? key : key) || 'none (booting, idle or leaving)';
  return html`<${Panel} title="Cost and uptime" wide note="the last 30 days, up to the last full hour" testid="cost" actions=${html`<${Age} at=${asked.at} fresh=${40_000} /><${Choice} label="Cost by" value=${group} options=${Object.keys(GROUPS).map(key => [key, `By ${key}`])} onChange=${key => refine({ by: key })} />`}>
    <${Problem} error=${asked.error} />
    <p class="legend">${[['useful', 'busy', 'A task ran'], ['idle', 'idle', 'Ready, none'], ['boot', 'boot', 'Booting'], ['waste', 'drain', 'Leaving, or never ready']].map(([key, tone, text]) => html`<span key=${key}><i style=${{ '--swatch': `var(--fill-${tone})` }}></i>${text}</span>`)}</p>
    <${Table} label="Cost and uptime" columns=${[words(group), { name: 'Cost', num: true }, { name: 'Uptime', num: true }, 'Paid time by kind', { name: 'Useful', num: true }]} empty=${asked.value ? 'Nothing was paid for until then.' : 'Reading…'}>
      ${list.map(([key, sum]) => { const total = sum.useful + sum.idle + sum.boot + sum.waste; return html`<tr key=${key}><th scope="row">${title(key)}</th><td class="num">${money(sum.spent, asked.value.currency)}</td><td class="num">${span(total)}</td>
        <td style=${{ minWidth: '160px' }}><${Bar} whole=${total} label=${`useful ${span(sum.useful)}, idle ${span(sum.idle)}, boot ${span(sum.boot)}, waste ${span(sum.waste)}`} parts=${[{ name: 'Useful', value: sum.useful, text: span(sum.useful), tone: 'busy' }, { name: 'Idle', value: sum.idle, text: span(sum.idle), tone: 'idle' }, { name: 'Boot', value: sum.boot, text: span(sum.boot), tone: 'boot' }, { name: 'Waste', value: sum.waste, text: span(sum.waste), tone: 'drain' }]} /></td>
        <td class="num">${total ? `${Math.round((sum.useful / total) * 100)} %` : '–'}</td></tr>`; })}</${Table}>
    ${asked.value && !asked.value.complete && html`<p class="help">Books were lost in this time, or the fleet is younger: there may be more than this.</p>`}</${Panel}>`;
}

function Recent({ name }) {
  useLive(decisions);
  const list = decisions.kept.newest().filter(event => event.fleet === name).slice(0, 10);
  return html`<${Panel} title="Last decisions" wide actions=${html`<a href=${to(['log'], { fleet: name })}>All</a>`} testid="decisions">${list.length === 0 ? html`<${Empty}>Nothing was decided yet.</${Empty}>` : html`<ol class="lines">${list.map(event => html`<${EventLine} key=${event.decisionId} event=${event} withFleet=${false} />`)}</ol>`}</${Panel}>`;
}

