// By which ids the bridge's own messages to phones are known.

/** Of a screen, or a page of it. */
export const OWN_SCREEN = /^[0-9a-f]{32}-own(-p\d+)?$/;

/** Of an SMS that says that there is a message, whose id it names. */
export const NOTICE = /^([0-9a-f]{32})-n1$/;
