/**
 * What must be printed of the flows in flows/, by the files of screens/ that say so.
 *
 * @module
 */

import type { PreviewOptions } from "../../src/preview/mod.ts";
import { readSamples } from "../../src/preview/mod.ts";
import { FLOWS } from "./flow_specs.ts";
import { printed } from "./support.ts";

const SAMPLES = {
  "page.body.title": { eng: "Beans", por: "Feijão" },
  "page.body.messages[0].text": "How to plant, and when.",
  "map(page.topics, &[&1.id, &1.title])": { eng: ["Soil", "Water"], por: ["Solo", "Água"] },
  labels: ["Back"],
  "contact.name": "Mary",
  'datevalue(now(), "%d %B")': "3 May",
};

/** Each file of screens/ with its text. */
export function* allPrinted(): Generator<readonly [name: string, text: string]> {
  for (const [name, spec] of Object.entries(FLOWS)) {
    const specs = name === "content" ? [spec, FLOWS.help ?? spec] : [spec];
    for (const medium of ["ussd", "sms"] as const) {
      yield [`${name}.${medium}.txt`, printed(specs, { medium })];
    }
  }
  const { dynamic, alphabets } = FLOWS;
  if (dynamic === undefined || alphabets === undefined) throw new TypeError("A flow is gone");
  const samples = readSamples(new TextEncoder().encode(JSON.stringify(SAMPLES)));
  if (typeof samples === "string") throw new TypeError(samples);
  yield ["dynamic.values.txt", printed([dynamic], { samples })];
  const plain: Partial<PreviewOptions> = { medium: "sms", textEncoding: "auto", longSms: "split" };
  yield ["alphabets.split.txt", printed([alphabets], plain)];
  const pages = { pageChars: 160, moreKey: "0", moreText: "Next", maxPages: 2 };
  yield ["alphabets.small.txt", printed([alphabets], { pages })];
}
