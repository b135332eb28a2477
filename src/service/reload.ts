// SIGHUP: the configuration is read again, and what can change while the program runs is changed; if
// there is any fault, nothing is.

import { getLogger } from "@logtape/logtape";
import {
  changedKeys,
  type Config,
  type LoadedConfig,
  type Warning,
  withoutChannel,
} from "../config/mod.ts";

const log = getLogger(["turn-channels", "cli"]);

export const RELOADED: ReadonlySet<string> = new Set([
  "auth_token",
  "auth_token_file",
  "turn_hmac_secret",
  "turn_hmac_secret_file",
  "max_body_bytes",
  "request_timeout",
  "mo_message_url_timeout",
  "event_url_timeout",
  "max_retries",
  "retry_delay_base",
  "retry_delay_exponent",
  "menu_timeout",
  "menu_reply",
  "text_encoding",
  "ussd.session_timeout",
  "ussd.page_chars",
  "ussd.more_key",
  "ussd.more_text",
  "ussd.max_pages",
  "ussd.merge_window",
  "ussd.settle",
  "ussd.answer_deadline",
  "ussd.answer_deadlines",
  "ussd.hold_text",
  "ussd.hold_max",
  "ussd.sorry_text",
  "ussd.late",
  "ussd.start_text",
  "ussd.start_texts",
  "ussd.resume_window",
  "ussd.continue_text",
  "ussd.restart_text",
  "sms_fallback.transport_name",
  "sms_fallback.from_addr",
  "sms_fallback.transport_type",
  "sms_fallback.address",
  "sms_fallback.mode",
  "sms_fallback.notice_text",
  "contact_ids",
  "sms.long",
  "sms.max_parts",
  "sms.resend_for",
  "sms.max_per_second",
  "sms.unacked_after",
  "sms.fail_unacked",
  "report_states",
  "words.picture",
  "words.video",
  "words.voice_message",
  "words.document",
  "templates",
  "log_level",
  "log_addresses",
  "log_content",
  "shutdown_timeout",
]);

interface ReloaderOptions {
  readonly config: Config;
  readonly load: () => Promise<LoadedConfig>;
  /** Puts a changed configuration in force, as far as {@linkcode RELOADED} goes. */
  readonly apply: (config: Config) => void;
}

export class Reloader {
  /** The configuration in force; of keys that need a restart, what was read last. */
  current: Config;
  readonly #options: ReloaderOptions;
  #work: Promise<void> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.current = options.config;
  }

  /** Reads it again, after what is being read. */
  reload(): void {
    this.#work = this.#work.then(() => this.#reload());
  }

  async #reload(): Promise<void> {
    const loaded = await this.#options.load();
    logWarnings(loaded.warnings);
    if (loaded.kind === "faulty") {
      const faults = loaded.faults.map(({ key, value, expected, source }) =>
        `${key} is ${value ?? "missing"}, expected ${expected}, from ${source}`
      );
      log.error("Configuration not reloaded, nothing changed: {faults}", { faults });
      return;
    }
    const { config } = loaded;
    const changed = changedKeys(this.current, config).filter(isReloaded);
    const waiting = changedKeys(this.#options.config, config).filter((key) => !isReloaded(key));
    const logChange = (): void =>
      log.info("Configuration reloaded, changed: {changed}", { changed });
    const isLoggedBefore = log.isEnabledFor("info"); // A change of log_level may turn it off.
    if (isLoggedBefore) logChange();
    this.#options.apply(config);
    this.current = config;
    if (!isLoggedBefore) logChange();
    if (waiting.length > 0) {
      log.warning("Changed, but in force only after a restart: {waiting}", { waiting });
    }
  }
}

export function logWarnings(warnings: readonly Warning[]): void {
  for (const { key, message } of warnings) {
    log.warning("Configuration: {message}", { key, message });
  }
}

function isReloaded(path: string): boolean {
  const key = withoutChannel(path);
  return RELOADED.has(key) || key.startsWith("templates.");
}
