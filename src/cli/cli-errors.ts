/** An error whose message is the sentence that the command line prints. The exit code is 1: the command is not done. */
export class NotDoneError extends Error {
  /** @default 1 */
  readonly exitCode: 1 | 2 = 1
}

/** An error of the person or program that wrote the command. The exit code is 2. */
export class UsageError extends NotDoneError {
  override readonly exitCode = 2
}

/** The reader of stdout has ended, such as `head`. The command ends at once, and that is no failure. */
export class ReaderGoneError extends Error {}
