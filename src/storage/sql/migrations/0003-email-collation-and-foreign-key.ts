import { matchesError } from '../dialects/errors.js'
import type { Migration, MigrationContext } from './migration.js'

/**
 * Makes PostgreSQL compare e-mail addresses byte by byte. On MySQL, replaces the foreign key by one without a cascade.
 */
export const setEmailCollationAndForeignKey: Migration = async (context) => {
  await setEmailType(context)
  if (!context.traits.supportsCascade) await replaceForeignKey(context)
}

async function setEmailType ({ db, traits, names: { users } }: MigrationContext): Promise<void> {
  const { emailTypeSince3 } = traits
  if (emailTypeSince3 === undefined) return
  try {
    await db.schema.alterTable(users)
      .alterColumn('email', (column) => column.setDataType(emailTypeSince3))
      .execute()
  } catch (error) {
    // The error of PostgreSQL names neither the dependent object nor a remedy.
    if (matchesError(error, ({ code }) => code === '0A000')) {
      const { message } = error as Error
      throw new Error(`${message}: drop the views, policies, triggers and generated columns of the app that use ` +
        `${users}.email, start, and create them again`, { cause: error })
    }
    if (!traits.isUniqueViolation(error)) throw error
    // The error has no `cause`, because the driver's error may contain an address.
    throw new Error(`several users have the same e-mail address, because the index of ${users} was broken. ` +
      'Let only one user keep each address. Find the users with: ' +
      `select array_agg(id) from ${users} group by email collate "C" having count(*) > 1`)
  }
}

async function replaceForeignKey ({ db, traits, names: { users, tokens } }: MigrationContext): Promise<void> {
  const key = `${tokens}_user_id_fk`
  await db.schema.alterTable(tokens).dropConstraint(key).execute().catch((error) => {
    // A process that was killed during this migration may already have dropped the foreign key.
    if (!traits.isMissingTable(error)) throw error
  })
  // If the database did not enforce foreign keys, it may have tokens without a user. No token check accepts these
  // tokens, and with them, the database would reject the new foreign key.
  const orphans = await db.selectFrom(tokens).select('id')
    .where('user_id', 'not in', db.selectFrom(users).select('id'))
    .execute()
  // The tokens are deleted one by one, because MySQL's safe update mode needs a key in each statement.
  for (const { id } of orphans) await db.deleteFrom(tokens).where('id', '=', id).execute()
  await db.schema.alterTable(tokens).addForeignKeyConstraint(key, ['user_id'], users, ['id']).execute()
}
