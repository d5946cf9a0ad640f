import {
  auditMethodNames, isAudited, isPortable, portableMethodNames, storageMethodNames, type AuditedStorageAdapter,
  type PortableStorageAdapter, type StorageAdapter
} from '../../src/storage/storage-adapter.js'

type AnyStorage = AuditedStorageAdapter & PortableStorageAdapter

/** A call on its way to a storage. */
export interface StorageCall {
  name: keyof AnyStorage
  parameters: unknown[]
  /** Asks the storage, and returns its answer. */
  proceed: () => unknown
}

/** Returns a storage that answers each call with the result of `around`. It has the methods that `storage` has. */
export function interceptStorage<S extends StorageAdapter> (storage: S, around: (call: StorageCall) => unknown): S {
  const method = (name: keyof AnyStorage) => (...parameters: unknown[]) => around({
    name, parameters, proceed: () => Reflect.apply(Reflect.get<object, string>(storage, name), storage, parameters)
  })
  const names = [
    ...storageMethodNames,
    ...(isAudited(storage) ? auditMethodNames : []),
    ...(isPortable(storage) ? portableMethodNames : [])
  ]
  return overlay(storage, Object.fromEntries(names.map((name) => [name, method(name)])))
}

/** Returns a storage that answers with `methods`, and with `storage` for each method that they lack. */
export function faultyStorage<S extends StorageAdapter> (storage: S, methods: Partial<AnyStorage>): S {
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

function overlay<S extends StorageAdapter> (storage: S, methods: Partial<AnyStorage>): S {
  return new Proxy(storage, {
    get (target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name)
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    }
  })
}
