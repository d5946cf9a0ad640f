import type { ImportLine } from '../schemas/import.js'
import type { Awaitable } from '../storage/storage-adapter.js'
import type { ImportInput } from './input-lines.js'

/** Options of an import. */
export interface ImportOptions {
  /**
   * Whether the import only counts and reports, and changes nothing. A dry run compares each user with the stored users
   * and with earlier lines, and each token with the stored tokens. A dry run does not notice two lines with the same
   * token.
   * @default false
   */
  dryRun?: boolean | undefined
  /**
   * The treatment of a conflict. A line is a conflict if an earlier line has the same address. A line is also a
   * conflict if the stored user with this address differs in a member that the line has. `created_at` does not count.
   * With `keepIds`, a stored user with another id is also a conflict.
   *
   * - `'skip'`: the stored user stays as it is.
   * - `'merge'`: the members of the line replace the stored members. `data` is a JSON Merge Patch (RFC 7396).
   * - `'fail'`: the import throws ImportConflictError.
   *
   * With `'skip'` and `'merge'`, the stored user gets the tokens of this user.
   * @default 'skip'
   */
  onConflict?: 'skip' | 'merge' | 'fail' | undefined
  /**
   * Whether created users and tokens get the `id` of their line. If so, each line must have an `id`. An id of
   * KyselyStorage is `user-` or `token-` and an integer from 1 to 10^15. Ids that the storage creates later are larger
   * than all imported ids.
   * @default false
   */
  keepIds?: boolean | undefined
  /** The actor that events and the audit trail name, as in ChangeOptions. */
  actor?: string | undefined
  /** Stops the import before its next batch. The import then throws the reason of the signal. */
  signal?: AbortSignal | undefined
  /**
   * Called for each line that is rejected or has a conflict. If the function returns a promise, the import waits for
   * it.
   */
  onIssue?: ((issue: ImportIssue) => Awaitable<void>) | undefined
  /**
   * Called with the `ref` of each user, and the id of the user in the storage. If the function returns a promise, the
   * import waits for it.
   */
  onUser?: ((user: { ref: string, id: string }) => Awaitable<void>) | undefined
  /** Called after each batch with the result so far. If the function returns a promise, the import waits for it. */
  onProgress?: ((result: ImportResult) => Awaitable<void>) | undefined
}

/** A line that is rejected or has a conflict. */
export interface ImportIssue {
  /** Number of the line, from 1. Blank lines count. An object counts as a line. */
  line: number
  /**
   * `'rejected'`: nothing of the line is imported. `'conflict'`: the line is about a stored user or token that stays
   * different from the line. Two lines with the same address are also a conflict.
   */
  kind: 'rejected' | 'conflict'
  /** The reason, without the value or the hash of a token. */
  message: string
}

/** Numbers of lines. Each line that is not blank counts once. */
export interface ImportResult {
  /** Number of all lines. */
  lines: number
  users: {
    created: number
    /** Users that were stored already, and do not differ from their lines. */
    present: number
    /** Stored users that `onConflict: 'merge'` has updated. */
    updated: number
    /** Conflicts that left the stored user as it was. */
    skipped: number
    rejected: number
  }
  tokens: {
    created: number
    /** Tokens that were stored already. They stay as they are. */
    present: number
    rejected: number
  }
  /** Lines with neither a user nor a token. */
  invalid: number
}

/** Moves users and tokens from and to other databases and systems. */
export interface TransferService {
  /**
   * Imports users and tokens. `lines` is text or bytes of NDJSON, such as a Readable, or the objects of the lines:
   * `{ user: { ref, email, … } }` and `{ token: { user, sha256, … } }`. A token follows its user, and has the `ref` of
   * the user as its `user`.
   *
   * The import finds a stored user by its address, and a stored token by its hash. So you can repeat an import that was
   * interrupted: the import creates the users and tokens that are missing. A token that was revoked or rotated since
   * the first import is missing, too, so the import creates it again. While you repeat imports, disable imported
   * tokens, and do not revoke or rotate them. A stored token stays as it is. If the line is disabled, or expires
   * earlier than the stored token, `onIssue` gets a conflict. A token that expired before the import is created as an
   * expired token. The import stores the hash of a value, and not the value.
   *
   * A line that is not valid is rejected and passed to `onIssue`. A line is not valid if it is not JSON, or if it has
   * an unknown member or a wrong value. A line is also not valid if it names an unknown user, or if it is longer than 6
   * times `maxDataSize` plus 32 KiB. A token whose hash belongs to another user is rejected, too.
   *
   * The import writes batches of at most 512 lines, and reads further lines only after a batch is stored. Other calls
   * run between two batches. If the import throws, the batches that it has written remain.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {ImportConflictError} 409 after a conflict, with `onConflict: 'fail'`
   * @throws {NotPortableError} 500 if the storage is no PortableStorageAdapter
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   * @throws the reason of `signal`, and each error that `lines` or a callback throws
   * @example
   * await app.vexaAdmin.import(createReadStream('users.ndjson'), { onIssue: (issue) => console.warn(issue) })
   */
  import (lines: ImportInput, options?: ImportOptions): Promise<ImportResult>

  /**
   * Exports all users and tokens as lines of an import: each user, followed by its tokens. `ref` is the id of the user.
   * An import of these lines with `keepIds` into an empty storage creates the same users and tokens. The lines have the
   * hashes of all tokens, so keep the lines as safe as the database.
   *
   * If a user or token changes during the export, its line shows the state before or after the change. The export
   * leaves out the audit trail. The export also leaves out which token is the successor of which other token.
   *
   * @throws {NotPortableError} 500 if the storage is no PortableStorageAdapter
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   * @example
   * for await (const line of app.vexaAdmin.export()) file.write(JSON.stringify(line) + '\n')
   */
  export (): AsyncGenerator<ImportLine, void, undefined>
}
