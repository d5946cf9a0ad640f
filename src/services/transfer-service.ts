import type { ImportLine } from '../schemas/import.js'
import type { Awaitable } from '../storage/storage-adapter.js'
import type { ImportInput } from './input-lines.js'

/** Options of an import. */
export interface ImportOptions {
  /**
   * Whether to change nothing, and only to count and report. A dry run compares each user with the stored users and
   * with earlier lines, and each token with the stored tokens. It does not notice that two lines have the same token.
   * @default false
   */
  dryRun?: boolean | undefined
  /**
   * The treatment of a conflict: a user whose given members differ from those of the stored user with the same address,
   * or who has the address of an earlier line. `created_at` does not count.
   *
   * - `'skip'`: the stored user stays as it is.
   * - `'merge'`: the given members replace the stored ones, `data` by a JSON Merge Patch (RFC 7396).
   * - `'fail'`: the import throws ImportConflictError.
   *
   * With `'skip'` and `'merge'`, the tokens of the line go to the stored user.
   * @default 'skip'
   */
  onConflict?: 'skip' | 'merge' | 'fail' | undefined
  /**
   * Whether created users and tokens keep the `id` of their line, which each line must then have. Ids of KyselyStorage
   * are `user-` or `token-` and an integer from 1 to 10^15. Ids that the storage makes later are larger.
   * @default false
   */
  keepIds?: boolean | undefined
  /** The actor whom events and the audit trail name, as in ChangeOptions. */
  actor?: string | undefined
  /** Stops the import before its next batch. The import then throws the reason of the signal. */
  signal?: AbortSignal | undefined
  /** Called for each line that is not taken as it is. The import waits for a returned promise. */
  onIssue?: ((issue: ImportIssue) => Awaitable<void>) | undefined
  /** Called with the `ref` and the id of each user that is stored. The import waits for a returned promise. */
  onUser?: ((user: { ref: string, id: string }) => Awaitable<void>) | undefined
  /** Called after each batch with the result so far. The import waits for a returned promise. */
  onProgress?: ((result: ImportResult) => Awaitable<void>) | undefined
}

/** A line that is not taken as it is. */
export interface ImportIssue {
  /** Number of the line, from 1. Blank lines count. An object counts as a line. */
  line: number
  /**
   * `'rejected'`: nothing of the line is imported. `'conflict'`: the line concerns a stored user, whom `onConflict`
   * leaves as it is or updates, or a stored token, which stays as it is.
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
    /** Users that were stored already, and do not differ. */
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
   * A stored user is recognised by its address, and a stored token by its hash. So an import that was interrupted can
   * be repeated: it creates the users and tokens that are missing. These include a token that was revoked or rotated
   * since, so disable imported tokens in place of revoking them as long as you repeat the import. A stored token stays
   * as it is. If its line is disabled or expires earlier, `onIssue` gets a conflict. An expired token stays expired.
   * The value of a token is hashed, and is kept nowhere.
   *
   * A line that is not valid is rejected and passed to `onIssue`. A line is not valid if it is not JSON, has an unknown
   * member or a wrong value, is longer than 6 times `maxDataSize` and 32 KiB, or names an unknown user. A token whose
   * hash belongs to another user is rejected, too.
   *
   * The import writes batches of at most 512 lines, and reads further lines only after a batch is stored. Other calls
   * run between two batches. If the import throws, the batches before remain.
   *
   * @throws {InvalidInputError} 400 if an argument is not valid
   * @throws {ImportConflictError} 409 after a conflict, with `onConflict: 'fail'`
   * @throws {NotPortableError} 500 if the storage is no PortableStorageAdapter
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   * @throws the reason of `signal`, and each error of `lines` and of a callback
   * @example
   * await app.vexaAdmin.import(createReadStream('users.ndjson'), { onIssue: (issue) => console.warn(issue) })
   */
  import (lines: ImportInput, options?: ImportOptions): Promise<ImportResult>

  /**
   * Exports all users and tokens as lines of an import: each user, followed by its tokens. `ref` is the id of the user.
   * An import of these lines with `keepIds` into an empty storage makes the same users and tokens. The lines have the
   * hashes of all tokens, so keep them as safe as the database.
   *
   * A user or token that changes meanwhile is exported as it was before or after the change. The export does not have
   * the audit trail, nor the fact that a token is the successor of another one.
   *
   * @throws {NotPortableError} 500 if the storage is no PortableStorageAdapter
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   * @example
   * for await (const line of app.vexaAdmin.export()) file.write(JSON.stringify(line) + '\n')
   */
  export (): AsyncGenerator<ImportLine, void, undefined>
}
