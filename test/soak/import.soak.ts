// A process imports users with three tokens each, is killed once with kill -9, and imports them again. Then each user
// and token is there once. Run by `npm run soak`. IMPORT_USERS is the number of users, by default 3000.
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { openVexaAdmin } from '../../src/index.js'
import { run } from '../support/child.js'
import { backDoor, emptyPlace, storageAt, unavailable } from '../support/databases.js'

const users = Number(process.env.IMPORT_USERS ?? 3000)
const tokens = 3 * users
const sampleSize = 500

for (const [database, layout] of [['sqlite', 'together'], ['postgres', 'apart']] as const) {
  t.test(`${database}: ${users} users and ${tokens} tokens, with their tokens ${layout}, after kill -9`, {
    skip: await unavailable(database), timeout: 3_600_000
  }, async (t) => {
    const place = emptyPlace(t, database)
    const start = () => run(t, 'test/support/fixtures/import-lines.ts', { args: [place, `${users}`, layout] })
    const resultOf = (line: string) => JSON.parse(line.slice('result '.length))

    const killed = start()
    const lastLine = () => Number(/lines (\d+)\s*$/.exec(killed.output())?.[1] ?? 0)
    while (lastLine() < (users + tokens) / 2) await sleep(5)
    killed.process.kill('SIGKILL')
    t.equal(await killed.exit, 'SIGKILL')

    const { db, prefix } = backDoor(t, place)
    const count = async (table: string) =>
      Number((await db.selectFrom(prefix + table).select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()).count)
    const stored = [await count('users'), await count('tokens')] as const
    t.ok(stored[0] > 0 && stored[0] + stored[1] < users + tokens, `killed after ${stored.join(' and ')} records`)

    const resumed = start()
    const result = resultOf(await resumed.line(/^result /))
    t.equal(await resumed.exit, 0, resumed.output().slice(-2000))
    t.match(result, {
      lines: users + tokens,
      issues: 0,
      users: { created: users - stored[0], present: stored[0], updated: 0, skipped: 0, rejected: 0 },
      tokens: { created: tokens - stored[1], present: stored[1], rejected: 0 }
    })
    t.same([await count('users'), await count('tokens')], [users, tokens])

    const admin = await openVexaAdmin({ storage: storageAt(place), legacyTokens: [/sk_\d+_\d/] })
    t.teardown(admin.close)
    const wrong: unknown[] = []
    for (let i = 0; i < sampleSize; i++) {
      const n = Math.floor(i * users / sampleSize)
      const user = await admin.users.getByEmail(`user.${n}@example.com`)
      const expected = [`User ${n}`, n % 10, { plan: n % 2 === 0 ? 'pro' : 'free' }, 3]
      const found = [user.name, user.max_concurrent_bots, user.data, user.api_tokens.length]
      const verification = await admin.tokens.verify({ token: `sk_${n}_${i % 3}`, touch: false })
      const isRight = isDeepStrictEqual(found, expected) && verification.valid && verification.user.id === user.id
      if (!isRight) wrong.push([n, found, verification])
    }
    t.same(wrong, [], `a sample of ${sampleSize} users`)
    t.comment(JSON.stringify({ database, layout, users, tokens, ...result }))
  })
}
