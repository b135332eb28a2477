/**
 * A bridge that is killed while it holds messages of a USSD turn, with a RedisMessageCache.
 *
 * @module
 */

import { killedWith } from "./held_killed_support.ts";

killedWith("RedisMessageCache");
