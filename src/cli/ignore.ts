/**
 * Does nothing. Listens to an `error` event whose error is reported elsewhere. Without a listener, the event would end
 * the process.
 */
export function ignore (): void {}
