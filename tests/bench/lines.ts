/**
 * Text in pieces as it comes, cut into lines.
 *
 * @module
 */

/** Each chunk that comes out is a line, without its end. */
export class TextLineStream extends TransformStream<string, string> {
  /** Begins with nothing. */
  constructor() {
    let parts: string[] = [];
    super({
      transform(chunk, controller) {
        const [first = "", ...others] = chunk.split("\n");
        parts.push(first);
        for (const next of others) {
          controller.enqueue(parts.join(""));
          parts = [next];
        }
      },
    });
  }
}
