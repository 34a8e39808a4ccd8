/**
 * A form that says what is wrong at the place where it is wrong.
 *
 * @typedef {object} Field
 * @property {string} name  as the API calls it
 * @property {string} label
 * @property {string} [type]  of the input; "text" by default
 * @property {string} [autocomplete]
 * @property {string} [hint]  always shown
 * @property {string} [pattern]
 * @property {string} [wrong]  what to say when the browser finds the value invalid
 * @property {number} [minlength]
 * @property {number} [maxlength]
 * @property {string} [value]
 * @property {{value: string, text: string}[]} [options]  a choice instead of an input
 *
 * @typedef {object} FormOptions
 * @property {Field[]} fields
 * @property {string} submit  the button's text
 * @property {string} busy  the button's text while it is under way
 * @property {Record<string, string>} [places]  problem code -> name of the field it is about
 * @property {(values: Record<string, string>) => Promise<void>} onSubmit
 */

import { element, fill, unseen } from "./elements.js";
import { codeOf, fieldErrors, problemText } from "./problem-text.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Control */

/** What the browser calls wrong is asked of it first, so that most mistakes never travel. */
export class Form {
  /** @type {Map<string, {control: Control, error: HTMLElement, field: Field}>} */
  #fields = new Map();
  #isBusy = false;
  #options;
  #button;
  #summary = element("div", { role: "alert" });

  /** @param {FormOptions} options */
  constructor(options) {
    this.#options = options;
    this.#button = element("button", { class: "button primary", type: "submit" }, options.submit);
    this.element = element(
      "form",
      { class: "form", novalidate: true, onsubmit: (event) => this.#submit(event) },
      this.#summary,
      ...options.fields.map((field) => this.#fieldElement(field)),
      this.#button,
    );
  }

  /** Empties every field. */
  reset() {
    this.element.reset();
    this.#clear();
  }

  /** @param {Field} field */
  #fieldElement(field) {
    const id = `field-${field.name}`;
    const control = controlFor(field, id);
    const error = element("p", { class: "field-error", id: `${id}-error` });
    const hint = field.hint ? element("p", { class: "hint", id: `${id}-hint` }, field.hint) : null;
    this.#fields.set(field.name, { control, error, field });
    const described = hint ? `${id}-hint ${id}-error` : `${id}-error`;
    control.setAttribute("aria-describedby", described);
    return element(
      "div",
      { class: "field" },
      element("label", { for: id }, field.label),
      withReveal(control),
      hint,
      error,
    );
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    if (this.#isBusy) return;
    this.#clear();
    if (this.#refuseInvalid()) return;
    this.#setBusy(true);
    try {
      await this.#options.onSubmit(this.#values());
    } catch (error) {
      this.#show(error);
    } finally {
      this.#setBusy(false);
    }
  }

  #values() {
    return Object.fromEntries([...this.#fields].map(([name, { control }]) => [name, control.value]));
  }

  #refuseInvalid() {
    const wrong = [...this.#fields.values()].filter(({ control }) => !control.validity.valid);
    for (const { control, field, error } of wrong) {
      const text = control.validity.valueMissing ? `${field.label} is needed.` : field.wrong;
      mark(control, error, text ?? control.validationMessage);
    }
    wrong[0]?.control.focus();
    return wrong.length > 0;
  }

  /** @param {unknown} problem */
  #show(problem) {
    const messages = fieldErrors(problem);
    const place = this.#options.places?.[codeOf(problem) ?? ""];
    if (place) messages.set(place, problemText(problem));
    const atFields = [...messages].filter(([name]) => this.#fields.has(name));
    for (const [name, message] of atFields) {
      const { control, error } = /** @type {{control: Control, error: HTMLElement}} */ (this.#fields.get(name));
      mark(control, error, message);
    }
    if (atFields.length === 0) fill(this.#summary, element("p", { class: "notice bad" }, problemText(problem)));
    else this.#fields.get(atFields[0]?.[0] ?? "")?.control.focus();
  }

  #clear() {
    fill(this.#summary);
    for (const { control, error } of this.#fields.values()) {
      control.removeAttribute("aria-invalid");
      fill(error);
    }
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    // Not `disabled`: that would take the focus away from the button, and with it the place on the page.
    this.#button.setAttribute("aria-disabled", String(isBusy));
    fill(this.#button, isBusy ? this.#options.busy : this.#options.submit);
  }
}

/**
 * @param {Field} field
 * @param {string} id
 * @returns {Control}
 */
function controlFor(field, id) {
  const { name, type = "text", autocomplete, pattern, minlength, maxlength, value } = field;
  if (field.options) {
    const choices = field.options.map((option) => element("option", { value: option.value }, option.text));
    return element("select", { id, name }, ...choices);
  }
  const isName = type === "email" || autocomplete === "username";
  return element("input", {
    id,
    name,
    type,
    autocomplete,
    pattern,
    minlength,
    maxlength,
    value,
    required: true,
    autocapitalize: isName && "none",
    spellcheck: isName && "false",
  });
}

/**
 * A password may be looked at before it is sent.
 *
 * @param {Control} control
 */
function withReveal(control) {
  if (!(control instanceof HTMLInputElement) || control.type !== "password") return control;
  const toggle = element(
    "button",
    { type: "button", class: "reveal", "aria-pressed": "false", onclick: () => reveal() },
    "Show",
    unseen(" password"),
  );
  const reveal = () => {
    const isHidden = control.type === "password";
    control.type = isHidden ? "text" : "password";
    toggle.setAttribute("aria-pressed", String(isHidden));
  };
  return element("div", { class: "revealable" }, control, toggle);
}

/**
 * @param {Control} control
 * @param {HTMLElement} error
 * @param {string} text
 */
function mark(control, error, text) {
  control.setAttribute("aria-invalid", "true");
  fill(error, text);
}
