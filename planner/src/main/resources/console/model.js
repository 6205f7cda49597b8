// What the console knows: fleets, machines and decisions as they change, and what is asked for every few seconds while somebody looks.

import { call, all, connection, now, watch, withQuery, token } from './api.js';
import { Live, Ring, useLive } from './live.js';
import { ENDED, periodStart, stage } from './format.js';

const DECISIONS_KEPT = 1000;
const EVENTS_KEPT = 1000;
/** Of each fleet, when a page begins. */
const CAUGHT_UP = 100;
/** How long a machine that has ended stays among the others, so that one sees it go. */
const FAREWELL_MS = 15_000;
const HIDDEN_MS = 10_000;

/** Who we are, and what is installed. */
class Session extends Live {
  /** @type {{ways: string[], oidc?: {issuer: string, client: string, audience: string, scope: string}}} */
  signIn = { ways: [] };
  /** @type {any} */
  caller = null;
  /** Whose what this page holds was read for. */
  readBy = '';

  /** @param {'VIEWER'|'OPERATOR'|'ADMIN'} role @param {string} [fleet] absent: of all */
  may(role, fleet) {
    const rank = ['VIEWER', 'OPERATOR', 'ADMIN'];
    return (this.caller?.grants ?? []).some(grant => (grant.fleet === '*' || (fleet !== undefined && grant.fleet === fleet)) && rank.indexOf(grant.role) >= rank.indexOf(role));
  }

  /** For some fleet. @param {'VIEWER'|'OPERATOR'|'ADMIN'} role */
  mayAnywhere(role) {
    const rank = ['VIEWER', 'OPERATOR', 'ADMIN'];
    return (this.caller?.grants ?? []).some(grant => rank.indexOf(grant.role) >= rank.indexOf(role));
  }
}

export const session = new Session();

/** A watch's state beside what it told. */
class Watched extends Live {
  synced = false;
  open = false;
  /** @type {Error|null} */
  error = null;
  at = 0;
  stop = () => {};
  start() {}

  begin() {
    this.start();
  }

  end() {
    this.rest();
  }

  /** Lets go of its connection. */
  rest() {
    this.stop();
    this.open = false;
    this.changed();
  }

  state = ({ open, error }) => {
    this.open = open;
    this.error = error;
    this.changed();
  };
}

/** Something that is asked for again and again while somebody looks, and once more when the planner is back. */
export class Poll extends Live {
  /** @type {any} */
  value = null;
  /** @type {Error|null} */
  error = null;
  at = 0;
  timer = 0;
  epoch = 0;
  wake = () => {};

  /** @param {() => Promise<any>} ask @param {number} everyMs */
  constructor(ask, everyMs) {
    super();
    this.ask = ask;
    this.everyMs = everyMs;
  }

  begin() {
    this.wake = connection.subscribe(() => {
      if (connection.state === 'there' && connection.epoch !== this.epoch) {
        this.now();
      }
    });
    this.now();
  }

  end() {
    clearTimeout(this.timer);
    this.wake();
  }

  async now() {
    clearTimeout(this.timer);
    this.epoch = connection.epoch;
    if (connection.state !== 'gone' && connection.state !== 'signed-out' && !document.hidden) {
      try {
        this.value = await this.ask();
        this.error = null;
        this.at = Date.now();
      } catch (failed) {
        this.error = failed;
      }
      this.changed();
    }
    if (this.listeners.size > 0) {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.now(), this.everyMs);
    }
  }
}

/**
 * Fleets are asked for rather than watched: where there is no TLS a browser has six connections to a planner for all its tabs, and each watch
 * takes one for good.
 */
class Fleets extends Poll {
  /** @type {Map<string, any>} */
  byName = new Map();

  constructor() {
    super(() => all('/v1/fleets', {}, 'fleets'), 1000);
  }

  get synced() {
    return this.value !== null;
  }

  changed() {
    if (this.value) {
      this.byName = new Map(this.value.map(fleet => [fleet.record.fleet, fleet]));
    }
    super.changed();
  }

  /** Once they were read. */
  async known() {
    if (!this.synced) {
      await new Promise(done => {
        const end = this.subscribe(() => this.synced && (end(), done(null)));
      });
    }
  }

  /** Those that are there, by name. */
  list() {
    return [...this.byName.values()].filter(fleet => fleet.record.state !== 'DELETED').sort((a, b) => a.record.fleet.localeCompare(b.record.fleet));
  }

  /** @param {string} name */
  currency(name) {
    return this.byName.get(name)?.record.spec.currency || 'USD';
  }
}

class Machines extends Watched {
  /** @type {Map<string, any>} */
  byId = new Map();
  /** Where machines went while this page was open. @type {Ring<{at: number, machine: string, fleet: string, pool: string, from: string, to: string, detail: string, key: number}>} */
  moves = new Ring(EVENTS_KEPT);
  counter = 0;
  /** Told since the watch began: where that was everything, what is not among them is no more. @type {Set<string>|null} */
  told = null;

  start() {
    this.stop = watch('/v1/machines:watch', change => this.on(change), state => {
      this.told = state.open ? new Set() : null;
      this.state(state);
    });
  }

  on(change) {
    this.at = Date.now();
    if (change.machine) {
      const machine = change.machine;
      this.told?.add(machine.machineId);
      this.move(this.byId.get(machine.machineId), machine);
      this.byId.set(machine.machineId, machine);
      if (ENDED.has(machine.phase)) {
        this.farewell(machine.machineId);
      }
    } else if (change.forgotten) {
      this.told?.delete(change.forgotten);
      const known = this.byId.get(change.forgotten);
      if (known && !ENDED.has(known.phase)) {
        this.move(known, { ...known, phase: 'GONE' });
        this.byId.set(change.forgotten, { ...known, phase: 'GONE' });
      }
      this.farewell(change.forgotten);
    } else if (change.synced) {
      if (change.full && this.told) {
        for (const id of [...this.byId.keys()].filter(one => !this.told.has(one))) {
          this.byId.delete(id);
        }
      }
      this.told = null;
      this.synced = true;
    }
    this.changed();
  }

  farewell(id) {
    setTimeout(() => {
      const machine = this.byId.get(id);
      if (machine && ENDED.has(machine.phase)) {
        this.byId.delete(id);
        this.changed();
      }
    }, FAREWELL_MS);
  }

  /** @param {any} before @param {any} after */
  move(before, after) {
    const from = before ? stage(before) : '';
    const to = stage(after);
    if (!this.synced || from === to) {
      return;
    }
    const tasks = to === 'BUSY' ? after.tasks.join(', ') : '';
    this.moves.push({ at: Date.now() + connection.skew, machine: after.machineId, fleet: after.fleet, pool: after.pool, from, to, detail: tasks || after.causeDetail, key: ++this.counter });
  }

  /** Those that are there, in the order of their launch. @param {string} [fleet] */
  list(fleet) {
    const found = [];
    for (const machine of this.byId.values()) {
      if (!fleet || machine.fleet === fleet) {
        found.push(machine);
      }
    }
    return found;
  }
}

class Decisions extends Watched {
  /** @type {Ring<any>} */
  kept = new Ring(DECISIONS_KEPT);
  /** @type {Set<string>} */
  ids = new Set();

  start() {
    this.stop = watch('/v1/decisions:watch', event => {
      this.at = Date.now();
      this.take(event);
      this.changed();
    }, state => {
      this.state(state);
      if (state.open) {
        this.catchUp();
      }
    });
  }

  /** What was decided before the watch began, and while it was broken: of each fleet, since a list is of one. */
  async catchUp() {
    try {
      await fleets.known();
      const names = [...fleets.byName.keys()];
      const pages = await Promise.all(names.map(fleet => call('GET', withQuery('/v1/decisions', { fleet, pageSize: CAUGHT_UP }))));
      const known = this.kept.newest().reverse();
      const missed = pages.flatMap(page => page.decisions).filter(event => isShown(event) && !this.ids.has(event.decisionId));
      const events = [...missed, ...known].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(-DECISIONS_KEPT);
      this.kept.clear();
      this.ids.clear();
      events.forEach(event => this.take(event));
      this.synced = true;
      this.changed();
    } catch (failed) {
      // The watch says that nobody is there.
    }
  }

  take(event) {
    if (!isShown(event) || this.ids.has(event.decisionId)) {
      return;
    }
    this.kept.push(event);
    this.ids.add(event.decisionId);
    if (this.ids.size > 2 * DECISIONS_KEPT) {
      this.ids = new Set(this.kept.items.map(one => one.decisionId));
    }
  }
}

/** Of all that is on the topic, what people read. */
export function isShown(event) {
  return Boolean(event.decision || event.refusal || event.audit);
}

export const fleets = new Fleets();

/** The fleet, and the component is drawn anew whenever it was read. @param {string} name @returns {any} undefined where there is none */
export function useFleet(name) {
  return useLive(fleets).byName.get(name);
}

export const machines = new Machines();
export const decisions = new Decisions();

export const queues = new Poll(async () => (await call('GET', '/v1/queues')).queues, 2000);
export const pools = new Poll(async () => (await call('GET', '/v1/pools')).pools, 2000);
export const budgets = new Poll(async () => (await call('GET', '/v1/budgets')).budgets, 5000);
export const installation = new Poll(() => call('GET', '/v1/installation'), 15_000);

/** Of the running hour, whose row is written when it is over, micro-units: what its minutes say. @param {string} name @param {number} at */
async function spentThisHour(name, at) {
  const since = new Date(Math.floor(at / 3_600_000) * 3_600_000).toISOString();
  const rows = await all(`/v1/fleets/${encodeURIComponent(name)}/history`, { series: 'minute', since }, 'rows');
  return rows.filter(row => row.labels.pool).reduce((total, row) => total + Number(row.spentMicros), 0);
}

/** What each fleet spent in the day and the month so far, by its name. */
export const spent = new Poll(async () => {
  await fleets.known();
  const at = now();
  const found = new Map();
  await Promise.all(fleets.list().map(async fleet => {
    const name = fleet.record.fleet;
    const sum = async unit => {
      const since = new Date(periodStart(at, fleet.record.spec.timeZone, unit)).toISOString();
      const answer = await call('GET', withQuery(`/v1/fleets/${encodeURIComponent(name)}/spend`, { since }));
      return answer.rows.reduce((total, row) => total + Number(row.spentMicros), 0);
    };
    const [day, month, hour] = await Promise.all([sum('day'), sum('month'), spentThisHour(name, at)]);
    found.set(name, { day: { micros: day + hour }, month: { micros: month + hour } });
  }));
  return found;
}, 15_000);

/** @type {Map<string, Poll>} */
const polls = new Map();

/** One for each key: pages that ask the same share it. @param {string} key @param {() => Promise<any>} ask @param {number} everyMs */
export function poll(key, ask, everyMs) {
  let found = polls.get(key);
  if (!found) {
    found = new Poll(ask, everyMs);
    polls.set(key, found);
    // Pages that nobody looks at any more.
    if (polls.size > 60) {
      for (const [old, one] of polls) {
        if (one.listeners.size === 0 && old !== key) {
          polls.delete(old);
          break;
        }
      }
    }
  }
  return found;
}

/** Begins to follow what all pages need. */
export function follow() {
  const watched = [machines, decisions];
  const ends = [fleets, ...watched].map(one => one.subscribe(() => {}));
  let resting = 0;
  let rests = false;
  // A tab that nobody sees leaves its connections to the others.
  const onVisibility = () => {
    clearTimeout(resting);
    if (document.hidden) {
      resting = window.setTimeout(() => {
        rests = true;
        watched.forEach(one => one.rest());
      }, HIDDEN_MS);
    } else if (rests) {
      rests = false;
      watched.forEach(one => one.start());
    }
  };
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    clearTimeout(resting);
    document.removeEventListener('visibilitychange', onVisibility);
    ends.forEach(end => end());
  };
}

/** Learns who we are. */
export async function hello() {
  session.signIn = await call('GET', '/console/sign-in.json');
  if (session.signIn.ways.length > 0 && !token() && !session.signIn.ways.includes('certificates')) {
    connection.signedOut('');
    return;
  }
  const caller = await call('GET', '/v1/caller');
  if (session.readBy && session.readBy !== caller.name) {
    // What was read for another may be nothing that this one may see.
    location.reload();
    return;
  }
  session.readBy = caller.name;
  session.caller = caller;
  session.changed();
}

export { all };
