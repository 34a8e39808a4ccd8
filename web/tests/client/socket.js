/** @typedef {import("./gateway.js").Gateway} Gateway */

/** A browser's socket whose other end is a gateway in memory. Frames come one task each, as in a browser. */
export class FakeSocket {
  /** @type {((event: {data: string}) => void) | null} */
  onmessage = null;
  /** @type {((event: {code: number, reason: string}) => void) | null} */
  onclose = null;
  channels = new Set(["org", "room:general"]);
  isOpen = true;
  #isAccepted = false;
  #gateway;

  /** @param {Gateway} gateway @param {string} address @param {string[]} protocols */
  constructor(gateway, address, protocols) {
    this.#gateway = gateway;
    this.address = address;
    setImmediate(() => {
      this.#isAccepted = this.isOpen;
      if (this.isOpen) gateway.accept(this, protocols);
    });
  }

  /** From the page. @param {string} text */
  send(text) {
    if (!this.#isAccepted) throw new DOMException("Still in CONNECTING state", "InvalidStateError");
    setImmediate(() => this.isOpen && this.#gateway.hear(this, JSON.parse(text)));
  }

  close() {
    this.isOpen = false;
    this.#gateway.sockets = this.#gateway.sockets.filter((socket) => socket !== this);
  }

  /** To the page. @param {Record<string, unknown>} frame */
  say(frame) {
    setImmediate(() => this.onmessage?.({ data: JSON.stringify(frame) }));
  }

  /** @param {number} code @param {string} reason */
  end(code, reason) {
    setImmediate(() => {
      this.isOpen = false;
      this.onclose?.({ code, reason });
    });
  }
}
