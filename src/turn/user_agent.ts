// How Turn can tell our calls from others, and one version of ours from the next.

import manifest from "../../deno.json" with { type: "json" };

/** The header of each call to Turn. */
export const USER_AGENT = { "User-Agent": `turn-channels/${manifest.version}` };
