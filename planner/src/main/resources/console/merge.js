// Two edits of one spec put together: what only one of them changed is taken, what both changed differently is told.

const named = list => Array.isArray(list) && list.every(one => one && typeof one === 'object' && typeof one.name === 'string' && one.name !== '');

const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value) {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.keys(value).sort().map(key => [key, sorted(value[key])]));
  }
  return value;
}

const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * @param {any} base what both began with @param {any} mine @param {any} theirs @param {string} [path]
 * @returns {{value: any, conflicts: string[]}} where both changed the same, mine
 */
export function merge(base, mine, theirs, path = '') {
  if (same(mine, theirs) || same(theirs, base)) {
    return { value: mine, conflicts: [] };
  }
  if (same(mine, base)) {
    return { value: theirs, conflicts: [] };
  }
  const at = key => (path ? `${path}.${key}` : key);
  if (isObject(mine) && isObject(theirs)) {
    const value = {};
    const conflicts = [];
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
      const merged = merge(base?.[key], mine[key], theirs[key], at(key));
      conflicts.push(...merged.conflicts);
      if (merged.value !== undefined) {
        value[key] = merged.value;
      }
    }
    return { value, conflicts };
  }
  if (named(mine) && named(theirs)) {
    const of = (list, name) => (list ?? []).find(one => one.name === name);
    const value = [];
    const conflicts = [];
    for (const name of new Set([...mine, ...theirs].map(one => one.name))) {
      const merged = merge(of(base, name), of(mine, name), of(theirs, name), at(name));
      conflicts.push(...merged.conflicts);
      if (merged.value !== undefined) {
        value.push(merged.value);
      }
    }
    return { value, conflicts };
  }
  return { value: mine, conflicts: [path] };
}
