import type { ChangeOptions } from '../schemas/change-options.js'
import type { TokenService } from '../services/token-service.js'
import type { UserService } from '../services/user-service.js'
import type { Guards } from './guards.js'
import type { Shapes } from './shapes.js'

/** The objects that the routes of Vexa need. */
export interface VexaContext {
  users: UserService
  tokens: TokenService
  guards: Guards
  shapes: Shapes
  /** Whether requests and replies have only the members of Vexa 0.12. */
  strict: boolean
  /** The actor of changes by holders of the admin key. */
  admin: ChangeOptions
  /** The actor of changes by holders of the internal secret. */
  internal: ChangeOptions
}
