/**
 * Waiting for a connection that is away for a moment only: at a start, at a restart of the server's, or
 * while another node is tried. Who publishes meanwhile need not hear of it.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { AmqpConnection } from "./connection.ts";

/** What is away for longer is not waited for, in milliseconds: so in an outage all are told at once. */
const MOMENT_MS = 5_000;
/** The longest wait, in milliseconds: Turn waits for 5 seconds, and some are needed for the rest. */
const WAIT_MS = 4_000;

/** What is looked at of an {@linkcode AmqpConnection}. */
export type Awaited = Pick<AmqpConnection, "ready" | "awayMs" | "model" | "closing">;

/**
 * Waits for the connection for up to 4 seconds, if it was there 5 seconds ago or has only just been
 * begun. Resolves when it is there, or it is of no use to wait for longer; at once in an outage.
 */
export async function waitAMoment(connection: Awaited): Promise<void> {
  const { ready, awayMs, closing } = connection;
  if (ready || closing.aborted || awayMs >= MOMENT_MS) return;
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, closing]);
  // It rejects when it is ended early, and only then.
  const late = delay(WAIT_MS, undefined, { signal }).catch(() => {});
  await Promise.race([connection.model(), late]);
  settled.abort();
}
