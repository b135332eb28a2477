// Unicode normalization, safe from texts that are made to stop us.

/** As many marks on a letter as a text may have (UAX #15, Stream-Safe Text Format). */
const TOO_MANY_MARKS = /(\p{M}{30})\p{M}+/gu;

/** As `text.normalize(form)`, which takes quadratic time for a long run of combining marks. */
export function normalize(text: string, form: "NFC" | "NFKC" | "NFKD"): string {
  return text.replace(TOO_MANY_MARKS, "$1").normalize(form);
}
