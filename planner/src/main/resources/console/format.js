// Numbers, times and the API's words, as people read them. No function here knows the page.

/** ms since 1970 of an RFC 3339 moment; NaN if absent. @param {string|undefined|null} text */
export function ms(text) {
  return text ? Date.parse(text) : NaN;
}

/** ms of a duration as protobuf's JSON writes it, such as 3600s. @param {string|undefined|null} text */
export function durationMs(text) {
  return text ? Number.parseFloat(text) * 1000 : NaN;
}

/** A span in its two largest units: 4 h 12 min. @param {number} value ms */
export function span(value) {
  if (!Number.isFinite(value)) {
    return '–';
  }
  const s = Math.max(0, Math.round(value / 1000));
  if (s < 60) {
    return `${s} s`;
  }
  if (s < 3600) {
    const rest = s % 60;
    return rest && s < 600 ? `${Math.floor(s / 60)} min ${rest} s` : `${Math.floor(s / 60)} min`;
  }
  if (s < 86_400) {
    const rest = Math.floor((s % 3600) / 60);
    return rest ? `${Math.floor(s / 3600)} h ${rest} min` : `${Math.floor(s / 3600)} h`;
  }
  const rest = Math.floor((s % 86_400) / 3600);
  return rest ? `${Math.floor(s / 86_400)} d ${rest} h` : `${Math.floor(s / 86_400)} d`;
}

/** A span as a clock shows it, for what counts down: 4:05. @param {number} value ms */
export function countdown(value) {
  const s = Math.max(0, Math.ceil(value / 1000));
  const pad = n => String(n).padStart(2, '0');
  return s < 3600 ? `${Math.floor(s / 60)}:${pad(s % 60)}` : `${Math.floor(s / 3600)}:${pad(Math.floor((s % 3600) / 60))}:${pad(s % 60)}`;
}

/** How long ago. @param {number} at @param {number} now */
export function ago(at, now) {
  return Number.isFinite(at) ? (now - at < 1500 ? 'now' : `${span(now - at)} ago`) : '–';
}

const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const HOURS = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** A moment: the time, and the day unless it is today's. @param {number} at @param {number} now */
export function moment(at, now) {
  if (!Number.isFinite(at)) {
    return '–';
  }
  return new Date(at).toDateString() === new Date(now).toDateString() ? HOURS.format(at) : DAY.format(at);
}

/** @type {Map<string, Intl.NumberFormat>} */
const MONEY = new Map();

/** Money of micro-units, with more decimals the smaller it is. @param {number|string|null|undefined} micros @param {string} [currency] */
export function money(micros, currency = 'USD') {
  if (micros === null || micros === undefined || micros === '') {
    return '–';
  }
  const value = Number(micros) / 1e6;
  const decimals = value !== 0 && Math.abs(value) < 0.1 ? 4 : 2;
  const key = currency + decimals;
  let format = MONEY.get(key);
  if (!format) {
    try {
      format = new Intl.NumberFormat(undefined, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', minimumFractionDigits: 2, maximumFractionDigits: decimals });
    } catch (unknown) {
      format = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: decimals });
    }
    MONEY.set(key, format);
  }
  return format.format(value);
}

/** @param {number|string|null|undefined} micros @param {string} [currency] */
export function rate(micros, currency) {
  return micros === null || micros === undefined ? '–' : `${money(micros, currency)}/h`;
}

/** @param {number} n @param {string} one @param {string} [many] */
export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

/** A word of the API for people: AT_POOL_LIMIT is "At pool limit". @param {string|undefined} word */
export function words(word) {
  if (!word || word.endsWith('_UNSPECIFIED')) {
    return '';
  }
  const text = word.toLowerCase().replaceAll('_', ' ');
  return text[0].toUpperCase() + text.slice(1);
}

/** Phases in the order of a machine's life. */
export const LIFE = ['REQUESTED', 'LAUNCHING', 'BOOTING', 'READY', 'DRAINING', 'TERMINATING', 'GONE'];
export const ENDED = new Set(['GONE', 'FAILED', 'LOST']);

/** Where a machine is, idle and busy told apart. @param {any} machine */
export function stage(machine) {
  if (machine.phase === 'READY') {
    return machine.tasks.length > 0 ? 'BUSY' : 'IDLE';
  }
  return machine.phase;
}

/** Stages as the pages list them, with their words. */
export const STAGES = ['REQUESTED', 'LAUNCHING', 'BOOTING', 'IDLE', 'BUSY', 'DRAINING', 'TERMINATING'];

/**
 * When an idle machine's time is over, ms since 1970; NaN if it is not idle. A minimum, protection or demand may keep it longer.
 *
 * @param {any} machine
 * @param {any} pool of its spec
 */
export function releaseAt(machine, pool) {
  if (machine.phase !== 'READY' || machine.tasks.length > 0 || !machine.idleSince || machine.protected) {
    return NaN;
  }
  const idle = ms(machine.idleSince) + durationMs(pool?.idleTimeout ?? '900s');
  const paid = machine.paid?.since && pool?.leastPaid ? ms(machine.paid.since) + durationMs(pool.leastPaid) : 0;
  return Math.max(idle, paid);
}

/** Upper ends, in seconds, of the ranges that a row of history sorts waits into; the last has none. */
export const WAITS = [1, 5, 15, 60, 300, 900, 3600, 14_400];

/** The wait, in seconds, that so many of the tasks stayed within: the end of the range it falls in. @param {number[]} counts @param {number} share */
export function percentile(counts, share) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) {
    return null;
  }
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i];
    if (seen >= total * share) {
      return i < WAITS.length ? WAITS[i] : Infinity;
    }
  }
  return Infinity;
}

/** The share of a whole, 0 to 1, for bars. @param {number} part @param {number} whole */
export function share(part, whole) {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}

/** How far a zone's clocks are ahead of UTC at that moment, and what they show. @param {number} at @param {string} zone */
function zoned(at, zone) {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' });
  const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map(type => Number(format.formatToParts(at).find(part => part.type === type)?.value));
  return { year, month, day, ahead: Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000 };
}

/** ms since 1970 at which the day, or the month, of that zone began. @param {number} now @param {string} zone @param {'day'|'month'} unit */
export function periodStart(now, zone, unit) {
  try {
    const { year, month, day, ahead } = zoned(now, zone || 'UTC');
    const midnight = Date.UTC(year, month - 1, unit === 'day' ? day : 1);
    // Clocks may have been changed since.
    return midnight - zoned(midnight - ahead, zone || 'UTC').ahead;
  } catch (unknown) {
    return periodStart(now, 'UTC', unit);
  }
}
