import betterAuth from './better-auth.js'

/** Keys in memory, no counters, deferred updates. */
export default function betterAuthFastest (filename: string) {
  const values = new Map<string, string>()
  const secondaryStorage = {
    get: (key: string) => values.get(key) ?? null,
    set: (key: string, value: string) => { values.set(key, value) },
    delete: (key: string) => { values.delete(key) }
  }
  return betterAuth(filename, { rateLimit: { enabled: false }, storage: 'secondary-storage', deferUpdates: true }, {
    secondaryStorage,
    advanced: { backgroundTasks: { handler: () => {} } }
  })
}
