import { hash } from 'node:crypto'
import Database from 'better-sqlite3'
import { migrate, sqliteStorage } from '../../src/index.js'
import { mintTokenValue } from '../../src/services/token-value.js'

/** A database file with so many users, each with three tokens; some of their values, from all over. */
export async function seed (filename: string, users: number): Promise<string[]> {
  await migrate(sqliteStorage({ filename }))
  const db = new Database(filename)
  db.pragma('synchronous = off')
  const insertUser = db.prepare('insert into vexa_users (email, name, searchable_name, max_concurrent_bots, created_at) values (?, ?, ?, 3, ?)')
  const insertToken = db.prepare('insert into vexa_tokens (user_id, hash, created_at) values (?, ?, ?)')
  const created = new Date().toISOString()
  const every = Math.ceil(users / 10_000)
  const values: string[] = []
  db.transaction(() => {
    for (let i = 0; i < users; i++) {
      const { lastInsertRowid } = insertUser.run(`user${i}@example.com`, `User Number ${i}`, `user number ${i}`, created)
      for (let j = 0; j < 3; j++) {
        const value = mintTokenValue('vex_')
        insertToken.run(lastInsertRowid, hash('sha256', value, 'buffer'), created)
        if (i % every === 0) values.push(value)
      }
    }
  })()
  db.close()
  // Not in the order in which they lie in the file.
  return values.sort()
}
