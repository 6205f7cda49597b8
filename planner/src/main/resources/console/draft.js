// What somebody has written and not applied, kept in the tab: a token that is over, or a page that is loaded anew, loses nothing of it.

import { session } from './model.js';

const DRAFT = 'muster.draft';

/** @param {string} name of the fleet; empty: of a new one @returns {{base: any, spec: any}|null} what this caller wrote of it */
export function draftOf(name) {
  const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? 'null');
  return kept?.name === name && kept.by === session.caller?.name ? kept : null;
}

/** In place of any other. @param {string} name @param {any} base the record that it began with @param {any} spec */
export function keepDraft(name, base, spec) {
  sessionStorage.setItem(DRAFT, JSON.stringify({ by: session.caller?.name, name, base, spec }));
}

export function dropDraft() {
  sessionStorage.removeItem(DRAFT);
}
