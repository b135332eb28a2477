// What becomes of a message to a user of USSD who no longer waits for it: it goes by SMS, whole or as a
// notice that there is one, which the next dial then shows first; else Turn is told that it has failed.

import type { KeptRecord } from "../cache/mod.ts";
import { smsSegments } from "../content/mod.ts";
import { createMessage, type Message } from "../vumi/mod.ts";
import { inForm } from "./address_forms.ts";
import { compose } from "./compose.ts";
import { confirmedNote } from "./delivery_records.ts";
import type { HeldMessage } from "./held_messages.ts";
import { log } from "./log.ts";
import { isAnnounced, keepPending, type Pending, readPending } from "./notices.ts";
import type { BridgeOptions, SmsFallback } from "./options.ts";
import { firstLateSmsId, noticeId, smsId } from "./part_ids.ts";
import { forget, keepPrompt } from "./prompts.ts";
import { render } from "./rendering.ts";
import type { SmsSender } from "./sms_sender.ts";
import { keepSplitSms } from "./split_sms.ts";
import { tolerateCacheError } from "./tolerate.ts";

export type LateMessagesOptions =
  & Pick<
    BridgeOptions,
    | "connector"
    | "cache"
    | "owners"
    | "metrics"
    | "content"
    | "ussd"
    | "transportType"
    | "defaultFromAddr"
  >
  & { readonly smsSender: SmsSender };

/** What a screen asks for; undefined if it does not, or there is none. */
export type AskedFor = "choice" | "words" | undefined;

/** More of a user's are told of as failed. */
const MOST_PENDING = 20;
/** As JSON; longer than a cache keeps, that would be tried again and again. */
const MOST_PENDING_CHARS = 500_000;
/** A user is told again after so long. */
const NOTICE_EVERY_MS = 60 * 60_000;

const TOO_MUCH = `what waits for the user's next dial is too much with it: ${MOST_PENDING} ` +
  `messages, or ${MOST_PENDING_CHARS} characters, may`;

export class LateMessages {
  readonly #options: LateMessagesOptions;

  constructor(options: LateMessagesOptions) {
    this.#options = options;
  }

  /**
   * Sends it another way, or has it told of as failed. The same one again does no harm.
   * @param asked What the screen before the user asks for; an answer there must pick from no SMS.
   * @throws {CacheError} If the cache fails.
   * @throws {PublishError} If RabbitMQ does not take what is to be sent.
   */
  async end(message: HeldMessage, why: string, asked: AskedFor): Promise<void> {
    const { connector, metrics } = this.#options;
    const failure = await this.#sendOtherwise(message, why, asked);
    if (failure === undefined) {
      return log.info("Too late for its session, so it goes another way: {messageId}, {reason}", {
        messageId: message.id,
        reason: why,
      });
    }
    await connector.reportFailed(message.id, failure);
    await this.#noteEnd(message.id, 0);
    metrics.late("failed");
    log.warning("Too late for its session, told of as failed: {messageId}, {reason}", {
      messageId: message.id,
      reason: failure,
    });
  }

  /**
   * Notes that it has gone another way: should it come again, it is not to do so twice.
   * @param confirmedAt When RabbitMQ had the message itself, in milliseconds since 1970; 0 if it has not.
   */
  async #noteEnd(id: string, confirmedAt: number): Promise<void> {
    const noted = this.#options.cache.putNotes([confirmedNote(id, confirmedAt)]);
    await tolerateCacheError(noted, (reason) => {
      log.warning("Could not record what became of what was late, it may be sent twice: {reason}", {
        reason,
      });
    });
  }

  /** Sends it, or that there is one, by SMS; why it has failed, if neither can be done. */
  async #sendOtherwise(
    message: HeldMessage,
    why: string,
    asked: AskedFor,
  ): Promise<string | undefined> {
    const { ussd: { late, smsFallback }, transportType } = this.#options;
    if (late === "sms" && smsFallback !== undefined) {
      return smsFallback.mode === "notice"
        ? await this.#notice(message, smsFallback)
        : await this.#send(message, smsFallback, asked);
    }
    // A channel that is none of USSD has its own way to send what is no answer.
    return transportType === "ussd" ? why : await this.#send(message, undefined, asked);
  }

  /** What a user is to be shown with the next dial. */
  async pending(user: string): Promise<readonly HeldMessage[]> {
    const { cache } = this.#options;
    return readPending(await cache.getRecord("pending", user))?.messages ?? [];
  }

  /** A screen has shown these messages: of what is pending they are no more, whichever way they came. */
  async shown(user: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await tolerateCacheError(this.#forget(user, ids), (reason) => {
      log.warning("A user may be shown again what came too late before: {reason}", { reason });
    });
  }

  async #forget(user: string, ids: readonly string[]): Promise<void> {
    const { cache, metrics } = this.#options;
    const kept = readPending(await cache.getRecord("pending", user));
    const messages = kept?.messages.filter(({ id }) => !ids.includes(id)) ?? [];
    if (kept === undefined || messages.length === kept.messages.length) return;
    metrics.late("shown");
    if (messages.length === 0) return await cache.putRecords([forget("pending", user)]);
    // Of what was shown Turn is told otherwise, so it says nothing of a notice any more.
    const noticeOf = ids.includes(kept.noticeOf ?? "") ? undefined : kept.noticeOf;
    await cache.putRecords([keepPending(user, { ...kept, messages, noticeOf })]);
  }

  /** What the user is to be shown with the next dial, this one too; undefined if that is too much. */
  async #pending(message: HeldMessage): Promise<Pending | undefined> {
    const { cache } = this.#options;
    const kept = readPending(await cache.getRecord("pending", userOf(message)));
    const before = kept ?? { messages: [], noticedAt: 0 };
    const { messages } = before;
    if (messages.some(({ id }) => id === message.id)) return before;
    const pending = { ...before, messages: [...messages, message] };
    const isTooMuch = messages.length >= MOST_PENDING ||
      JSON.stringify(pending).length > MOST_PENDING_CHARS;
    return isTooMuch ? undefined : pending;
  }

  /** Has it shown with the next dial, and says so by SMS; the words never go by SMS. */
  async #notice(message: HeldMessage, to: SmsFallback): Promise<string | undefined> {
    const { cache, connector, metrics, owners, smsSender } = this.#options;
    const user = userOf(message);
    const pending = await this.#pending(message);
    if (pending === undefined) return TOO_MUCH;
    await cache.putRecords([keepPending(user, pending)]);
    if (Date.now() - pending.noticedAt < NOTICE_EVERY_MS) {
      // Else it is told of as sent when the notice is.
      if (await isAnnounced(cache, pending.noticeOf)) await connector.reportSent(message.id);
      metrics.late("notice");
      return undefined;
    }
    const notice = composeSms(
      this.#addressOf(message, to),
      noticeId(message.id),
      to.noticeText,
      to,
    );
    using way = await smsSender.enter(notice);
    await cache.putRecords(way.records);
    await owners.put(notice.message_id, connector.name);
    await smsSender.send(way);
    metrics.late("notice");
    metrics.smsSent(smsSegments(to.noticeText));
    // No note of its end: what is pending comes again without harm, and another bridge may have lost it.
    await tolerateCacheError(this.#noteNotice(user, message.id), (reason) => {
      log.warning("A user may be told again of what is late: {reason}", { reason });
    });
    return undefined;
  }

  /** Beside what is pending by now: another bridge may have gone on meanwhile. */
  async #noteNotice(user: string, noticeOf: string): Promise<void> {
    const { cache } = this.#options;
    const kept = readPending(await cache.getRecord("pending", user));
    if (kept === undefined) return;
    await cache.putRecords([keepPending(user, { ...kept, noticedAt: Date.now(), noticeOf })]);
  }

  #addressOf(message: HeldMessage, { address }: SmsFallback): string {
    return inForm(userOf(message), address, this.#options.cache.addresses);
  }

  /** Sends it as a new message; why not, if it can't be. */
  async #send(
    message: HeldMessage,
    to: SmsFallback | undefined,
    asked: AskedFor,
  ): Promise<string | undefined> {
    const { cache, connector, metrics, content, owners, smsSender } = this.#options;
    const rendered = render(message.request, "sms", content, metrics);
    if (rendered.kind !== "shown") {
      return rendered.kind === "unsendable" ? rendered.details : "nothing to show by SMS";
    }
    const { id } = message;
    const { options, texts } = rendered;
    const isSplit = texts.length > 1;
    const firstId = isSplit ? firstLateSmsId(id) : id;
    const sms = to === undefined
      ? this.#newMessage(message, firstId, texts[0])
      : composeSms(this.#addressOf(message, to), firstId, texts[0], to);
    const user = userOf(message);
    const records: KeptRecord[] = [];
    const asks = options.length > 0 || message.request.waitingForUserInput;
    if (asks && asked !== "choice") {
      const bySms = asked === "words";
      records.push(
        options.length > 0
          ? keepPrompt(user, { id, medium: "sms", bySms, options }, this.#options)
          : forget("prompt", user),
      );
    }
    using way = await smsSender.enter(sms);
    if (isSplit) records.push(keepSplitSms({ message: way.message, texts, sent: 1, said: [] }));
    records.push(...way.records);
    await cache.putOutbound({ ...way.message, message_id: id }, [], records);
    if (to !== undefined) {
      const ids = isSplit ? texts.map((_, index) => smsId(firstId, index + 1)) : [id];
      for (const each of ids) await owners.put(each, connector.name);
    }
    const isSentNow = !way.isHeld && !way.isSent;
    await smsSender.send(way);
    // Held under this id it goes once however often it is held, and is noted when it has gone.
    if (isSplit || isSentNow) await this.#noteEnd(id, isSentNow ? Date.now() : 0);
    metrics.late("sms");
    metrics.shown(message.request.message.type, "sms");
    metrics.smsSent(smsSegments(texts[0]));
    return undefined;
  }

  /** As the channel sends what is no answer. */
  #newMessage({ request }: HeldMessage, message_id: string, content: string): Message {
    return { ...compose(request, undefined, content, this.#options), message_id };
  }
}

function userOf({ inbound }: HeldMessage): string {
  return inbound.from_addr;
}

function composeSms(
  to_addr: string,
  message_id: string,
  content: string,
  { transportName, transportType, fromAddr }: SmsFallback,
): Message {
  return createMessage({
    message_id,
    to_addr,
    from_addr: fromAddr,
    transport_name: transportName,
    transport_type: transportType,
    content,
  });
}
