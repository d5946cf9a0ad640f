// Creates a token for the user with an e-mail address. If no user has the address, creates the user first:
//   DATABASE_FILE=vexa-admin.db npx tsx examples/script.ts user@example.com
import { openVexaAdmin, sqliteStorage } from 'fastify-vexa-admin'

const { users, tokens, close } = await openVexaAdmin({
  storage: sqliteStorage({ filename: process.env.DATABASE_FILE || 'vexa-admin.db' }),
  duplicateEmail: 'return'
})
try {
  const user = await users.create({ email: String(process.argv[2]) }, { actor: 'script' })
  const { token } = await tokens.create(user.id, { name: 'script' }, { actor: 'script' })
  console.log(`${user.id} ${token}`)
} catch (error) {
  // The message says what is wrong, such as the e-mail address.
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  await close()
}
