// The keys for what goes by SMS because it is too late for a USSD session, and what follows from them.
// A part of phone.ts.

import * as z from "zod";
import * as k from "./kinds.ts";
import type { ChannelConfig } from "./schema.ts";

export const smsFallback = z.object({
  transport_name: k.text.optional().describe(
    "Messages for whose USSD session it is too late go by this transport: transport_name of the vumi transport for SMS. To be set together with sms_fallback.from_addr.",
  ),
  from_addr: k.text.optional().describe("The number or name from which these SMS come."),
  transport_type: k.transportTypes.default("sms").describe(
    "Transport type of these messages.",
  ),
  address: k.oneOf(["as_is", "e164", "digits"]).default("as_is").describe(
    "How that transport wants users' addresses: as_is as the USSD transport has them, e164 with + (+27821234567), digits without (27821234567).",
  ),
  mode: k.oneOf(["notice", "content"]).default("notice").describe(
    "What is sent: content is the message itself. notice is sms_fallback.notice_text only, since phones are shared; the message is the first screen when the user dials again.",
  ),
  notice_text: k.notBlank.optional().describe(
    'The words of a notice. If not set: "You have a message from us. Dial CODE to read it.", where CODE is default_from_addr; or "Dial our number again", if that is no code.',
  ),
}).readonly();

type Fallback = z.output<typeof smsFallback>;

/** Where late messages go, complete. */
export type SmsFallbackKeys =
  & Pick<ChannelConfig["sms_fallback"], "transport_type" | "address" | "mode">
  & Readonly<Record<"transport_name" | "from_addr" | "notice_text", string>>;

/** Where late messages of this channel can go; undefined if that is not configured. */
export function smsFallbackOf(
  { sms_fallback, default_from_addr }: Pick<ChannelConfig, "sms_fallback" | "default_from_addr">,
): SmsFallbackKeys | undefined {
  const { transport_name, from_addr } = sms_fallback;
  if (transport_name === undefined || from_addr === undefined) return undefined;
  const notice_text = sms_fallback.notice_text ?? standardNotice(default_from_addr);
  return { ...sms_fallback, transport_name, from_addr, notice_text };
}

/** What becomes of a message for whose USSD session it is too late. */
export function lateWay(
  keys: Pick<ChannelConfig, "ussd" | "sms_fallback" | "default_from_addr">,
): "sms" | "fail" {
  return keys.ussd.late ?? (smsFallbackOf(keys) === undefined ? "fail" : "sms");
}

/** A code of USSD, and nothing else, can be dialled and begins a session. */
const CODE = /^[*#][0-9*#]*#$/;

function standardNotice(address: string): string {
  const number = CODE.test(address) ? address : "our number again";
  return `You have a message from us. Dial ${number} to read it.`;
}

interface Groups {
  readonly ussd?: { readonly late?: "sms" | "fail" | undefined };
  readonly sms_fallback?: Fallback;
}

/** What must be so between the keys of `sms_fallback`, and `ussd.late`. */
export function smsFallbackRules(): z.core.$ZodCheck<Groups> {
  return z.superRefine(({ ussd, sms_fallback }, context) => {
    if (context.issues.some(({ path }) => path?.[0] === "sms_fallback")) return;
    const { transport_name, from_addr } = sms_fallback ?? {};
    const refuse = (path: readonly string[], expected: string) =>
      context.addIssue({ code: "custom", path: [...path], params: { expected } });
    if (transport_name === undefined && from_addr === undefined) {
      if (ussd?.late === "sms") refuse(["ussd", "late"], FAIL);
    } else if (from_addr === undefined) {
      refuse(["sms_fallback", "from_addr"], FROM);
    } else if (transport_name === undefined) {
      refuse(["sms_fallback", "transport_name"], BY);
    }
  }, { when: () => true }); // Also if other keys are faulty, so that all faults are told at once.
}

const FAIL = "fail, unless sms_fallback.transport_name and sms_fallback.from_addr are set: " +
  "they say how these SMS go";
const FROM = "required with sms_fallback.transport_name: the number or name from which these SMS " +
  "come";
const BY = "required with sms_fallback.from_addr: the transport by which these SMS go";
