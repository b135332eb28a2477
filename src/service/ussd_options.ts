// What a channel's configuration says of how USSD sessions go on, and of what is too late for them.

import type { SmsFallback, UssdOptions } from "../bridge/mod.ts";
import { type ChannelConfig, lateWay, smsFallbackOf } from "../config/mod.ts";

export function ussdOptionsOf(config: ChannelConfig): UssdOptions {
  const { ussd } = config;
  const deadlines = new Map(
    Object.entries(ussd.answer_deadlines).map(([name, seconds]) => [keyOf(name), seconds]),
  );
  return {
    sessionMs: ussd.session_timeout * 1000,
    mergeWindowMs: ussd.merge_window * 1000,
    settleMs: ussd.settle * 1000,
    answerDeadlineMs: (provider) =>
      (deadlines.get(keyOf(provider ?? "")) ?? ussd.answer_deadline) * 1000,
    holdText: ussd.hold_text,
    holdMax: ussd.hold_max,
    sorryText: ussd.sorry_text,
    late: lateWay(config),
    smsFallback: fallbackOf(config),
    startText: ussd.start_text,
    startTexts: new Map(Object.entries(ussd.start_texts)),
    resumeWindowMs: ussd.resume_window * 1000,
    continueText: ussd.continue_text,
    restartText: ussd.restart_text,
  };
}

/** What a provider is known by, however a transport writes its name. */
function keyOf(provider: string): string {
  return provider.trim().toLowerCase();
}

function fallbackOf(config: ChannelConfig): SmsFallback | undefined {
  const fallback = smsFallbackOf(config);
  return fallback && {
    transportName: fallback.transport_name,
    transportType: fallback.transport_type,
    fromAddr: fallback.from_addr,
    address: fallback.address,
    mode: fallback.mode,
    noticeText: fallback.notice_text,
  };
}
