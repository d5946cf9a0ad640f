import { UsageError } from './cli-errors.js'

/** The kind of a database, and its file or URL. */
export type DatabaseUrl =
  | { readonly kind: 'sqlite', readonly filename: string }
  | { readonly kind: 'postgres' | 'mysql', readonly url: string }

/**
 * Returns the database that a URL names. No message repeats the URL, because it may hold a password.
 *
 * @throws {UsageError} if the URL names no database
 */
export function readDatabaseUrl (text: string): DatabaseUrl {
  const [, scheme = '', rest = ''] = /^([a-z0-9+]+):(.*)$/si.exec(text) ?? []
  switch (scheme.toLowerCase()) {
    case 'sqlite': {
      // Many people write `sqlite://` before the path, as in other URLs. Both `sqlite:///data/admin.db` and
      // `sqlite:/data/admin.db` name the file /data/admin.db.
      const filename = rest.replace(/^\/\//, '')
      if (filename.trim() === '') throw new UsageError('The URL of the database names no file: write sqlite:PATH')
      return { kind: 'sqlite', filename }
    }
    case 'postgres':
    case 'postgresql':
      return { kind: 'postgres', url: checkUrl(text) }
    case 'mysql':
    case 'mariadb':
      return { kind: 'mysql', url: checkUrl(text.replace(/^\w+/, 'mysql')) }
    default:
      throw new UsageError('The URL of the database must begin with sqlite:, postgres:// or mysql://')
  }
}

function checkUrl (url: string): string {
  try {
    const { username, password, pathname } = new URL(url)
    // The drivers also decode these three parts, and would throw for a malformed escape.
    for (const part of [username, password, pathname]) decodeURIComponent(part)
    return url
  } catch {
    throw new UsageError('The URL of the database is not valid: write characters such as @ / # ? and % of a password ' +
      'as %40 %2F %23 %3F and %25')
  }
}
