/** Listens to an event whose error is reported elsewhere. Without a listener, the event would end the process. */
export function ignore (): void {}
