/** A websocket that comes back by itself, with a fresh one-time ticket for every connection. */
import { post } from "../dom.js";
import { _ } from "../texts.js";

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 10_000;
const PING_MS = 25_000;
const SILENT_MS = 60_000;

/** Close codes after which trying again changes nothing, and what to tell. */
const FINAL = {
  4403: () => _("You may no longer see this console."),
  4404: () => _("This server no longer exists."),
  4409: () => _("This server is suspended."),
};
const REASONS = {
  1011: () => _("The node is not reachable."),
  1012: () => _("The panel restarts."),
  4401: () => _("The session of this console ended."),
  4429: () => _("Too many messages were sent."),
};
const WAITS_MS = { 4429: 10_000, 1012: 300 };

export class ConsoleSocket {
  #socket;
  #timer;
  #ping;
  #heard = 0;
  #tries = 0;
  #stopped = false;

  /** `on`: {open(again), frame(object), lost(reason), ended(reason)}. */
  constructor(src, ticketUrl, on) {
    this.src = src;
    this.ticketUrl = ticketUrl;
    this.on = on;
    this.opened = 0;
    this.online = () => this.#soon(0);
    addEventListener("online", this.online);
  }

  get connected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  async connect() {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#socket) return;
    const placeholder = (this.#socket = { readyState: WebSocket.CONNECTING, close() {} });
    try {
      const url = await this.#address();
      if (this.#stopped || this.#socket !== placeholder) return;
      this.#listen(new WebSocket(url));
    } catch (error) {
      this.#socket = undefined;
      if (error.status === 401) this.#end(_("You are signed out. Sign in again to go on."));
      else if (error.status === 403 || error.status === 404 || error.status === 409) this.#end(error.message);
      else this.#again(error.status ? error.message : "");
    }
  }

  /** Sends if connected; answers whether it did. */
  send(frame) {
    if (!this.connected) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  close() {
    this.#stopped = true;
    removeEventListener("online", this.online);
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    this.#socket?.close();
  }

  /** Answers a `token_expiring`: proves again that this person may listen. */
  async renew() {
    if (!this.ticketUrl) return;
    const answer = await post(this.ticketUrl).catch(() => undefined);
    if (answer) this.send({ type: "auth", token: answer.data.ticket });
  }

  async #address() {
    const url = new URL(this.src, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (this.ticketUrl) url.searchParams.set("ticket", (await post(this.ticketUrl)).data.ticket);
    return url;
  }

  #listen(socket) {
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#heard = Date.now();
      this.#ping = setInterval(() => this.#beat(), PING_MS);
      this.opened += 1;
      this.on.open(this.opened > 1);
    });
    socket.addEventListener("message", (event) => {
      this.#tries = 0;
      this.#heard = Date.now();
      this.on.frame(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => this.#closed(event.code));
  }

  #beat() {
    if (Date.now() - this.#heard > SILENT_MS) this.#socket.close();
    else this.send({ type: "ping", id: Date.now() });
  }

  #closed(code) {
    clearInterval(this.#ping);
    this.#socket = undefined;
    if (this.#stopped) return;
    if (FINAL[code]) this.#end(FINAL[code]());
    else this.#again(REASONS[code]?.() ?? "", WAITS_MS[code]);
  }

  #again(reason, wait) {
    this.on.lost(reason);
    const growing = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries);
    this.#tries += 1;
    this.#soon(wait ?? growing * (0.75 + Math.random() / 2));
  }

  #soon(wait_ms) {
    clearTimeout(this.#timer);
    if (!this.#stopped && !this.#socket) this.#timer = setTimeout(() => this.connect(), wait_ms);
  }

  #end(reason) {
    this.close();
    this.on.ended(reason);
  }
}
