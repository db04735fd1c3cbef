/** <muntin-tags>: the text field inside it, with values separated by commas, is shown as removable tags. */
import { h } from "../dom.js";
import { _ } from "../texts.js";

class MuntinTags extends HTMLElement {
  #source;
  #entry;
  #list;

  connectedCallback() {
    if (this.#source) return;
    this.#source = this.querySelector("input");
    this.#list = h("span", { class: "m-tags-list" });
    this.#entry = h("input", {
      class: "m-tags-entry",
      id: `${this.#source.id}-entry`,
      "aria-label": this.#source.dataset.label ?? _("Add a value"),
      "aria-describedby": this.#source.getAttribute("aria-describedby"),
      placeholder: this.#source.placeholder,
      list: this.#source.dataset.list,
      oninput: (event) => event.inputType === "insertReplacementText" && this.#take(), // chosen from the list
      onkeydown: (event) => this.#typed(event),
      onblur: () => this.#take(),
    });
    this.#source.hidden = true;
    this.classList.add("form-control");
    this.append(this.#list, this.#entry);
    this.addEventListener("click", (event) => event.target === this && this.#entry.focus());
    this.#draw();
  }

  get values() {
    return this.#source.value.split(",").map((one) => one.trim()).filter(Boolean);
  }

  set values(values) {
    this.#source.value = [...new Set(values)].join(", ");
    this.#source.dispatchEvent(new Event("input", { bubbles: true }));
    this.#draw();
  }

  #take() {
    const added = this.#entry.value.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);
    this.#entry.value = "";
    if (added.length) this.values = [...this.values, ...added];
  }

  #typed(event) {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      this.#take();
    } else if (event.key === "Backspace" && !this.#entry.value && this.values.length) {
      this.values = this.values.slice(0, -1);
    }
  }

  #draw() {
    const remove = (value) => {
      this.values = this.values.filter((one) => one !== value);
      this.#entry.focus();
    };
    this.#list.replaceChildren(
      ...this.values.map((value) =>
        h("span", { class: "m-tag" }, value, h("button", { type: "button", class: "btn-close", "aria-label": _("Remove {value}", { value }), onclick: () => remove(value) })),
      ),
    );
  }
}

customElements.define("muntin-tags", MuntinTags);
