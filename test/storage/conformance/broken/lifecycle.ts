import type { MemoryStorage } from '../../../../examples/custom-storage.js'
import { replacing, type BrokenByCase } from './breaking.js'

export const lifecycle: BrokenByCase = {
  'open: shares no record with another storage': {
    'all storages of a process are one': (() => {
      let last: MemoryStorage | undefined
      return (storage: MemoryStorage) => {
        const shared = (last ??= storage)
        return {
          ...replacing(shared, {}),
          close: async () => {
            last = undefined
          }
        }
      }
    })()
  },
  'close: resolves when called twice or without open': {
    'close throws when the storage is not open': () => {
      let open = false
      return {
        open: async () => {
          open = true
        },
        close: async () => {
          if (!open) throw new Error('not open')
          open = false
        }
      }
    }
  }
}
