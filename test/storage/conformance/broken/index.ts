// Storages that are each broken in one way, by the conformance case that catches them.
import type { BrokenByCase } from './breaking.js'
import { faults } from './faults.js'
import { lifecycle } from './lifecycle.js'
import { lists } from './lists.js'
import { races } from './races.js'
import { text } from './text.js'
import { tokens } from './tokens.js'
import { users } from './users.js'

export const broken: BrokenByCase = { ...lifecycle, ...users, ...lists, ...tokens, ...text, ...races, ...faults }
