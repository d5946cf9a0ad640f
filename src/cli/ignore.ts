/**
 * Is a listener for an `error` event whose error is reported elsewhere. An `error` event without a listener would end
 * the process.
 */
export function ignore (): void {}
