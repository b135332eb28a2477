/**
 * Loaded before all tests: an error that comes while another leaves a block with `using` hides it, and
 * is hidden by the `SuppressedError` that both become, of which Deno prints neither. As its cause it
 * prints both.
 *
 * @module
 */

Object.defineProperty(SuppressedError.prototype, "cause", {
  configurable: true,
  get(this: SuppressedError): AggregateError | undefined {
    if (!Object.hasOwn(this, "suppressed")) return undefined;
    const both = new AggregateError([this.suppressed, this.error], "the first, then the second");
    // Where it was made is of no interest.
    both.stack = `${both}`;
    return both;
  },
});
