// The planner's API as the console calls it: JSON over HTTP and server-sent events, with the caller's token, and whether anybody answers.

import { Live } from './live.js';

const TOKEN = 'muster.token';
/** A stream sends a comment every 15 s; one that is silent for longer than two of them is dead. */
const SILENCE_MS = 40_000;
const LONGEST_PAUSE_MS = 15_000;
const PATIENCE_MS = 25_000;

/** A refusal of the API: what google.rpc.Status says, and the HTTP status it came with. */
export class ApiError extends Error {
  /** @param {number} http @param {any} status */
  constructor(http, status) {
    super(status?.message || `The server answered ${http}.`);
    this.http = http;
    this.code = status?.code ?? 2;
    const details = status?.details ?? [];
    this.reason = details.find(d => d.reason)?.reason ?? '';
    /** @type {{field: string, description: string}[]} */
    this.violations = details.flatMap(d => d.fieldViolations ?? []);
  }
}

/** Nobody answered, or what is between us and the planner did. */
export class Unreachable extends Error {
  constructor() {
    super('The planner does not answer.');
  }
}

/** Whether the planner answers, since when it does not, and who we are to it. */
class Connection extends Live {
  /** @type {'starting'|'there'|'gone'|'signed-out'} */
  state = 'starting';
  /** When anything was last heard, by this computer's clock. */
  heardAt = 0;
  goneSince = 0;
  retryAt = 0;
  /** Counts returns: what was read before one is read anew. */
  epoch = 0;
  /** Why we are signed out, for people. */
  why = '';
  /** Of the server's clock against this computer's, ms. */
  skew = 0;

  heard() {
    this.heardAt = Date.now();
    // The answer to what was asked before somebody signed out changes nothing of that.
    if (this.state !== 'there' && this.state !== 'signed-out') {
      this.state = 'there';
      this.epoch++;
      this.changed();
    }
  }

  lost() {
    if (this.state === 'gone' || this.state === 'signed-out') {
      return;
    }
    this.state = 'gone';
    this.goneSince = this.heardAt || Date.now();
    this.changed();
    knock();
  }

  signedOut(why) {
    if (this.state !== 'signed-out') {
      this.state = 'signed-out';
      this.why = why;
      this.changed();
    }
  }
}

export const connection = new Connection();

/** The server's time, ms since 1970. */
export function now() {
  return Date.now() + connection.skew;
}

export function token() {
  return sessionStorage.getItem(TOKEN);
}

/** @param {string|null} value kept for this tab only, until it is closed */
export function setToken(value) {
  if (value === null) {
    sessionStorage.removeItem(TOKEN);
  } else {
    sessionStorage.setItem(TOKEN, value);
  }
}

let pause = 0;
let knocking = 0;

/** Asks again and again whether somebody is there, less and less often. */
function knock() {
  clearTimeout(knocking);
  pause = Math.min(pause ? pause * 2 : 1000, LONGEST_PAUSE_MS);
  connection.retryAt = Date.now() + pause;
  connection.changed();
  knocking = window.setTimeout(tryNow, pause);
}

/** Asks at once whether somebody is there. */
export async function tryNow() {
  clearTimeout(knocking);
  try {
    await call('GET', '/v1/caller');
    pause = 0;
  } catch (failed) {
    if (connection.state === 'gone') {
      knock();
    }
  }
}

function headers(more) {
  const held = token();
  return held ? { ...more, Authorization: `Bearer ${held}` } : more;
}

/** @param {Response} response @param {string|null} held the token that it was asked with */
async function refusal(response, held) {
  const json = (response.headers.get('Content-Type') ?? '').includes('json');
  let status = null;
  try {
    status = json ? await response.json() : null;
  } catch (cut) {
    status = null;
  }
  // A proxy in front of a planner that is gone.
  if (!status && response.status >= 502) {
    connection.lost();
    return new Unreachable();
  }
  // One that was asked by a token before this one says nothing of this one.
  if (response.status === 401 && held === token()) {
    connection.signedOut(held ? 'The token is not valid, or has expired.' : '');
  }
  return new ApiError(response.status, status);
}

/**
 * @param {string} method
 * @param {string} path with its query
 * @param {any} [body]
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, { signal } = {}) {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  let response;
  const asked = Date.now();
  const held = token();
  try {
    response = await fetch(path, {
      method,
      headers: headers(body === undefined ? { Accept: 'application/json' } : { Accept: 'application/json', 'Content-Type': 'application/json' }),
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? anyOf(signal, limit) : limit,
      cache: 'no-store',
      credentials: 'same-origin',
    });
  } catch (failed) {
    if (signal?.aborted) {
      throw failed;
    }
    connection.lost();
    throw new Unreachable();
  }
  if (!response.ok) {
    const refused = await refusal(response, held);
    if (refused instanceof ApiError && response.status !== 401) {
      connection.heard();
    }
    throw refused;
  }
  const date = Date.parse(response.headers.get('Date') ?? '');
  // The header has whole seconds: less than two are no difference.
  if (date && Math.abs(date - asked) > 2000) {
    connection.skew = date - asked;
  }
  connection.heard();
  return response.json();
}

function anyOf(...signals) {
  const both = new AbortController();
  for (const signal of signals) {
    signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}

/** A path with a query; empty values are left out, lists repeat. @param {string} path @param {Record<string, any>} query */
export function withQuery(path, query) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') {
        parts.append(name, String(one));
      }
    }
  }
  const text = parts.toString();
  return text ? `${path}?${text}` : path;
}

/** All pages of a list. @param {string} path @param {Record<string, any>} query @param {string} field @param {number} [most] */
export async function all(path, query, field, most = 20_000) {
  const found = [];
  let pageToken = '';
  do {
    const page = await call('GET', withQuery(path, { ...query, pageSize: 1000, pageToken }));
    found.push(...page[field]);
    pageToken = page.nextPageToken;
  } while (pageToken && found.length < most);
  return found;
}

/**
 * Follows a watch until it is closed, across broken connections.
 *
 * @param {string} path
 * @param {(message: any) => void} onMessage
 * @param {(state: {open: boolean, error: Error|null}) => void} [onState]
 * @returns {() => void} that closes it
 */
export function watch(path, onMessage, onState = () => {}) {
  let closed = false;
  let lastId = '';
  let wait = 0;
  let running = new AbortController();
  const wake = connection.subscribe(() => {
    if (connection.state === 'there') {
      wait = 0;
      skip();
    }
  });
  let skip = () => {};

  async function run() {
    while (!closed) {
      running = new AbortController();
      let error = null;
      try {
        await once();
      } catch (failed) {
        error = failed;
      }
      if (closed) {
        return;
      }
      onState({ open: false, error });
      if (error instanceof ApiError && error.http === 400) {
        // The place to go on from is no longer kept: everything is sent anew.
        lastId = '';
      }
      if (error && !(error instanceof ApiError)) {
        connection.lost();
      }
      wait = Math.min(wait ? wait * 2 : 500, LONGEST_PAUSE_MS);
      await new Promise(done => {
        skip = done;
        setTimeout(done, wait);
      });
    }
  }

  async function once() {
    const held = token();
    const response = await fetch(path, {
      headers: headers(lastId ? { Accept: 'text/event-stream', 'Last-Event-ID': lastId } : { Accept: 'text/event-stream' }),
      signal: running.signal,
      cache: 'no-store',
    });
    if (!response.ok || !response.body) {
      throw await refusal(response, held);
    }
    connection.heard();
    onState({ open: true, error: null });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let silence = 0;
    const hear = () => {
      clearTimeout(silence);
      silence = window.setTimeout(() => running.abort(), SILENCE_MS);
    };
    hear();
    try {
      let rest = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          return;
        }
        hear();
        connection.heardAt = Date.now();
        wait = 0;
        rest += value;
        let end;
        let from = 0;
        while ((end = rest.indexOf('\n\n', from)) >= 0) {
          event(rest.slice(from, end));
          from = end + 2;
        }
        rest = rest.slice(from);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  /** @param {string} text */
  function event(text) {
    let data = '';
    let kind = '';
    for (const line of text.split('\n')) {
      if (line.startsWith('data:')) {
        data += line.slice(line[5] === ' ' ? 6 : 5);
      } else if (line.startsWith('id:')) {
        lastId = line.slice(3).trim();
      } else if (line.startsWith('event:')) {
        kind = line.slice(6).trim();
      }
    }
    if (kind === 'error') {
      throw new ApiError(200, data ? JSON.parse(data) : null);
    }
    if (data) {
      onMessage(JSON.parse(data));
    }
  }

  run();
  return () => {
    closed = true;
    wake();
    running.abort();
    skip();
  };
}
