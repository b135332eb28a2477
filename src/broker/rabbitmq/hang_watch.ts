/**
 * Noticing early that publishing hangs, which a connection reports after many seconds or not at all:
 * the server has frozen, or the network to it has gone; or a quorum queue had no leader when
 * the first message of a channel came, and the channel waits for a minute though there is one by then.
 * A new connection helps in each case, and what hangs on the old one does not come late.
 *
 * @module
 */

import type { ChannelModel } from "amqplib";
import type { ConfirmingChannel } from "./confirms.ts";
import { internalsOf } from "./amqplib_internals.ts";

const LOOK_EVERY_MS = 250;
/** RabbitMQ is never silent for longer than the seconds between heartbeats, and a bit. */
const SLACK_MS = 500;
/** Shorter silence is nothing, in milliseconds: Turn has been told to try again by then. */
const LEAST_SILENT_MS = 4_500;
/**
 * How long a channel that comes after another one may take for its first confirm, in milliseconds, and
 * longer each time. Only in a cluster: elsewhere it would only make more messages come twice.
 */
const FIRST_CONFIRM_MS = 750;
const FIRST_CONFIRM_GROWS = 1.2;
const FIRST_CONFIRM_MOST_MS = 10_000;

export interface Watched {
  readonly model: ChannelModel;
  readonly channel: ConfirmingChannel;
  /** Whether the server has said that it confirms nothing for now. */
  readonly isBlocked: () => boolean;
  /** Called once, with the reason for a log, and whether the server itself is fine. */
  readonly onHang: (reason: string, isFine: boolean) => void;
}

export class HangWatch {
  readonly #isCluster: boolean;
  #firstConfirmMs = LEAST_SILENT_MS;

  /** Has watched nothing yet. */
  constructor({ isCluster }: { readonly isCluster: boolean }) {
    this.#isCluster = isCluster;
  }

  /** Watches until the returned function is called, or it hangs. */
  watch({ model, channel, isBlocked, onHang }: Watched): () => void {
    const { heartbeat, stream } = internalsOf(model);
    const mostSilentMs = Math.max(LEAST_SILENT_MS, heartbeat * 1000 + SLACK_MS);
    let read = stream.bytesRead;
    let readAt = performance.now();
    const firstConfirmMs = this.#firstConfirmMs;
    if (this.#isCluster) {
      const isFirst = firstConfirmMs === LEAST_SILENT_MS;
      const longer = Math.min(firstConfirmMs * FIRST_CONFIRM_GROWS, FIRST_CONFIRM_MOST_MS);
      this.#firstConfirmMs = isFirst ? FIRST_CONFIRM_MS : longer;
    }
    const timer = setInterval(() => {
      const now = performance.now();
      const readNow = stream.bytesRead;
      if (readNow !== read) readAt = now;
      read = readNow;
      if (channel.hasConfirmed && this.#isCluster) this.#firstConfirmMs = FIRST_CONFIRM_MS;
      const { waitedMs } = channel;
      if (isBlocked() || waitedMs === 0) return;
      const silentMs = now - readAt;
      const isSilent = Math.min(silentMs, waitedMs) >= mostSilentMs;
      const isStuck = !channel.hasConfirmed && waitedMs >= firstConfirmMs;
      if (!isSilent && !isStuck) return;
      clearInterval(timer);
      onHang(
        isSilent
          ? `nothing came from RabbitMQ for ${seconds(silentMs)} s`
          : `no message was confirmed within ${seconds(waitedMs)} s`,
        !isSilent,
      );
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
