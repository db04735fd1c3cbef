/**
 * <muntin-console src="/api/v1/servers/…/ws" ticket="/…/ws-ticket" server="<id>" [readonly]>
 *
 * Shows a server's console and sends commands. Events (they bubble): `muntin:status` {state, label},
 * `muntin:stats` (the frame), `muntin:event` (the frame), `muntin:connection` {state}. Method: `power(action)`;
 * property: `text`. With `data-live="<topic>"` it learns from the page's stream what is no matter of power.
 */
import { announce } from "./behaviours/copy.js";
import { showPower } from "./behaviours/power.js";
import { CommandHistory } from "./console/history.js";
import { LineOrder } from "./console/lines.js";
import { Screen } from "./console/screen.js";
import { ConsoleSocket } from "./console/socket.js";
import { copy, download, h, icon, iconButton, remember, remembered } from "./dom.js";
import { stateWords } from "./states.js";
import { _ } from "./texts.js";

const GAP_MS = 3_000; // how long lines wait for the ones before them
const REPLAY_MS = 400; // how long a node without line numbers repeats old lines after a connect
const POWER_STATES = ["offline", "starting", "running", "stopping"];

/** What stands in a console without a line; nothing for other states. */
const EMPTY = {
  offline: () => _("The server is offline. What it writes appears here once it is started."),
  installing: () => _("What the install script writes appears here."),
  running: () => _("The server has not written anything yet."),
};

class MuntinConsole extends HTMLElement {
  #screen;
  #socket;
  #order = new LineOrder();
  #history;
  #gap;
  #state;
  #parts = {};
  #isAway = false;

  connectedCallback() {
    if (!this.#screen) this.#build();
    this.#socket = new ConsoleSocket(this.getAttribute("src"), this.getAttribute("ticket"), {
      open: (again) => this.#opened(again),
      frame: (frame) => this.#frame(frame),
      lost: (reason) => this.#connection("lost", `${reason} ${_("Connection lost. Reconnecting…")}`.trim()),
      ended: (reason) => this.#connection("ended", reason),
    });
    this.#connection("connecting", _("Connecting…"));
    this.#socket.connect();
  }

  disconnectedCallback() {
    clearTimeout(this.#gap);
    this.#socket.close();
  }

  /** Everything shown so far, without colours. */
  get text() {
    return this.#screen?.allText ?? "";
  }

  /** Asks for "start", "stop", "restart" or "kill". */
  power(action) {
    if (!this.#socket.send({ type: "power", action })) this.#screen.note(_("Not connected: nothing was sent."), "31");
  }

  #build() {
    this.#history = new CommandHistory(this.getAttribute("server") ?? this.getAttribute("src"));
    const holder = h("div", { class: "m-console-screen", role: "region", "aria-label": _("Console output") });
    const empty = h("p", { class: "m-console-empty", hidden: true });
    const end = h("button", { type: "button", class: "m-console-end btn btn-sm btn-primary", hidden: true, onclick: () => this.#toEnd() }, icon("arrow-down"), _("Follow the end"));
    this.replaceChildren(this.#toolbar(), this.#searchBar(), h("div", { class: "m-console-body" }, holder, empty, end));
    if (!this.hasAttribute("readonly")) this.append(this.#commandLine());
    Object.assign(this.#parts, { end, empty });
    this.#screen = new Screen(holder, {
      onScrolled: (atEnd) => (end.hidden = atEnd),
      onFound: (at, count) => (this.#parts.found.textContent = count ? `${at} / ${count}` : _("Nothing found")),
    });
    this.#screen.readAloud = remembered("console.readAloud", false);
    this.addEventListener("muntin:live", (event) => this.#live(event.detail.state));
    this.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "f") {
        event.preventDefault();
        this.#toggleSearch(true);
      }
    });
  }

  #toolbar() {
    this.#parts.state = h("span", { class: "m-console-state", role: "status", "aria-live": "polite" });
    const times = iconButton("clock", _("Timestamps"), () => pressed(times, (on) => this.#screen.showTimestamps(on)), { "aria-pressed": "false" });
    const aloud = iconButton("message", _("Read new lines aloud (for screen readers)"), () => pressed(aloud, (on) => this.#readAloud(on)), { "aria-pressed": String(remembered("console.readAloud", false)) });
    return h(
      "div",
      { class: "m-console-bar", role: "toolbar", "aria-label": _("Console") },
      this.#parts.state,
      h("span", { class: "ms-auto" }),
      iconButton("search", _("Search in the console"), () => this.#toggleSearch()),
      times,
      aloud,
      iconButton("copy", _("Copy the selection, or everything"), () => this.#copy()),
      iconButton("download", _("Download"), () => download(`${this.getAttribute("server") ?? "console"}.log`, `${this.#screen.allText}\n`)),
    );
  }

  #searchBar() {
    const entry = h("input", { type: "search", class: "form-control form-control-sm", "aria-label": _("Search in the console"), placeholder: _("Search…"), autocomplete: "off" });
    entry.addEventListener("input", () => this.#screen.find(entry.value, false));
    entry.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#screen.find(entry.value, event.shiftKey);
      if (event.key === "Escape") this.#toggleSearch(false);
    });
    this.#parts.entry = entry;
    this.#parts.found = h("span", { class: "m-console-found", role: "status" });
    this.#parts.search = h(
      "div",
      { class: "m-console-search", hidden: true },
      entry,
      this.#parts.found,
      iconButton("arrow-up", _("Earlier"), () => this.#screen.find(entry.value, false)),
      iconButton("arrow-down", _("Later"), () => this.#screen.find(entry.value, true)),
      iconButton("x", _("Close search"), () => this.#toggleSearch(false)),
    );
    return this.#parts.search;
  }

  #commandLine() {
    const input = h("input", { class: "m-console-input", "aria-label": _("Command"), placeholder: _("Type a command…"), autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "send", maxlength: "2000" });
    const walk = (step) => {
      input.value = this.#history.walk(step, input.value);
      input.setSelectionRange(input.value.length, input.value.length);
    };
    input.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      walk(event.key === "ArrowUp" ? -1 : 1);
    });
    const touch = { class: "m-console-history btn btn-icon btn-ghost-secondary btn-sm", onpointerdown: (event) => event.preventDefault() }; // the keyboard stays open
    this.#parts.input = input;
    const send = h("button", { type: "submit", class: "btn btn-icon btn-ghost-secondary btn-sm", "aria-label": _("Send"), title: _("Send") }, icon("send"));
    const form = h("form", { class: "m-console-command" }, icon("chevron-right"), input, iconButton("arrow-up", _("Typed before"), () => walk(-1), touch), iconButton("arrow-down", _("Typed after"), () => walk(1), touch), send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#command(input);
    });
    return form;
  }

  #command(input) {
    const command = input.value.trim();
    if (!command) return;
    if (!this.#socket.send({ type: "command", command })) {
      announce(_("Not connected: nothing was sent."));
      return; // what was typed stays
    }
    this.#history.add(command);
    input.value = "";
    this.#toEnd();
  }

  #toEnd() {
    this.#screen.toEnd();
    this.#parts.end.hidden = true;
  }

  #toggleSearch(on = this.#parts.search.hidden) {
    this.#parts.search.hidden = !on;
    if (on) this.#parts.entry.select();
    else {
      this.#screen.find("", false);
      this.#parts.input?.focus();
    }
  }

  #readAloud(on) {
    remember("console.readAloud", on);
    this.#screen.readAloud = on;
  }

  async #copy() {
    await copy(this.#screen.text);
    announce(_("Copied"));
  }

  #opened(again) {
    this.#connection("open", again ? _("Connection restored.") : _("Connected"));
    if (!again) return;
    this.#order.reopened();
    if (this.#order.last !== null) this.#socket.send({ type: "logs", since: this.#order.last });
    setTimeout(() => this.#screen.write(this.#order.endReplay()), REPLAY_MS);
  }

  #connection(state, text) {
    this.dataset.connection = state;
    this.#parts.state.textContent = text;
    if (this.#parts.input) this.#parts.input.disabled = state === "ended";
    if (state !== "open") showPower(this, "unknown");
    else if (this.dataset.state) showPower(this, this.dataset.state);
    this.#tell("connection", { state });
  }

  #frame(frame) {
    const act = {
      console_output: () => this.#output(frame),
      install_output: () => this.#show(frame.message.split("\n").map((text) => ({ text, timestamp: frame.timestamp }))),
      skipped: () => this.#show(this.#order.skipped(frame.count, frame.seq)),
      stats: () => this.#tell("stats", frame),
      status: () => this.#status(frame.status),
      event: () => this.#tell("event", frame),
      error: () => this.#refused(frame),
      token_expiring: () => this.#socket.renew(),
    }[frame.type];
    act?.();
  }

  #output(frame) {
    this.#show(this.#order.accept(frame));
    if (!this.#order.waiting) {
      clearTimeout(this.#gap);
      this.#gap = undefined;
    } else if (!this.#gap) {
      this.#socket.send({ type: "logs", since: this.#order.last });
      this.#gap = setTimeout(() => {
        this.#gap = undefined;
        this.#show(this.#order.giveUp());
      }, GAP_MS);
    }
  }

  #show(lines) {
    this.#screen.write(lines);
    this.#hint();
  }

  #hint() {
    const words = EMPTY[this.dataset.state]?.();
    this.#parts.empty.hidden = !words || !this.#screen.isEmpty;
    this.#parts.empty.textContent = words ?? "";
  }

  /** What the page's stream says (`data-live`): an install that ended, a suspension. Of power the socket knows more. */
  #live(state) {
    if (!state) return;
    const socketKnows = POWER_STATES.includes(state) && POWER_STATES.includes(this.#state);
    if (socketKnows) this.dataset.state = this.#state;
    else this.#status(state);
  }

  #status(state) {
    const label = stateWords(state);
    this.#state = this.dataset.state = state;
    this.#tell("status", { state, label });
    this.#parts.state.textContent = label;
    this.#isAway = false;
    this.#hint();
  }

  #refused(frame) {
    const isAway = frame.code === "node_unreachable";
    if (isAway && this.#isAway) return; // it is tried again and again; told once is enough
    this.#screen.note(frame.message, "31");
    announce(frame.message);
    if (isAway && POWER_STATES.includes(this.#state)) this.#status("unreachable");
    this.#isAway = isAway;
    this.#hint();
    showPower(this, this.dataset.state);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`muntin:${name}`, { bubbles: true, detail }));
  }
}

function pressed(button, act) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  act(on);
}

customElements.define("muntin-console", MuntinConsole);
