import type { AuditRecord, NewAuditRecord } from '../../../../src/index.js'
import { newEntry } from '../../../../src/storage/conformance/audit-changes.js'
import { tokensOf } from '../../../../src/storage/conformance/records.js'
import {
  changedEntry, changeNames, eachChange, listing, tokenChanges, userChanges, writeAlone, writingForErrors,
  writingForOutcomes
} from './audit-breaking.js'
import type { BrokenByCase } from './breaking.js'

const without = (name: string, value: unknown) => changedEntry((entry) => ({ ...entry, [name]: value }))

export const audit: BrokenByCase = {
  'audit: each change writes one entry, with the keys of its user and tokens': {
    ...eachChange('writes no entry', changeNames, (call) => call()),
    ...eachChange('writes two entries', changeNames, async (call, entry, storage) => {
      await writeAlone(storage, entry)
      return call(entry)
    }),
    'deleteUser writes an entry for each token': (storage) => ({
      deleteUser: async (id, revision, entry) => {
        for (const token of await tokensOf(storage, id)) await storage.revokeToken(token.id, entry)
        return storage.deleteUser(id, revision, entry)
      }
    }),
    'revokeTokens writes an entry for each token': (storage) => ({
      revokeTokens: async (userId, entry) => {
        for (const token of await tokensOf(storage, userId)) await storage.revokeToken(token.id, entry)
      }
    }),
    'an entry has no successor': without('successor_id', null),
    'an entry has no token': without('token_id', null),
    'an entry has the successor as its token': changedEntry((entry) =>
      ({ ...entry, token_id: entry.successor_id ?? entry.token_id })),
    'all entries have one key': without('id', '1'),
    'a key has a space': changedEntry((entry) => ({ ...entry, id: ` ${entry.id}` }))
  },
  'audit: keeps the members of an entry unchanged': {
    'actors are lower case': changedEntry((entry) => ({ ...entry, actor: entry.actor?.toLowerCase() ?? null })),
    'an actor is cut to 100 characters': changedEntry((entry) =>
      ({ ...entry, actor: entry.actor && [...entry.actor].slice(0, 100).join('') })),
    'an absent request is an empty text': changedEntry((entry) => ({ ...entry, request_id: entry.request_id ?? '' })),
    'an empty list is null': changedEntry((entry) => ({ ...entry, changed: entry.changed?.length ? entry.changed : null })),
    'null is an empty list': changedEntry((entry) => ({ ...entry, changed: entry.changed ?? [] })),
    'times have no milliseconds': changedEntry((entry) => ({ ...entry, at: entry.at.replace(/\.\d+/, '.000') })),
    'text is normalised': changedEntry((entry) => ({ ...entry, request_id: entry.request_id?.normalize('NFC') ?? null }))
  },
  'audit: keeps an entry when a caller changes its own object': {
    'updateUser keeps the list of the caller': (storage) => {
      const lists: Array<NewAuditRecord['changed']> = []
      return {
        updateUser: async (id, changes, revision, entry) => {
          lists.push(entry?.changed ?? null)
          return storage.updateUser(id, changes, revision, entry)
        },
        listAudit: async (page) => (await storage.listAudit(page)).map((entry, n) =>
          ({ ...entry, changed: structuredClone(lists[n] ?? null) }))
      }
    },
    'listAudit returns its own objects': (storage) => {
      let entries: AuditRecord[] | undefined
      return { listAudit: async (page) => (entries ??= await storage.listAudit(page)) }
    }
  },
  'audit: a change of a user that is not made writes no entry':
    eachChange('writes its entry', userChanges, writingForOutcomes),
  'audit: a change of a token that is not made writes no entry':
    eachChange('writes its entry', tokenChanges, writingForOutcomes),
  'audit: a change that throws writes no entry, and is not made': {
    ...eachChange('writes its entry', ['updateToken', 'rotateToken'], writingForErrors),
    'createToken writes the entry, and rejects the hash later': (storage) => {
      const hashes = new Set<string>()
      return {
        createToken: async (token, entry) => {
          const created = hashes.has(String(token.hash)) ? undefined : await storage.createToken(token, entry)
          hashes.add(String(token.hash))
          if (created !== undefined) return created
          await writeAlone(storage, entry)
          throw new Error('another token has this hash')
        }
      }
    },
    'rotateToken changes the old token, and rejects the hash later': (storage) => ({
      rotateToken: async (id, replace) => {
        let expires: string | null = null
        await storage.rotateToken(id, (old) => {
          expires = (replace(old) as { expires_at: string | null }).expires_at
          return 'rejected'
        })
        await storage.updateToken(id, () => ({ expires_at: expires }))
        throw new Error('another token has this hash')
      }
    })
  },
  'audit: a change without `entry` writes no entry': {
    ...eachChange('writes its own entry', changeNames, (call, entry = newEntry('user.updated')) => call(entry)),
    ...eachChange('writes no entry when it gets one', ['deleteUser'], (call) => call()),
    'touchTokens writes an entry': (storage) => ({
      touchTokens: async (ids, lastUsedAt) => {
        await storage.touchTokens(ids, lastUsedAt)
        await writeAlone(storage, newEntry('token.updated'))
      }
    }),
    'pruneTokens writes an entry': (storage) => ({
      pruneTokens: async (batch) => {
        await writeAlone(storage, newEntry('token.revoked'))
        return storage.pruneTokens(batch)
      }
    })
  },
  'audit: entries stay when their user and tokens are deleted': {
    'deleteUser deletes the entries of the user': (storage) => ({
      listAudit: async (page) => {
        const users = (await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })).map(({ id }) => id)
        return (await storage.listAudit(page)).filter(({ action, user_id: userId }) =>
          action === 'user.deleted' || users.includes(userId))
      }
    }),
    'revokeTokens deletes the keys of tokens': (storage) => ({
      listAudit: async (page) => (await Promise.all((await storage.listAudit(page)).map(async (entry) => {
        const isThere = entry.token_id !== null && await storage.findToken(entry.token_id)
        return entry.token_id === null || isThere ? [entry] : []
      }))).flat()
    }),
    'deleteUser removes the keys of its tokens': listing((entries) =>
      entries.some(({ action }) => action === 'user.deleted')
        ? entries.map((entry) => ({ ...entry, token_id: null }))
        : entries)
  }
}
