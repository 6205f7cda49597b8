// Parts that all pages are made of. Texts of the server become text nodes and attributes, never markup.

import { h, Fragment } from 'preact';
import { useEffect, useErrorBoundary, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import htm from 'htm';
import { connection, ApiError } from './api.js';
import { Live, useClock, useLive } from './live.js';
import { span, words } from './format.js';

export const html = htm.bind(h);
export { Fragment };

/** A page's heading, which takes the focus when the page is new, so that a screen reader says where one is. */
export function PageHead({ title, children, sub, kicker }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · Muster`;
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return html`<header class="page-head">
    <div class="page-title">${kicker && html`<p class="kicker">${kicker}</p>`}<h1 ref=${heading} tabindex="-1">${title}</h1>${sub && html`<div class="sub">${sub}</div>`}</div>
    ${children && html`<div class="page-actions">${children}</div>`}
  </header>`;
}

/** A part of a page with its heading. */
export function Panel({ title, note, actions, children, wide, testid }) {
  const id = useId();
  return html`<section class=${wide ? 'panel wide' : 'panel'} aria-labelledby=${id} data-testid=${testid}>
    <div class="panel-head"><h2 id=${id}>${title}</h2>${note && html`<span class="note">${note}</span>`}${actions && html`<div class="panel-actions">${actions}</div>`}</div>
    ${children}
  </section>`;
}

/** One figure with its name. */
export function Figure({ name, value, note, tone, testid }) {
  return html`<div class=${`figure ${tone ?? ''}`} data-testid=${testid}><dt>${name}</dt><dd class="value">${value}</dd>${note && html`<dd class="note">${note}</dd>`}</div>`;
}

const TONES = {
  ACTIVE: 'good', PAUSED: 'warn', DELETING: 'warn', BUSY: 'busy', IDLE: 'idle', READY: 'busy', BOOTING: 'boot', LAUNCHING: 'boot', REQUESTED: 'boot', DRAINING: 'drain', TERMINATING: 'drain',
  GONE: 'off', FAILED: 'bad', LOST: 'bad', WITHIN: 'good', AT_SOFT_LIMIT: 'warn', AT_HARD_LIMIT: 'bad', OVERRUN: 'bad', UNKNOWN_SPENDING: 'warn',
};

/** A state, by word and colour. */
export function Badge({ state, text }) {
  return html`<span class=${`badge ${TONES[state] ?? 'off'}`}>${text ?? words(state)}</span>`;
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}

/** What the server had against it. */
export function Problem({ error, children }) {
  if (!error) {
    return null;
  }
  const violations = error instanceof ApiError ? error.violations : [];
  // The message repeats what the violations say, line by line.
  const text = violations.length ? error.message.split('\n')[0] : error.message;
  return html`<div class="problem" role="alert"><p>${text}</p>${violations.length > 0 && html`<ul>${violations.map(one => html`<li><code>${one.field}</code> ${one.description}</li>`)}</ul>`}${children}</div>`;
}

class Said extends Live {
  text = '';
  timer = 0;

  /** @param {string} text */
  say(text) {
    clearTimeout(this.timer);
    this.text = text;
    this.changed();
    // So that the same can be said again.
    this.timer = window.setTimeout(() => {
      this.text = '';
      this.changed();
    }, 5000);
  }
}

const said = new Said();

/** What was done, for who does not see that it was. */
export function Announcer() {
  useLive(said);
  return html`<p class="hidden" role="status">${said.text}</p>`;
}

/** How old what is shown is, where it is older than it should be. @param {{at: number, fresh: number}} props */
export function Age({ at, fresh = 10_000 }) {
  useClock();
  const old = Date.now() - at;
  return at && old > fresh ? html`<span class="age">as of ${span(old)} ago</span>` : null;
}

/** A bar of parts of a whole. @param {{parts: {value: number, tone: string, name: string}[], whole: number, label: string, mark?: number}} props */
export function Bar({ parts, whole, label, mark }) {
  const shown = parts.filter(part => part.value > 0);
  const sum = shown.reduce((total, part) => total + part.value, 0);
  const full = Math.max(whole, sum, 1e-9);
  return html`<div class="bar" role="img" aria-label=${label}>
    ${shown.map(part => html`<span key=${part.name} class=${`part ${part.tone}`} style=${{ width: `${(part.value / full) * 100}%` }} title=${`${part.name}: ${part.text ?? part.value}`}></span>`)}
    ${mark !== undefined && html`<span class="mark" style=${{ left: `${Math.min(100, (mark / full) * 100)}%` }}></span>`}
  </div>`;
}

/**
 * A dialog over the page; Escape and the page behind close it.
 *
 * @param {{title: string, onClose: () => void, children: any, side?: boolean, wide?: boolean}} props
 */
export function Dialog({ title, onClose, children, side, wide }) {
  const ref = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    ref.current.showModal();
    // Once the dialog is out of the page: what it made unreachable until then takes no focus.
    return () => queueMicrotask(() => (before instanceof HTMLElement && before !== document.body && before.isConnected ? before : document.querySelector('h1'))?.focus());
  }, []);
  return html`<dialog ref=${ref} class=${side ? 'side' : wide ? 'wide' : ''} aria-labelledby=${id}
      onCancel=${e => { e.preventDefault(); onClose(); }} onMouseDown=${e => e.target === ref.current && onClose()}>
    <div class="dialog-body">
      <div class="dialog-head"><h2 id=${id}>${title}</h2><button type="button" class="icon" aria-label="Close" onClick=${onClose}>✕</button></div>
      ${children}
    </div>
  </dialog>`;
}

/**
 * Asks before something that stops or costs: what, as the server says at this moment, and then does it.
 *
 * @param {{title: string, verb: string, ask?: () => Promise<any>, say: (facts: any) => any, act: (choice: any) => Promise<any>, danger?: boolean,
 *   form?: (choice: any, set: (choice: any) => void, facts: any) => any, first?: any, may?: (choice: any, facts: any) => boolean, onClose: () => void, onDone?: (answer: any) => void}} props
 */
export function Confirm({ title, verb, ask, say, act, danger, form, first, may = () => true, onClose, onDone }) {
  const [facts, setFacts] = useState(ask ? null : {});
  const [choice, setChoice] = useState(first);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    let gone = false;
    ask?.().then(found => gone || setFacts(found), failed => gone || setError(failed));
    return () => { gone = true; };
  }, []);
  async function go(e) {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const answer = await act(choice, facts);
      onClose();
      said.say(`${title}: done.`);
      onDone?.(answer);
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  }
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form onSubmit=${go}>
      <div class="dialog-text">${facts === null ? !error && html`<p>Asking the planner what this means now…</p>` : say(facts, choice)}</div>
      ${facts !== null && form?.(choice, setChoice, facts)}
      <${Problem} error=${error} />
      <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class=${danger ? 'danger' : 'primary'} disabled=${busy || facts === null || !may(choice, facts)}>${busy ? 'Working…' : verb}</button></div>
    </form>
  </${Dialog}>`;
}

/** Buttons of which one is pressed. @param {{label: string, value: any, options: [any, string][], onChange: (value: any) => void}} props */
export function Choice({ label, value, options, onChange }) {
  return html`<div class="choice" role="group" aria-label=${label}>${options.map(([key, text]) => html`<button key=${key} type="button" aria-pressed=${String(key === value)} onClick=${() => onChange(key)}>${text}</button>`)}</div>`;
}

/** A table that scrolls sideways where there is no room. */
export function Table({ label, columns, children, empty, testid }) {
  return html`<div class="table-box" tabindex="0" role="group" aria-label=${label} data-testid=${testid}><table aria-label=${label}>
    <thead><tr>${columns.map(column => (typeof column === 'string' ? html`<th scope="col">${column}</th>` : html`<th scope="col" class=${column.num ? 'num' : ''}>${column.name}</th>`))}</tr></thead>
    <tbody>${children?.length === 0 ? html`<tr><td class="empty" colspan=${columns.length}>${empty ?? 'None.'}</td></tr>` : children}</tbody>
  </table></div>`;
}

const ROW = 34;
const SPARE = 6;

/**
 * A table of many rows of one height, of which only those in sight are in the page.
 *
 * @param {{label: string, columns: any[], rows: any[], row: (item: any, index: number) => any, keyOf: (item: any) => string, empty?: string, height?: number, testid?: string}} props
 */
export function LongTable({ label, columns, rows, row, keyOf, empty, height = 510, testid }) {
  const box = useRef(null);
  const [top, setTop] = useState(0);
  const pending = useRef(false);
  const shown = Math.ceil(height / ROW) + 2 * SPARE;
  const from = Math.max(0, Math.min(Math.floor(top / ROW) - SPARE, rows.length - shown));
  const to = Math.min(rows.length, from + shown);
  function onScroll() {
    if (!pending.current) {
      pending.current = true;
      requestAnimationFrame(() => {
        pending.current = false;
        if (box.current) {
          setTop(box.current.scrollTop);
        }
      });
    }
  }
  return html`<div class="table-box long" ref=${box} onScroll=${onScroll} tabindex="0" role="group" aria-label=${label} data-testid=${testid} style=${{ maxHeight: `${height}px` }}>
    <table aria-label=${label} aria-rowcount=${rows.length + 1}>
      <thead><tr aria-rowindex="1">${columns.map(column => html`<th scope="col" class=${column.num ? 'num' : ''} style=${column.width ? { width: column.width } : {}}>${column.name ?? column}</th>`)}</tr></thead>
      <tbody>
        ${rows.length === 0 && html`<tr><td class="empty" colspan=${columns.length}>${empty ?? 'None.'}</td></tr>`}
        ${from > 0 && html`<tr key="before" class="gap" aria-hidden="true"><td colspan=${columns.length} style=${{ height: `${from * ROW}px` }}></td></tr>`}
        ${rows.slice(from, to).map((item, i) => html`<tr key=${keyOf(item)} aria-rowindex=${from + i + 2}>${row(item, from + i)}</tr>`)}
        ${to < rows.length && html`<tr key="behind" class="gap" aria-hidden="true"><td colspan=${columns.length} style=${{ height: `${(rows.length - to) * ROW}px` }}></td></tr>`}
      </tbody>
    </table>
  </div>`;
}

/** Copies a text, and says so; a browser may forbid it, and does where there is neither TLS nor localhost. */
export function Copy({ text, label = 'Copy' }) {
  const [outcome, setOutcome] = useState('');
  return html`<button type="button" class="quiet" onClick=${async () => {
    const now = await Promise.resolve().then(() => navigator.clipboard.writeText(text)).then(() => 'Copied', () => 'The browser forbids it');
    setOutcome(now);
    said.say(now);
    setTimeout(() => setOutcome(''), 1500);
  }}>${outcome || label}</button>`;
}

/** Hands a text to the browser as a file. @param {string} name @param {string} text */
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** A page that fails says so, and the rest of the console goes on. */
export function Guarded({ children }) {
  const [error, reset] = useErrorBoundary();
  return error
    ? html`<div class="problem" role="alert"><p>This page failed: ${error.message}</p><button type="button" onClick=${reset}>Show it again</button></div>`
    : children;
}

/** Says that nobody answers, and since when; what is shown below stays, as it was. */
export function Banner() {
  useLive(connection);
  useClock();
  if (connection.state !== 'gone') {
    return null;
  }
  const next = Math.max(0, Math.ceil((connection.retryAt - Date.now()) / 1000));
  return html`<div class="banner" role="alert" data-testid="gone"><strong>The planner does not answer.</strong> <span aria-live="off">What you see is ${span(Date.now() - connection.goneSince)} old.</span>
    ${' '}<span aria-hidden="true">${next > 0 ? `Trying again in ${next} s.` : 'Trying…'}</span></div>`;
}
