// Addresses: #/fleets/train?range=6h. What a page shows is in its address, so that it can be kept, sent and gone back to.

import { useEffect, useState } from 'preact/hooks';

/** @returns {{path: string[], query: Record<string, string>}} */
export function route() {
  const text = location.hash.replace(/^#\/?/, '');
  const [path, query] = text.split('?', 2);
  const decode = part => {
    try {
      return decodeURIComponent(part);
    } catch (malformed) {
      return part;
    }
  };
  return { path: path.split('/').filter(Boolean).map(decode), query: Object.fromEntries(new URLSearchParams(query ?? '')) };
}

export function useRoute() {
  const [at, set] = useState(route);
  useEffect(() => {
    const on = () => set(route());
    addEventListener('hashchange', on);
    addEventListener('muster-route', on);
    return () => {
      removeEventListener('hashchange', on);
      removeEventListener('muster-route', on);
    };
  }, []);
  return at;
}

/** An address. @param {string[]} path @param {Record<string, string|undefined>} [query] */
export function to(path, query = {}) {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = entries.length ? `?${new URLSearchParams(entries)}` : '';
  return `#/${path.map(encodeURIComponent).join('/')}${text}`;
}

/** Goes there. @param {string} href */
export function go(href) {
  location.hash = href.replace(/^#/, '');
}

/** Changes parts of the query; going back does not undo it. @param {Record<string, string|undefined>} query */
export function refine(query) {
  const at = route();
  history.replaceState(null, '', to(at.path, { ...at.query, ...query }));
  dispatchEvent(new Event('muster-route'));
}

/** The address of an answer beside the page one is on. @param {...string} what such as machine and its id */
export function whyLink(...what) {
  const at = route();
  return to(at.path, { ...at.query, why: what.map(encodeURIComponent).join('/') });
}

export function closeWhy() {
  const at = route();
  go(to(at.path, { ...at.query, why: undefined }));
}
