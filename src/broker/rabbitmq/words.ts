/**
 * What RabbitMQ says, for people to read.
 *
 * @module
 */

/** RabbitMQ's own words, out of what amqplib makes of them. */
export function serverWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /with message "(.*)"$/s.exec(text)?.[1] ?? text;
}
