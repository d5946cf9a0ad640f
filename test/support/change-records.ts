// Changes of one user and its tokens, some of them at once, as test/support/replay.ts can make them again.
import { randomBytes } from 'node:crypto'
import type { AuditAction, NewAuditRecord, StorageAdapter, TokenRecord } from '../../src/index.js'
import { newToken, newUser } from '../../src/storage/conformance/records.js'

/**
 * Makes a change with an entry for a request of this name. Returns its record, or `undefined` if there is none.
 */
export type Change = <T>(
  action: AuditAction, request: string, make: (entry: NewAuditRecord | undefined) => Promise<T>
) => Promise<Exclude<T, string> | undefined>

/**
 * Makes a chain of changes, and updates the user with the key `sharedId`. Stops if a record could not be created.
 *
 * @param name begins the name of each request
 * @param n chooses which chains end with a revocation of all tokens, and which with a deletion of the user
 */
export async function changeRecords (
  storage: StorageAdapter, sharedId: string, name: string, n: number, change: Change
): Promise<void> {
  const request = (step: string) => `${name}-${n}-${step}`
  const user = await change('user.created', request('create'), (entry) =>
    storage.createUser(newUser({ email: `${request('create')}@x`, name: request('create') }), entry))
  if (user === undefined) return
  const update = (id: string, step: string) => change('user.updated', request(step), (entry) =>
    storage.updateUser(id, { name: request(step) }, undefined, entry))
  const successor = (step: string) => newToken(user.id, 0, { hash: randomBytes(32), name: request(step) })
  const create = (step: string) => change('token.created', request(step), (entry) =>
    storage.createToken(successor(step), entry))
  const updateToken = ({ id }: TokenRecord, step: string) => change('token.updated', request(step), (entry) =>
    storage.updateToken(id, ({ data }) => (
      { name: request(step), data: { count: ((data?.count as number) ?? 0) + 1 } }
    ), entry))
  const rotate = ({ id }: TokenRecord, step: string, expires: string | null) =>
    change('token.rotated', request(step), (entry) =>
      storage.rotateToken(id, () => ({ expires_at: expires, successor: successor(step) }), entry))

  // The clients of all processes update the shared user.
  await Promise.all([update(user.id, 'update'), update(sharedId, 'share')])
  const tokens = await Promise.all(['one', 'two', 'three'].map(create))
  const [one, two, three] = tokens
  if (!one || !two || !three) return
  await Promise.all([updateToken(one, 'change'), updateToken(one, 'change-again')])
  await rotate(one, 'replace', null)
  await rotate(two, 'extend', '2099-01-01T00:00:00.000Z')
  await Promise.all([
    updateToken(three, 'race'),
    change('token.revoked', request('revoke'), (entry) => storage.revokeToken(three.id, entry))
  ])
  if (n % 4 === 0) await change('token.revoked', request('end'), (entry) => storage.revokeTokens(user.id, entry))
  if (n % 4 < 2) {
    await Promise.all([
      create('late'),
      change('user.deleted', request('delete'), (entry) => storage.deleteUser(user.id, undefined, entry))
    ])
  }
}
