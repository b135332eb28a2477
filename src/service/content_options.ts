// What a channel's configuration says of how Turn's messages become words on a phone.

import type { ContentOptions } from "../bridge/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";

export function contentOptionsOf(config: ChannelConfig): ContentOptions {
  const { ussd, sms, words } = config;
  return {
    textEncoding: config.text_encoding,
    words: {
      image: words.picture,
      video: words.video,
      audio: words.voice_message,
      document: words.document,
    },
    templates: new Map(Object.entries(config.templates)),
    pages: {
      pageChars: ussd.page_chars,
      moreKey: ussd.more_key,
      moreText: ussd.more_text,
      maxPages: ussd.max_pages,
    },
    longSms: sms.long,
    maxParts: sms.max_parts,
    menuTimeoutMs: config.menu_timeout * 1000,
    menuReply: config.menu_reply,
  };
}
