// A preview as a page: one file, without scripts, to be printed or passed on.

import {
  lengthOf,
  placeOf,
  sharedWords,
  startsWords,
  stepWords,
  summaryOf,
  titleOf,
  unreadWords,
} from "./phrases.ts";
import type { FlowPreview, LanguagePreview, Preview, Step } from "./preview.ts";
import type { Warning } from "./warnings.ts";

const STYLE = `
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2329; background: #fff;
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 3rem; border-bottom: 2px solid #1d2329; }
.step { margin: 1.5rem 0; break-inside: avoid; }
.step > p { margin: 0.25rem 0; }
.pages { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0.5rem 0; width: 18rem; max-width: 100%; break-inside: avoid; }
pre { margin: 0; padding: 0.75rem; border: 2px solid #1d2329; border-radius: 0.75rem;
  white-space: pre-wrap; font: 0.9rem/1.4 ui-monospace, monospace; }
figcaption { color: #4a5560; font-size: 0.85rem; }
ul { list-style: none; padding: 0; }
.warnings li { margin: 0.5rem 0; padding: 0.5rem 0.75rem; border-left: 0.3rem solid #b45309;
  background: #fff7ed; break-inside: avoid; }
@media print { body { margin: 0; max-width: none; } h2 { break-before: page; }
  h2:first-of-type { break-before: auto; } }
`;

/** The page, bit by bit. */
export function* formatHtml(preview: Preview): Generator<string> {
  yield `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Flows on a phone</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Flows on a phone: ${preview.medium === "ussd" ? "USSD" : "SMS"}</h1>
<p>${escaped(summaryOf(preview))}</p>
`;
  for (const flow of preview.flows) yield* flowHtml(flow, preview);
  if (preview.unread.length > 0) {
    const items = preview.unread.map((each) => `<li>${escaped(unreadWords(each))}</li>\n`);
    yield `<h2>Could not be read</h2>\n<ul>\n${items.join("")}</ul>\n`;
  }
  yield "</main>\n</body>\n</html>\n";
}

function* flowHtml(flow: FlowPreview, preview: Preview): Generator<string> {
  yield `<h2>${escaped(flow.name)}</h2>
<p>${escaped(flow.file)}. ${escaped(startsWords(flow))}</p>
${warningsHtml(flow.warnings)}`;
  for (const language of flow.languages) {
    if (flow.languages.length > 1) yield `<h3>${escaped(titleOf(language))}</h3>\n`;
    for (const step of language.steps) yield stepHtml(step, language, preview);
  }
}

function stepHtml(step: Step, { code }: LanguagePreview, { medium }: Preview): string {
  const shared = sharedWords(step, medium);
  // Browsers know "en" and not "eng".
  const lang = /^[a-z]{3}$/i.test(code) ? ` lang="${Intl.getCanonicalLocales(code)[0]}"` : "";
  const pages = step.pages.map((page, index) =>
    `<figure><pre${lang} dir="auto">${escaped(page.text)}</pre>` +
    `<figcaption>${escaped(lengthOf(page, index, step, medium))}</figcaption></figure>\n`
  );
  return `<section class="step">
<p><strong>${escaped(stepWords(step))}</strong></p>
${shared === undefined ? "" : `<p>${escaped(shared)}</p>\n`}${
    pages.length === 0
      ? "<p>Nothing is shown.</p>\n"
      : `<div class="pages">\n${pages.join("")}</div>\n`
  }${warningsHtml(step.warnings)}</section>
`;
}

function warningsHtml(warnings: readonly Warning[]): string {
  if (warnings.length === 0) return "";
  const items = warnings.map((warning) =>
    `<li><strong>${escaped(placeOf(warning))}:</strong> ${escaped(warning.message)}<br>` +
    `To do: ${escaped(warning.remedy)}</li>\n`
  );
  return `<ul class="warnings">\n${items.join("")}</ul>\n`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text as HTML; control characters, which HTML has not, become a sign. */
function escaped(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, "\ufffd")
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
