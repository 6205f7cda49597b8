// The log: what was decided, refused and changed, and where machines went; filtered, followed, and each line with an address of its own.

import { useEffect, useState } from 'preact/hooks';
import { call, now, withQuery } from './api.js';
import { useLive } from './live.js';
import { decisions, fleets, isShown, machines } from './model.js';
import { Badge, Copy, Empty, PageHead, Problem, html } from './ui.js';
import { ms, moment, words } from './format.js';
import { refine, to, useRoute } from './route.js';
import { EventLine, kindOf, reasonOf, textOf } from './events.js';

/** More are asked for page by page. */
const SHOWN = 300;

export function LogPage() {
  useLive(decisions);
  useLive(machines);
  useLive(fleets);
  const { query } = useRoute();
  const following = query.follow !== 'no';
  const [held, setHeld] = useState(null);
  const [older, setOlder] = useState([]);
  const [token, setToken] = useState('');
  const [error, setError] = useState(null);
  const list = fleets.list();
  useEffect(() => {
    setHeld(following ? null : items());
    setOlder([]);
    setToken('');
  }, [following, query.fleet, query.kind, query.text, query.reason]);

  function items() {
    const all = [
      ...decisions.kept.newest().map(event => ({ at: ms(event.at), key: event.decisionId, event })),
      ...(query.kind && query.kind !== 'machine' ? [] : machines.moves.newest().map(move => ({ at: move.at, key: `move ${move.key}`, move }))),
    ];
    return all.filter(item => matches(item, query)).sort((a, b) => b.at - a.at);
  }
  const fresh = items();
  const shown = [...(following || !held?.length ? fresh : held), ...older].slice(0, SHOWN + older.length);
  const waiting = following || !held ? 0 : fresh.length - held.length;

  async function more() {
    setError(null);
    try {
      const oldest = shown.length ? shown[shown.length - 1].at : now();
      const names = query.fleet ? [query.fleet] : list.map(fleet => fleet.record.fleet);
      const pages = await Promise.all(names.map(fleet => call('GET', withQuery('/v1/decisions', { fleet, until: new Date(oldest).toISOString(), pageSize: 200, kinds: ['DECISION_DONE', 'DECISION_REFUSED', 'DECISION_AUDITED'] }))));
      const known = new Set(shown.map(item => item.key));
      const found = pages.flatMap(page => page.decisions).filter(event => isShown(event) && !known.has(event.decisionId)).map(event => ({ at: ms(event.at), key: event.decisionId, event })).filter(item => matches(item, query)).sort((a, b) => b.at - a.at);
      setOlder([...older, ...found]);
      setToken(found.length ? 'more' : 'end');
    } catch (failed) {
      setError(failed);
    }
  }

  const reasons = [...new Set(decisions.kept.items.map(reasonOf).filter(reason => reason && reason !== 'REASON_UNSPECIFIED'))].sort();
  return html`<${PageHead} title="Log" sub=${html`<span>Decisions of the last 30 days; machines' moves since this page was opened.</span>`}>
      <button type="button" aria-pressed=${String(following)} class=${following ? 'primary' : ''} onClick=${() => refine({ follow: following ? 'no' : undefined })}>${following ? 'Following' : waiting > 0 ? `Follow (${waiting} new)` : 'Follow'}</button><${Copy} text=${location.href} label="Copy link" /></${PageHead}>
    <form class="filters" role="search" aria-label="Filter" onSubmit=${e => e.preventDefault()}>
      <label>Fleet<select value=${query.fleet ?? ''} onChange=${e => refine({ fleet: e.target.value })}><option value="">All</option>${list.map(fleet => html`<option key=${fleet.record.fleet} value=${fleet.record.fleet}>${fleet.record.fleet}</option>`)}</select></label>
      <label>What<select value=${query.kind ?? ''} onChange=${e => refine({ kind: e.target.value })}><option value="">Everything</option><option value="done">Done</option><option value="refused">Refused</option><option value="audited">Changed by people</option><option value="machine">Machine events</option></select></label>
      <label>Reason<select value=${query.reason ?? ''} onChange=${e => refine({ reason: e.target.value })}><option value="">Any</option>${[...new Set([...reasons, ...(query.reason ? [query.reason] : [])])].map(reason => html`<option key=${reason} value=${reason}>${words(reason)}</option>`)}</select></label>
      <label>Containing<input type="search" value=${query.text ?? ''} placeholder="machine, task, pool, word" onInput=${e => refine({ text: e.target.value })} /></label>
    </form>
    <section class="panel wide" aria-label="Events" data-testid="log"><${Problem} error=${error} />
      ${shown.length === 0 ? html`<${Empty}>${decisions.synced ? 'Nothing that fits.' : 'Reading…'}</${Empty}>` : html`<ol class="lines">${shown.map(item => (item.event ? html`<${EventLine} key=${item.key} event=${item.event} />` : html`<${Move} key=${item.key} move=${item.move} />`))}</ol>`}
      ${query.kind !== 'machine' && decisions.synced && html`<p style=${{ marginTop: '12px' }}>${token === 'end' ? html`<span class="muted">That is all that is kept.</span>` : html`<button type="button" onClick=${more}>Older</button>`}</p>`}
    </section>`;
}

function matches(item, query) {
  const fleet = item.event?.fleet ?? item.move.fleet;
  if (query.fleet && fleet !== query.fleet) {
    return false;
  }
  if (item.move) {
    return !query.reason && (!query.kind || query.kind === 'machine') && has(query.text, `${item.move.machine} ${item.move.pool} ${item.move.from} ${item.move.to} ${item.move.detail}`);
  }
  const kind = kindOf(item.event);
  if (query.kind && !(kind === query.kind || (query.kind === 'refused' && kind === 'over'))) {
    return false;
  }
  if (query.reason && reasonOf(item.event) !== query.reason) {
    return false;
  }
  const { decision, refusal } = item.event;
  return has(query.text, [textOf(item.event), item.event.decisionId, decision?.pool, decision?.queue, refusal?.pool, refusal?.queue, ...(decision?.machineIds ?? []), ...(decision?.taskIds ?? [])].join(' '));
}

function has(wanted, text) {
  return !wanted || text.toLowerCase().includes(wanted.toLowerCase());
}

function Move({ move }) {
  return html`<li class="event"><p class="meta"><time datetime=${new Date(move.at).toISOString()}>${moment(move.at, now())}</time><span class="badge off">Machine</span><span>${move.fleet}</span></p>
    <p><a class="plain" href=${to(['machines', move.machine])}>${move.machine}</a> of ${move.pool}: ${move.from ? html`<${Badge} state=${move.from} /> → ` : ''}<${Badge} state=${move.to} />${move.detail && html` <span class="muted">${move.detail}</span>`}</p></li>`;
}

