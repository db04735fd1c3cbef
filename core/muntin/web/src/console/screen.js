/** The terminal that shows lines: colours as sent, search, timestamps on demand, links that ask first. */
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { ask } from "../behaviours/dialogs.js";
import { styleNonce } from "../dom.js";
import { _ } from "../texts.js";

const KEPT_LINES = 5_000;
const BATCH_MS = 16;
const DIM = "\x1b[90m";
const PLAIN = "\x1b[0m";
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/g;

/** Readable on the console's own dark ground in both colour schemes (each at least 4.5 : 1). */
const COLOURS = {
  background: "#11161d",
  foreground: "#dce3ec",
  cursor: "#11161d",
  selectionBackground: "#3b5bdb99",
  black: "#6b7685",
  red: "#ff7b72",
  green: "#56d364",
  yellow: "#e3b341",
  blue: "#79b8ff",
  magenta: "#d2a8ff",
  cyan: "#56d4dd",
  white: "#dce3ec",
  brightBlack: "#8b98a9",
  brightRed: "#ffa198",
  brightGreen: "#7ee787",
  brightYellow: "#f2cc60",
  brightBlue: "#a5d6ff",
  brightMagenta: "#e2c5ff",
  brightCyan: "#76e3ea",
  brightWhite: "#ffffff",
};
const FOUND = { decorations: { matchBackground: "#5c4a00", activeMatchBackground: "#b08800", matchOverviewRuler: "#b08800", activeMatchColorOverviewRuler: "#ffd33d" } };

async function openLink(event, address) {
  const url = URL.parse?.(address) ?? new URL(address);
  if (!["http:", "https:"].includes(url.protocol)) return;
  const question = _("This link was written by the server. Open {address}?", { address: url.href });
  if (await ask(question, { action: _("Open link") })) open(url.href, "_blank", "noopener,noreferrer");
}

export class Screen {
  #lines = [];
  #queue = [];
  #timer;
  #fit = new FitAddon();
  #search = new SearchAddon();

  constructor(holder, { onScrolled, onFound }) {
    this.timestamps = false;
    this.terminal = new Terminal({
      allowProposedApi: true, // the search addon marks what it found
      convertEol: true,
      cursorInactiveStyle: "none",
      disableStdin: true, // commands are typed in the field below; answers to queries go nowhere
      fontFamily: 'ui-monospace, "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
      fontSize: 13,
      lineHeight: 1.25,
      linkHandler: { activate: openLink },
      minimumContrastRatio: 4.5, // colours as sent, nudged only where nobody could read them
      scrollback: KEPT_LINES,
      theme: COLOURS,
    });
    this.terminal.loadAddon(this.#fit);
    this.terminal.loadAddon(this.#search);
    this.terminal.loadAddon(new WebLinksAddon(openLink));
    openUnderCsp(this.terminal, holder);
    this.terminal.textarea?.setAttribute("tabindex", "-1");
    this.terminal.textarea?.setAttribute("aria-label", _("Console output"));
    this.terminal.onScroll(() => onScrolled(this.atEnd));
    holder.addEventListener("wheel", () => setTimeout(() => onScrolled(this.atEnd), 50), { passive: true });
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) => onFound(resultIndex + 1, resultCount));
    new ResizeObserver(() => holder.offsetParent && this.#fit.fit()).observe(holder);
    this.#fit.fit();
  }

  /** Whether the newest line is in view; only then does the screen follow. */
  get atEnd() {
    const { viewportY, baseY } = this.terminal.buffer.active;
    return viewportY >= baseY;
  }

  get isEmpty() {
    return !this.#lines.length;
  }

  toEnd() {
    this.terminal.scrollToBottom();
  }

  /** Shows lines [{text, timestamp}]; many at once cost one drawing. */
  write(lines) {
    if (!lines.length) return;
    this.#lines.push(...lines);
    if (this.#lines.length > KEPT_LINES) this.#lines.splice(0, this.#lines.length - KEPT_LINES);
    this.#queue.push(...lines);
    this.#timer ??= setTimeout(() => this.#draw(), BATCH_MS);
  }

  /** The panel's own words between the server's. */
  note(text, colour = "36") {
    this.write([{ text: `\x1b[${colour}m[muntin]\x1b[0m ${text}`, timestamp: new Date().toISOString(), own: true }]);
  }

  clear() {
    this.#lines = [];
    this.terminal.reset();
  }

  showTimestamps(on) {
    this.timestamps = on;
    this.#queue = [...this.#lines];
    this.terminal.reset();
    this.#draw();
  }

  find(text, forward) {
    if (text) this.#search[forward ? "findNext" : "findPrevious"](text, FOUND);
    else this.#search.clearDecorations();
  }

  set readAloud(on) {
    this.terminal.options.screenReaderMode = on;
  }

  /** What is selected, else everything, without colours. */
  get text() {
    return this.terminal.getSelection() || this.allText;
  }

  get allText() {
    return this.#lines.filter((one) => one.text !== undefined).map((one) => `${this.timestamps ? stamp(one) : ""}${one.text.replace(ESCAPES, "")}`).join("\n");
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#queue.map((one) => this.#render(one)).join("");
    this.#queue = [];
    this.terminal.write(text);
  }

  #render(line) {
    if (line.skipped) return `${DIM}${_("… {count} lines were skipped …", { count: line.skipped })}${PLAIN}\r\n`;
    return `${this.timestamps ? `${DIM}${stamp(line)}${PLAIN}` : ""}${line.text}${PLAIN}\r\n`;
  }
}

/** "14:03:59 " in the reader's zone; nothing for lines without a time. */
function stamp({ timestamp }) {
  return timestamp ? `${new Date(timestamp).toLocaleTimeString(undefined, { hour12: false })} ` : "";
}

/** xterm adds style sheets while it opens; under our policy they need this page's nonce. */
function openUnderCsp(terminal, holder) {
  const nonce = styleNonce();
  document.createElement = (tag, options) => {
    const element = Document.prototype.createElement.call(document, tag, options);
    if (tag === "style") element.nonce = nonce;
    return element;
  };
  try {
    terminal.open(holder);
  } finally {
    delete document.createElement; // the prototype's own again
  }
}
