/** The question before a token is replaced: for how long the old one works, and when the new one expires. */

import { element } from "../elements.js";
import { Form } from "../form.js";
import { OVERLAPS, lifetimesAfter } from "./lifetime.js";

/**
 * @param {import("./token-entry.js").ApiToken} token
 * @param {(choice: {overlap: string, lifetime: string}) => Promise<void>} onSubmit
 * @param {() => void} onCancel
 */
export function rotationForm(token, onSubmit, onCancel) {
  const form = new Form({
    fields: [
      {
        name: "overlap",
        label: "The old token goes on working",
        options: OVERLAPS,
        hint: "Until you have given the new one to everything that uses it.",
      },
      { name: "new-lifetime", label: "The new token expires", options: lifetimesAfter(token) },
    ],
    submit: "Rotate token",
    busy: "Rotating…",
    places: { "expiry-out-of-range": "new-lifetime" },
    onSubmit: ({ overlap = "", "new-lifetime": lifetime = "" }) => onSubmit({ overlap, lifetime }),
  });
  form.element.append(element("button", { type: "button", class: "button", onclick: onCancel }, "Cancel"));
  return element(
    "section",
    { class: "card rotation", "aria-labelledby": "rotation-title" },
    element("h2", { id: "rotation-title", tabindex: -1 }, `Rotate “${token.name}”`),
    element("p", {}, "You get a new token. Whatever uses it stays the same agent to everybody else."),
    form.element,
  );
}
