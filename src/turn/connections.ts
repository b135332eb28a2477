// The connections to Turn. With HTTP/2 one carries all calls, and nothing tells of one that has gone
// silent (a firewall has forgotten it, a proxy hangs): each call would wait on it for its whole
// time-out, for minutes, while new connections work. So after a call without an answer the next ones
// get new connections; the old ones are closed when their last call has ended.

/** How long an unused connection is kept: less than the 60 s after which many proxies drop it. */
const IDLE_MS = 30_000;
/** Connections younger than this stay, or a Turn that drops some calls would cost a handshake each. */
const LEAST_AGE_MS = 1_000;

/** Connections that are given up together; there may be any number. */
export interface ConnectionPool {
  readonly client: Deno.HttpClient;
  readonly since: number;
  /** Calls under way. */
  calls: number;
}

/** All connections of one client: ours alone, so they can be closed with it. */
export class Connections implements Disposable {
  #current = newPool();
  /** Those given up whose calls have not all ended. */
  readonly #old = new Set<ConnectionPool>();
  #isClosed = false;

  /** Where the next call goes; to be followed by {@linkcode Connections.end}. */
  begin(): ConnectionPool {
    this.#current.calls++;
    return this.#current;
  }

  /**
   * Ends a call.
   * @param isAnswered If not, its connection, and what is as old, may be dead.
   */
  end(pool: ConnectionPool, isAnswered: boolean): void {
    pool.calls--;
    const isOld = pool === this.#current && performance.now() - pool.since >= LEAST_AGE_MS;
    if (!isAnswered && isOld && !this.#isClosed) {
      this.#current = newPool();
      this.#old.add(pool);
    }
    if (pool.calls > 0 || !this.#old.delete(pool)) return;
    pool.client[Symbol.dispose]();
  }

  /** Closes them; calls under way fail. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const { client } of [this.#current, ...this.#old]) client[Symbol.dispose]();
    this.#old.clear();
  }
}

function newPool(): ConnectionPool {
  const client = Deno.createHttpClient({ poolIdleTimeout: IDLE_MS });
  return { client, since: performance.now(), calls: 0 };
}
