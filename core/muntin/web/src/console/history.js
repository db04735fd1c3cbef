/** The commands a person sent to one server, walked with the arrow keys; the last hundred stay in this browser. */
import { remember, remembered } from "../dom.js";

const KEPT = 100;

export class CommandHistory {
  #key;
  #commands;
  #at;
  #draft = "";

  constructor(server) {
    this.#key = `commands.${server}`;
    this.#commands = remembered(this.#key, []);
    this.#at = this.#commands.length;
  }

  add(command) {
    this.#commands = [...this.#commands.filter((one) => one !== command), command].slice(-KEPT);
    this.#at = this.#commands.length;
    this.#draft = "";
    remember(this.#key, this.#commands);
  }

  /** The command `step` (-1 or 1) from here; what was being typed waits at the end. */
  walk(step, typed) {
    if (this.#at === this.#commands.length) this.#draft = typed;
    this.#at = Math.min(Math.max(0, this.#at + step), this.#commands.length);
    return this.#commands[this.#at] ?? this.#draft;
  }
}
