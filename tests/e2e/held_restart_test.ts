/**
 * What a user waits for outlives a program that is killed: the answer to a hold screen, the question
 * whether to go on, a menu of several messages, and what the next dial is to show.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Live } from "../support/live.ts";
import type { Running } from "../support/program.ts";
import { BUTTONS, LIST } from "../support/turn_messages.ts";
import { until } from "../support/until.ts";
import {
  ask,
  endpointAt,
  Network,
  say,
  SMS_NOTICE,
  statuses,
  told,
  untilStatus,
  wasTold,
} from "./ussd_support.ts";

const HOLD = "Please wait. Reply 1 to continue.";
const FLAGS = {
  ...SMS_NOTICE,
  "transport-type": "ussd",
  "ussd-answer-deadline": "3",
  "ussd-hold-text": HOLD,
  "ussd-resume-window": "600",
};

/** Kills it, and starts it again. */
async function restart(live: Live, running: Running): Promise<Running> {
  assert.notEqual(await running.stop("SIGKILL"), 0);
  return await live.start();
}

Deno.test("hold screens, menus, pages, notices and the last screen outlive a program that is killed", async () => {
  await using live = await Live.prepare(FLAGS);
  const network = new Network(live.transport);
  const [held, picks, reads, noticed] = [1, 2, 3, 4].map((n) => network.phone(`+2782000${n}`));
  assert.ok(held && picks && reads && noticed);
  const all = [held, picks, reads, noticed];
  let running = await live.start();
  try {
    const bridge = endpointAt(running.address);
    for (const phone of all) await told(live.turn, await phone.dial());
    const menus = [await say(bridge, picks, BUTTONS), await ask(bridge, picks, LIST)];
    const long = "Wash your hands with soap before you eat, and after. ".repeat(5);
    await ask(bridge, reads, long);
    await ask(bridge, noticed, "Name?");
    const screens = await Promise.all(all.map((phone) => phone.screen()));
    assert.equal(screens[0]?.text, HOLD);
    const late = await say(bridge, noticed, "Your result is here: negative.");
    await network.sentBySms(1);
    const answers = [await say(bridge, held, "Welcome"), await ask(bridge, held, "Age?")];
    running = await restart(live, running);

    const request = await held.type("1");
    assert.deepEqual([(await held.screen()).text, held.shown?.open], ["Welcome\nAge?", true]);
    assert.ok(!wasTold(live.turn, request));
    await untilStatus(live.turn, "sent", ...answers);
    const picked = await told(live.turn, await picks.type("1"));
    assert.deepEqual(picked.context, { id: menus[0] });
    await reads.type("98");
    assert.match((await reads.screen()).text, /and after\.$/);
    const dialled = await noticed.dial();
    const { text } = await noticed.screen();
    assert.equal(text, "Your result is here: negative.\n1. Continue\n2. Start again");
    await until("the notice", () => statuses(live.turn, late)[0]?.at(-1) === "sent");
    running = await restart(live, running);

    await noticed.type("1");
    assert.equal((await noticed.screen()).text, "Name?");
    assert.ok(!wasTold(live.turn, dialled));
    assert.deepEqual((await told(live.turn, await noticed.type("Anna"))).text, { body: "Anna" });
    network.assertAllShown();
  } finally {
    await running[Symbol.asyncDispose]();
  }
});
