// Fields of a fleet's spec: the ones that each page shows by hand, and the rest made from the API's own description, with its explanations.

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { call } from './api.js';
import { useLive } from './live.js';
import { poll } from './model.js';
import { html } from './ui.js';
import { words } from './format.js';

export const schemas = poll('schemas', async () => (await call('GET', '/openapi.json')).components.schemas, 3_600_000);
export const secrets = poll('secrets', async () => (await call('GET', '/v1/secrets')).secrets, 10_000);

/** Seconds, as the API writes a span, of what people write: 90s, 15m, 1h30m, 7d; null if it is none. @param {string} text */
export function toDuration(text) {
  const parts = [...text.replaceAll(' ', '').matchAll(/(\d+(?:\.\d+)?)(d|h|m|s)/g)];
  if (parts.length === 0 || parts.map(part => part[0]).join('') !== text.replaceAll(' ', '').replaceAll('min', 'm')) {
    return null;
  }
  return `${parts.reduce((sum, [, n, unit]) => sum + Number(n) * { d: 86_400, h: 3600, m: 60, s: 1 }[unit], 0)}s`;
}

/** As people write it. @param {string|undefined} duration */
export function fromDuration(duration) {
  let rest = duration ? Number.parseFloat(duration) : NaN;
  if (!Number.isFinite(rest)) {
    return '';
  }
  let text = '';
  for (const [unit, seconds] of [['d', 86_400], ['h', 3600], ['m', 60]]) {
    const n = Math.floor(rest / seconds);
    if (n > 0) {
      text += `${n}${unit}`;
      rest -= n * seconds;
    }
  }
  return text + (rest > 0 || text === '' ? `${rest}s` : '');
}

/** Micro-units of an amount as people write it; undefined where nothing is written, NaN where it is none. @param {string} text */
export function toMicros(text) {
  if (text.trim() === '') {
    return undefined;
  }
  const value = Number(text.replace(',', '.'));
  return Number.isFinite(value) ? String(Math.round(value * 1e6)) : NaN;
}

/**
 * One field with its name, explanation and what is wrong with it.
 *
 * @param {{label: string, value: any, onChange: (text: string) => void, help?: string, wrong?: string[], required?: boolean, type?: string, options?: [string, string][], list?: string[],
 *   disabled?: boolean, placeholder?: string, unread?: string}} props unread: why what is written means nothing; a form with it is not sent
 */
export function Field({ label, value, onChange, help, wrong = [], required, type = 'text', options, list, disabled, placeholder, unread = '' }) {
  const id = useId();
  const box = useRef(null);
  useEffect(() => box.current?.setCustomValidity(unread), [unread]);
  const described = [help && `${id}-help`, wrong.length > 0 && `${id}-wrong`].filter(Boolean).join(' ') || undefined;
  const common = { id, disabled, 'aria-describedby': described, 'aria-invalid': wrong.length > 0 ? 'true' : undefined, 'aria-required': required ? 'true' : undefined };
  return html`<div class="field"><label for=${id}>${label}${required && html` <span class="required">required</span>`}</label>
    ${options ? html`<select ...${common} value=${value ?? ''} onChange=${e => onChange(e.target.value)}>${options.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}</select>`
      : type === 'lines' ? html`<textarea ...${common} rows="3" spellcheck=${false} value=${value ?? ''} placeholder=${placeholder} onInput=${e => onChange(e.target.value)}></textarea>`
      : html`<input ...${common} ref=${box} type=${type} step=${type === 'number' ? 'any' : undefined} inputmode=${type === 'number' ? 'numeric' : undefined} autocomplete="off" spellcheck=${false} value=${value ?? ''} placeholder=${placeholder} list=${list ? `${id}-list` : undefined} onInput=${e => onChange(e.target.value)} />
        ${list && html`<datalist id=${`${id}-list`}>${list.map(one => html`<option key=${one} value=${one}></option>`)}</datalist>`}`}
    ${help && html`<p id=${`${id}-help`} class="help">${help}</p>`}${wrong.length > 0 && html`<p id=${`${id}-wrong`} class="wrong">${wrong.join(' ')}</p>`}</div>`;
}

/** A text that is kept as it is written, and told on once it means something. */
function Meant({ show, read, value, onChange, wrongText, ...more }) {
  const [text, setText] = useState(show(value));
  const [bad, setBad] = useState(false);
  useEffect(() => {
    if (!bad && read(text) !== value) {
      setText(show(value));
    }
  }, [value]);
  return html`<${Field} ...${more} value=${text} wrong=${[...(more.wrong ?? []), ...(bad ? [wrongText] : [])]} unread=${bad ? wrongText : ''} onChange=${next => {
    setText(next);
    const meant = next.trim() === '' ? undefined : read(next);
    const isBad = meant === null || Number.isNaN(meant);
    setBad(isBad);
    if (!isBad) {
      onChange(meant);
    }
  }} />`;
}

export function MoneyField(props) {
  return html`<${Meant} ...${props} read=${toMicros} show=${micros => (micros === undefined || micros === null || micros === '' ? '' : String(Number(micros) / 1e6))} wrongText="Write an amount, such as 12.50." />`;
}

export function SpanField(props) {
  return html`<${Meant} ...${props} read=${toDuration} show=${fromDuration} wrongText="Write a span, such as 90s, 15m, 1h30m or 7d." />`;
}

export function NumberField(props) {
  return html`<${Meant} ...${props} type="number" read=${text => (text.trim() === '' ? undefined : Number(text))} show=${value => (value === undefined || value === null ? '' : String(value))} wrongText="Write a number." />`;
}

/** A value in clear or the name of a secret; a secret that no service has yet is said, with the command that makes it. */
export function ValueField({ label, help, value, onChange, wrong }) {
  useLive(secrets);
  const isSecret = value?.secretRef !== undefined;
  const known = secrets.value ?? [];
  const found = known.find(one => one.name === value?.secretRef);
  const external = /^(ssm|secretsmanager):/.test(value?.secretRef ?? '');
  return html`<div class="field"><${Field} label=${`${label}: given as`} value=${isSecret ? 'secret' : value ? 'text' : ''} options=${[['', 'Nothing'], ['text', 'Text, in clear'], ['secret', 'A secret, by name']]}
      onChange=${kind => onChange(kind === 'secret' ? { secretRef: '' } : kind === 'text' ? { text: '' } : undefined)} help=${help} wrong=${wrong} />
    ${isSecret && html`<${Field} label=${`${label}: secret`} value=${value.secretRef} list=${known.map(one => one.name)} onChange=${text => onChange({ secretRef: text })} help=${known.length ? `There are: ${known.filter(one => !one.missing).map(one => one.name).join(', ') || 'none yet'}.` : undefined} />
      ${value.secretRef && !external && secrets.value && (!found || found.missing) && html`<p class="notice">No service has a secret ${value.secretRef} yet. This makes it, in the folder where the services have their secrets: <code>(umask 077 && cat > secrets/${value.secretRef})</code></p>`}`}
    ${value && !isSecret && html`<${Field} label=${`${label}: text`} type="lines" value=${value.text} onChange=${text => onChange({ text })} />`}</div>`;
}

const refOf = schema => schema?.$ref?.split('/').pop();

/** A field's name as people say it. */
export function title(name) {
  const text = name.replace(/([a-z0-9])([A-Z])/g, (all, a, b) => `${a} ${b.toLowerCase()}`).replace(/ micros/, '').replace(/^k8s/, 'Kubernetes').replace(/^aws/, 'AWS').replace(/^gcp/, 'Google Cloud');
  return text[0].toUpperCase() + text.slice(1);
}

/**
 * The fields of a message that the page does not show otherwise, from the API's description.
 *
 * @param {{type: string, value: any, onChange: (value: any) => void, skip?: string[]}} props
 */
export function MessageFields({ type, value, onChange, skip = [] }) {
  useLive(schemas);
  const properties = schemas.value?.[type]?.properties;
  if (!properties) {
    return html`<p class="muted">Reading…</p>`;
  }
  const set = (name, next) => {
    const changed = { ...value };
    if (next === undefined) {
      delete changed[name];
    } else {
      changed[name] = next;
    }
    onChange(changed);
  };
  const names = Object.keys(properties).filter(name => !skip.includes(name));
  const flat = names.filter(name => !isNested(properties[name]));
  return html`<div class="fields">${flat.map(name => html`<${Property} key=${name} name=${name} schema=${properties[name]} value=${value?.[name]} onChange=${next => set(name, next)} />`)}</div>
    ${names.filter(name => isNested(properties[name])).map(name => html`<${Property} key=${name} name=${name} schema=${properties[name]} value=${value?.[name]} onChange=${next => set(name, next)} />`)}`;
}

function isEnum(schema) {
  return Boolean(schemas.value?.[refOf(schema)]?.enum);
}

function isNested(schema) {
  const inner = schema.items ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : schema);
  return Boolean(refOf(inner)) && !isEnum(inner) && refOf(inner) !== 'Value' || (refOf(inner) === 'Value' && inner !== schema);
}

function Property({ name, schema, value, onChange }) {
  const label = title(name);
  const help = schema.description;
  const ref = refOf(schema);
  if (schema.type === 'array') {
    const item = schema.items;
    if (refOf(item) && !isEnum(item)) {
      return html`<${ListOf} label=${label} help=${help} type=${refOf(item)} value=${value ?? []} onChange=${onChange} />`;
    }
    return html`<${Meant} label=${label} help=${`${help ?? ''} Several with commas between.`} value=${value} show=${list => (list ?? []).join(', ')} read=${text => sameList(text.split(/[,\n]/).map(one => one.trim()).filter(Boolean), value)} onChange=${onChange} wrongText="" />`;
  }
  if (schema.additionalProperties) {
    return html`<${MapOf} label=${label} help=${help} of=${schema.additionalProperties} value=${value ?? {}} onChange=${onChange} />`;
  }
  if (ref === 'Value') {
    return html`<${ValueField} label=${label} help=${help} value=${value} onChange=${onChange} />`;
  }
  if (ref && isEnum(schema)) {
    const options = schemas.value[ref].enum.map(word => [word, words(word) || 'Default']);
    return html`<${Field} label=${label} help=${help} options=${options} value=${value ?? options[0][0]} onChange=${next => onChange(next.endsWith('_UNSPECIFIED') ? undefined : next)} />`;
  }
  if (ref) {
    return html`<details class="nested" open=${Boolean(value) && Object.keys(value).length > 0 && undefined}><summary>${label}</summary>${help && html`<p class="help">${help}</p>`}
      <${Opened} type=${ref} value=${value} onChange=${onChange} />${value && html`<p><button type="button" class="quiet" onClick=${() => onChange(undefined)}>Take ${label.toLowerCase()} out</button></p>`}</details>`;
  }
  if (schema.type === 'boolean') {
    return html`<${Field} label=${label} help=${help} value=${value === undefined ? '' : String(value)} options=${[['', 'Default'], ['true', 'Yes'], ['false', 'No']]} onChange=${next => onChange(next === '' ? undefined : next === 'true')} />`;
  }
  if (schema.format === 'duration-in-seconds') {
    return html`<${SpanField} label=${label} help=${help} value=${value} onChange=${onChange} />`;
  }
  if (/micros/i.test(name)) {
    return html`<${MoneyField} label=${label} help=${help?.replace(/[Mm]icro-units an hour/g, 'per hour').replace(/[Mm]icro-units of the fleet's currency/g, "In the fleet's currency")} value=${value} onChange=${onChange} />`;
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    return html`<${NumberField} label=${label} help=${help} value=${value} onChange=${onChange} />`;
  }
  const long = /template$|Spec$|script|hook/i.test(name);
  return html`<${Field} label=${label} help=${help} type=${long ? 'lines' : 'text'} value=${value} onChange=${next => onChange(next === '' ? undefined : next)} />`;
}

function sameList(next, before) {
  return JSON.stringify(next) === JSON.stringify(before) ? before : next;
}

/** What is inside is made once somebody looks: messages may hold each other without an end. */
function Opened({ type, value, onChange }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  useEffect(() => {
    const box = document.getElementById(id)?.closest('details');
    const on = () => setOpen(box.open);
    box?.addEventListener('toggle', on);
    return () => box?.removeEventListener('toggle', on);
  }, []);
  return html`<div id=${id}>${open && html`<${MessageFields} type=${type} value=${value ?? {}} onChange=${onChange} />`}</div>`;
}

function ListOf({ label, help, type, value, onChange }) {
  return html`<details class="nested"><summary>${label} (${value.length})</summary>${help && html`<p class="help">${help}</p>`}
    ${value.map((one, i) => html`<fieldset key=${i}><legend>${label} ${i + 1}</legend><${MessageFields} type=${type} value=${one} onChange=${next => onChange(value.map((old, at) => (at === i ? next : old)))} />
      <button type="button" class="quiet" onClick=${() => onChange(value.filter((old, at) => at !== i))}>Remove ${label.toLowerCase()} ${i + 1}</button></fieldset>`)}
    <button type="button" onClick=${() => onChange([...value, {}])}>Add to ${label.toLowerCase()}</button></details>`;
}

function MapOf({ label, help, of, value, onChange }) {
  const [fresh, setFresh] = useState('');
  const isValue = refOf(of) === 'Value';
  const set = (key, next) => {
    const changed = { ...value };
    if (next === undefined) {
      delete changed[key];
    } else {
      changed[key] = next;
    }
    onChange(changed);
  };
  const options = isEnum(of) ? schemas.value[refOf(of)].enum.map(word => [word, words(word) || 'Default']) : undefined;
  return html`<details class="nested"><summary>${label} (${Object.keys(value).length})</summary>${help && html`<p class="help">${help}</p>`}
    ${Object.entries(value).map(([key, one]) => html`<div key=${key} class="row">${isValue ? html`<${ValueField} label=${key} value=${one} onChange=${next => set(key, next)} />` : html`<${Field} label=${key} value=${one} options=${options} onChange=${next => set(key, next)} />`}
      <button type="button" class="quiet" onClick=${() => set(key, undefined)}>Remove ${key}</button></div>`)}
    <div class="row"><${Field} label=${`New name in ${label.toLowerCase()}`} value=${fresh} onChange=${setFresh} /><button type="button" disabled=${fresh.trim() === ''} onClick=${() => { set(fresh.trim(), isValue ? { text: '' } : options ? options[0][0] : ''); setFresh(''); }}>Add</button></div></details>`;
}
