// A fleet's versions: who made each, what differs between two, and back to one of them.

import { useEffect, useState } from 'preact/hooks';
import { all, call, now } from './api.js';
import { useLive } from './live.js';
import { fleets, poll, session } from './model.js';
import { Confirm, Empty, PageHead, Panel, Problem, Table, html, save } from './ui.js';
import { ms, moment } from './format.js';
import { go, refine, to, useRoute } from './route.js';

const enc = encodeURIComponent;

/** What differs, field by field, as the planner says it. */
export function Changes({ changes, before = 'Before', after = 'After' }) {
  return html`<div class="diff"><${Table} label="Differences" columns=${['Field', before, after]} empty="Nothing differs.">${changes.map(change => html`<tr key=${change.field}><th scope="row"><code>${change.field}</code></th>
    <td class="before">${change.before || html`<span class="muted">not set</span>`}</td><td class="after">${change.after || html`<span class="muted">not set</span>`}</td></tr>`)}</${Table}></div>`;
}

export function VersionsPage({ name }) {
  useLive(fleets);
  const { query } = useRoute();
  const asked = useLive(poll(`versions ${name}`, () => all(`/v1/fleets/${enc(name)}/versions`, {}, 'versions'), 10_000));
  const [changes, setChanges] = useState(null);
  const [error, setError] = useState(null);
  const [back, setBack] = useState(null);
  const list = asked.value ?? [];
  const current = fleets.byName.get(name)?.record.version ?? list[0]?.version;
  const toVersion = query.to ?? list[0]?.version;
  const from = query.from ?? list[1]?.version ?? toVersion;
  useEffect(() => {
    let gone = false;
    if (from && toVersion) {
      setError(null);
      call('POST', `/v1/fleets/${enc(name)}:diff`, { fromVersion: from, toVersion }).then(found => gone || setChanges(found.changes), failed => gone || setError(failed));
    }
    return () => { gone = true; };
  }, [from, toVersion]);
  const pick = (label, value, key) => html`<label>${label}<select value=${value} onChange=${e => refine({ [key]: e.target.value })}>${list.map(one => html`<option key=${one.version} value=${one.version}>Version ${one.version}</option>`)}</select></label>`;
  return html`<${PageHead} title=${`Versions of ${name}`} kicker="Fleet" sub=${html`<a href=${to(['fleets', name])}>Back to the fleet</a>`} />
    <div class="grid"><${Panel} title="Accepted specs" wide note="the newest 50" testid="versions"><${Problem} error=${asked.error} />
      <${Table} label="Versions" columns=${['Version', 'Changed', 'By', 'Managed by', 'Actions']} empty=${asked.value ? 'None.' : 'Reading…'}>${list.map(one => html`<tr key=${one.version}><th scope="row">${one.version}${one.version === current && html` <span class="badge good">Current</span>`}</th><td>${moment(ms(one.changedAt), now())}</td><td>${one.changedBy || '–'}</td><td>${one.managedBy || 'people'}</td>
        <td><button type="button" class="quiet" onClick=${async () => save(`${name}-${one.version}.yaml`, (await call('GET', `/v1/fleets/${enc(name)}:export?version=${one.version}`)).yaml)}>Export</button>
          ${session.may('ADMIN', name) && one.version !== current && html`<button type="button" class="quiet" onClick=${() => setBack(one)}>Roll back to it</button>`}</td></tr>`)}</${Table}></${Panel}>
      <${Panel} title="Differences" wide testid="differences"><div class="filters">${pick('From', from, 'from')}${pick('To', toVersion, 'to')}</div><${Problem} error=${error} />${changes ? html`<${Changes} changes=${changes} before=${`Version ${from}`} after=${`Version ${toVersion}`} />` : html`<${Empty}>Reading…</${Empty}>`}</${Panel}></div>
    ${back && html`<${Confirm} title=${`Roll back to version ${back.version}`} verb="Roll back" onClose=${() => setBack(null)} onDone=${() => { asked.now(); go(to(['fleets', name])); }}
      ask=${async () => ({ version: current, diff: await call('POST', `/v1/fleets/${enc(name)}:diff`, { fromVersion: current, toVersion: back.version }), preview: await call('POST', '/v1/fleets:preview', { spec: back.spec }).catch(() => null) })}
      say=${({ diff, preview }) => html`<p>The spec of version ${back.version} is applied again, as a new version.${preview && html` At once: ${preview.decisions.length} decisions.`}</p><${Changes} changes=${diff.changes} before="Now" after="Then" />${preview?.decisions.length > 0 && html`<ul>${preview.decisions.slice(0, 10).map((one, i) => html`<li key=${i}>${one.text}</li>`)}</ul>`}`}
      act=${(choice, { version }) => call('POST', `/v1/fleets/${enc(name)}:rollBack`, { toVersion: back.version, expectedVersion: version })} />`}`;
}
