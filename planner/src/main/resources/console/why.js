// Why: beside the page one is on, the decision, its numbers, what else was weighed, and what would unblock it.

import { useEffect, useState } from 'preact/hooks';
import { call, now, withQuery } from './api.js';
import { fleets } from './model.js';
import { Badge, Copy, Dialog, Empty, Problem, html } from './ui.js';
import { ms, moment, money, rate, span, stage, words } from './format.js';
import { to, whyLink } from './route.js';
import { EventLine, Kind, reasonOf, textOf } from './events.js';

/** Before and after what a point in a chart is of, what is looked at, too: a decision's machines and costs come later than it. */
const AROUND_MS = 120_000;
/** What a point is of if its link doesn't say. */
const MOMENT_MS = 60_000;

/** @param {{what: string, onClose: () => void}} props what: a kind and what names it, as in whyLink */
export function Why({ what, onClose }) {
  const [kind, ...names] = what.split('/').map(part => {
    try {
      return decodeURIComponent(part);
    } catch (malformed) {
      return part;
    }
  });
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let gone = false;
    ask(kind, names).then(found => gone || setAnswer(found), failed => gone || setError(failed));
    return () => { gone = true; };
  }, [what]);
  return html`<${Dialog} side title=${answer?.title ?? 'Why'} onClose=${onClose}><div data-testid="why">
    <${Problem} error=${error} />${!answer && !error && html`<p>Asking the planner…</p>`}
    ${answer && html`<${Answer} answer=${answer} />`}
    <div class="dialog-actions"><${Copy} text=${location.href} label="Copy link" /></div></div></${Dialog}>`;
}

/** @returns {Promise<{title: string, summary?: string, machine?: any, refusals?: any[], binding?: any, event?: any, decisions?: any[], note?: string}>} */
async function ask(kind, names) {
  const [first, second, third] = names;
  switch (kind) {
    case 'machine':
      return { title: `Why machine ${first}`, ...await explain({ machineId: first }) };
    case 'queue':
      return { title: `Why tasks wait in ${second}`, ...await explain({ fleet: first, queue: second }) };
    case 'task':
      return { title: `Why task ${second}`, ...await explain({ fleet: first, taskId: second }) };
    case 'decision': {
      const at = Number(third);
      const found = await list(first, at - 1000, at + 1000);
      const event = found.find(one => one.decisionId === second);
      if (!event) {
        throw new Error('This decision is no longer kept.');
      }
      const same = event.plan === '0' ? [] : found.filter(one => one.plan === event.plan && one.decisionId !== second && !one.planMade);
      return { title: 'Decision', event, decisions: same, note: same.length ? 'Of the same plan' : undefined };
    }
    case 'moment': {
      const at = Number(second);
      const found = await list(first, at - AROUND_MS, at + (Number(third) || MOMENT_MS) + AROUND_MS);
      return { title: `${first} at ${moment(at, now())}`, summary: found.length ? undefined : 'Nothing was decided then, nor within two minutes of it.', decisions: found, note: 'What was decided around then' };
    }
    default:
      throw new Error('This link asks for nothing that there is.');
  }
}

const explain = query => call('GET', withQuery('/v1/decisions:explain', query));

async function list(fleet, since, until) {
  const page = await call('GET', withQuery('/v1/decisions', { fleet, since: new Date(since).toISOString(), until: new Date(until).toISOString(), pageSize: 200 }));
  return page.decisions.filter(event => event.decision || event.refusal || event.audit);
}

function Answer({ answer }) {
  const { summary, machine, event } = answer;
  // The first is told by the summary, or by itself.
  const refusals = answer.refusals ?? [];
  return html`${summary && html`<p class="summary">${summary}</p>`}
    ${machine?.machineId && html`<p class="meta"><${Badge} state=${stage(machine)} /><a href=${to(['machines', machine.machineId])}>${machine.machineId}</a><span>${machine.fleet}/${machine.pool}</span></p>`}
    ${answer.binding?.rule && html`<h3 class="part-title">What binds</h3><${Refusal} refusal=${answer.binding} />`}
    ${refusals.length > 0 && !answer.binding?.rule && html`<h3 class="part-title">What is in the way</h3>`}
    ${refusals.filter(one => one.text !== answer.binding?.text).map(one => html`<${Refusal} key=${one.text} refusal=${one} />`)}
    ${event && html`<${Whole} event=${event} />`}
    ${answer.decisions?.length > 0 && html`<h3 class="part-title">${answer.note ?? 'Decisions about it'}</h3><ol class="lines">${[...answer.decisions].sort((a, b) => ms(b.at) - ms(a.at)).map(one => html`<${EventLine} key=${one.decisionId} event=${one} withFleet=${false} />`)}</ol>`}
    ${!summary && !event && !refusals.length && !answer.decisions?.length && html`<${Empty}>Nothing is kept about it.</${Empty}>`}`;
}

/** A name of a number as people say it: scaleOutDelay and scale_out_delay are "scale out delay". What it is counted in is said by its value. */
function spoken(name) {
  return name.replaceAll('_', ' ').replace(/([a-z])([A-Z])/g, (all, a, b) => `${a} ${b.toLowerCase()}`).replace(/\b(micros|ms|millis)\b/g, '').replace(/ {2,}/g, ' ').trim();
}

function told(name, value, currency) {
  if (/micros|price|rate|limit_micros|spent|reserved|cost/i.test(name) && Math.abs(Number(value)) >= 1000) {
    return money(value, currency);
  }
  return /(_ms|Ms|millis)$/.test(name) ? span(Number(value)) : String(value);
}

function Numbers({ numbers, words: said, currency }) {
  const all = [...Object.entries(numbers ?? {}), ...Object.entries(said ?? {})];
  return all.length === 0 ? null : html`<dl class="facts numbers">${all.map(([name, value]) => html`<div key=${name}><dt>${spoken(name)}</dt><dd>${told(name, value, currency)}</dd></div>`)}</dl>`;
}

function Refusal({ refusal, currency }) {
  return html`<div class="reason"><p><strong>${refusal.text}</strong></p>
    ${refusal.unblockedBy && html`<p><span class="badge good">Ends when</span> ${refusal.unblockedBy}</p>`}
    <p class="meta"><span>${words(refusal.reason)}</span><span>rule ${refusal.rule}</span>${refusal.waiting > 0 && html`<span>${refusal.waiting} waiting because of it</span>`}${refusal.since && html`<span>for ${span(now() - ms(refusal.since))}</span>`}</p>
    <${Numbers} numbers=${refusal.numbers} words=${refusal.words} currency=${currency} /><${Constraints} list=${refusal.constraints} currency=${currency} /></div>`;
}

function Constraints({ list, currency }) {
  return !list?.length ? null : html`<ul class="nested">${list.map((one, i) => html`<li key=${i}><p><strong>${words(one.reason)}</strong> <span class="muted">rule ${one.rule}</span></p><${Numbers} numbers=${one.numbers} words=${one.words} currency=${currency} /></li>`)}</ul>`;
}

/** All that is on the record of one event. */
function Whole({ event }) {
  const currency = fleets.currency(event.fleet);
  const { decision, refusal, audit } = event;
  return html`<p class="meta"><time datetime=${event.at}>${moment(ms(event.at), now())}</time><${Kind} event=${event} /><a href=${to(['fleets', event.fleet])}>${event.fleet}</a>${decision?.pool && html`<span>pool ${decision.pool}</span>`}${decision?.queue && html`<span>queue ${decision.queue}</span>`}</p>
    <p class="summary">${textOf(event)}</p>
    ${reasonOf(event) && html`<p class="meta"><span>${words(reasonOf(event))}</span>${decision && html`<span>rule ${decision.rule}</span>`}<code>${event.decisionId}</code></p>`}
    ${refusal && html`<${Refusal} refusal=${refusal} currency=${currency} />`}
    ${decision && html`<${Numbers} numbers=${decision.numbers} words=${decision.words} currency=${currency} />
      ${decision.constraints?.length > 0 && html`<h3 class="part-title">In the way of pools before this one</h3><${Constraints} list=${decision.constraints} currency=${currency} />`}
      ${decision.alternatives?.length > 0 && html`<h3 class="part-title">What was weighed</h3><ul class="lines">${decision.alternatives.map((one, i) => html`<li key=${i}><p><strong>${one.offer.machineType} ${one.offer.market === 'SPOT' ? 'spot' : 'on-demand'}</strong> ${[one.offer.region, one.offer.zone, one.offer.subnet].filter(Boolean).join(' · ')}</p>
        <p class="meta">${one.reason === 'REASON_UNSPECIFIED' ? html`<span class="badge good">Taken</span>` : html`<span class="badge warn">${words(one.reason)}</span>`}<span>${one.priceMicrosPerHour === undefined ? 'price unknown' : rate(one.priceMicrosPerHour, currency)}</span>${one.until && html`<span>not tried until ${moment(ms(one.until), now())}</span>`}</p></li>`)}</ul>`}
      ${decision.machineIds?.length > 0 && html`<h3 class="part-title">Machines</h3><ul class="tags">${decision.machineIds.map(id => html`<li key=${id}><a href=${to(['machines', id])}><code>${id}</code></a></li>`)}</ul>`}
      ${decision.taskIds?.length > 0 && html`<h3 class="part-title">Tasks</h3><ul class="tags">${decision.taskIds.map(id => html`<li key=${id}><a href=${whyLink('task', event.fleet, id)}><code>${id}</code></a></li>`)}</ul>`}`}
    ${audit && html`<dl class="facts"><div><dt>Who</dt><dd>${audit.caller || 'nobody was asked'}</dd></div>${audit.role && html`<div><dt>As</dt><dd>${audit.role}</dd></div>`}<div><dt>Request</dt><dd><code>${audit.requestId}</code></dd></div></dl>
      ${audit.after && html`<p><a href=${to(['fleets', event.fleet, 'versions'])}>Versions of the fleet</a></p>`}`}`;
}
