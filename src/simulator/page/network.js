// @ts-check
/// <reference lib="dom" />
/**
 * The operator of the phones, what is dialled there, and what is taken away from here: a transcript, and
 * a link to the same phone and code.
 *
 * @module
 */

import { find, make } from "./dom.js";
import { act, toast } from "./link.js";

/** @typedef {import("../handset/events.ts").Hello} Hello */
/** @typedef {import("../handset/events.ts").Settings} Settings */
/** @typedef {import("./people.js").People} People */

export class Network {
  /** @param {() => string} current The address of the phone that is seen. */
  constructor(current) {
    this.current = current;
    this.connector = "";
    const asked = new URLSearchParams(location.search);
    /** The phone that the page's address names, until it is there. */
    this.wanted = asked.get("phone")?.trim() ?? "";
    this.wantedCode = asked.get("code") ?? "";
    this.hasAsked = false;
    this.code = find("dial-code", HTMLInputElement);
    this.select = find("network", HTMLSelectElement);
    this.bad = find("bad-network", HTMLInputElement);
    this.reports = find("reports", HTMLInputElement);
    this.code.addEventListener("change", () => this.codeChanged());
    this.select.addEventListener("change", () => {
      void act({ do: "setNetwork", id: this.select.value });
    });
    this.bad.addEventListener("change", () => {
      void act({ do: "setBadNetwork", on: this.bad.checked });
    });
    this.reports.addEventListener("change", () => {
      void act({ do: "setReports", on: this.reports.checked });
    });
    find("copy-transcript", HTMLButtonElement).addEventListener("click", () => void this.copy());
  }

  /** @param {Hello} hello */
  showNetworks({ connector, networks, ussdCode, media }) {
    this.connector = connector;
    find("phone", HTMLElement).dataset.media = media;
    // What the page's address asks for goes before what was dialled here, and that before the channel's.
    this.code.value ||= this.wantedCode || remembered(`code ${connector}`) || ussdCode;
    const options = networks.map(({ id, name }) => make("option", { value: id }, name));
    this.select.replaceChildren(...options);
    if (this.wanted === "" || this.hasAsked) return;
    this.hasAsked = true;
    void act({ do: "add", address: this.wanted, byLink: true });
  }

  /** @param {Settings} settings */
  show({ network, badNetwork, reports }) {
    this.select.value = network;
    this.bad.checked = badNetwork;
    this.reports.checked = reports;
  }

  /**
   * The phone that was asked for is there.
   *
   * @param {People} people
   */
  found(people) {
    people.choose(this.wanted);
    this.wanted = "";
  }

  codeChanged() {
    remember(`code ${this.connector}`, this.code.value);
    this.showLinks(this.current());
  }

  /** @param {string} phone */
  showLinks(phone) {
    const of = new URLSearchParams({ phone });
    find("transcript-text", HTMLAnchorElement).href = `/transcript.txt?${of}`;
    find("transcript-json", HTMLAnchorElement).href = `/transcript.json?${of}`;
    of.set("code", this.code.value);
    find("phone-link", HTMLAnchorElement).href = `/?${of}`;
  }

  async copy() {
    try {
      const response = await fetch(find("transcript-text", HTMLAnchorElement).href);
      await navigator.clipboard.writeText(await response.text());
      toast("The transcript was copied.");
    } catch {
      toast("It can't be copied here. Use Text in place of it.");
    }
  }
}

/**
 * What was kept in this browser; it may forbid that.
 *
 * @param {string} key
 */
function remembered(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it is not remembered.
  }
}
