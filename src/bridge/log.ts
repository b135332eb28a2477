// Where this room logs.

import { getLogger, type Logger } from "@logtape/logtape";

export const log: Logger = getLogger(["turn-channels", "bridge"]);
