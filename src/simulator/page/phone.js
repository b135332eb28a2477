// @ts-check
/// <reference lib="dom" />
/**
 * The phones: a thread each, and what they are used for.
 *
 * @module
 */

import { button, find, make, sendOnEnter, timeOfDay } from "./dom.js";
import { act } from "./link.js";
import { Network } from "./network.js";
import { People } from "./people.js";
import { sizeWords } from "./size.js";
import { Ussd } from "./ussd.js";

/** @typedef {import("../handset/events.ts").PageEvent} PageEvent */
/** @typedef {import("../handset/events.ts").PhoneMessage} PhoneMessage */
/** @typedef {import("../handset/events.ts").BridgeNow} BridgeNow */
/** @typedef {import("../transport.ts").Report} Report */

/** @type {Record<Report, string>} */
const REPORTED = {
  ack: "sent",
  nack: "not taken",
  delivered: "delivered",
  failed: "failed",
};

const MOST_ENTRIES = 500;

export class Phones {
  constructor() {
    /** @type {Map<string, HTMLElement>} What is said of a message, by its id. */
    this.reports = new Map();
    this.people = new People(
      find("phones", HTMLElement),
      find("thread-place", HTMLElement),
      () => this.showDevice(),
    );
    this.ussd = new Ussd();
    this.network = new Network(() => this.people.current);
    this.listenForms();
  }

  /** @param {PageEvent} event */
  take(event) {
    if (event.kind === "hello") {
      if (event.anew) this.clear();
      this.network.showNetworks(event);
      find("text-label", HTMLElement).textContent = `Message to ${event.number}`;
      find("text-content", HTMLTextAreaElement).placeholder = `Message to ${event.number}`;
    } else if (event.kind === "phone") {
      this.people.thread(event.address);
      this.ussd.take(event);
      if (event.address === this.network.wanted) this.network.found(this.people);
      this.showDevice();
    } else if (event.kind === "said") {
      if (event.by === "user" && event.ussd) this.ussd.userDoes(event.address);
      this.append(event.address, this.entry(event), event.by !== "user");
    } else if (event.kind === "warning") {
      this.append(event.address, make("p", { class: "warning" }, event.text), true);
      this.ussd.takeWarning(event);
    } else if (event.kind === "bridge") {
      showBridge(event);
    } else if (event.kind === "trace") {
      this.ussd.takeTrace(event.trace);
      const { flow, messageId, told } = event.trace;
      if (flow === "inbound" && told?.choice) this.showChoice(messageId, told.choice);
    } else if (event.kind === "reported") {
      this.showReport(event.id, event.report);
    } else if (event.kind === "settings") {
      this.network.show(event);
      find("phone", HTMLElement).classList.toggle("by-hand", !event.reports);
    }
  }

  /**
   * @param {string} address
   * @param {HTMLElement} entry
   * @param {boolean} isNew
   */
  append(address, entry, isNew) {
    const thread = this.people.thread(address);
    thread.append(entry);
    if (thread.children.length > MOST_ENTRIES) thread.firstChild?.remove();
    this.people.note(address, isNew);
  }

  clear() {
    this.reports.clear();
    this.people.clear();
    this.ussd.clear();
  }

  showDevice() {
    const { current } = this.people;
    find("owner", HTMLElement).textContent = current;
    this.network.showLinks(current);
    this.ussd.show(current);
  }

  /** @param {PhoneMessage} said */
  entry({ id, by, text, ussd, size, at }) {
    const who = by === "user" ? "You" : by === "service" ? "Service" : "Network";
    const reports = make("span", { class: "reports" });
    const meta = make(
      "p",
      { class: "meta" },
      `${ussd ? "USSD" : "SMS"} ${timeOfDay(at)} `,
      size === null ? null : `· ${sizeWords(size)} `,
      reports,
    );
    const item = make(
      "div",
      { class: `said ${by}${ussd ? " over-ussd" : ""}` },
      make("span", { class: "unseen" }, `${who}: `),
      make("p", { class: "words", dir: "auto" }, text || "(nothing)"),
      by === "network" ? null : meta,
    );
    if (by !== "network") this.reports.set(id, reports);
    if (by === "service") {
      item.append(this.reportButtons(id));
    }
    return item;
  }

  /** @param {string} id */
  reportButtons(id) {
    const buttons = /** @type {Report[]} */ (["ack", "nack", "delivered", "failed"]).map((report) =>
      button(REPORTED[report], () => void act({ do: "report", id, report }), { class: "tiny" })
    );
    return make(
      "div",
      { class: "report-buttons", role: "group", "aria-label": "Report" },
      ...buttons,
    );
  }

  /**
   * @param {string} id
   * @param {Report} report
   */
  showReport(id, report) {
    const reports = this.reports.get(id);
    if (reports === undefined) return;
    reports.textContent = `· ${REPORTED[report]}`;
    reports.dataset.report = report;
  }

  /**
   * What the user's answer was to Turn.
   *
   * @param {string} id
   * @param {string} choice
   */
  showChoice(id, choice) {
    const place = this.reports.get(id);
    if (place !== undefined) place.textContent = `· ${choice}`;
  }

  listenForms() {
    const text = find("text-content", HTMLTextAreaElement);
    sendOnEnter(text);
    find("text", HTMLFormElement).addEventListener("submit", async (event) => {
      event.preventDefault();
      const address = this.people.current;
      const written = text.value;
      // At once, for the next message may be begun before this one is sent.
      text.value = "";
      if (!await act({ do: "text", address, text: written })) text.value ||= written;
    });
    find("dial", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const code = find("dial-code", HTMLInputElement).value;
      void act({ do: "dial", address: this.people.current, code });
    });
    const address = find("add-address", HTMLInputElement);
    find("add", HTMLFormElement).addEventListener("submit", async (event) => {
      event.preventDefault();
      const added = address.value.trim();
      if (!await act({ do: "add", address: added })) return;
      address.value = "";
      address.closest("details")?.removeAttribute("open");
      this.people.choose(added);
    });
  }
}

/** @param {BridgeNow} bridge */
function showBridge({ queue, listens, asked }) {
  const place = find("no-bridge", HTMLElement);
  const words = listens
    ? `The bridge does not answer at ${asked} from here: what it merges or refuses is not told.`
    : `No bridge is listening on ${queue}.`;
  place.hidden = listens && asked === "";
  if (!place.hidden && place.textContent !== words) place.textContent = words;
}
