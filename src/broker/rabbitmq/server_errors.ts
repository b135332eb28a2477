// What RabbitMQ refuses, out of what amqplib makes of it.

/** AMQP's code for what is not there. */
export const NOT_FOUND = 404;

/** The code of a server's error; undefined for others: a socket's has a text for a code. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number"
    ? error.code
    : undefined;
}

/** Whether the server says that we have no right to something. */
export function isAccessRefused(error: unknown): boolean {
  return codeOf(error) === 403;
}

/** RabbitMQ's own words, for people to read. */
export function serverWords(error: unknown): string {
  const text = messageOf(error);
  return /with message "(.*)"$/s.exec(text)?.[1] ?? text;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
