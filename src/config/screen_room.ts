// Whether a text of the configuration fits on one screen of USSD. How other texts become screens is
// content's; no room is imported here, so the alphabet stands here once more, and a test compares.

/** GSM 03.38's default alphabet (3GPP TS 23.038, 6.2.1), and its extension, which takes two septets. */
const BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION = "\f^{}\\[~]|€";

/** What a screen of so many septets holds of UCS-2, in which all of it is that has anything else. */
export function screenUnits(pageChars: number): number {
  return Math.floor(Math.ceil(pageChars * 7 / 8) / 2);
}

/** Whether `text` fits on a screen of so many septets. */
export function fitsOneScreen(text: string, pageChars: number): boolean {
  let septets = 0;
  for (const char of text) {
    if (BASIC.includes(char)) septets++;
    else if (EXTENSION.includes(char)) septets += 2;
    else return text.length <= screenUnits(pageChars);
  }
  return septets <= pageChars;
}
