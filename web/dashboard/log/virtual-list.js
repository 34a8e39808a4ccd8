/**
 * A list of which only the rows in sight, and some around them, are in the page. Draws at most once per frame.
 *
 * @typedef {object} Rows
 * @property {(line: number) => HTMLElement} create
 * @property {(from: number, to: number, rowOf: (line: number) => HTMLElement) => void} draw  brings rows up to date
 */

import { element } from "../elements.js";
import { Geometry } from "./geometry.js";
import { ScrollScale } from "./scroll-scale.js";

/** Rows drawn above and below what is in sight: the browser scrolls before the page hears of it. */
const AROUND = 10;

export class VirtualList {
  #rows;
  #onMove;
  #geometry;
  #scale = new ScrollScale();
  /** @type {Map<number, HTMLElement>} */
  #drawn = new Map();
  #end;
  #block = element("div", { class: "log-rows" });
  #sizer = element("div", { class: "log-sizer" });
  /** A line to be brought into sight in the next frame, when it is known how much is in sight. */
  /** @type {number | null} */
  #goal = null;
  #isFollowing = true;
  #isWrapped = false;
  #frame = 0;
  #isStopped = false;
  /** Where the browser's bar is, as far as this list knows: what is written there unasked would stop a scroll. */
  #bar = 0;
  #viewport = 0;
  #width = 0;
  #resized = new ResizeObserver(() => this.#measureViewport());

  /**
   * @param {HTMLElement} scroller  what scrolls
   * @param {object} parts
   * @param {number} parts.rowHeight  px, of a line that is not wrapped
   * @param {Rows} parts.rows
   * @param {HTMLElement} parts.end  stands after the last row
   * @param {number} parts.endHeight  px
   * @param {() => void} parts.onMove  another part is in sight, or the list follows its end or no longer does
   */
  constructor(scroller, { rowHeight, rows, end, endHeight, onMove }) {
    this.scroller = scroller;
    this.#rows = rows;
    this.#end = end;
    this.endHeight = endHeight;
    this.#onMove = onMove;
    this.#geometry = new Geometry(rowHeight);
    this.#block.append(end);
    this.#sizer.append(this.#block);
    scroller.append(this.#sizer);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#resized.observe(scroller);
    this.#measureViewport();
  }

  stop() {
    this.#isStopped = true;
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
  }

  /** Whether it stays at its end when rows are added. */
  get isFollowing() {
    return this.#isFollowing;
  }

  get count() {
    return this.#geometry.count;
  }

  set count(count) {
    if (count === this.#geometry.count) return;
    this.#geometry.count = count;
    this.invalidate();
  }

  /** The first and the last line in sight. */
  get inSight() {
    const { offset } = this.#scale;
    return { from: this.#geometry.lineAt(offset), to: this.#geometry.lineAt(offset + this.#viewport - 1) };
  }

  /**
   * Whether rows may be higher than one line; they are measured then.
   *
   * @param {boolean} isWrapped
   */
  wrap(isWrapped) {
    const { from } = this.inSight;
    this.#isWrapped = isWrapped;
    this.#geometry.forget();
    if (!this.#isFollowing) this.#scale.place(this.#geometry.topOf(from));
    this.invalidate();
  }

  /** @param {number} characters  the longest line that was drawn, so that its end can be scrolled to */
  set width(characters) {
    this.#sizer.style.setProperty("--log-longest", `${characters}ch`);
    this.#sizer.style.setProperty("--log-digits", `${String(this.count).length}ch`);
  }

  /** Rows are to be drawn anew in the next frame. */
  invalidate() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  pause() {
    this.#isFollowing = false;
  }

  toEnd() {
    this.#isFollowing = true;
    this.#goal = null;
    this.invalidate();
  }

  /**
   * Brings a line into sight; one that is in sight already stays where it is.
   *
   * @param {number} line
   */
  toLine(line) {
    this.pause();
    this.#goal = line;
    this.invalidate();
  }

  get #height() {
    return this.#geometry.height + (this.#geometry.count > 0 ? this.endHeight : 0);
  }

  #measureViewport() {
    const { clientHeight, clientWidth } = this.scroller;
    if (this.#isWrapped && clientWidth !== this.#width) this.wrap(true);
    this.#viewport = clientHeight;
    this.#width = clientWidth;
    this.#scale.resize(this.#height, clientHeight);
    this.invalidate();
  }

  #scrolled() {
    const { scrollTop } = this.scroller;
    const before = this.#bar;
    if (Math.abs(scrollTop - before) < 1) return;
    this.#bar = scrollTop;
    this.#scale.moved(scrollTop);
    if (this.#scale.isAtEnd) this.#isFollowing = true;
    else if (scrollTop < before) this.#isFollowing = false;
    this.#draw();
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    // Not in the page yet, or not shown: there is no end to be at.
    if (this.#viewport === 0 || this.#isStopped) return;
    this.#fit();
    if (this.#goal !== null) this.#approach(this.#goal);
    this.#drawRows();
    if (this.#isWrapped && this.#measureRows()) {
      this.#fit();
      this.#drawRows();
      this.#measureRows();
    }
    this.#goal = null;
    this.#onMove();
  }

  #fit() {
    this.#scale.resize(this.#height, this.#viewport);
    if (this.#isFollowing) this.#scale.place(this.#height);
    this.#sizer.style.height = `${this.#scale.length}px`;
  }

  /** @param {number} line */
  #approach(line) {
    const { from, to } = this.inSight;
    const isInSight = line > from && line < to;
    if (!isInSight) this.#scale.place(this.#geometry.topOf(line) - this.#viewport / 3);
  }

  #drawRows() {
    const { from: first, to: last } = this.inSight;
    const from = Math.max(1, first - AROUND);
    const to = Math.min(this.count, last + AROUND);
    this.#arrange(from, to);
    this.#rows.draw(from, to, (line) => /** @type {HTMLElement} */ (this.#drawn.get(line)));
    const { offset, scrollTop } = this.#scale;
    this.#block.style.transform = `translateY(${this.#geometry.topOf(from) - offset + scrollTop}px)`;
    this.#end.hidden = to < this.count || this.count === 0;
    if (Math.abs(this.#bar - scrollTop) < 1) return;
    this.scroller.scrollTop = scrollTop;
    this.#bar = scrollTop;
  }

  /**
   * Puts the rows of these lines into the page, in their order, and takes the others out.
   *
   * @param {number} from
   * @param {number} to
   */
  #arrange(from, to) {
    for (const [line, row] of this.#drawn) {
      if (line >= from && line <= to) continue;
      row.remove();
      this.#drawn.delete(line);
    }
    /** @type {Element} */
    let next = this.#end;
    for (let line = to; line >= from; line--) {
      const row = this.#drawn.get(line) ?? this.#rows.create(line);
      this.#drawn.set(line, row);
      if (row.nextSibling !== next) this.#block.insertBefore(row, next);
      next = row;
    }
  }

  /** Takes the heights of wrapped rows. What is looked at stays where it is; true if something has to move. */
  #measureRows() {
    const line = this.#goal ?? this.inSight.from;
    const into = this.#scale.offset - this.#geometry.topOf(line);
    let hasChanged = false;
    for (const [line, row] of this.#drawn) {
      const { height } = row.getBoundingClientRect();
      hasChanged = this.#geometry.measure(line, height) || hasChanged;
    }
    if (hasChanged) {
      this.#scale.resize(this.#height, this.#viewport);
      this.#scale.place(this.#geometry.topOf(line) + into);
    }
    return hasChanged;
  }
}
