/**
 * vumi's vocabulary: messages, events, and the connector whose queues they travel on.
 *
 * @module
 */

export * from "./connector.ts";
export * from "./event.ts";
export * from "./message.ts";
export * from "./partitions.ts";
export { MalformedPayloadError } from "./payload.ts";
export { formatTimestamp, unixMilliseconds, unixSeconds } from "./timestamp.ts";
export {
  type BrokerMessage,
  type Disposition,
  type Handover,
  PublishError,
  RETRY_HEADERS,
} from "../broker/mod.ts";
