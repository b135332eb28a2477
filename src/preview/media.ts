// Values of a flow's resources that are no text: pictures and the like.

import type { MediaType } from "../content/mod.ts";
import type { Value } from "./container.ts";

/** A file, or a sticker. */
export type Media =
  | { readonly type: MediaType; readonly link: string }
  | { readonly type: "sticker" };

const MEDIA: Readonly<Record<string, MediaType>> = {
  IMAGE: "image",
  VIDEO: "video",
  AUDIO: "audio",
  DOCUMENT: "document",
};

/** What a value is if it is no text; Turn's documents are texts of another kind than plain. */
export function mediaOf({ content, mime, value: link }: Value): Media | undefined {
  if (content === "STICKER") return { type: "sticker" };
  const type = Object.hasOwn(MEDIA, content) ? MEDIA[content] : undefined;
  if (type !== undefined) return { type, link };
  return content === "TEXT" && /^application\//.test(mime) ? { type: "document", link } : undefined;
}
