// Things that change under a page, and how a page follows them: many changes between two frames are one, and what is to be drawn anew is drawn part by
// part, a few milliseconds of each frame, so that none is late however much changed. What html`` made is never kept to be drawn again: it would hold on to
// all that was drawn since.

import { options } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Of a frame's 16 ms, what drawing may begin within; the rest is the browser's, for style, layout and paint. */
const DRAWING_MS = 6;
/** A page that nobody sees has no frames, and may be hidden before its next. */
const HIDDEN_MS = 250;
const FRAME_LOST_MS = 500;

/** What changed since the last frame. @type {Set<Live>} */
const changed = new Set();
/** What waits to be drawn, in the order in which it was asked for. @type {Set<() => void>} */
const waiting = new Set();
let awaited = false;
let frame = 0;
let timer = 0;

function awaitFrame() {
  if (!awaited) {
    awaited = true;
    frame = requestAnimationFrame(onFrame);
    timer = window.setTimeout(onFrame, document.hidden ? HIDDEN_MS : FRAME_LOST_MS);
  }
}

function onFrame() {
  awaited = false;
  cancelAnimationFrame(frame);
  clearTimeout(timer);
  try {
    const told = [...changed];
    changed.clear();
    told.flatMap(live => [...live.listeners]).forEach(listener => listener());
    drawSome();
  } finally {
    if (changed.size > 0 || waiting.size > 0) {
      awaitFrame();
    }
  }
}

function drawSome() {
  const until = document.hidden ? Infinity : performance.now() + DRAWING_MS;
  const { debounceRendering } = options;
  // Each at once: all that changed would be drawn together otherwise, and could not be told how long it takes.
  options.debounceRendering = draw => draw();
  try {
    for (const draw of waiting) {
      waiting.delete(draw);
      draw();
      if (performance.now() >= until) {
        break;
      }
    }
  } finally {
    options.debounceRendering = debounceRendering;
  }
}

/** Draws it in the next frame that has time for it; once, however often it is asked for until then. @param {() => void} draw */
export function drawSoon(draw) {
  waiting.add(draw);
  awaitFrame();
}

/** Something that changes. */
export class Live {
  /** @type {Set<() => void>} */
  listeners = new Set();
  /** How often it has changed. */
  changes = 0;

  /** @param {() => void} listener @returns {() => void} that ends it */
  subscribe(listener) {
    this.listeners.add(listener);
    if (this.listeners.size === 1) {
      this.begin();
    }
    return () => {
      if (this.listeners.delete(listener) && this.listeners.size === 0) {
        this.end();
      }
    };
  }

  /** Somebody follows it now. */
  begin() {}

  /** Nobody follows it any more. */
  end() {}

  /** Tells who follows it, before the next frame. */
  changed() {
    this.changes++;
    changed.add(this);
    awaitFrame();
  }
}

/**
 * Draws the component anew whenever it changes, or only when what is shown of it does.
 *
 * @template {Live} T @param {T} live @param {() => any} [of] compared by ===, and asked at each change
 * @returns {T}
 */
export function useLive(live, of = () => live.changes) {
  const [, set] = useState(0);
  const shown = useRef(null);
  shown.current = { of, value: of() };
  useEffect(() => {
    const isNew = () => shown.current.of() !== shown.current.value;
    // What is drawn around it may have drawn it meanwhile.
    const draw = () => isNew() && set(n => n + 1);
    const end = live.subscribe(() => isNew() && drawSoon(draw));
    // Between its being drawn and this, which comes a frame later, nobody was told.
    draw();
    return () => {
      end();
      waiting.delete(draw);
    };
  }, [live]);
  return live;
}

/** The last of many, and no more than so many: what a page may hold of what never ends. @template T */
export class Ring {
  /** @param {number} size */
  constructor(size) {
    this.size = size;
    /** @type {T[]} */
    this.items = [];
    /** Begins of those that are kept. */
    this.start = 0;
    this.dropped = 0;
  }

  /** @param {T} item */
  push(item) {
    if (this.items.length < this.size) {
      this.items.push(item);
    } else {
      this.items[this.start] = item;
      this.start = (this.start + 1) % this.size;
      this.dropped++;
    }
  }

  clear() {
    this.items = [];
    this.start = 0;
    this.dropped = 0;
  }

  /** Newest first. @returns {T[]} */
  newest() {
    const ordered = this.start === 0 ? this.items.slice() : [...this.items.slice(this.start), ...this.items.slice(0, this.start)];
    return ordered.reverse();
  }
}

class Clock extends Live {
  timer = 0;

  begin() {
    this.timer = window.setInterval(() => this.changed(), 1000);
  }

  end() {
    clearInterval(this.timer);
  }
}

const clock = new Clock();

/** Draws the component anew each second, for what counts down or grows old. */
export function useClock() {
  useLive(clock);
}
