// A decision, a refusal or a change on the record, as a line and as a sentence.

import { now } from './api.js';
import { ms, moment, words } from './format.js';
import { whyLink } from './route.js';
import { html } from './ui.js';

/** What kind an event is: for filters and colours. */
export function kindOf(event) {
  return event.decision ? 'done' : event.refusal ? (event.refusal.reason === 'REASON_UNSPECIFIED' ? 'over' : 'refused') : 'audited';
}

export function textOf(event) {
  if (event.decision) {
    return event.decision.text;
  }
  if (event.refusal) {
    return event.refusal.text || `No longer: ${words(event.refusal.words?.was)}`;
  }
  return `${event.audit.caller || 'Somebody'}: ${event.audit.what}`;
}

export function reasonOf(event) {
  return event.decision?.reason ?? event.refusal?.reason ?? '';
}

/** The address of its answer. */
export function eventLink(event) {
  return whyLink('decision', event.fleet, event.decisionId, String(ms(event.at)));
}

const KINDS = { done: 'Done', refused: 'Refused', over: 'Over', audited: 'Changed' };

export function Kind({ event }) {
  const kind = kindOf(event);
  return html`<span class=${`badge ${{ done: 'good', refused: 'warn', over: 'off', audited: 'busy' }[kind]}`}>${KINDS[kind]}</span>`;
}

export function EventLine({ event, withFleet = true }) {
  return html`<li class="event"><p class="meta"><time datetime=${event.at}>${moment(ms(event.at), now())}</time><${Kind} event=${event} />${withFleet && html`<span>${event.fleet}</span>`}</p>
    <p><a class="plain" href=${eventLink(event)}>${textOf(event)}</a></p></li>`;
}
