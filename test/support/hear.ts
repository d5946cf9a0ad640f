import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Test } from 'tap'
import type { AuditEvents } from '../../src/index.js'

/** Returns an array that gets the message of each later event with one of these names, until the test ends. */
export function hear (t: Test, ...names: ReadonlyArray<keyof AuditEvents>): Array<Record<string, unknown>> {
  const heard: Array<Record<string, unknown>> = []
  const listener = (message: unknown) => { heard.push(message as Record<string, unknown>) }
  for (const name of names) {
    subscribe(name, listener)
    t.teardown(() => unsubscribe(name, listener))
  }
  return heard
}
