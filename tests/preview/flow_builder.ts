/**
 * Flows as Turn exports them, from short descriptions.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Words in one language, the first, or in each by its code. */
export type Words = string | Readonly<Record<string, string>>;

export interface BlockSpec {
  readonly id: string;
  /** The end of the type's name, or all of it. */
  readonly type: string;
  /** The card; the id if not given. */
  readonly card?: string;
  /** The card's line; ten for each block before it, if not given. */
  readonly line?: number;
  readonly condition?: string;
  readonly says?: Words | readonly Words[];
  /** A file beside the words: its content type, kind and address. */
  readonly file?: readonly [content: string, mime: string, link: string];
  readonly options?: readonly Words[];
  /** Where it leads: without condition, or by conditions. */
  readonly to?: string | Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, unknown>>;
  /** What the author called; by the type if not given. */
  readonly item?: string;
  readonly header?: string;
  readonly footer?: string;
}

export interface FlowSpec {
  readonly name: string;
  readonly languages?: readonly string[];
  readonly blocks: readonly BlockSpec[];
}

const TYPES: Readonly<Record<string, readonly [type: string, item: string]>> = {
  Message: ["MobilePrimitives.Message", "text"],
  Open: ["MobilePrimitives.OpenResponse", "ask"],
  Numeric: ["MobilePrimitives.NumericResponse", "ask"],
  Buttons: ["MobilePrimitives.SelectOneResponse", "button_block"],
  List: ["MobilePrimitives.SelectOneResponse", "list_block"],
  DynamicButtons: ["Io.Turn.DynamicSelectOneResponse", "dynamic_button"],
  DynamicList: ["Io.Turn.DynamicSelectOneResponse", "dynamic_list"],
  Template: ["Io.Turn.WhatsAppTemplateMessage", "whatsapp_template_message"],
  Content: ["Io.Turn.SendContentMessage", "send_content"],
  Case: ["Core.Case", "expression"],
  Log: ["Core.Log", "log"],
  Output: ["Core.Output", "write_result"],
  SetContact: ["Core.SetContactProperty", "update_contact"],
  RunFlow: ["Core.RunFlow", "run_stack"],
  Schedule: ["Io.Turn.ScheduleFlow", "schedule_stack"],
  Webhook: ["Io.Turn.Webhook", "webhook"],
  SetMessage: ["Io.Turn.SetMessageProperty", "set_message_property"],
};

const LABELS: Readonly<Record<string, string>> = {
  eng: "English",
  por: "Portuguese",
  amh: "Amharic",
};

/** A uuid that is the same each time. */
export function idOf(...names: readonly string[]): string {
  const hex = createHash("sha256").update(names.join(" ")).digest("hex");
  return [8, 4, 4, 4, 12].reduce(
    ({ at, parts }, length) => ({
      at: at + length,
      parts: [...parts, hex.slice(at, at + length)],
    }),
    { at: 0, parts: [] as readonly string[] },
  ).parts.join("-");
}

/** A container with one flow. */
export function buildFlow({ name, languages = ["eng"], blocks }: FlowSpec) {
  const resources: unknown[] = [];
  const resource = (key: string, values: readonly unknown[]): string => {
    const uuid = idOf(name, "resource", key);
    resources.push({ uuid, values });
    return uuid;
  };
  const valuesOf = (words: Words, content = "TEXT", mime = "text/plain") => {
    const each = typeof words === "string"
      ? languages.map((code) => [code, words] as const)
      : Object.entries(words);
    return each.map(([code, value]) => ({
      ...{ value, content_type: content, mime_type: mime, modes: ["RICH_MESSAGING"] },
      language_id: idOf(name, "language", code),
    }));
  };
  const idOfBlock = (id: string) => idOf(name, "block", id);
  const built = blocks.map((block, index) => {
    const [type, item] = TYPES[block.type] ?? [block.type, block.type];
    const { id, card = id, line = 10 * index + 1, says, file, options, to, config } = block;
    const texts = says === undefined
      ? []
      : Array.isArray(says)
      ? says as readonly Words[]
      : [says as Words];
    const isList = block.type === "List" || block.type === "DynamicList";
    const values = [
      ...file === undefined ? [] : valuesOf(file[2], file[0], file[1]),
      ...texts.flatMap((words) => valuesOf(words)),
      ...isList ? valuesOf("Choose") : [],
    ];
    const exits = typeof to === "object" ? Object.entries(to) : [["", to ?? ""] as const];
    const titles = options?.map((words) => typeof words === "string" ? words : words.eng ?? "");
    const spoken = {
      ...block.header !== undefined && { header: block.header },
      ...block.footer !== undefined && { footer: block.footer },
    };
    return {
      ...{ uuid: idOfBlock(id), name: id, label: null, semantic_label: null, tags: [], type },
      config: {
        ...values.length > 0 && { prompt: resource(id, values) },
        ...options && {
          choices: options.map((words, index) => ({
            name: `choice_${index + 1}`,
            prompt: resource(`${id} ${index}`, valuesOf(words)),
            test: `block.response == ${JSON.stringify(titles?.[index])}`,
          })),
        },
        ...config,
      },
      exits: exits.map(([test, to], index) => ({
        ...{ uuid: idOf(name, id, "exit", String(index)), name: `${id}_${index}` },
        ...{ default: index === exits.length - 1, config: {} },
        test: test ?? "",
        destination_block: to ? idOfBlock(to) : null,
      })),
      vendor_metadata: {
        io: {
          turn: {
            stacks_dsl: {
              "0.1.0": {
                card: {
                  ...{ name: card, condition: block.condition ?? null },
                  ...{ meta: { column: 1, line }, uuid: idOf(name, "card", card) },
                },
                card_item: {
                  type: block.item ?? item,
                  [item]: {},
                  meta: { column: 3, line: line + 1 },
                },
                index: 0,
                ...isList ? { list_metadata: spoken } : {},
                ...block.type === "Buttons" ? { buttons_metadata: spoken } : {},
              },
            },
          },
        },
      },
    };
  });
  return {
    ...{ name, description: null, uuid: idOf(name, "container") },
    ...{ specification_version: "1.0.0-rc3", vendor_metadata: {}, resources },
    flows: [{
      ...{ uuid: idOf(name, "flow"), name: "stack", label: null },
      languages: languages.map((code) => ({
        ...{ id: idOf(name, "language", code), label: LABELS[code] ?? code },
        ...{ iso_639_3: code, bcp_47: null, variant: null },
      })),
      first_block_id: built[0]?.uuid ?? "",
      exit_block_id: "",
      interaction_timeout: 300,
      supported_modes: ["RICH_MESSAGING"],
      vendor_metadata: {},
      blocks: built,
    }],
  };
}

/** The same as bytes. */
export function flowBytes(spec: FlowSpec): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(buildFlow(spec)));
}
