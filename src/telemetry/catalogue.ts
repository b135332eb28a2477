// Every metric: its name, what it tells, and its labels. Names follow Prometheus's conventions: base
// units, `_total` for what only grows. All that is a channel's has the label `connector`. Labels have
// few values, none of them an address or an id.

import { MOST_LEFT } from "./descriptors.ts";

type MetricType = "counter" | "gauge" | "histogram";

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
/** From at once, over deadlines of some seconds, to the end of a session. */
const SCREEN = [0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 180];

const counter = definer("counter");
const gauge = definer("gauge");
const histogram = definer("histogram");

export const METRICS = {
  // What the bridge carries.
  messages: counter(
    "turn_channels_messages_total",
    "Messages and statuses by what became of them.",
    ["flow", "result", "connector"],
  ),
  setbacks: counter(
    "turn_channels_setbacks_total",
    "What delayed messages and statuses on their way; none of it is a final result.",
    ["flow", "result", "connector"],
  ),
  confirm: histogram(
    "turn_channels_confirm_seconds",
    "Time from a request of Turn to the broker's confirm of its message.",
    ["connector"],
    CONFIRM,
  ),
  delivery: histogram(
    "turn_channels_delivery_seconds",
    "Time from vumi's timestamp of a message or event to Turn's 2xx.",
    ["flow", "connector"],
    DELIVERY,
  ),
  shown: counter(
    "turn_channels_shown_total",
    "Messages of Turn's that were sent to phones, by type and medium (sms, ussd).",
    ["type", "medium", "connector"],
  ),
  pages: counter(
    "turn_channels_pages_total",
    "Pages of USSD that users asked for with the key for more.",
    ["connector"],
  ),
  screens: counter(
    "turn_channels_ussd_screens_total",
    "Screens of USSD that answered a user, by how many of Turn's messages they carried (1, 2, 3, more).",
    ["messages", "connector"],
  ),
  screenDelay: histogram(
    "turn_channels_ussd_screen_seconds",
    "Time from a user's USSD message to the screen that answered it.",
    ["connector"],
    SCREEN,
  ),
  holds: counter(
    "turn_channels_ussd_holds_total",
    "Screens of USSD shown in place of an answer that had not come: hold_text, sorry_text.",
    ["text", "connector"],
  ),
  late: counter(
    "turn_channels_ussd_late_total",
    "Messages too late for their USSD sessions, by what became of them; shown: after a notice, when the user dialled.",
    ["result", "connector"],
  ),
  resumes: counter(
    "turn_channels_ussd_resumes_total",
    "Users who dialled again and were asked whether to go on, and what they chose.",
    ["how", "connector"],
  ),
  unanswered: counter(
    "turn_channels_ussd_unanswered_total",
    "USSD sessions that ended while the user waited for an answer.",
    ["connector"],
  ),
  choices: counter(
    "turn_channels_choices_total",
    "Answers that picked an option of a menu, by how they said so.",
    ["by", "connector"],
  ),
  choicesRefused: counter(
    "turn_channels_choices_refused_total",
    "Choices that Turn refused as such, so that it was told their titles.",
    ["connector"],
  ),
  substitutions: counter(
    "turn_channels_substitutions_total",
    "Characters of SMS that text_encoding has replaced or removed.",
    ["connector"],
  ),
  notEncodable: counter(
    "turn_channels_not_encodable_total",
    "Messages refused because text_encoding is gsm7 and GSM-7 lacks a character.",
    ["connector"],
  ),
  smsSegments: counter(
    "turn_channels_sms_segments_total",
    "SMS as operators bill them: segments of what was sent.",
    ["connector"],
  ),
  requestsInFlight: gauge(
    "turn_channels_requests_in_flight",
    "Requests of Turn that wait for the broker's confirm.",
    ["connector"],
  ),
  transports: counter(
    "turn_channels_transport_messages_total",
    "Outbound messages by transport: sent, and what was heard of them (throttled: sent again; unknown: that it is not known; unacked: nothing within sms.unacked_after; silent: nothing within an hour).",
    ["transport", "result", "connector"],
  ),

  smsRate: gauge(
    "turn_channels_sms_rate",
    "SMS a second that a transport was found to take, as it throttles; 0: all that comes.",
    ["transport", "connector"],
  ),

  // The calls to Turn.
  calls: histogram(
    "turn_channels_turn_call_seconds",
    "Turn's response time, by class of its status (none: no answer).",
    ["resource", "class", "connector"],
    CALL,
  ),
  answers: counter(
    "turn_channels_turn_answers_total",
    "Turn's answers by status (none: no answer).",
    ["resource", "status", "connector"],
  ),
  inFlight: gauge("turn_channels_turn_calls_in_flight", "Calls that Turn has not answered.", [
    "resource",
    "connector",
  ]),
  waiting: gauge(
    "turn_channels_turn_calls_waiting",
    "Calls that wait for other calls, or for the rate limit.",
    ["resource", "connector"],
  ),
  breaker: gauge(
    "turn_channels_turn_breaker_state",
    "State of the circuit breaker: 1 for the one that it is in.",
    ["state", "connector"],
  ),
  breakerOpened: counter(
    "turn_channels_turn_breaker_opened_total",
    "How often Turn was found to be down.",
    ["connector"],
  ),
  lastSuccess: gauge(
    "turn_channels_turn_last_success_timestamp_seconds",
    "When Turn last took a call, in seconds since 1970; 0 if it has not yet.",
    ["connector"],
  ),
  limitWait: counter(
    "turn_channels_rate_limit_wait_seconds_total",
    "Time for which calls that were ready were held back by Turn's rate limit.",
    ["resource", "connector"],
  ),
  limit: gauge("turn_channels_rate_limit_calls", "Calls allowed in a window, as Turn last said.", [
    "bucket",
    "connector",
  ]),
  limitLeft: gauge(
    "turn_channels_rate_limit_remaining_calls",
    "Calls left in the window, as Turn last said.",
    ["bucket", "connector"],
  ),
  limitReset: gauge(
    "turn_channels_rate_limit_reset_timestamp_seconds",
    "End of the window, as Turn last said, in seconds since 1970; 0 if it has not.",
    ["bucket", "connector"],
  ),

  // The queues and the cache.
  queueMessages: gauge(
    "turn_channels_queue_messages",
    "Messages that wait in the queue, and parked ones; without those in flight.",
    ["queue", "place", "connector"],
  ),
  speaks: gauge(
    "turn_channels_speaks",
    "1 if this bridge speaks for the channel: it takes messages off its queues; 0 if it stands by.",
    ["connector"],
  ),
  queueFaults: gauge(
    "turn_channels_queue_faults",
    "1 if something can't be done with a queue of the channel; /health says what and why.",
    ["queue", "connector"],
  ),
  queueStalled: gauge(
    "turn_channels_queue_stalled_seconds",
    "How long the queue has had messages without one being finished; 0 when it is empty.",
    ["queue", "connector"],
  ),
  cacheEntries: gauge("turn_channels_cache_entries", "Entries in the cache, if it can tell.", [
    "kind",
    "connector",
  ]),
  cacheReads: counter("turn_channels_cache_reads_total", "Look-ups in the cache, hit or miss.", [
    "kind",
    "result",
    "connector",
  ]),
  cacheFailures: counter("turn_channels_cache_failures_total", "Uses of the cache that failed.", [
    "operation",
    "connector",
  ]),

  // The program, and what its channels share. Names that begin with process_ are Prometheus's own.
  brokerConnected: gauge(
    "turn_channels_broker_connected",
    "1 if messages can be published, or are consumed.",
    ["direction"],
  ),
  brokerBlocked: gauge(
    "turn_channels_broker_blocked",
    "1 while the broker takes no messages because of an alarm of its own.",
  ),
  delayed: gauge(
    "turn_channels_delayed_messages",
    "Messages of all channels in a delay queue, which are tried again when its time is up.",
    ["delay"],
  ),
  build: gauge("turn_channels_build_info", "Always 1; the labels say what runs.", [
    "version",
    "commit",
    "deno",
  ]),
  start: gauge(
    "process_start_time_seconds",
    "When the program was started, in seconds since 1970.",
  ),
  cpu: counter("process_cpu_seconds_total", "Processor time, user and system."),
  memory: gauge("process_resident_memory_bytes", "Memory that the program uses."),
  heap: gauge("process_heap_bytes", "Memory that JavaScript uses."),
  openFds: gauge("process_open_fds", "Open file descriptors, where they can be counted."),
  leftFds: gauge(
    "turn_channels_descriptors_left",
    `File descriptors that can still be opened: ${MOST_LEFT} stands for so many or more.`,
  ),
  loopLag: gauge(
    "turn_channels_event_loop_lag_seconds",
    "How late a timer came at most, since the last scrape.",
  ),
  logLost: counter(
    "turn_channels_log_lost_lines_total",
    "Lines of the log that could not be written, and for which there was no more room.",
  ),
  logStalled: gauge(
    "turn_channels_log_stalled_seconds",
    "How long the log has tried in vain to write; 0 when it does not.",
  ),
} as const;

function definer<const T extends MetricType>(type: T) {
  return <const L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    buckets: readonly number[] = [],
  ): Definition<T, L> => ({ type, name, help, labels, buckets });
}
