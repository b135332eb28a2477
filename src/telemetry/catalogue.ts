/**
 * Every metric there is: its name, what it tells, and its labels. The dashboard and the alerts are made
 * from this, too, and so can't name one that does not exist. Names follow Prometheus's conventions: base
 * units, `_total` for what only grows. All that is of a channel has the label `connector`. Labels have
 * few values, none of them an address or an id.
 *
 * @module
 */

/** What kind of metric it is. */
export type MetricType = "counter" | "gauge" | "histogram";

/** One metric. */
export interface Definition<T extends MetricType = MetricType, L extends string = string> {
  readonly type: T;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
  /** Upper bounds of a histogram's buckets; empty for other types. */
  readonly buckets: readonly number[];
}

/** An answer of RabbitMQ's: milliseconds; more only in trouble. */
const CONFIRM = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** An answer of Turn's, up to the longest time-out. */
const CALL = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** From a second in good times to hours after an outage. */
const DELIVERY = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200];

/** What the bridge carries. */
const FLOWS = {
  messages: counter(
    "turn_channels_messages_total",
    "Messages and statuses by what became of them.",
    ["flow", "result"],
  ),
  setbacks: counter(
    "turn_channels_setbacks_total",
    "What kept messages and statuses up on their way; not an end of any.",
    ["flow", "result"],
  ),
  confirm: histogram(
    "turn_channels_confirm_seconds",
    "Time from a request of Turn's to the broker's confirm of its message.",
    [],
    CONFIRM,
  ),
  delivery: histogram(
    "turn_channels_delivery_seconds",
    "Time from vumi's timestamp of a message or event to Turn's 2xx.",
    ["flow"],
    DELIVERY,
  ),
  requestsInFlight: gauge(
    "turn_channels_requests_in_flight",
    "Requests of Turn's that wait for the broker's confirm.",
    [],
  ),
  transports: counter(
    "turn_channels_transport_messages_total",
    "Outbound messages by transport: sent, and what was heard of them (silent: nothing in an hour).",
    ["transport", "result"],
  ),
} as const;

/** The calls to Turn. */
const TURN = {
  calls: histogram(
    "turn_channels_turn_call_seconds",
    "Turn's answer time, by class of its status (none: no answer).",
    ["resource", "class"],
    CALL,
  ),
  answers: counter(
    "turn_channels_turn_answers_total",
    "Turn's answers by status (none: no answer).",
    ["resource", "status"],
  ),
  inFlight: gauge("turn_channels_turn_calls_in_flight", "Calls that Turn has not answered.", [
    "resource",
  ]),
  waiting: gauge(
    "turn_channels_turn_calls_waiting",
    "Calls that wait for their turn: for others, or for the rate limit.",
    ["resource"],
  ),
  breaker: gauge(
    "turn_channels_turn_breaker_state",
    "Whether Turn is called: 1 for the state that the breaker is in.",
    ["state"],
  ),
  breakerOpened: counter(
    "turn_channels_turn_breaker_opened_total",
    "How often Turn was found to be down.",
    [],
  ),
  lastSuccess: gauge(
    "turn_channels_turn_last_success_timestamp_seconds",
    "When Turn took a call last, since 1970; 0 if it has not yet.",
    [],
  ),
  limitWait: counter(
    "turn_channels_rate_limit_wait_seconds_total",
    "Time in which calls stood ready and were held back for Turn's rate limit.",
    ["resource"],
  ),
  limit: gauge("turn_channels_rate_limit_calls", "Calls a window, as Turn said last.", ["bucket"]),
  limitLeft: gauge(
    "turn_channels_rate_limit_remaining_calls",
    "Calls left in the window, as Turn said last.",
    ["bucket"],
  ),
  limitReset: gauge(
    "turn_channels_rate_limit_reset_timestamp_seconds",
    "The end of the window, as Turn said last, since 1970; 0 if it has not yet.",
    ["bucket"],
  ),
} as const;

/** The queues and the cache. */
const STORES = {
  queueMessages: gauge(
    "turn_channels_queue_messages",
    "Messages in the queue itself, and parked; without those in work.",
    ["queue", "place"],
  ),
  speaks: gauge(
    "turn_channels_speaks",
    "1 if this bridge speaks for the channel: it takes messages off its queues; 0 if it stands by.",
    [],
  ),
  queueFaults: gauge(
    "turn_channels_queue_faults",
    "1 if something can't be done with a queue of the channel; /health says what and why.",
    ["queue"],
  ),
  queueStalled: gauge(
    "turn_channels_queue_stalled_seconds",
    "How long the queue has had messages of which none was finished; 0 when it is empty.",
    ["queue"],
  ),
  cacheEntries: gauge("turn_channels_cache_entries", "What is remembered, if the cache can tell.", [
    "kind",
  ]),
  cacheReads: counter("turn_channels_cache_reads_total", "What was looked up, hit or miss.", [
    "kind",
    "result",
  ]),
  cacheFailures: counter("turn_channels_cache_failures_total", "Uses of the cache that failed.", [
    "operation",
  ]),
} as const;

/**
 * The program, and what its channels share. The names that begin with `process_` are Prometheus's own
 * for any program.
 */
const PROGRAM = {
  brokerConnected: gauge(
    "turn_channels_broker_connected",
    "Whether messages can be published, and are consumed.",
    ["direction"],
  ),
  brokerBlocked: gauge(
    "turn_channels_broker_blocked",
    "Whether the broker takes no messages for now, for an alarm of its own.",
    [],
  ),
  delayed: gauge(
    "turn_channels_delayed_messages",
    "Messages of all channels in a delay queue, which come again when its time is up.",
    ["delay"],
  ),
  build: gauge("turn_channels_build_info", "1, and in labels what runs.", ["version", "deno"]),
  start: gauge("process_start_time_seconds", "When the program was started, since 1970.", []),
  cpu: counter("process_cpu_seconds_total", "Processor time, user and system.", []),
  memory: gauge("process_resident_memory_bytes", "Memory that the program takes.", []),
  heap: gauge("process_heap_bytes", "JavaScript's part of the memory.", []),
  openFds: gauge("process_open_fds", "Open file descriptors, where they may be counted.", []),
  loopLag: gauge(
    "turn_channels_event_loop_lag_seconds",
    "The longest that something due had to wait for its turn, since the last scrape.",
    [],
  ),
} as const;

/** A definition whose series say of which channel they are. */
type OfChannel<D> = D extends Definition<infer T, infer L> ? Definition<T, L | "connector"> : never;

/** All of them. */
export const METRICS = { ...ofChannels({ ...FLOWS, ...TURN, ...STORES }), ...PROGRAM } as const;

function ofChannels<D extends Readonly<Record<string, Definition>>>(
  definitions: D,
): { readonly [Key in keyof D]: OfChannel<D[Key]> } {
  const labelled = Object.entries(definitions)
    .map((
      [key, definition],
    ) => [key, { ...definition, labels: [...definition.labels, "connector"] }]);
  return Object.fromEntries(labelled); // Untyped, as what entries become is.
}

function counter<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[],
): Definition<"counter", L> {
  return { type: "counter", name, help, labels, buckets: [] };
}

function gauge<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[],
): Definition<"gauge", L> {
  return { type: "gauge", name, help, labels, buckets: [] };
}

function histogram<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[],
  buckets: readonly number[],
): Definition<"histogram", L> {
  return { type: "histogram", name, help, labels, buckets };
}
