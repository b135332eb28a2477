// WhatsApp's markup, taken off where WhatsApp would show it: a mark at a word's edge that hugs its
// text, and its pair within the line. All else stays: `*120*8864#`, `2*3*4`, `snake_case`, URLs.

/** What makes a mark beside it a part of a word, of an address or of a code to dial. */
const INSIDE = String.raw`[\p{L}\p{N}\p{M}\/#=&@%+\\]`;

/** Addresses, so that they are skipped, and marked texts: a group has what is within. */
const MARKED = new RegExp(
  [
    String.raw`\b(?:https?:\/\/|www\.)\S+`,
    ...[["```", "`"], [String.raw`\*`, String.raw`\*`], ["_", "_"], ["~", "~"]].map(
      ([mark, first]) =>
        String.raw`(?<!${INSIDE})${mark}(?!\s)([^${first}\n]+)(?<!\s)${mark}(?!${INSIDE})`,
    ),
  ].join("|"),
  "gu",
);

/** `text` without the markup. */
export function withoutMarkup(text: string): string {
  return text.replace(MARKED, (all: string, ...groups: readonly (string | number)[]) => {
    // Marks may stand within other ones; no deeper than there are kinds, as none is within itself.
    const inner = groups.slice(0, 4).find((group) => group !== undefined);
    return typeof inner === "string" ? withoutMarkup(inner) : all;
  });
}
