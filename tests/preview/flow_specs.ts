/**
 * The flows in flows/: each type of block, two languages and more. The shape is Turn's, the words are ours.
 *
 * @module
 */

import { type FlowSpec, idOf } from "./flow_builder.ts";

const LONG =
  "Malaria is carried by mosquitoes that bite at night. Sleep under a net, close doors and windows " +
  "when it gets dark, and empty whatever holds water near the house. Who has a fever should be " +
  "tested within a day, children and pregnant women at once. The test is free at every clinic.";

export const FLOWS: Readonly<Record<string, FlowSpec>> = {
  welcome: {
    name: "Welcome",
    languages: ["eng", "por"],
    blocks: [
      {
        id: "Start",
        type: "Case",
        to: { 'has_any_exact_phrase(event.message.text.body, ["0", "hi"])': "Greeting" },
      },
      {
        id: "Greeting",
        type: "Message",
        says: {
          eng: "Welcome to the garden line.",
          por: "Bem-vindo à linha do jardim.",
        },
        to: "AskMonth",
      },
      {
        id: "AskMonth",
        type: "Buttons",
        says: { eng: "When do you plant?", por: "Quando planta?" },
        options: [{ eng: "In spring", por: "Na primavera" }, {
          eng: "In autumn",
          por: "No outono",
        }],
        to: { 'block.value == "choice_1"': "Thanks", "": "NotUnderstood" },
      },
      {
        id: "NotUnderstood",
        type: "Message",
        says: { eng: "Please answer with a number.", por: "Responda com um número." },
        to: "AskMonth",
      },
      { id: "Thanks", type: "Message", says: { eng: "Thank you.", por: "Obrigado." } },
    ],
  },
  long_list: {
    name: "Vegetables",
    blocks: [{
      id: "ChooseVegetable",
      type: "List",
      says: "Which vegetable do you want to read about? We have something on each of these.",
      header: "The garden line",
      footer: "Free of charge",
      options: [
        ...["Beans", "Cabbage", "Carrots", "Maize", "Onions", "Peas", "Potatoes", "Spinach"],
        ...["Tomatoes in open beds", "Tomatoes in open beds, late"],
      ],
      to: "ChooseVegetable",
    }],
  },
  pictures: {
    name: "Pictures",
    blocks: [
      {
        id: "Poster",
        type: "Message",
        item: "image",
        file: ["IMAGE", "image/png", "https://example.org/poster.png"],
        to: "Captioned",
      },
      {
        id: "Captioned",
        type: "Message",
        item: "image",
        file: ["IMAGE", "image/png", "@poster.link"],
        says: "Plant one seed in each hole, as deep as your thumb.",
        to: "Song",
      },
      {
        id: "Song",
        type: "Message",
        item: "audio",
        file: ["AUDIO", "audio/mpeg", "@song"],
        to: "Film",
      },
      {
        id: "Film",
        type: "Message",
        item: "video",
        file: ["VIDEO", "video/mp4", "https://example.org/film.mp4"],
        to: "Guide",
      },
      {
        id: "Guide",
        type: "Message",
        item: "document",
        file: ["TEXT", "application/pdf", "https://example.org/guide.pdf"],
        to: "Smile",
      },
      {
        id: "Smile",
        type: "Message",
        item: "sticker",
        file: ["STICKER", "image/webp", "https://example.org/smile.webp"],
        to: "Liked",
      },
      {
        id: "Liked",
        type: "Buttons",
        file: ["IMAGE", "image/png", "https://example.org/garden.png"],
        says: "Did you like it?",
        options: ["Yes", "No"],
      },
    ],
  },
  templates: {
    name: "Templates",
    blocks: [
      {
        id: "Reminder",
        type: "Template",
        config: {
          template: {
            name: '"harvest_reminder"',
            language: { code: '"en_US"' },
            components: [
              { type: "body", parameters: [{ type: "text", text: '"Mary"', language: "eng" }] },
              {
                ...{ type: "button", sub_type: "quick_reply", index: "0" },
                parameters: [{ type: "payload", payload: "done" }],
              },
              {
                ...{ type: "button", sub_type: "quick_reply", index: "1" },
                parameters: [{ type: "payload", payload: "later" }],
              },
            ],
          },
        },
        to: "Unset",
      },
      {
        id: "Unset",
        type: "Template",
        config: { template: { name: '"weather"', language: { code: '"en"' }, components: [] } },
        to: "Named",
      },
      {
        id: "Named",
        type: "Template",
        config: { template: { name: '"@template_name"', language: { code: '"en"' } } },
      },
    ],
  },
  dynamic: {
    name: "Dynamic",
    languages: ["eng", "por"],
    blocks: [
      { id: "page", type: "Webhook", config: { timeout: 5000, method: "GET" }, to: "Topics" },
      {
        id: "Topics",
        type: "DynamicList",
        says: "@page.body.title\n\n@page.body.messages[0].text",
        config: { choices: [], choice_expression: "map(page.topics, &[&1.id, &1.title])" },
        to: "Again",
      },
      {
        id: "Again",
        type: "DynamicButtons",
        says:
          'Dear @contact.name, it is @datevalue(now(), "%d %B"). Write to garden@example.org. 1 @@ 2',
        config: { choices: [], choice_expression: "labels" },
        to: "Bye",
      },
      { id: "Bye", type: "Message", says: "Bye, @contact.name" },
    ],
  },
  registration: {
    name: "Registration",
    blocks: [
      { id: "note", type: "Log", card: "AskName", line: 5, to: "name" },
      { id: "name", type: "Open", card: "AskName", line: 5, says: "What is your name?", to: "age" },
      {
        id: "age",
        type: "Numeric",
        card: "AskAge",
        line: 9,
        says: "How old are you?",
        to: "size",
      },
      {
        id: "size",
        type: "Buttons",
        card: "AskSize",
        line: 13,
        says: "How large is your garden?",
        options: ["3", "Small", "Large"],
        to: "route",
      },
      {
        id: "route",
        type: "Case",
        card: "Route",
        line: 20,
        to: {
          'has_only_phrase("@size", "2")': "save",
          'has_phrase(lower("@name"), "98")': "AskName",
          '@age == "9"': "save",
          "": "save",
        },
      },
      { id: "save", type: "SetContact", card: "Save", line: 30, to: "result" },
      { id: "result", type: "Output", card: "Save", line: 30, to: "mark" },
      { id: "mark", type: "SetMessage", card: "Save", line: 30, to: "done" },
      { id: "done", type: "Message", card: "Done", line: 40, says: "You are registered." },
    ],
  },
  alphabets: {
    name: "Alphabets",
    languages: ["eng", "amh"],
    blocks: [
      {
        id: "Mosquitoes",
        type: "Open",
        says: { eng: `${LONG} Take care 🙂`, amh: "ትንኞች ሌሊት ይነክሳሉ።" },
        to: "Quoted",
      },
      { id: "Quoted", type: "Message", says: { eng: "Say “hello” – it’s free…" } },
    ],
  },
  content: {
    name: "Content",
    blocks: [
      {
        id: "Lesson",
        type: "Content",
        config: { content: { uuid: "5f0c", wait_for_input: "0" } },
        to: "Later",
      },
      { id: "Later", type: "Schedule", config: { flow_id: "x", schedule_in: "3600" }, to: "Ask" },
      {
        id: "Ask",
        type: "Buttons",
        says: "Do you need help?",
        options: ["Yes", "No"],
        to: { 'block.value == "choice_1"': "Moment", "": "Elsewhere" },
      },
      { id: "Moment", type: "Message", says: "One moment.", to: "Help" },
      { id: "Help", type: "RunFlow", config: { flow_id: idOf("Help", "container") } },
      { id: "Elsewhere", type: "Message", says: "As you like.", to: "Menu" },
      { id: "Menu", type: "RunFlow", config: { flow_id: idOf("Somewhere else") } },
    ],
  },
  help: {
    name: "Help",
    blocks: [{ id: "AskProblem", type: "Open", says: "What is the problem?" }],
  },
  calls: {
    name: "Calls",
    blocks: [
      { id: "Searching", type: "Message", says: "We are looking for a clinic.", to: "find" },
      { id: "find", type: "Webhook", config: { timeout: 5000 }, to: "found" },
      {
        id: "found",
        type: "Case",
        to: { "find.status == 200": "Found", "": "again" },
      },
      { id: "again", type: "Webhook", config: { timeout: 5000 }, to: "NotFound" },
      { id: "Found", type: "Open", says: "The clinic is at @clinic.place. Shall we call?" },
      { id: "NotFound", type: "Message", says: "We found none.", to: "quick" },
      { id: "quick", type: "Webhook", config: { timeout: 1000 }, to: "Sorry" },
      { id: "Sorry", type: "Message", says: "Sorry." },
    ],
  },
  strange: {
    name: "Strange",
    blocks: [
      { id: "Where", type: "SmartDevices.LocationResponse", says: "Where are you?", to: "Lost" },
      { id: "Lost", type: "Message", config: { prompt: "no-such-resource" }, to: "Empty" },
      { id: "Empty", type: "Message", says: "  ", to: "NoChoices" },
      { id: "NoChoices", type: "Buttons", says: "Which?", to: "Known" },
      { id: "Known", type: "Message", says: "This one can be read." },
    ],
  },
  plain: {
    name: "Plain",
    blocks: [
      {
        id: "Ask",
        type: "Buttons",
        says: "Do you have a *garden*?",
        options: ["Yes", "No"],
        to: "End",
      },
      { id: "End", type: "Message", says: "Thank you." },
    ],
  },
};
