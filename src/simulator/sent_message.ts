// A message that Turn sends, as Turn's people see it: its words, and what it offers to choose. It may
// have been written by hand, so nothing has to be there, and what can't be read has no words.

/** What Turn sends, of any type. */
export type SentMessage = Readonly<Record<string, unknown>>;

export interface SentOption {
  /** What Turn is told when it is chosen. */
  readonly id: string;
  readonly title: string;
}

/** Its words; of what has none, its type. */
export function wordsOf(message: SentMessage, content = ""): string {
  const type = textAt(message, "type");
  const isText = type === "text" || type === "";
  if (isText) return textAt(message, "text", "body");
  const part = Object(message[type]);
  const lines = [
    textAt(part, "header", "text"),
    textAt(part, "body", "text"),
    ...optionsOf(message).map(({ title }) => title === "" ? "" : `• ${title}`),
    textAt(part, "footer", "text"),
    ...["name", "address", "caption"].map((key) => textAt(part, key)),
    content,
  ].filter((line) => line !== "");
  return (type === "interactive" && lines.length > 0 ? lines : [`[${type}]`, ...lines]).join("\n");
}

/** What it offers; of a template, whose titles are WhatsApp's, the ids alone. */
export function optionsOf(message: SentMessage): readonly SentOption[] {
  const action = at(message, "interactive", "action");
  const buttons = listAt(action, "buttons").map((button) => at(button, "reply"));
  const rows = listAt(action, "sections").flatMap((section) => listAt(section, "rows"));
  const replies = listAt(message, "template", "components")
    .filter((component) => textAt(component, "sub_type").toLowerCase() === "quick_reply")
    .map((component) => textAt(listAt(component, "parameters")[0], "payload"));
  return [
    ...[...buttons, ...rows].map((option) => {
      const title = textAt(option, "title");
      return { id: textAt(option, "id") || title, title };
    }),
    ...replies.map((id) => ({ id, title: "" })),
  ];
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((inner, key) => Object(inner)[key], value);
}

function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}
