/**
 * The configuration: one schema, from which come its type, defaults, flags, names of environment
 * variables, help and JSON Schema.
 *
 * @module
 */

export { addChannel } from "./add_channel.ts";
export { amqpUrls, type Bind, formatBind } from "./addresses.ts";
export { channelVariable } from "./channels.ts";
export { changedKeys, withoutChannel } from "./changes.ts";
export { type Fault, formatFaults, type Warning } from "./faults.ts";
export { configJsonSchema } from "./json_schema.ts";
export { type ConfigKey, configKeys } from "./keys.ts";
export type { JsonSchema, Secrecy } from "./kinds.ts";
export { loadConfig, type LoadedConfig, type LoadOptions } from "./load.ts";
export { type ConfigPlace, FILE_VARIABLES, findPlace, namedPlace, USUAL_PLACES } from "./places.ts";
export { redactedConfig } from "./redaction.ts";
export type { MessageTemplate, MessageTemplates } from "./message_templates.ts";
export { type ChannelConfig, type Config, requestTimeoutMs } from "./schema.ts";
export { lateWay, type SmsFallbackKeys, smsFallbackOf } from "./sms_fallback.ts";
export type { TlsFiles } from "./tls_files.ts";
export { configJson, configTemplate } from "./template.ts";
export { readFromDisk } from "./text_file.ts";
export { nearest } from "./unknown.ts";
export { wrap } from "./wrap.ts";
