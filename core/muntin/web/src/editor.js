/**
 * <muntin-editor name="content" language="yaml" label="server.yml" [readonly]><textarea name="content">…</textarea></muntin-editor>
 *
 * Its text is posted with the form; without scripts the text area inside is. Languages: json, yaml, shell,
 * properties, toml, xml, lua, text. Ctrl+S submits the form.
 */
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lua } from "@codemirror/legacy-modes/mode/lua";
import { properties } from "@codemirror/legacy-modes/mode/properties";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { xml } from "@codemirror/legacy-modes/mode/xml";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { styleNonce } from "./dom.js";
import { _ } from "./texts.js";

const LANGUAGES = {
  json,
  yaml,
  shell: () => StreamLanguage.define(shell),
  properties: () => StreamLanguage.define(properties),
  toml: () => StreamLanguage.define(toml),
  xml: () => StreamLanguage.define(xml),
  lua: () => StreamLanguage.define(lua),
};

/** Colours are the page's own variables, so both schemes follow without a second theme. */
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null, tags.atom], color: "var(--m-code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--m-code-string)" },
  { tag: tags.number, color: "var(--m-code-number)" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.tagName, tags.attributeName, tags.definition(tags.variableName)], color: "var(--m-code-name)" },
  { tag: tags.comment, color: "var(--m-code-comment)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--m-code-invalid)" },
]);
const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--tblr-body-color)", backgroundColor: "var(--m-surface)" },
  ".cm-scroller": { fontFamily: "var(--tblr-font-monospace)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--tblr-body-color)" },
  ".cm-cursor": { borderLeftColor: "var(--tblr-body-color)" },
  ".cm-gutters": { backgroundColor: "var(--m-surface-2)", color: "var(--m-ink-2)", borderRight: "1px solid var(--tblr-border-color)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--m-line)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--m-selection) !important" },
  ".cm-panels": { backgroundColor: "var(--m-surface-2)", color: "inherit" },
  ".cm-searchMatch": { backgroundColor: "var(--m-found)" },
  ".cm-matchingBracket": { backgroundColor: "var(--m-selection) !important", color: "inherit !important" },
});

class MuntinEditor extends HTMLElement {
  static formAssociated = true;
  #internals = this.attachInternals();
  #view;
  #initial;

  connectedCallback() {
    if (this.#view) return;
    const area = this.querySelector("textarea");
    this.#initial = area?.value ?? "";
    area?.remove();
    this.#view = new EditorView({ doc: this.#initial, extensions: this.#extensions(), parent: this });
    this.#internals.setFormValue(this.#initial);
    if (this.hasAttribute("autofocus")) this.#view.focus();
  }

  get value() {
    return this.#view?.state.doc.toString() ?? "";
  }

  set value(text) {
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
  }

  get form() {
    return this.#internals.form;
  }

  formResetCallback() {
    this.value = this.#initial;
  }

  #extensions() {
    const language = LANGUAGES[this.getAttribute("language")];
    const readonly = this.hasAttribute("readonly");
    return [
      EditorView.cspNonce.of(styleNonce()),
      basicSetup,
      keymap.of([{ key: "Mod-s", preventDefault: true, run: () => this.#save() }]),
      look,
      syntaxHighlighting(colours),
      EditorView.contentAttributes.of({ "aria-label": this.getAttribute("label") ?? _("Text"), tabindex: "0" }),
      EditorState.readOnly.of(readonly),
      EditorView.editable.of(!readonly),
      ...(this.hasAttribute("wrap") ? [EditorView.lineWrapping] : []),
      ...(language ? [language()] : []),
      EditorView.updateListener.of((update) => update.docChanged && this.#changed()),
    ];
  }

  #changed() {
    this.#internals.setFormValue(this.value);
    this.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #save() {
    this.form?.requestSubmit();
    return true;
  }
}

customElements.define("muntin-editor", MuntinEditor);
