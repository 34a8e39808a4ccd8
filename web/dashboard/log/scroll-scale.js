/**
 * Fits a list of any height into what browsers can scroll. They stop at some 17 million px, which is 850,000 lines; a
 * higher list is scrolled by a shorter bar. Then small moves are true to the pixel, and long ones, as of the bar's
 * thumb, are in proportion.
 */

const LONGEST = 12_000_000;

export class ScrollScale {
  #longest;
  #height = 0;
  #viewport = 0;
  #offset = 0;
  #scrollTop = 0;

  constructor(longest = LONGEST) {
    this.#longest = longest;
  }

  /** The height of what the browser scrolls, px. */
  get length() {
    return Math.min(this.#height, this.#longest);
  }

  /** Where the top of the viewport is in the list, px. */
  get offset() {
    return this.#offset;
  }

  /** Where the browser's bar belongs, px. */
  get scrollTop() {
    return this.#scrollTop;
  }

  get isAtEnd() {
    return this.#offset >= this.#maxOffset - 1;
  }

  /**
   * @param {number} height  of the list, px
   * @param {number} viewport  px
   */
  resize(height, viewport) {
    if (height === this.#height && viewport === this.#viewport) return;
    this.#height = height;
    this.#viewport = viewport;
    this.place(this.#offset);
  }

  /**
   * Goes to a place in the list.
   *
   * @param {number} offset  px
   */
  place(offset) {
    this.#offset = this.#between(offset, this.#maxOffset);
    this.#scrollTop = this.#isScaled ? this.#inProportion(this.#offset, this.#maxOffset, this.#maxTop) : this.#offset;
  }

  /**
   * The browser has scrolled.
   *
   * @param {number} scrollTop  px
   */
  moved(scrollTop) {
    const distance = scrollTop - this.#scrollTop;
    this.#scrollTop = scrollTop;
    if (!this.#isScaled) this.#offset = this.#between(scrollTop, this.#maxOffset);
    else if (Math.abs(distance) > this.#viewport)
      this.#offset = this.#inProportion(scrollTop, this.#maxTop, this.#maxOffset);
    else this.#step(distance);
  }

  /** @param {number} distance */
  #step(distance) {
    this.#offset = this.#between(this.#offset + distance, this.#maxOffset);
    const isStuck = this.#scrollTop <= 0 || this.#scrollTop >= this.#maxTop;
    if (isStuck) this.place(this.#offset);
  }

  get #isScaled() {
    return this.#height > this.#longest;
  }

  get #maxOffset() {
    return Math.max(0, this.#height - this.#viewport);
  }

  get #maxTop() {
    return Math.max(0, this.length - this.#viewport);
  }

  /**
   * @param {number} value
   * @param {number} of
   * @param {number} into
   */
  #inProportion(value, of, into) {
    return this.#between(of === 0 ? 0 : (value / of) * into, into);
  }

  /**
   * @param {number} value
   * @param {number} most
   */
  #between(value, most) {
    return Math.min(Math.max(value, 0), most);
  }
}
