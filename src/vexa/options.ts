import { hash } from 'node:crypto'
import { check, checkOptionNames } from '../check-options.js'
import { adminKeyForm, fingerprintAdminKey } from '../hooks/admin-keys.js'

/** Options of `vexaCompatibility`. Fastify's own option `prefix` puts a path before all of its routes. */
export interface VexaCompatibilityOptions {
  /**
   * The key that clients send in `X-Admin-API-Key` to the routes under `/admin`: at least 16 printable ASCII
   * characters, without space and comma. Required.
   */
  adminKey: string | undefined
  /**
   * A key of the same form that may only list users: `GET /admin/users` and `GET /admin/analytics/users`. With the
   * shape `'0.12'`, there are no such routes.
   * @default none
   */
  analyticsKey?: string | undefined
  /**
   * The secret that Vexa's gateway and other services send in `X-Internal-Secret` to the routes under `/internal`. It
   * has the same form as the keys. If absent, these routes return 503.
   * @default none
   */
  internalSecret?: string | undefined
  /**
   * The members of requests and replies. `'union'` has those of Vexa 0.10 and the additions of 0.12, for clients of
   * both. `'0.12'` has only those of 0.12.
   * @default 'union'
   */
  shape?: 'union' | '0.12' | undefined
}

/** A key or secret, as the plugin holds it. */
export interface HeldKey {
  /** The SHA-256 of the key: 32 bytes. */
  readonly digest: Buffer
  /** Name of the holder in events and in the audit trail: the fingerprint of the key. */
  readonly actor: string
}

export interface ResolvedVexaOptions {
  adminKey: HeldKey
  analyticsKey: HeldKey | undefined
  internalSecret: HeldKey | undefined
  /** Whether requests and replies have only the members of Vexa 0.12. */
  strict: boolean
}

const keyNames = ['adminKey', 'analyticsKey', 'internalSecret'] as const

// Fastify reads these options of `register`, and passes them on to the plugin.
const registerNames = ['prefix', 'logLevel', 'logSerializers']

const remedy = 'Create a key with: openssl rand -hex 32'

/**
 * Returns the options of the plugin with the keys as digests. `undefined` counts as absent.
 *
 * @throws {InvalidOptionError} if an option is wrong; no message contains a key
 */
export function resolveVexaOptions (options: VexaCompatibilityOptions): ResolvedVexaOptions {
  checkOptionNames(options, [...keyNames, 'shape', ...registerNames])
  const { adminKey, analyticsKey, internalSecret, shape = 'union' } = options
  check(adminKey !== undefined,
    `\`adminKey\` of vexaCompatibility is not set: is the environment variable of the key set? ${remedy}`)
  for (const name of keyNames) {
    const key: unknown = options[name]
    check(key === undefined || (typeof key === 'string' && adminKeyForm.test(key)),
      `\`${name}\` of vexaCompatibility must have at least 16 printable ASCII characters, with no space or comma. ` +
      `The default keys of Vexa, such as \`changeme\`, are too short. ${remedy}`)
  }
  const keys = keyNames.map((name) => options[name]).filter((key) => key !== undefined)
  check(new Set(keys).size === keys.length,
    'two of `adminKey`, `analyticsKey` and `internalSecret` of vexaCompatibility are the same key: use different keys')
  check(['union', '0.12'].includes(shape), "`shape` of vexaCompatibility must be 'union' or '0.12'")
  return {
    adminKey: hold(adminKey),
    analyticsKey: analyticsKey === undefined ? undefined : hold(analyticsKey),
    internalSecret: internalSecret === undefined ? undefined : hold(internalSecret),
    strict: shape === '0.12'
  }
}

function hold (key: string): HeldKey {
  return { digest: hash('sha256', key, 'buffer'), actor: fingerprintAdminKey(key) }
}
