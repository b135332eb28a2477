/**
 * Looking into queues and the cache, for `find`, `parked` and `audit`.
 *
 * @module
 */

export {
  type ParkedBroker,
  type ParkedFilter,
  type ParkedMessage,
  ParkedMessages,
  type ParkedMessagesOptions,
  type ParkedQueue,
} from "./parked_messages.ts";
export {
  type Depths,
  type Found,
  type InboundFound,
  type OutboundFound,
  type Queued,
  type QueueSearch,
  searchCache,
  searchQueues,
  type Waiting,
} from "./find_search.ts";
export { type State, type Step, type Story, storyOf, type Surroundings } from "./find_story.ts";
export { ParkedChannels } from "./parked_channels.ts";
