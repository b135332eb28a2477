// Tells early that publishing hangs, which a connection does not tell by itself, or only after many
// seconds: the server has frozen, or the network to it has gone; or a quorum queue had no leader when
// the first message of a channel came, and the channel waits for a minute though there is one by then.
// A new connection helps in each case, and what hangs on the old one does not come late.

import type { ChannelModel } from "amqplib";
import type { ConfirmingChannel } from "./confirms.ts";
import { internalsOf } from "./amqplib_internals.ts";

const LOOK_EVERY_MS = 250;
/** RabbitMQ is never silent for longer than the seconds between heartbeats, and a bit. */
const SLACK_MS = 500;
/** Shorter silence is nothing, in milliseconds: Turn has been told to try again by then. */
const LEAST_SILENT_MS = 4_500;
/**
 * How long the first message to a queue may take on a channel that comes after another one, in
 * milliseconds: longer after each time that it took longer, and shorter again after each other. Only in
 * a cluster: elsewhere it would only make more messages come twice.
 */
const FIRST_CONFIRM_MS = 750;
const FIRST_CONFIRM_GROWS = 1.2;
const FIRST_CONFIRM_MOST_MS = 10_000;

interface Watched {
  readonly model: ChannelModel;
  readonly channel: Pick<ConfirmingChannel, "waitedMs" | "waitedForFirstMs">;
  /** Whether the server has said that it confirms nothing for now. */
  readonly isBlocked: () => boolean;
  /** Called once, with the reason for a log, and whether the server itself is fine. */
  readonly onHang: (reason: string, isFine: boolean) => void;
}

export class HangWatch {
  readonly #isCluster: boolean;
  #firstConfirmMs = LEAST_SILENT_MS;

  constructor({ isCluster }: { readonly isCluster: boolean }) {
    this.#isCluster = isCluster;
  }

  /** Watches until the returned function is called, or it hangs. */
  watch({ model, channel, isBlocked, onHang }: Watched): () => void {
    const { heartbeat, stream } = internalsOf(model);
    const mostSilentMs = Math.max(LEAST_SILENT_MS, heartbeat * 1000 + SLACK_MS);
    const firstConfirmMs = this.#firstConfirmMs;
    const isFirst = firstConfirmMs === LEAST_SILENT_MS;
    if (this.#isCluster && isFirst) this.#firstConfirmMs = FIRST_CONFIRM_MS;
    let read = stream.bytesRead;
    let lookedAt = performance.now();
    // A time in which we saw nothing, as the processor was busy or the server blocked, counts for
    // nothing: what waits may have been answered meanwhile.
    let attentiveSince = -Infinity;
    let readAt = lookedAt;
    let isStuck = false;
    const timer = setInterval(() => {
      const now = performance.now();
      const readNow = stream.bytesRead;
      if (isBlocked() || now - lookedAt > 2 * LOOK_EVERY_MS) attentiveSince = now;
      lookedAt = now;
      if (readNow !== read) readAt = now;
      read = readNow;
      const seenMs = now - attentiveSince;
      const silentMs = Math.min(seenMs, now - readAt, channel.waitedMs);
      const firstMs = Math.min(seenMs, channel.waitedForFirstMs);
      const isSilent = silentMs >= mostSilentMs;
      if (!isSilent && firstMs < firstConfirmMs) return;
      clearInterval(timer);
      isStuck = !isSilent;
      onHang(
        isSilent
          ? `nothing came from RabbitMQ for ${(silentMs / 1000).toFixed(1)} s`
          : `no message was confirmed within ${(firstMs / 1000).toFixed(1)} s`,
        !isSilent,
      );
    }, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      if (!this.#isCluster || isFirst) return;
      const next = isStuck
        ? firstConfirmMs * FIRST_CONFIRM_GROWS
        : firstConfirmMs / FIRST_CONFIRM_GROWS;
      this.#firstConfirmMs = Math.min(Math.max(next, FIRST_CONFIRM_MS), FIRST_CONFIRM_MOST_MS);
    };
  }
}
