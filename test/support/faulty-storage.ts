import { storageMethodNames, type StorageAdapter } from '../../src/storage/storage-adapter.js'

/** A call on its way to a storage. */
export interface StorageCall {
  name: keyof StorageAdapter
  parameters: unknown[]
  /** Asks the storage, and returns its answer. */
  proceed: () => unknown
}

/** Returns a storage that answers each call with the result of `around`. */
export function interceptStorage (storage: StorageAdapter, around: (call: StorageCall) => unknown): StorageAdapter {
  const method = (name: keyof StorageAdapter) => (...parameters: unknown[]) =>
    around({ name, parameters, proceed: () => Reflect.apply(storage[name], storage, parameters) })
  return overlay(storage, Object.fromEntries(storageMethodNames.map((name) => [name, method(name)])))
}

/** Returns a storage that answers with `methods`, and with `storage` for each method that they lack. */
export function faultyStorage (storage: StorageAdapter, methods: Partial<StorageAdapter>): StorageAdapter {
  return overlay(storage, methods)
}

/** Returns a method that rejects with `error`. */
export function throwing (error: unknown = new Error('down')): () => Promise<never> {
  return async () => { throw error }
}

/** Returns a method that never answers. */
export function hanging (): () => Promise<never> {
  return () => new Promise(() => {})
}

/** Returns a method that answers with `value`. */
export function answering<const Value> (value: Value): () => Promise<Value> {
  return async () => value
}

function overlay (storage: StorageAdapter, methods: Partial<StorageAdapter>): StorageAdapter {
  return new Proxy(storage, {
    get (target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name)
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    }
  })
}
