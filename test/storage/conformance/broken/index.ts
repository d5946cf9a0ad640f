// Storages that are each broken in one way, by the conformance case that catches them.
import { auditLists } from './audit-lists.js'
import { auditPruning } from './audit-pruning.js'
import { auditRaces } from './audit-races.js'
import { audit } from './audit.js'
import type { BrokenByCase } from './breaking.js'
import { faults } from './faults.js'
import { imports } from './imports.js'
import { lifecycle } from './lifecycle.js'
import { lists } from './lists.js'
import { races } from './races.js'
import { text } from './text.js'
import { tokenChanges } from './token-changes.js'
import { tokenLists } from './token-lists.js'
import { tokenRaces } from './token-races.js'
import { tokens } from './tokens.js'
import { users } from './users.js'

export const broken: BrokenByCase = {
  ...lifecycle,
  ...users,
  ...lists,
  ...tokens,
  ...tokenLists,
  ...tokenChanges,
  ...text,
  ...races,
  ...tokenRaces,
  ...audit,
  ...auditLists,
  ...auditPruning,
  ...auditRaces,
  ...imports,
  ...faults
}
