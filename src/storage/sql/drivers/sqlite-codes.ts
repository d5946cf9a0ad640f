// The names of SQLite's result codes, by the low byte of the code. The other names of a row are of its extended codes.
const names: ReadonlyArray<readonly string[]> = [
  ['OK'],
  ['ERROR', 'MISSING_COLLSEQ', 'RETRY', 'SNAPSHOT', 'RESERVESIZE', 'KEY', 'UNABLE'],
  ['INTERNAL'],
  ['PERM'],
  ['ABORT', '', 'ROLLBACK'],
  ['BUSY', 'RECOVERY', 'SNAPSHOT', 'TIMEOUT'],
  ['LOCKED', 'SHAREDCACHE', 'VTAB'],
  ['NOMEM'],
  ['READONLY', 'RECOVERY', 'CANTLOCK', 'ROLLBACK', 'DBMOVED', 'CANTINIT', 'DIRECTORY'],
  ['INTERRUPT'],
  [
    'IOERR', 'READ', 'SHORT_READ', 'WRITE', 'FSYNC', 'DIR_FSYNC', 'TRUNCATE', 'FSTAT', 'UNLOCK', 'RDLOCK', 'DELETE',
    'BLOCKED', 'NOMEM', 'ACCESS', 'CHECKRESERVEDLOCK', 'LOCK', 'CLOSE', 'DIR_CLOSE', 'SHMOPEN', 'SHMSIZE', 'SHMLOCK',
    'SHMMAP', 'SEEK', 'DELETE_NOENT', 'MMAP', 'GETTEMPPATH', 'CONVPATH', 'VNODE', 'AUTH', 'BEGIN_ATOMIC',
    'COMMIT_ATOMIC', 'ROLLBACK_ATOMIC', 'DATA', 'CORRUPTFS', 'IN_PAGE', 'BADKEY', 'CODEC'
  ],
  ['CORRUPT', 'VTAB', 'SEQUENCE', 'INDEX'],
  ['NOTFOUND'],
  ['FULL'],
  ['CANTOPEN', 'NOTEMPDIR', 'ISDIR', 'FULLPATH', 'CONVPATH', 'DIRTYWAL', 'SYMLINK'],
  ['PROTOCOL'],
  ['EMPTY'],
  ['SCHEMA'],
  ['TOOBIG'],
  [
    'CONSTRAINT', 'CHECK', 'COMMITHOOK', 'FOREIGNKEY', 'FUNCTION', 'NOTNULL', 'PRIMARYKEY', 'TRIGGER', 'UNIQUE',
    'VTAB', 'ROWID', 'PINNED', 'DATATYPE'
  ],
  ['MISMATCH'],
  ['MISUSE'],
  ['NOLFS'],
  ['AUTH', 'USER'],
  ['FORMAT'],
  ['RANGE'],
  ['NOTADB']
]

/**
 * Returns the name of a result code of SQLite, such as `SQLITE_BUSY_SNAPSHOT` for 517. For an extended code without a
 * name here, returns the name of its primary code.
 */
export function nameOfCode (code: number): string {
  const [primary = 'ERROR', ...extended] = names[code & 255] ?? []
  const detail = extended[(code >> 8) - 1]
  return detail ? `SQLITE_${primary}_${detail}` : `SQLITE_${primary}`
}
