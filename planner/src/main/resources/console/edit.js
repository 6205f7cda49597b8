// Creating and editing a fleet: a form and the same as YAML, judged by the planner while one writes, and shown before it is applied.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError, call, connection, now } from './api.js';
import { useLive } from './live.js';
import { fleets, session } from './model.js';
import { Choice, PageHead, Panel, Problem, Table, html, save } from './ui.js';
import { count, durationMs, money, rate, span } from './format.js';
import { go, to, useRoute } from './route.js';
import { Field, MessageFields, MoneyField, NumberField, SpanField, schemas } from './form.js';
import { draftOf, dropDraft, keepDraft } from './draft.js';
import { merge } from './merge.js';
import { Changes } from './versions.js';

const enc = encodeURIComponent;
/** After the last key, before the planner is asked. */
const PAUSE_MS = 350;

const newOffer = () => ({ key: { provider: 'aws', account: 'default', region: '', machineType: '', market: 'ON_DEMAND' } });
const newPool = name => ({ name, offers: [newOffer()], limits: { max: 1 } });
const blank = () => ({ name: '', queues: [{ name: '', pools: [] }], pools: [newPool('')] });

export function EditPage({ name }) {
  useLive(fleets);
  useLive(connection);
  const { query } = useRoute();
  const [base, setBase] = useState(null);
  const [spec, setSpec] = useState(null);
  const [error, setError] = useState(null);
  const [notes, setNotes] = useState([]);
  const [importing, setImporting] = useState(query.import === 'yes');
  const [restored, setRestored] = useState(false);
  const begin = (record, first) => {
    setBase(record);
    setSpec(first);
  };
  const edit = (next, since = base) => {
    setSpec(next);
    keepDraft(name ?? '', since, next);
  };
  function read() {
    if (!name) {
      begin(null, blank());
      return undefined;
    }
    let gone = false;
    call('GET', `/v1/fleets/${enc(name)}`).then(view => gone || begin(view.record, view.record.spec), failed => gone || setError(failed));
    return () => { gone = true; };
  }
  useEffect(() => {
    const draft = draftOf(name ?? '');
    if (draft) {
      begin(draft.base, draft.spec);
      setRestored(true);
      setImporting(false);
      return undefined;
    }
    return read();
  }, [name]);
  // Who goes elsewhere leaves it behind; who must sign in again does not.
  useEffect(() => () => connection.state !== 'signed-out' && dropDraft(), []);
  const heading = name ? `Edit ${name}` : 'Create a fleet';
  if (!spec) {
    return html`<${PageHead} title=${heading} /><${Problem} error=${error} />${!error && html`<p class="empty">Reading…</p>`}`;
  }
  if (importing) {
    return html`<${PageHead} title="Import a configuration" /><${Import} onCancel=${() => setImporting(false)} onDone=${answer => { edit(answer.spec); setNotes(answer.notes); setImporting(false); }} />`;
  }
  return html`<${PageHead} title=${heading} kicker="Fleet" sub=${name && html`<a href=${to(['fleets', name])}>Back to the fleet</a><span>from version ${base.version}</span>`}>
      ${!name && html`<button type="button" onClick=${() => setImporting(true)}>Import</button>`}</${PageHead}>
    ${restored && html`<p class="notice" role="status" data-testid="restored">What you had written is here again. <button type="button" onClick=${() => { dropDraft(); setRestored(false); read(); }}>Begin anew</button></p>`}
    ${notes.length > 0 && html`<div class="notice" role="status" data-testid="import-notes"><strong>What the import says</strong><ul>${notes.map((note, i) => html`<li key=${i}>${note}</li>`)}</ul></div>`}
    <${Editor} name=${name} base=${base} setBase=${setBase} spec=${spec} setSpec=${edit} />`;
}

function Import({ onCancel, onDone }) {
  const [text, setText] = useState('');
  const [format, setFormat] = useState('SPEC_FORMAT_UNSPECIFIED');
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [several, setSeveral] = useState(null);
  async function go_(e) {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const answer = await call('POST', '/v1/fleets:import', { text, format });
      if (answer.others.length > 0) {
        setSeveral(answer);
      } else {
        onDone(answer);
      }
    } catch (failed) {
      setError(failed);
    }
    setBusy(false);
  }
  if (several) {
    return html`<section class="panel" aria-label="Which of them"><p>The file makes ${several.others.length + 1} fleets. Which one do you begin with?</p><p class="row">${[several.spec, ...several.others].map(spec => html`<button key=${spec.name} type="button" onClick=${() => onDone({ ...several, spec })}>${spec.name}</button>`)}</p></section>`;
  }
  return html`<form class="panel" onSubmit=${go_}><p>Muster's own YAML, the YAML of ClearML's AWS autoscaler, the JSON that ClearML's AWS or GCP application exports, or the values of the chart clearml-agent. Nothing is stored until you create the fleet.</p>
    <div class="fields" style=${{ margin: '12px 0' }}><div class="field"><label for="file">File</label><input id="file" type="file" accept=".yaml,.yml,.json,.txt" onChange=${async e => { const [file] = e.target.files; if (file) { setText(await file.text()); } }} /></div>
      <${Field} label="Written by" value=${format} onChange=${setFormat} options=${[['SPEC_FORMAT_UNSPECIFIED', 'Find out'], ['MUSTER_YAML', 'Muster'], ['CLEARML_AWS_YAML', 'ClearML AWS autoscaler (YAML)'], ['CLEARML_APPLICATION', 'ClearML application (JSON)'], ['CLEARML_AGENT_CHART', 'Chart clearml-agent (values)']]} /></div>
    <label for="import-text">Its text</label><textarea id="import-text" rows="14" spellcheck=${false} value=${text} onInput=${e => setText(e.target.value)}></textarea><${Problem} error=${error} />
    <div class="dialog-actions"><button type="button" onClick=${onCancel}>Cancel</button><button type="submit" class="primary" disabled=${busy || text.trim() === ''}>${busy ? 'Reading…' : 'Read it'}</button></div></form>`;
}

/** @param {{name?: string, base: any, setBase: (record: any) => void, spec: any, setSpec: (spec: any, base?: any) => void}} props base: where it is another from now on */
function Editor({ name, base, setBase, spec, setSpec }) {
  const [yaml, setYaml] = useState('');
  const [yamlError, setYamlError] = useState(null);
  const [judged, setJudged] = useState({ violations: [], notes: [], error: null, done: false });
  const [saving, setSaving] = useState(false);
  const [failure, setFailure] = useState(null);
  const [theirs, setTheirs] = useState(null);
  const [preview, setPreview] = useState(null);
  const turn = useRef(0);
  const writing = useRef(false);
  const timer = useRef(0);
  useLive(schemas);

  /** Asks what the planner thinks of it, and of the form what it is as YAML; later answers win. */
  function judge(next, withYaml) {
    const mine = ++turn.current;
    const isLast = () => mine === turn.current;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(async () => {
      const request = { spec: next, ...(base ? { expectedVersion: base.version } : { expectedVersion: '0' }) };
      const asked = [call('POST', '/v1/fleets:validate', request).then(answer => isLast() && setJudged({ violations: [], notes: answer.notes, error: null, done: true }),
        failed => isLast() && setJudged({ violations: failed instanceof ApiError ? failed.violations : [], notes: [], error: failed, done: true }))];
      if (withYaml) {
        asked.push(call('POST', '/v1/fleets:export', { spec: next }).then(answer => { if (isLast()) { setYaml(answer.yaml); setYamlError(null); } }, failed => isLast() && setYamlError(failed)));
      }
      await Promise.all(asked);
    }, PAUSE_MS);
  }

  useEffect(() => {
    if (writing.current) {
      writing.current = false;
      judge(spec, false);
    } else {
      judge(spec, true);
    }
    return () => clearTimeout(timer.current);
  }, [spec, base?.version]);

  function onYaml(text) {
    setYaml(text);
    turn.current++;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(async () => {
      const mine = ++turn.current;
      try {
        const answer = await call('POST', '/v1/fleets:import', { text, format: 'MUSTER_YAML' });
        if (mine === turn.current) {
          setYamlError(null);
          writing.current = true;
          setSpec(answer.spec);
        }
      } catch (failed) {
        if (mine === turn.current) {
          setYamlError(failed);
        }
      }
    }, PAUSE_MS);
  }

  async function apply(e) {
    e.preventDefault();
    setSaving(true);
    setFailure(null);
    try {
      const record = await call('PUT', `/v1/fleets/${enc(spec.name)}`, { spec, expectedVersion: base ? base.version : '0' });
      dropDraft();
      await fleets.now();
      go(to(['fleets', record.fleet]));
    } catch (failed) {
      if (failed instanceof ApiError && failed.http === 409 && base) {
        await conflict(failed);
      } else {
        setFailure(failed);
      }
    }
    setSaving(false);
  }

  async function conflict(failed) {
    try {
      const view = await call('GET', `/v1/fleets/${enc(name)}`);
      const [their, own] = await Promise.all([call('POST', `/v1/fleets/${enc(name)}:diff`, { fromVersion: base.version, toVersion: view.record.version }), call('POST', `/v1/fleets/${enc(name)}:diff`, { fromVersion: base.version, spec })]);
      setTheirs({ record: view.record, changes: their.changes, own: own.changes, merged: merge(base.spec, spec, view.record.spec) });
    } catch (later) {
      setFailure(failed);
    }
  }

  const current = name ? fleets.byName.get(name)?.record : null;
  const overtaken = current && base && current.version !== base.version && !theirs;
  const locked = base?.managedBy?.startsWith('file: ');
  const may = session.may('ADMIN', spec.name) && !locked;
  const set = (key, value) => setSpec(value === undefined ? without(spec, key) : { ...spec, [key]: value });
  const wrong = (...paths) => judged.violations.filter(one => paths.some(path => one.field === path || one.field.startsWith(`${path}[`))).map(one => one.description);

  return html`<form class="editor" onSubmit=${apply} onInvalidCapture=${reveal}>
    <div>
      ${locked && html`<p class="notice">The file ${base.managedBy.slice(6)} alone changes this spec: edit it there. You may look, and try things out here.</p>`}
      ${overtaken && html`<p class="notice" role="status">${current.changedBy || 'Somebody'} has made version ${current.version} since you began. <button type="button" onClick=${() => conflict(null)}>Show both</button></p>`}
      ${theirs && html`<${Conflict} theirs=${theirs} onTake=${choice => {
        setBase(theirs.record);
        setSpec(choice, theirs.record);
        setTheirs(null);
      }} mine=${spec} yaml=${yaml} name=${name} />`}
      <section class="panel" aria-labelledby="must"><div class="panel-head"><h2 id="must">The fleet</h2></div>
        <div class="fields"><${Field} label="Fleet name" required value=${spec.name} disabled=${Boolean(name)} onChange=${text => set('name', text)} wrong=${wrong('name')} help=${name ? 'It is part of every machine’s name, and stays.' : 'Small letters, digits and dashes. It is part of every machine’s name.'} /></div></section>
      ${spec.queues.map((queue, i) => html`<${Queue} key=${i} queue=${queue} i=${i} spec=${spec} wrong=${wrong} onChange=${next => set('queues', next ? spec.queues.map((old, at) => (at === i ? next : old)) : spec.queues.filter((old, at) => at !== i))} />`)}
      ${spec.pools.map((pool, i) => html`<${Pool} key=${i} pool=${pool} i=${i} spec=${spec} wrong=${wrong} onChange=${next => setSpec(withPool(spec, i, next))} />`)}
      <p class="row" style=${{ marginBottom: '16px' }}><button type="button" onClick=${() => set('queues', [...spec.queues, { name: '', pools: [] }])}>Add a queue</button><button type="button" onClick=${() => set('pools', [...spec.pools, newPool('')])}>Add a pool</button></p>
      <section class="panel" aria-labelledby="budget"><div class="panel-head"><h2 id="budget">Budgets of the whole fleet</h2></div><${BudgetList} list=${spec.budgets ?? []} currency=${spec.currency} wrong=${wrong} at="budgets" onChange=${list => setSpec({ ...spec, budgets: list, currency: spec.currency || 'USD' })} /></section>
      <section class="panel" aria-labelledby="rest"><details><summary id="rest">More of the fleet</summary><${MessageFields} type="FleetSpec" value=${spec} onChange=${setSpec} skip=${['name', 'queues', 'pools', 'budgets']} /></details></section>
    </div>
    <div class="beside">
      <section class="panel" aria-labelledby="judged" data-testid="judged"><div class="panel-head"><h2 id="judged">What the planner says</h2></div>
        <div role="status">${!judged.done ? html`<p class="muted">Asking…</p>` : judged.error ? judged.violations.length > 0 ? html`<p class="bad-text">${count(judged.violations.length, 'thing')} to mend:</p><ul class="lines">${judged.violations.map(one => html`<li key=${one.field + one.description}><code>${one.field}</code> ${one.description}</li>`)}</ul>` : html`<p class="bad-text">${judged.error.message}</p>`
          : html`<p><span class="badge good">Valid</span></p>${judged.notes.length > 0 && html`<ul class="lines">${judged.notes.map((note, i) => html`<li key=${i}>${note}</li>`)}</ul>`}`}</div>
        <${Problem} error=${failure} />
        <div class="dialog-actions"><button type="button" disabled=${!judged.done || Boolean(judged.error)} onClick=${() => setPreview({})}>Preview</button>
          <button type="submit" class="primary" disabled=${saving || !may || !judged.done || Boolean(judged.error) || Boolean(yamlError)}>${saving ? 'Applying…' : name ? 'Apply' : 'Create fleet'}</button></div>
        ${!session.may('ADMIN', spec.name) && html`<p class="help">To apply it one must be an admin of the fleet.</p>`}</section>
      ${preview && html`<${Preview} spec=${spec} known=${Boolean(name)} onClose=${() => setPreview(null)} />`}
      <section class="panel" aria-labelledby="yaml-title"><div class="panel-head"><h2 id="yaml-title"><label for="yaml">As YAML</label></h2><span class="panel-actions"><button type="button" class="quiet" onClick=${() => save(`${spec.name || 'fleet'}.yaml`, yaml)}>Export</button></span></div>
        <textarea id="yaml" spellcheck=${false} value=${yaml} onInput=${e => onYaml(e.target.value)} aria-describedby="yaml-help" aria-invalid=${yamlError ? 'true' : undefined}></textarea>
        <p id="yaml-help" class="help">Both ways: what you write here is in the form, and the other way round.</p>${yamlError && html`<${Problem} error=${yamlError} />`}</section>
    </div></form>`;
}

/** Opens what hides a field that can't be read: the browser shows what it has against it where it is seen. */
function reveal(e) {
  for (let box = e.target.closest('details'); box; box = box.parentElement.closest('details')) {
    box.open = true;
  }
}

function without(object, key) {
  const { [key]: gone, ...rest } = object;
  return rest;
}

/** The spec with another pool in that place, and its name wherever queues name it; without it if there is none. */
function withPool(spec, i, next) {
  const before = spec.pools[i].name;
  if (!next) {
    return { ...spec, pools: spec.pools.filter((old, at) => at !== i), queues: spec.queues.map(queue => ({ ...queue, pools: (queue.pools ?? []).filter(name => name !== before) })) };
  }
  const renamed = before && next.name !== before ? spec.queues.map(queue => ({ ...queue, pools: (queue.pools ?? []).map(name => (name === before ? next.name : name)) })) : spec.queues;
  return { ...spec, pools: spec.pools.map((old, at) => (at === i ? next : old)), queues: renamed };
}

function Queue({ queue, i, spec, wrong, onChange }) {
  const at = queue.name ? `queues.${queue.name}` : `queues[${i}]`;
  const names = spec.pools.map(pool => pool.name).filter(Boolean);
  const pools = queue.pools ?? [];
  return html`<fieldset><legend>Queue ${queue.name || i + 1}</legend><div class="fields">
    <${Field} label="Queue name" required value=${queue.name} onChange=${name => onChange({ ...queue, name })} wrong=${wrong(at, `${at}.name`, ...(i === 0 ? ['queues'] : []))} help="ClearML’s name of the queue whose tasks get machines." />
    ${names.length > 1 && html`<div class="field" role="group" aria-label="Pools that serve it"><p><strong>Pools that serve it</strong></p>${names.map(name => html`<label key=${name} class="check"><input type="checkbox" checked=${pools.includes(name)} onChange=${e => onChange({ ...queue, pools: e.target.checked ? [...pools, name] : pools.filter(one => one !== name) })} /><span>${name}${pools.includes(name) ? html` <span class="muted">choice ${pools.indexOf(name) + 1}</span>` : ''}</span></label>`)}
      <p class="help">In order of preference; none chosen: all, as listed.</p></div>`}</div>
    <details><summary>More of this queue</summary><${MessageFields} type="QueueSpec" value=${queue} onChange=${onChange} skip=${['name', 'pools', 'budgets']} /><h3>Budgets of the queue</h3><${BudgetList} list=${queue.budgets ?? []} currency=${spec.currency} wrong=${wrong} at=${`${at}.budgets`} onChange=${budgets => onChange({ ...queue, budgets })} /></details>
    ${spec.queues.length > 1 && html`<button type="button" class="quiet" onClick=${() => onChange(null)}>Remove this queue</button>`}</fieldset>`;
}

const PLACES = { aws: ['Region', 'AWS’s region, such as us-east-1.'], gcp: ['Region', 'Google Cloud’s region, such as europe-west4.'], k8s: ['Namespace', 'The namespace that its pods run in.'] };
const TYPES = { aws: 'EC2’s instance type, such as g4dn.xlarge.', gcp: 'Compute Engine’s machine type, such as n1-standard-8.', k8s: 'A word of your own for such pods.' };

function Pool({ pool, i, spec, wrong, onChange }) {
  const at = pool.name ? `pools.${pool.name}` : `pools[${i}]`;
  const offers = pool.offers?.length ? pool.offers : [newOffer()];
  const [first] = offers;
  const key = first.key ?? {};
  const setFirst = next => onChange({ ...pool, offers: [next, ...offers.slice(1)] });
  const setKey = (name, value) => setFirst({ ...first, key: { ...key, [name]: value } });
  const limits = pool.limits ?? {};
  const w = (...names) => wrong(...names.flatMap(name => [`${at}.${name}`, `${at}.offers[0].${name}`, `${at}.offers[0].key.${name}`]));
  const [place, placeHelp] = PLACES[key.provider] ?? PLACES.aws;
  return html`<fieldset><legend>Pool ${pool.name || i + 1}</legend><div class="fields">
    <${Field} label="Pool name" required value=${pool.name} onChange=${name => onChange({ ...pool, name })} wrong=${wrong(at, `${at}.name`, ...(i === 0 ? ['pools'] : []))} help="A set of machines that are as good as each other." />
    <${Field} label="Cloud" required value=${key.provider} options=${[['aws', 'AWS'], ['gcp', 'Google Cloud'], ['k8s', 'Kubernetes']]} onChange=${value => setKey('provider', value)} wrong=${w('provider')} help="Who the machines come from." />
    <${Field} label="Account" required value=${key.account} onChange=${value => setKey('account', value)} wrong=${w('account')} help="Which of the installation’s accounts pays for it." />
    <${Field} label=${place} required value=${key.region} onChange=${value => setKey('region', value)} wrong=${w('region', 'namespace')} help=${placeHelp} />
    <${Field} label="Machine type" required value=${key.machineType} onChange=${value => setKey('machineType', value)} wrong=${w('type', 'machineType')} help=${TYPES[key.provider] ?? TYPES.aws} />
    <${NumberField} label="Most machines" required value=${limits.max} onChange=${max => onChange({ ...pool, limits: max === undefined ? without(limits, 'max') : { ...limits, max } })} wrong=${w('max', 'limits.max')} help="Never more at once, whatever waits." />
    <${Field} label="Bought as" value=${key.market === 'SPOT' ? 'SPOT' : 'ON_DEMAND'} options=${[['ON_DEMAND', 'On-demand'], ['SPOT', 'Spot']]} onChange=${value => setKey('market', value)} wrong=${w('market')} help="Spot is cheaper, and the cloud may take it back." />
    <${SpanField} label="Idle time-out" value=${pool.idleTimeout} placeholder="15m" onChange=${value => onChange(value === undefined ? without(pool, 'idleTimeout') : { ...pool, idleTimeout: value })} wrong=${w('idle')} help="How long a machine may be idle before it goes." />
    <${MoneyField} label="Price an hour" value=${first.priceMicrosPerHour} onChange=${value => setFirst(value === undefined ? without(first, 'priceMicrosPerHour') : { ...first, priceMicrosPerHour: value })} wrong=${w('price')} help="Where the provider reports none." />
  </div>
    <details><summary>More of this pool</summary><${MessageFields} type="PoolSpec" value=${pool} onChange=${onChange} skip=${['name', 'idleTimeout', 'budgets']} /><h3>Budgets of the pool</h3><${BudgetList} list=${pool.budgets ?? []} currency=${spec.currency} wrong=${wrong} at=${`${at}.budgets`} onChange=${budgets => onChange({ ...pool, budgets })} /></details>
    ${spec.pools.length > 1 && html`<button type="button" class="quiet" onClick=${() => onChange(null)}>Remove this pool</button>`}</fieldset>`;
}

const PERIODS = [['PER_HOUR', 'an hour, at once'], ['PER_DAY', 'a day'], ['PER_MONTH', 'a month']];
const YAML_PERIOD = { PER_HOUR: 'hour', PER_DAY: 'day', PER_MONTH: 'month' };

function BudgetList({ list, currency, wrong, at, onChange }) {
  const set = (i, next) => onChange(next ? list.map((old, n) => (n === i ? next : old)) : list.filter((old, n) => n !== i));
  const put = (budget, key, value) => (value === undefined ? without(budget, key) : { ...budget, [key]: value });
  const free = PERIODS.find(([period]) => !list.some(budget => budget.period === period));
  return html`${list.map((budget, i) => { const path = `${at}.${YAML_PERIOD[budget.period]}`; return html`<fieldset key=${i}><legend>Budget ${i + 1}</legend><div class="fields">
      <${Field} label="Counts what is spent in" value=${budget.period} options=${PERIODS} onChange=${period => set(i, { ...budget, period })} />
      <${MoneyField} label=${`Limit (${currency || 'USD'})`} value=${budget.hardMicros} onChange=${value => set(i, put(budget, 'hardMicros', value))} wrong=${wrong(path, `${path}.limit`)} help="No launch passes it." />
      <${Field} label="At the limit" value=${budget.hardAction ?? 'BUDGET_ACTION_UNSPECIFIED'} onChange=${value => set(i, { ...budget, hardAction: value })} wrong=${wrong(`${path}.onLimit`)} options=${[['BUDGET_ACTION_UNSPECIFIED', 'Default: drain machines'], ['STOP_LAUNCHING', 'Launch no more'], ['DRAIN_MACHINES', 'Drain machines'], ['STOP_BUSY', 'Drain, and stop tasks when it is spent']]} />
      <${MoneyField} label=${`Soft limit (${currency || 'USD'})`} value=${budget.softMicros} onChange=${value => set(i, put(budget, 'softMicros', value))} wrong=${wrong(`${path}.soft`)} help="Below the limit; said, or acted on." />
    </div><details><summary>More of this budget</summary><${MessageFields} type="BudgetSpec" value=${budget} onChange=${next => set(i, next)} skip=${['period', 'hardMicros', 'hardAction', 'softMicros']} /></details>
    <button type="button" class="quiet" onClick=${() => set(i, null)}>Remove this budget</button></fieldset>`; })}
    ${list.length === 0 && html`<p class="muted">None: only the limits above bound what it costs.</p>`}
    ${free && html`<button type="button" onClick=${() => onChange([...list, { period: list.some(one => one.period === 'PER_DAY') ? free[0] : 'PER_DAY' }])}>Add a budget</button>`}`;
}

/** Two people, one version: both their changes, and nothing is lost whatever one chooses. */
function Conflict({ theirs, mine, yaml, name, onTake }) {
  const { merged } = theirs;
  return html`<section class="panel" aria-labelledby="conflict" data-testid="conflict"><div class="panel-head"><h2 id="conflict">Somebody else changed it, too</h2></div>
    <p role="alert">${theirs.record.changedBy || 'Somebody'} has made version ${theirs.record.version} since you began. Nothing of yours was applied, and nothing is lost.</p>
    <h3 class="part-title">Theirs</h3><${Changes} changes=${theirs.changes} /><h3 class="part-title">Yours</h3><${Changes} changes=${theirs.own} />
    ${merged.conflicts.length > 0 && html`<p class="notice">Both changed ${merged.conflicts.map(path => html`<code key=${path}>${path}</code> `)}: together, yours holds there.</p>`}
    <p class="row" style=${{ marginTop: '12px' }}><button type="button" class="primary" onClick=${() => onTake(merged.value)}>Put both together</button><button type="button" onClick=${() => onTake(mine)}>Keep only mine</button>
      <button type="button" onClick=${() => { save(`${name}-mine.yaml`, yaml); onTake(theirs.record.spec); }}>Take theirs, save mine as a file</button></p><p class="help">You see the outcome in the form before you apply it.</p></section>`;
}

/** What it would do now, and would have done on what was recorded. */
function Preview({ spec, known, onClose }) {
  const [soon, setSoon] = useState(null);
  const [past, setPast] = useState(null);
  const [days, setDays] = useState(1);
  const [error, setError] = useState(null);
  const [pastError, setPastError] = useState(null);
  useEffect(() => {
    let gone = false;
    setSoon(null);
    setError(null);
    const timer = setTimeout(() => call('POST', '/v1/fleets:preview', { spec }).then(found => gone || setSoon(found), failed => gone || setError(failed)), PAUSE_MS);
    return () => { gone = true; clearTimeout(timer); };
  }, [spec]);
  // Of another spec or time it says nothing, whenever it comes.
  const played = useRef(0);
  useLayoutEffect(() => {
    played.current++;
    setPast(null);
    setPastError(null);
  }, [spec, days]);
  async function replay() {
    const mine = ++played.current;
    setPast('asked');
    setPastError(null);
    try {
      const found = await call('POST', '/v1/fleets:previewOnRecord', { spec, since: new Date(now() - days * 86_400_000).toISOString(), until: new Date(now()).toISOString() });
      if (mine === played.current) {
        setPast(found);
      }
    } catch (failed) {
      if (mine === played.current) {
        setPast(null);
        setPastError(failed);
      }
    }
  }
  const currency = spec.currency || 'USD';
  const row = (label, of) => html`<tr key=${label}><th scope="row">${label}</th><td class="num">${of(past.current)}</td><td class="num">${of(past.proposed)}</td></tr>`;
  return html`<section class="panel" aria-labelledby="preview" data-testid="preview"><div class="panel-head"><h2 id="preview">Preview</h2><span class="panel-actions"><button type="button" class="quiet" onClick=${onClose}>Close</button></span></div>
    <h3>At once</h3><${Problem} error=${error} />${!soon && !error && html`<p class="muted">Asking…</p>`}
    ${soon && html`<p>Rate: <strong>${rate(soon.microsPerHourCurrent, currency)}</strong> now, <strong>${rate(soon.microsPerHourProposed, currency)}</strong> with it.</p>
      ${soon.decisions.length + soon.refusals.length === 0 ? html`<p class="muted">It would do nothing at once.</p>` : html`<ul class="lines">${soon.decisions.map((one, i) => html`<li key=${i}>${one.text}</li>`)}${soon.refusals.map((one, i) => html`<li key=${`r${i}`} class="warn">${one.text}</li>`)}</ul>`}${soon.truncated && html`<p class="muted">and more</p>`}`}
    ${known && html`<h3 class="part-title">On recorded demand</h3><p class="row"><${Choice} label="Of the last" value=${days} options=${[[1, 'Day'], [3, '3 days'], [7, '7 days']]} onChange=${setDays} /><button type="button" disabled=${past === 'asked'} onClick=${replay}>${past === 'asked' ? 'Playing it…' : 'Play it'}</button></p><${Problem} error=${pastError} />
      ${past && past !== 'asked' && html`<${Table} label="On recorded demand" columns=${['What', { name: 'As it was', num: true }, { name: 'With it', num: true }]}>${[row('Cost', one => money(one.spentMicros, currency)), row('Half waited at most', one => span(durationMs(one.waitP50))), row('9 of 10 waited at most', one => span(durationMs(one.waitP90))), row('Longest wait', one => span(durationMs(one.waitMax))), row('Most machines', one => one.mostMachines), row('Machines', one => one.machines), row('Tasks begun', one => one.started)]}</${Table}>
        ${past.notes.map((note, i) => html`<p key=${i} class="help">${note}</p>`)}`}`}</section>`;
}
