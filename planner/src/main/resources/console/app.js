// The console: what is shown for which address, around it what every page has.

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connection, setToken } from './api.js';
import { useLive } from './live.js';
import { follow, hello, installation, machines, session } from './model.js';
import { Announcer, Banner, Guarded, PageHead, html } from './ui.js';
import { closeWhy, useRoute } from './route.js';
import { Overview } from './overview.js';
import { FleetList, FleetPage } from './fleet.js';
import { MachinePage } from './machine.js';
import { LogPage } from './log.js';
import { EditPage } from './edit.js';
import { VersionsPage } from './versions.js';
import { Why } from './why.js';
import { SignIn, finishSignIn, signOut } from './sign-in.js';

const THEME = 'muster.theme';

/** Which page an address is of. @param {string[]} path */
function pageOf(path) {
  const [first, second, third] = path;
  switch (first ?? '') {
    case '':
      return html`<${Overview} />`;
    case 'fleets':
      if (!second) {
        return html`<${FleetList} />`;
      }
      if (third === 'edit') {
        return html`<${EditPage} key=${`edit ${second}`} name=${second} />`;
      }
      if (third === 'versions') {
        return html`<${VersionsPage} key=${second} name=${second} />`;
      }
      return html`<${FleetPage} key=${second} name=${second} />`;
    case 'new':
      return html`<${EditPage} key="new" />`;
    case 'machines':
      return second ? html`<${MachinePage} key=${second} id=${second} />` : html`<${NoPage} />`;
    case 'log':
      return html`<${LogPage} />`;
    default:
      return html`<${NoPage} />`;
  }
}

function NoPage() {
  return html`<div class="lone"><${PageHead} title="There is no such page" /><p><a href="#/">To the overview</a></p></div>`;
}

function NoRole() {
  return html`<div class="lone"><${PageHead} title="You hold no role" /><p>You are known as <code>${session.caller.name}</code>, and no grant names you: you may see no fleet. An admin can change that.</p></div>`;
}

function Theme() {
  const [theme, setTheme] = useState(localStorage.getItem(THEME) ?? 'auto');
  useEffect(() => {
    if (theme === 'auto') {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem(THEME);
    } else {
      document.documentElement.dataset.theme = theme;
      localStorage.setItem(THEME, theme);
    }
    // Charts draw with colours that they read once.
    window.dispatchEvent(new Event('muster-theme'));
  }, [theme]);
  return html`<label class="theme"><span class="hidden">Theme</span><select value=${theme} onChange=${e => setTheme(e.target.value)}>
    <option value="auto">Auto</option><option value="light">Light</option><option value="dark">Dark</option></select></label>`;
}

function Nav({ path }) {
  const item = (href, text, is) => html`<li><a href=${href} aria-current=${is ? 'page' : undefined}>${text}</a></li>`;
  return html`<nav aria-label="Pages"><ul>
    ${item('#/', 'Overview', path.length === 0)}${item('#/fleets', 'Fleets', path[0] === 'fleets' || path[0] === 'new')}${item('#/log', 'Log', path[0] === 'log')}
  </ul></nav>`;
}

function Health() {
  useLive(connection);
  useLive(machines, () => machines.open);
  const live = connection.state === 'there' && machines.open;
  const text = connection.state === 'gone' ? 'No answer' : live ? 'Live' : 'Connecting';
  return html`<span class=${`health ${connection.state === 'gone' ? 'bad' : live ? 'good' : 'warn'}`} role="status" data-testid="connection">${text}</span>`;
}

function Who() {
  useLive(session);
  if (session.signIn.ways.length === 0 || !session.caller) {
    return null;
  }
  const best = ['ADMIN', 'OPERATOR', 'VIEWER'].find(role => session.mayAnywhere(role));
  return html`<span class="who"><span class="name">${session.caller.name}</span>${best && html`<span class="role">${best.toLowerCase()}</span>`}
    <button type="button" class="quiet" onClick=${signOut}>Sign out</button></span>`;
}

function Shell() {
  const route = useRoute();
  useLive(installation, () => installation.value?.name);
  useEffect(() => follow(), []);
  return html`
    <a class="skip" href="#page" onClick=${e => { e.preventDefault(); document.querySelector('h1')?.focus(); }}>To the page</a>
    <header class="top">
      <a class="brand" href="#/"><img src=${new URL('icon.svg', import.meta.url).href} alt="" width="22" height="22" /><span>Muster</span></a>
      ${installation.value && html`<span class="installation">${installation.value.name}</span>`}
      <${Nav} path=${route.path} />
      <div class="top-end"><${Health} /><${Theme} /><${Who} /></div>
    </header>
    <${Banner} /><${Announcer} />
    <main id="page">${session.mayAnywhere('VIEWER') ? html`<${Guarded} key=${route.path.join('/')}>${pageOf(route.path)}</${Guarded}>` : html`<${NoRole} />`}</main>
    ${route.query.why && html`<${Guarded} key=${route.query.why}><${Why} what=${route.query.why} onClose=${closeWhy} /></${Guarded}>`}`;
}

function Console() {
  useLive(connection);
  useLive(session);
  if (connection.state === 'signed-out') {
    return html`<${SignIn} onToken=${async value => { setToken(value); await begin(); }} />`;
  }
  if (!session.caller) {
    return html`<${Banner} /><p class="starting" role="status">Muster</p>`;
  }
  return html`<${Shell} />`;
}

/** Learns who we are, until somebody says. */
async function begin() {
  try {
    await finishSignIn();
    if (connection.state === 'signed-out') {
      connection.state = 'starting';
      session.caller = null;
    }
    await hello();
  } catch (failed) {
    if (connection.state === 'gone') {
      const end = connection.subscribe(() => {
        if (connection.state === 'there') {
          end();
          begin();
        }
      });
    } else if (failed?.http === 401) {
      session.caller = null;
      connection.changed();
    } else {
      throw failed;
    }
  }
}

/** A link that signs in carries its token behind the #, which no server sees; it leaves the address, and the history, at once. */
function takeToken() {
  const found = /^#token=([^&]+)(?:&to=(.*))?$/.exec(location.hash);
  if (found) {
    setToken(decodeURIComponent(found[1]));
    history.replaceState(null, '', `${location.pathname}#${found[2] ? decodeURIComponent(found[2]) : '/'}`);
  }
}

takeToken();
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) {
    takeToken();
    begin();
  }
});
const chosen = localStorage.getItem(THEME);
if (chosen) {
  document.documentElement.dataset.theme = chosen;
}
const root = document.getElementById('console');
root.textContent = '';
render(html`<${Console} />`, root);
begin();

