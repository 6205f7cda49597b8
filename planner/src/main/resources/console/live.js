// Things that change under a page, and how a page follows them: many changes between two frames are one.

import { useEffect, useState } from 'preact/hooks';

/** Something that changes. */
export class Live {
  /** @type {Set<() => void>} */
  listeners = new Set();
  scheduled = false;
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

  /** Tells who follows it, before the next frame; a page that nobody sees has no frames, and is told in its own time. */
  changed() {
    this.changes++;
    if (this.scheduled) {
      return;
    }
    this.scheduled = true;
    const tell = () => {
      if (this.scheduled) {
        this.scheduled = false;
        for (const listener of [...this.listeners]) {
          listener();
        }
      }
    };
    if (document.hidden) {
      setTimeout(tell, 250);
    } else {
      requestAnimationFrame(tell);
      // A page may be hidden before its next frame.
      setTimeout(tell, 500);
    }
  }
}

/** Draws the component anew whenever it changes. @template {Live} T @param {T} live @returns {T} */
export function useLive(live) {
  const [, draw] = useState(0);
  const drawn = live.changes;
  useEffect(() => {
    const end = live.subscribe(() => draw(n => n + 1));
    if (live.changes !== drawn) {
      // Between its being drawn and this, which comes a frame later, nobody was told.
      draw(n => n + 1);
    }
    return end;
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
