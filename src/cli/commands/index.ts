import type { CommandTable } from '../command.js'
import { audit } from './audit.js'
import { backup } from './backup.js'
import { doctor } from './doctor.js'
import { exportCommand } from './export.js'
import { importCommand } from './import.js'
import { key } from './key.js'
import { migrate } from './migrate.js'
import { prune } from './prune.js'
import { serve } from './serve.js'
import { token } from './token.js'
import { user } from './user.js'

/** The commands, in the order of the help. To add a command, add a file to this folder and a line here. */
export const commands: CommandTable = {
  serve,
  user,
  token,
  audit,
  import: importCommand,
  export: exportCommand,
  prune,
  migrate,
  doctor,
  backup,
  key
}
