// One machine: its life so far, the tasks that it ran, what it cost and what it wrote to its console.

import { useState } from 'preact/hooks';
import { call, now } from './api.js';
import { useClock, useLive } from './live.js';
import { fleets, machines, poll, session } from './model.js';
import { Age, Badge, Bar, Copy, Empty, PageHead, Panel, Problem, Table, html, save } from './ui.js';
import { ENDED, countdown, ms, moment, money, rate, releaseAt, span, stage, words } from './format.js';
import { to, whyLink } from './route.js';
import { eventLink } from './events.js';
import { MachineActions } from './actions.js';
import { paidNow } from './fleet.js';

const enc = encodeURIComponent;

export function MachinePage({ id }) {
  useLive(machines);
  useLive(fleets);
  useClock();
  const asked = useLive(poll(`life ${id}`, () => call('GET', `/v1/machines/${enc(id)}/life`), 4000));
  const life = asked.value;
  const machine = machines.byId.get(id) ?? life?.machine;
  if (!machine) {
    return html`<${PageHead} title=${id} kicker="Machine" /><${Problem} error=${asked.error} />${!asked.error && html`<p class="empty">Reading…</p>`}`;
  }
  const spec = fleets.byName.get(machine.fleet)?.record.spec;
  const currency = spec?.currency || 'USD';
  const gone = releaseAt(machine, spec?.pools.find(pool => pool.name === machine.pool));
  const fact = (name, value) => (value ? html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>` : null);
  const at = now();
  return html`<${PageHead} title=${id} kicker="Machine" sub=${html`<${Badge} state=${stage(machine)} />${machine.protected && html`<span class="badge off">Protected</span>`}<a href=${to(['fleets', machine.fleet])}>${machine.fleet}</a><span>pool ${machine.pool}</span><span>${machine.offer?.machineType} ${machine.offer?.market === 'SPOT' ? 'spot' : ''}</span>
      ${Number.isFinite(gone) && html`<span data-testid="release">${gone > at ? `released in ${countdown(gone - at)}, if nothing keeps it` : 'released now, if nothing keeps it'}</span>`}<${Age} at=${asked.at} fresh=${15_000} />`}>
      <a class="button" href=${whyLink('machine', id)}>Why</a><${MachineActions} machine=${machine} /></${PageHead}>
    ${machine.causeDetail && html`<p class="notice">${machine.causeDetail}</p>`}${machine.message && html`<p class="notice">${machine.reason}: ${machine.message}</p>`}
    <div class="grid">
      <${Panel} title="Life" wide testid="life"><${Timeline} machine=${machine} at=${at} /></${Panel}>
      <${Panel} title="Facts" testid="facts"><dl class="facts">
        ${fact('Cloud id', machine.cloudId && html`<code>${machine.cloudId}</code>`)}${fact('Where', [machine.offer?.provider, machine.offer?.account, machine.offer?.region, machine.offer?.zone].filter(Boolean).join(' · '))}
        ${fact('Running', machine.tasks.map(task => html`<code key=${task}>${task}</code> `).length > 0 && machine.tasks.join(', '))}${fact('Idle since', machine.idleSince && moment(ms(machine.idleSince), at))}
        ${fact('Launched for queue', machine.queue)}${fact('Made for task', machine.task)}${fact('Stands in for', machine.replaces && html`<a href=${to(['machines', machine.replaces])}>${machine.replaces}</a>`)}
        ${fact('Workers', machine.workerIds.join(', '))}${fact('Guard', machine.guarded ? 'answers' : 'not seen')}${fact('Failure', words(machine.failure))}${fact('Ended', words(machine.ending))}${fact('Adopted', machine.adopted && 'yes: another hand launched it')}
      </dl></${Panel}>
      <${Paid} machine=${machine} at=${at} currency=${currency} />
      <${Panel} title="Tasks" wide note=${life ? String(life.tasks.length) : ''} testid="tasks"><${Table} label="Tasks" columns=${['Task', 'Queue', 'Project', 'User', 'Started', { name: 'Ran', num: true }, 'Ended as', { name: 'Cost', num: true }]} empty=${life ? 'It has run none.' : 'Reading…'}>
        ${(life?.tasks ?? []).map(run => html`<tr key=${`${run.task} ${run.started}`}><th scope="row"><code>${run.task}</code></th><td>${run.queue || '–'}</td><td><code>${run.project || '–'}</code></td><td><code>${run.user || '–'}</code></td><td>${moment(ms(run.started), at)}</td>
          <td class="num">${span((run.ended ? ms(run.ended) : at) - ms(run.started))}</td><td>${run.ended ? words(run.status) || '–' : html`<${Badge} state="BUSY" text="Runs" />`}</td><td class="num">${money(run.spentMicros, currency)}</td></tr>`)}</${Table}></${Panel}>
      <${Panel} title="Events" testid="events">${(life?.events ?? []).length === 0 ? html`<${Empty}>${life ? 'None is kept.' : 'Reading…'}</${Empty}>` : html`<ol class="lines">${life.events.map((event, i) => html`<li key=${i}><p class="meta"><time datetime=${event.at}>${moment(ms(event.at), at)}</time>${event.phase !== 'PHASE_UNSPECIFIED' && html`<${Badge} state=${event.phase} />`}</p>
        <p>${event.decision?.decisionId ? html`<a class="plain" href=${eventLink(event.decision)}>${event.text}</a>` : event.text}</p></li>`)}</ol>`}
        ${life && !life.complete && html`<p class="help">Its beginning is no longer kept.</p>`}</${Panel}>
      <${ConsoleOutput} machine=${machine} />
    </div>`;
}

/** The phases that it went through, each as wide as it was long. */
function Timeline({ machine, at }) {
  const end = machine.endedAt ? ms(machine.endedAt) : at;
  const points = [['Requested', machine.requestedAt, 'off'], ['Launching and booting', machine.acceptedAt, 'boot'], ['Ready', machine.readyAt, 'busy'], ['Leaving', machine.markedAt && machine.phase !== 'READY' ? machine.markedAt : null, 'drain']]
    .map(([name, moment_, tone]) => ({ name, at: ms(moment_), tone })).filter(point => Number.isFinite(point.at)).sort((a, b) => a.at - b.at);
  const parts = points.map((point, i) => ({ ...point, until: i + 1 < points.length ? points[i + 1].at : end }));
  const whole = Math.max(1, end - (points[0]?.at ?? end));
  return html`<div class="timeline" role="img" aria-label=${parts.map(part => `${part.name} for ${span(part.until - part.at)}`).join(', ')}>${parts.map(part => html`<span key=${part.name} class=${`part ${part.tone}`} style=${{ flexGrow: Math.max(0.002, (part.until - part.at) / whole) }} title=${`${part.name}: ${span(part.until - part.at)}`}></span>`)}</div>
    <p class="legend">${parts.map(part => html`<span key=${part.name}><i style=${{ '--swatch': `var(--fill-${part.tone})` }}></i>${part.name} ${moment(part.at, at)}, ${span(part.until - part.at)}</span>`)}${ENDED.has(machine.phase) && html`<span>${words(machine.phase)} ${moment(end, at)}</span>`}</p>`;
}

function Paid({ machine, at, currency }) {
  const { paid } = machine;
  const own = kind => Number(paid?.[`${kind}Ms`] ?? 0) + (paid?.kind === { useful: 'USEFUL', idle: 'IDLE_PAID', boot: 'BOOT', waste: 'WASTE' }[kind] ? Math.max(0, at - ms(paid.kindSince)) : 0);
  const parts = [['useful', 'A task ran', 'busy'], ['idle', 'Ready, none', 'idle'], ['boot', 'Booting', 'boot'], ['waste', 'Leaving, or never ready', 'drain']].map(([kind, name, tone]) => ({ name, tone, value: own(kind), text: span(own(kind)) }));
  const whole = parts.reduce((sum, part) => sum + part.value, 0);
  return html`<${Panel} title="Cost" testid="paid">${!paid ? html`<${Empty}>Nothing is paid for yet.</${Empty}>` : html`<p class="budget-head"><span><strong>${money(paidNow(machine, at), currency)}</strong> <span class="muted">so far</span></span><span>${rate(paid.microsPerHour ?? machine.committedMicrosPerHour, currency)}</span></p>
    <${Bar} whole=${whole} parts=${parts} label=${parts.map(part => `${part.name} ${part.text}`).join(', ')} /><p class="legend">${parts.map(part => html`<span key=${part.name}><i style=${{ '--swatch': `var(--fill-${part.tone})` }}></i>${part.name} ${part.text}</span>`)}</p>`}</${Panel}>`;
}

function ConsoleOutput({ machine }) {
  const [read, setRead] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const may = session.may('OPERATOR', machine.fleet);
  async function ask() {
    setBusy(true);
    setError(null);
    try {
      setRead(await call('GET', `/v1/machines/${enc(machine.machineId)}/console`));
    } catch (failed) {
      setError(failed);
    }
    setBusy(false);
  }
  return html`<${Panel} title="Console output" testid="console-output" actions=${read && html`<${Copy} text=${read.text} /><button type="button" class="quiet" onClick=${() => save(`${machine.machineId}.txt`, read.text)}>Save</button>`}>
    ${may ? html`<button type="button" disabled=${busy} onClick=${ask}>${busy ? 'Reading; the cloud may take a minute…' : read ? 'Read again' : 'Read the console'}</button>` : html`<${Empty}>An operator of the fleet may read it.</${Empty}>`}
    <${Problem} error=${error} />${read && html`<p class="help">as of ${moment(ms(read.capturedAt), now())}${read.truncated ? '; there was more before it' : ''}</p><pre class="console" tabindex="0" aria-label="Console output">${read.text || 'Its cloud shows none.'}</pre>`}</${Panel}>`;
}
