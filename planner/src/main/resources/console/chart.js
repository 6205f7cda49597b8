// Charts of numbers over time: lines or stacked areas, the same as a table for who can't see them, and a point that can be asked about.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { drawSoon } from './live.js';
import { html } from './ui.js';
import { moment } from './format.js';
import { now } from './api.js';

/** Told apart by people who don't see all colours, and by lightness. */
const PALETTE = ['#3468e0', '#d98e04', '#2f9e63', '#a056c7', '#c7423b', '#1593a8', '#8a6d3b', '#7a8190'];

/** Seconds between two times below a chart: no time stands there twice. */
const MINUTES_APART = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880].map(minutes => minutes * 60);

function colours() {
  const style = getComputedStyle(document.documentElement);
  return { text: style.getPropertyValue('--muted').trim(), line: style.getPropertyValue('--line').trim() };
}

/**
 * @param {{label: string, times: number[], series: {name: string, values: (number|null)[], colour?: string}[], format: (value: number) => string, axis?: (value: number) => string, stacked?: boolean,
 *   height?: number, onPoint?: (at: number) => void, whole?: boolean, points?: boolean}} props times in seconds; points: each is marked, since one between gaps has no line
 */
export function Chart({ label, times, series, format, axis: short = format, stacked, height = 190, onPoint, whole, points }) {
  const box = useRef(null);
  const plot = useRef(null);
  const [drawn, redraw] = useState(0);
  const [asTable, setAsTable] = useState(false);
  const point = useRef(onPoint);
  point.current = onPoint;
  const shape = `${series.map(one => one.name).join('\n')}|${stacked}|${height}|${drawn}`;
  const data = useMemo(() => toData(times, series, stacked), [times, series, stacked]);

  useEffect(() => {
    const on = () => redraw(n => n + 1);
    addEventListener('muster-theme', on);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', on);
    return () => {
      removeEventListener('muster-theme', on);
      dark.removeEventListener('change', on);
    };
  }, []);

  useEffect(() => {
    if (series.length === 0) {
      return undefined;
    }
    const { text, line } = colours();
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '12px system-ui, sans-serif' };
    const options = {
      width: box.current.clientWidth || 400,
      height,
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      legend: { live: true },
      scales: { y: { range: (u, min, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [{ ...axis, incrs: MINUTES_APART, values: (u, ticks) => ticks.map(tick => clock(tick, ticks)) },
        { ...axis, size: 76, values: (u, ticks) => ticks.map(tick => (whole && tick % 1 ? '' : short(tick))) }],
      series: [{ value: (u, at) => (at === null ? '–' : moment(at * 1000, now())) }, ...series.map((one, i) => {
        const colour = one.colour ?? PALETTE[i % PALETTE.length];
        return { label: one.name, stroke: colour, width: 1.5, fill: stacked ? `${colour}66` : undefined, points: { show: Boolean(points), size: 6 }, spanGaps: false,
          value: (u, value, s, at) => (at === null || at === undefined ? '–' : tell(u.muster?.[i]?.[at], format)) };
      })],
    };
    const made = new uPlot(options, data, box.current);
    made.muster = series.map(one => one.values);
    // It follows the mouse; the label and the table below say the same.
    made.root.querySelector('.u-legend')?.setAttribute('aria-hidden', 'true');
    plot.current = made;
    const click = () => {
      const at = made.cursor.idx;
      if (at !== null && at !== undefined && point.current) {
        point.current(made.data[0][at] * 1000);
      }
    };
    made.over.addEventListener('click', click);
    const fit = new ResizeObserver(() => made.setSize({ width: Math.max(200, box.current.clientWidth), height }));
    fit.observe(box.current);
    return () => {
      fit.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    drawSoon(() => {
      if (plot.current) {
        plot.current.muster = series.map(one => one.values);
        // At once, and not when all others are done, too.
        plot.current.batch(made => made.setData(data));
      }
    });
  }, [times, series]);

  if (series.length === 0 || times.length === 0) {
    return html`<div class="chart empty-chart"><p class="empty">Nothing was recorded in this time.</p></div>`;
  }
  const last = times.length - 1;
  return html`<figure class="figure-box"><div ref=${box} class=${`chart ${onPoint ? 'asks' : ''}`} role="img" aria-label=${`${label}. At last: ${series.map(one => `${one.name} ${tell(one.values[last], format)}`).join(', ')}.`}></div>
    <details class="as-table" onToggle=${e => setAsTable(e.currentTarget.open)}><summary>As a table</summary>${asTable && html`<${AsTable} label=${label} times=${times} series=${series} format=${format} onPoint=${onPoint} />`}</details></figure>`;
}

function AsTable({ label, times, series, format, onPoint }) {
  return html`<div class="table-box" tabindex="0" role="group" aria-label=${`${label}, as a table`}><table aria-label=${label}><thead><tr><th scope="col">Time</th>${series.map(one => html`<th scope="col" class="num">${one.name}</th>`)}</tr></thead>
    <tbody>${sample(times.length).map(i => html`<tr><th scope="row">${onPoint ? html`<button type="button" class="quiet" onClick=${() => onPoint(times[i] * 1000)}>${moment(times[i] * 1000, now())}</button>` : moment(times[i] * 1000, now())}</th>
      ${series.map(one => html`<td class="num">${tell(one.values[i], format)}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** Of many rows those that a table shows: at most 30, the newest first. */
function sample(length) {
  const step = Math.max(1, Math.ceil(length / 30));
  const found = [];
  for (let i = length - 1; i >= 0; i -= step) {
    found.push(i);
  }
  return found;
}

function tell(value, format) {
  return value === null || value === undefined ? '–' : value === Infinity ? 'longer' : format(value);
}

function clock(tick, ticks) {
  const at = new Date(tick * 1000);
  const pad = n => String(n).padStart(2, '0');
  const days = ticks.length > 1 && ticks[ticks.length - 1] - ticks[0] > 2 * 86_400;
  return days ? `${at.getMonth() + 1}/${at.getDate()}` : `${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** As the library wants it; of a stack each series on those behind it, drawn from the highest. */
function toData(times, series, stacked) {
  if (!stacked) {
    return [times, ...series.map(one => one.values.map(value => (value === Infinity ? null : value)))];
  }
  const sums = series.map(one => one.values.slice());
  for (let i = sums.length - 2; i >= 0; i--) {
    sums[i] = sums[i].map((value, at) => (value ?? 0) + (sums[i + 1][at] ?? 0));
  }
  return [times, ...sums];
}
