/**
 * Where each line of a list stands, in pixels from its top. Every line has one row until it has been measured to have
 * more; without wrapped lines all of this is one multiplication.
 */

/** Measured lines are summed by groups, so that nothing here walks through all lines. */
const GROUP = 1_000;

export class Geometry {
  #rowHeight;
  #count = 0;
  /** @type {Map<number, {sum: number, heights: Map<number, number>}>} what lines are higher than one row, by group */
  #extras = new Map();

  /** @param {number} rowHeight  px */
  constructor(rowHeight) {
    this.#rowHeight = rowHeight;
  }

  get count() {
    return this.#count;
  }

  set count(count) {
    this.#count = count;
  }

  get height() {
    return this.topOf(this.#count + 1);
  }

  /**
   * The top of a line.
   *
   * @param {number} line  1 to count + 1
   */
  topOf(line) {
    const group = Math.floor(line / GROUP);
    let extra = 0;
    for (const [number, { sum, heights }] of this.#extras) {
      if (number < group) extra += sum;
      if (number === group) for (const [measured, more] of heights) if (measured < line) extra += more;
    }
    return (line - 1) * this.#rowHeight + extra;
  }

  /**
   * The line at a height.
   *
   * @param {number} y  px; above the first line it is the first, below the last the last
   */
  lineAt(y) {
    if (this.#extras.size === 0) return this.#inside(Math.floor(y / this.#rowHeight) + 1);
    let [low, high] = [1, Math.max(this.#count, 1)];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.topOf(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return this.#inside(low);
  }

  /**
   * Keeps the height of a line as it was drawn.
   *
   * @param {number} line
   * @param {number} height  px
   * @returns {boolean} whether it is another than was thought
   */
  measure(line, height) {
    const number = Math.floor(line / GROUP);
    const extra = Math.max(0, height - this.#rowHeight);
    const group = this.#extras.get(number) ?? { sum: 0, heights: new Map() };
    const before = group.heights.get(line) ?? 0;
    if (Math.abs(extra - before) < 0.5) return false;
    group.sum += extra - before;
    group.heights.set(line, extra);
    this.#extras.set(number, group);
    return true;
  }

  /** All lines have one row again. */
  forget() {
    this.#extras.clear();
  }

  /** @param {number} line */
  #inside(line) {
    return Math.min(Math.max(line, 1), Math.max(this.#count, 1));
  }
}
