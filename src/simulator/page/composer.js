// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Fields that make one of Turn's messages, of a chosen type; or its JSON, which begins as what the
 * fields have made.
 *
 * @module
 */

import { find } from "./dom.js";

/**
 * @typedef {object} Composed
 * @property {Record<string, unknown>} turn The message.
 * @property {string} content Its words beside it; empty for none.
 */

/**
 * @typedef {object} Kind
 * @property {string} words What the field for words is for; empty if the kind has no use for it.
 * @property {boolean} needsWords
 * @property {(words: string) => Composed} compose
 */

/** @type {Record<string, Kind>} */
const KINDS = {
  text: {
    words: "Text",
    needsWords: true,
    compose: (body) => message("text", { body }),
  },
  buttons: {
    words: "Question",
    needsWords: true,
    compose: (text) => interactive("button", text, { buttons: buttons() }),
  },
  list: {
    words: "Question",
    needsWords: true,
    compose: (text) => interactive("list", text, { button: "Choose", sections: sections() }),
  },
  picture: {
    words: "Caption",
    needsWords: false,
    compose: (caption) => message("image", filled({ link: value("send-link"), caption })),
  },
  location: {
    words: "",
    needsWords: false,
    compose: () =>
      message("location", {
        ...filled({ name: value("send-place"), address: value("send-street") }),
        latitude: Number(value("send-latitude")),
        longitude: Number(value("send-longitude")),
      }),
  },
  template: {
    words: "Its words, for bridges that have none (content)",
    needsWords: false,
    compose: (content) => ({ ...message("template", template()), content }),
  },
  json: {
    words: "Its words beside it (content)",
    needsWords: false,
    compose: (content) => ({ turn: JSON.parse(value("send-json")), content }),
  },
};

export class Composer {
  constructor() {
    this.select = find("send-kind", HTMLSelectElement);
    this.words = find("send-text", HTMLTextAreaElement);
    this.json = find("send-json", HTMLTextAreaElement);
    /** What the fields had made of the JSON, until somebody writes there. */
    this.made = "";
    /** @type {string} */
    this.kind = this.select.value;
    this.select.addEventListener("change", () => this.show());
    this.json.addEventListener(
      "input",
      () => this.json.setCustomValidity(jsonFault(this.json.value)),
    );
    this.show();
  }

  /** Empties the field for words, and returns what all of them make. */
  take() {
    const composed = this.compose();
    this.words.value = "";
    return composed;
  }

  /** @returns {Composed} */
  compose() {
    return kindOf(this.kind).compose(this.words.value);
  }

  show() {
    const before = this.kind;
    this.kind = this.select.value;
    // What was written by hand stays.
    const isFree = this.json.value === this.made || this.json.value.trim() === "";
    if (this.kind === "json" && before !== "json" && isFree) {
      this.made = JSON.stringify(kindOf(before).compose(this.words.value).turn, undefined, 2);
      this.json.value = this.made;
      this.json.setCustomValidity("");
    }
    const { words, needsWords } = kindOf(this.kind);
    find("send-words-label", HTMLElement).textContent = words;
    find("send-words", HTMLElement).hidden = words === "";
    this.words.required = needsWords;
    for (const part of document.querySelectorAll("[data-kinds]")) {
      if (!(part instanceof HTMLFieldSetElement)) continue;
      const isFor = part.dataset.kinds?.split(" ").includes(this.kind) ?? false;
      part.hidden = !isFor;
      // What is not seen must not keep the form from being sent.
      part.disabled = !isFor;
    }
  }
}

/** @param {string} kind */
function kindOf(kind) {
  const found = KINDS[kind];
  if (found === undefined) throw new TypeError(`There is no such kind of message: ${kind}`);
  return found;
}

/** @param {string} json */
function jsonFault(json) {
  try {
    const parsed = JSON.parse(json);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? "" : "A message is an object: { … }";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param {string} id */
function value(id) {
  const field = document.getElementById(id);
  const isField = field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement;
  return isField ? field.value.trim() : "";
}

/** @param {string} id */
function lines(id) {
  return value(id).split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/**
 * Without the fields that nobody has filled in.
 *
 * @param {Record<string, string>} fields
 */
function filled(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ""));
}

/**
 * @param {string} type
 * @param {unknown} fields
 * @returns {Composed}
 */
function message(type, fields) {
  return { turn: { type, [type]: fields }, content: "" };
}

/**
 * @param {string} type
 * @param {string} text
 * @param {unknown} action
 */
function interactive(type, text, action) {
  const header = value("send-header");
  const footer = value("send-footer");
  return message("interactive", {
    type,
    ...(header === "" ? {} : { header: { type: "text", text: header } }),
    body: { text },
    ...(footer === "" ? {} : { footer: { text: footer } }),
    action,
  });
}

function buttons() {
  return lines("send-buttons").map((title, index) => {
    return { type: "reply", reply: { id: `button-${index + 1}`, title } };
  });
}

/** A line is a row, with its description after a dash; or a section's title, after a `#`. */
function sections() {
  let rowCount = 0;
  /** @type {{ title?: string, rows: unknown[] }[]} */
  const made = [];
  for (const line of lines("send-rows")) {
    if (line.startsWith("#")) {
      made.push({ title: line.slice(1).trim(), rows: [] });
      continue;
    }
    if (made.length === 0) made.push({ rows: [] });
    const [title = "", ...description] = line.split(" - ");
    const row = filled({ title: title.trim(), description: description.join(" - ").trim() });
    made.at(-1)?.rows.push({ id: `row-${++rowCount}`, ...row });
  }
  return made;
}

function template() {
  const parameters = lines("send-values").map((text) => ({ type: "text", text }));
  return {
    name: value("send-template"),
    language: { code: value("send-language") },
    components: parameters.length === 0 ? [] : [{ type: "body", parameters }],
  };
}
