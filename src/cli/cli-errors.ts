/** The command could not be done. The command line prints the message of this error, and the exit code is 1. */
export class NotDoneError extends Error {
  /** @default 1 */
  readonly exitCode: 1 | 2 = 1
}

/** The arguments or options of the command are wrong. The exit code is 2. */
export class UsageError extends NotDoneError {
  override readonly exitCode = 2
}

/** The program that reads stdout has ended, as `head` does. The command then ends at once, and its exit code is 0. */
export class ReaderGoneError extends Error {}
