/**
 * <muntin-live src="/live">: one EventSource for the page. Each message is
 *   {"topic": "server:5f3a", "values": {"cpu": "12 %", …}, "state": "running"}
 * and goes to every `data-live="server:5f3a"`: inside it `data-field="cpu"` gets the text, `<progress data-bar="cpu">`
 * the value, `data-state` the state; a `muntin:live` event carries the rest. `event: refresh` asks the page to
 * fetch anew what it may have missed (`hx-trigger="muntin:refresh from:body"`).
 */
import { h, icon } from "../dom.js";
import { stateWords } from "../states.js";
import { _ } from "../texts.js";

const HIDDEN_MS = 60_000;
const SHOW_LOST_MS = 1_500;

class MuntinLive extends HTMLElement {
  #source;
  #lost;
  #hidden;
  #visibility = () => this.#follow();

  connectedCallback() {
    this.setAttribute("role", "status");
    document.addEventListener("visibilitychange", this.#visibility);
    this.#open();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#visibility);
    this.#close();
  }

  #open() {
    this.#source = new EventSource(this.getAttribute("src"));
    this.#source.addEventListener("open", () => this.#found());
    this.#source.addEventListener("error", () => this.#missed());
    this.#source.addEventListener("message", (event) => deliver(JSON.parse(event.data)));
    this.#source.addEventListener("refresh", refresh);
    this.#source.addEventListener("toast", (event) => {
      document.dispatchEvent(new CustomEvent("muntin:toast", { detail: JSON.parse(event.data) }));
    });
  }

  #close() {
    this.#source?.close();
    this.#source = undefined;
    clearTimeout(this.#lost);
    clearTimeout(this.#hidden);
  }

  /** A tab nobody looks at gives its connection back; what it missed is fetched when it is shown again. */
  #follow() {
    clearTimeout(this.#hidden);
    if (document.hidden) this.#hidden = setTimeout(() => this.#close(), HIDDEN_MS);
    else if (!this.#source) {
      this.#open();
      refresh();
    }
  }

  #missed() {
    clearTimeout(this.#lost);
    this.#lost = setTimeout(() => this.replaceChildren(h("div", { class: "m-lost" }, icon("wifi-off"), _("Live updates are interrupted. Reconnecting…"))), SHOW_LOST_MS);
    if (this.#source?.readyState === EventSource.CLOSED) {
      this.#source = undefined;
      setTimeout(() => this.isConnected && !this.#source && this.#open(), 5_000);
    }
  }

  #found() {
    clearTimeout(this.#lost);
    if (this.firstChild) refresh();
    this.replaceChildren();
  }
}

const refresh = () => document.body.dispatchEvent(new CustomEvent("muntin:refresh", { bubbles: true }));

function deliver(message) {
  for (const element of document.querySelectorAll(`[data-live="${CSS.escape(message.topic)}"]`)) {
    for (const [name, value] of Object.entries(message.values ?? {})) show(element, name, value);
    if (message.state) showState(element, message.state, message.label);
    element.dispatchEvent(new CustomEvent("muntin:live", { bubbles: true, detail: message }));
  }
}

function each(element, selector, act) {
  if (element.matches(selector)) act(element);
  element.querySelectorAll(selector).forEach(act);
}

function show(element, name, value) {
  each(element, `[data-field="${CSS.escape(name)}"]`, (one) => one.textContent !== String(value) && (one.textContent = value));
  each(element, `progress[data-bar="${CSS.escape(name)}"]`, (one) => (one.value = Number.parseFloat(value) || 0));
}

function showState(element, state, label) {
  each(element, "[data-state]", (one) => {
    one.dataset.state = state;
    const text = one.querySelector("[data-field=label]");
    if (text) text.textContent = label || stateWords(state);
  });
}

customElements.define("muntin-live", MuntinLive);
