import assert from 'node:assert/strict'
import type { Cases } from './case.js'
import { createUser, emails, time } from './records.js'

export const lists: Cases = {
  'listUsers: returns users in order of creation, or in reverse': async ({ storage }) => {
    for (const email of ['c@x', 'a@x', 'd@x', 'b@x']) await createUser(storage, { email, created_at: time(0) })
    assert.deepEqual(await emails(storage), ['c@x', 'a@x', 'd@x', 'b@x'])
    assert.deepEqual(await emails(storage, { order: 'desc' }), ['b@x', 'd@x', 'a@x', 'c@x'])
  },

  'listUsers: applies skip and limit': async ({ storage }) => {
    for (const email of ['1@x', '2@x', '3@x', '4@x']) await createUser(storage, { email })
    assert.deepEqual(await emails(storage, { limit: 2 }), ['1@x', '2@x'])
    assert.deepEqual(await emails(storage, { skip: 1, limit: 2 }), ['2@x', '3@x'])
    assert.deepEqual(await emails(storage, { order: 'desc', skip: 3, limit: 2 }), ['1@x'])
    assert.deepEqual(await emails(storage, { skip: 4 }), [])
    assert.deepEqual(await emails(storage, { skip: Number.MAX_SAFE_INTEGER }), [])
  },

  'listUsers: starts after a user, even when that user is deleted': async ({ storage }) => {
    const keys: Record<string, string> = {}
    for (const email of ['1@x', '2@x', '3@x', '4@x', '5@x']) keys[email] = (await createUser(storage, { email })).id
    const after = keys['3@x'] as string
    assert.deepEqual(await emails(storage, { after }), ['4@x', '5@x'])
    assert.deepEqual(await emails(storage, { after, order: 'desc' }), ['2@x', '1@x'])
    await storage.deleteUser(after)
    assert.deepEqual(await emails(storage, { after }), ['4@x', '5@x'])
    assert.deepEqual(await emails(storage, { after, order: 'desc' }), ['2@x', '1@x'])
    assert.deepEqual(await emails(storage, { after, skip: 1, limit: 1 }), ['5@x'])
    assert.deepEqual(await emails(storage, { after: keys['5@x'] as string }), [])
  },

  'listUsers: keeps the order when keys get more digits': async ({ storage }) => {
    const expected: string[] = []
    for (let n = 1; n <= 105; n++) expected.push((await createUser(storage, { email: `${n}@x` })).email)
    const visited: string[] = []
    let after: string | undefined
    for (let page = 0; page < 30; page++) {
      const users = await storage.listUsers({
        order: 'asc',
        skip: 0,
        limit: 4,
        ...(after !== undefined && { after })
      })
      visited.push(...users.map(({ email }) => email))
      after = users.at(-1)?.id ?? after
    }
    assert.deepEqual(visited, expected)
  },

  'updateUser: leaves the user in its place in the list': async ({ storage }) => {
    const first = await createUser(storage, { email: '1@x' })
    await createUser(storage, { email: '2@x' })
    await storage.updateUser(first.id, { email: '9@x', name: 'Z', disabled: true })
    assert.deepEqual(await emails(storage), ['9@x', '2@x'])
  },

  'listUsers, countUsers: search matches any part of the address or the name': async ({ storage }) => {
    await createUser(storage, { email: 'jane@one.example', name: 'Jane Roe' })
    await createUser(storage, { email: 'john@two.example', name: null })
    await createUser(storage, { email: 'third@one.example', name: 'Mary-Jane' })
    const found: Record<string, string[]> = {
      jane: ['jane@one.example', 'third@one.example'],
      'ne@one': ['jane@one.example'],
      'e r': ['jane@one.example'],
      'two.example': ['john@two.example'],
      nobody: [],
      null: []
    }
    for (const [search, expected] of Object.entries(found)) {
      assert.deepEqual(await emails(storage, { search }), expected, `search for ${search}`)
      assert.equal(await storage.countUsers({ search }), expected.length, `countUsers of ${search}`)
    }
    assert.equal(await storage.countUsers(), 3)
    assert.deepEqual(await emails(storage, { search: 'one', order: 'desc', skip: 1, limit: 1 }), ['jane@one.example'])
  },

  'listUsers: search works with after, skip, limit and either order': async ({ storage }) => {
    const keys: string[] = []
    for (let n = 0; n < 12; n++) {
      keys.push((await createUser(storage, { email: `${n % 3 === 0 ? 'other' : 'found'}${n}@x` })).id)
    }
    const all = [1, 2, 4, 5, 7, 8, 10, 11]
    for (const order of ['asc', 'desc'] as const) {
      for (const after of [undefined, 4, 6]) {
        for (const [skip, limit] of [
          [0, 100],
          [0, 2],
          [1, 1],
          [2, 3]
        ] as const) {
          const rest = (order === 'asc' ? all : all.toReversed()).filter(
            (n) => after === undefined || (order === 'asc' ? n > after : n < after)
          )
          const expected = rest.slice(skip, skip + limit).map((n) => `found${n}@x`)
          const page = {
            order,
            skip,
            limit,
            search: 'found',
            ...(after !== undefined && { after: keys[after] as string })
          }
          assert.deepEqual(
            await emails(storage, page),
            expected,
            `order ${order}, after number ${after}, skip ${skip}, limit ${limit}`
          )
        }
      }
    }
  },

  'listUsers, countUsers: disabled selects users, with and without search': async ({ storage }) => {
    const keys: string[] = []
    for (let n = 0; n < 12; n++) {
      const { id } = await createUser(storage, { email: `${n % 3 === 0 ? 'other' : 'found'}${n}@x` })
      keys.push(id)
      if (n % 2 === 0) await storage.updateUser(id, { disabled: true })
    }
    // This user was disabled, and is enabled again.
    await storage.updateUser(keys[10] as string, { disabled: false })
    const all = {
      [`true ${undefined}`]: [0, 2, 4, 6, 8],
      [`false ${undefined}`]: [1, 3, 5, 7, 9, 10, 11],
      'true found': [2, 4, 8],
      'false found': [1, 5, 7, 10, 11]
    }
    for (const disabled of [true, false]) {
      for (const search of [undefined, 'found']) {
        const found = all[`${disabled} ${search}`] as number[]
        assert.equal(await storage.countUsers({ search, disabled }), found.length, `countUsers, disabled: ${disabled}`)
        for (const order of ['asc', 'desc'] as const) {
          for (const after of [undefined, 4]) {
            for (const [skip, limit] of [[0, 100], [1, 2]] as const) {
              const expected = (order === 'asc' ? found : found.toReversed())
                .filter((n) => after === undefined || (order === 'asc' ? n > after : n < after))
                .slice(skip, skip + limit)
              const users = await storage.listUsers({
                order, skip, limit, disabled, search, after: after === undefined ? after : keys[after]
              })
              assert.deepEqual(
                users.map(({ id, disabled }) => [keys.indexOf(id), disabled]),
                expected.map((n) => [n, disabled]),
                `disabled ${disabled}, search ${search}, order ${order}, after ${after}, skip ${skip}, limit ${limit}`
              )
            }
          }
        }
      }
    }
    assert.equal(await storage.countUsers({ disabled: undefined }), 12)
  },

  'listUsers: search matches the normalizeForSearch form, also after an update': async ({ storage }) => {
    const { id } = await createUser(storage, { email: 'a@x', name: 'ZO\u00CB \u0130\u03A3 Jose\u0301' })
    for (const search of ['zo\u00EB', 'jos\u00E9']) {
      assert.deepEqual(await emails(storage, { search }), ['a@x'], `search for ${search}`)
    }
    await storage.updateUser(id, { name: '\u00C9va' })
    assert.deepEqual(await emails(storage, { search: 'zo\u00EB' }), [])
    assert.deepEqual(await emails(storage, { search: '\u00E9v' }), ['a@x'])
    await storage.updateUser(id, { name: null })
    assert.deepEqual(await emails(storage, { search: '\u00E9v' }), [])
  },

  'listUsers: search treats both small sigmas as one, in addresses and names': async ({ storage }) => {
    await createUser(storage, { email: '\u03BD\u03AF\u03BA\u03BF\u03C2@\u03BA\u03CE\u03C2', name: null })
    await createUser(storage, { email: 'b@x', name: '\u039A\u03A9\u03A3 \u039A\u03A9\u03A3\u03A4\u0391\u03A3' })
    assert.deepEqual(
      await emails(storage, { search: '\u03BA\u03BF\u03C3@\u03BA\u03CE\u03C3' }),
      ['\u03BD\u03AF\u03BA\u03BF\u03C2@\u03BA\u03CE\u03C2'],
      'an address'
    )
    for (const search of ['\u03BA\u03C9\u03C3 \u03BA', '\u03BA\u03C9\u03C3\u03C4\u03B1\u03C3']) {
      assert.deepEqual(await emails(storage, { search }), ['b@x'], `search for ${search}`)
    }
  }
}
