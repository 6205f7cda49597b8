// Signing in: by a token, or at the identity provider by authorization code with PKCE. What is gained is kept for this tab only.

import { useEffect, useRef, useState } from 'preact/hooks';
import { connection, setToken } from './api.js';
import { dropDraft } from './draft.js';
import { session } from './model.js';
import { html, Problem } from './ui.js';

const PENDING = 'muster.sign-in';
/** Before a token is over, another is asked for. */
const EARLY_MS = 60_000;

let refreshing = 0;

async function provider() {
  const { issuer } = session.signIn.oidc;
  const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { credentials: 'omit' });
  if (!answer.ok) {
    throw new Error(`The identity provider answered ${answer.status}.`);
  }
  const found = await answer.json();
  if (found.issuer !== issuer) {
    throw new Error('The identity provider calls itself otherwise than the planner does.');
  }
  return found;
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function redirect() {
  return location.origin + location.pathname;
}

/** Leaves for the provider's page. */
async function leave() {
  const { client, scope } = session.signIn.oidc;
  const { authorization_endpoint: page } = await provider();
  const verifier = random();
  const state = random();
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, hash: location.hash }));
  const challenge = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  const query = new URLSearchParams({ response_type: 'code', client_id: client, redirect_uri: redirect(), scope, state, code_challenge: challenge, code_challenge_method: 'S256' });
  location.assign(`${page}${page.includes('?') ? '&' : '?'}${query}`);
}

/** What a token says; nothing of it is believed here, the planner checks it. */
function claims(jwt) {
  try {
    const [, body] = jwt.split('.');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))));
  } catch (opaque) {
    return null;
  }
}

/** Which of the two the planner takes: the one for its audience. Some providers' access tokens are no JWT. */
function fitting(answer) {
  const { audience } = session.signIn.oidc;
  const isFor = jwt => jwt && [claims(jwt)?.aud].flat().includes(audience);
  return isFor(answer.access_token) || !isFor(answer.id_token) ? answer.access_token : answer.id_token;
}

async function redeem(fields) {
  const { token_endpoint: endpoint } = await provider();
  const answer = await fetch(endpoint, { method: 'POST', body: new URLSearchParams({ client_id: session.signIn.oidc.client, ...fields }), credentials: 'omit' });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(`The identity provider refused: ${told.error_description || told.error || answer.status}`);
  }
  const token = fitting(told);
  setToken(token);
  clearTimeout(refreshing);
  const until = (claims(token)?.exp ?? 0) * 1000 - Date.now() - EARLY_MS;
  if (told.refresh_token && until > 0) {
    // The refresh token stays in memory: who reloads the page late signs in again.
    refreshing = window.setTimeout(() => redeem({ grant_type: 'refresh_token', refresh_token: told.refresh_token }).catch(() => {}), Math.min(until, 2 ** 31 - 1));
  }
}

/** Back from the provider's page: its code becomes a token, and leaves the address. */
export async function finishSignIn() {
  const query = new URLSearchParams(location.search);
  const state = query.get('state');
  if (!state || !(query.has('code') || query.has('error'))) {
    return;
  }
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, '', `${location.pathname}${pending?.hash ?? ''}`);
  session.signIn = await fetch('/console/sign-in.json', { cache: 'no-store' }).then(answer => answer.json());
  try {
    if (pending?.state !== state) {
      throw new Error('This answer of the identity provider is to no question of this tab.');
    }
    if (query.has('error')) {
      throw new Error(`The identity provider refused: ${query.get('error_description') || query.get('error')}`);
    }
    await redeem({ grant_type: 'authorization_code', code: query.get('code'), redirect_uri: redirect(), code_verifier: pending.verifier });
  } catch (failed) {
    setToken(null);
    failure = failed;
  }
}

/** @type {Error|null} why the provider's answer was of no use, until it is told */
let failure = null;

export function signOut() {
  clearTimeout(refreshing);
  setToken(null);
  dropDraft();
  // Who it was is still known while the page that is left is drawn for the last time.
  connection.signedOut('');
}

/** @param {{onToken: (token: string) => Promise<void>}} props */
export function SignIn({ onToken }) {
  const [text, setText] = useState('');
  const [error, setError] = useState(failure);
  const [busy, setBusy] = useState(false);
  const heading = useRef(null);
  useEffect(() => {
    document.title = 'Sign in · Muster';
    failure = null;
    heading.current.focus();
  }, []);
  async function submit(e) {
    e.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onToken(text.trim());
    } catch (failed) {
      setError(failed);
    }
    setBusy(false);
  }
  const why = error ?? (connection.why ? new Error(connection.why) : null);
  return html`<main class="sign-in"><h1 ref=${heading} tabindex="-1">Sign in to Muster</h1>
    <${Problem} error=${why} />
    ${session.signIn.oidc && html`<p><button type="button" class="primary big" onClick=${() => leave().catch(setError)}>Sign in with ${new URL(session.signIn.oidc.issuer).host}</button></p><p class="or">or</p>`}
    <form onSubmit=${submit}>
      <label for="token">Token</label>
      <input id="token" type="password" autocomplete="off" spellcheck=${false} required value=${text} onInput=${e => setText(e.target.value)} aria-describedby="token-help" />
      <p id="token-help" class="help">It stays in this tab and is gone when you close it. On your own computer it is in .muster/run/token, and ./muster up prints a link that signs you in.</p>
      <button type="submit" class=${session.signIn.oidc ? '' : 'primary'} disabled=${busy}>${busy ? 'Signing in…' : 'Sign in'}</button>
    </form></main>`;
}
