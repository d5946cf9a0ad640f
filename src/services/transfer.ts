import { Type } from '@sinclair/typebox'
import { InvalidInputError, NotPortableError } from '../errors.js'
import { Actor } from '../schemas/change-options.js'
import { isPlainObject } from '../schemas/json-object.js'
import { OneOf } from '../schemas/primitives.js'
import { validator } from '../schemas/validator.js'
import type { PortableMethods, Storage } from '../storage/storage-adapter.js'
import { exportLines } from './export.js'
import { importLines } from './import.js'
import type { ImportContext } from './import-run.js'
import { isImportInput } from './input-lines.js'
import type { TransferService } from './transfer-service.js'

const callback = () => Type.Optional(Type.Function([], Type.Any()))

const validateOptions = validator(Type.Object({
  dryRun: Type.Optional(Type.Boolean()),
  onConflict: Type.Optional(OneOf(['skip', 'merge', 'fail'])),
  keepIds: Type.Optional(Type.Boolean()),
  actor: Type.Optional(Actor),
  signal: Type.Optional(Type.Any()),
  onIssue: callback(),
  onUser: callback(),
  onProgress: callback()
}, { additionalProperties: false }))

/**
 * Creates the service that imports and exports. `portable` is `undefined` if the storage can neither import nor export.
 */
export function createTransferService (
  context: Omit<ImportContext, 'portable' | 'storage'> & { storage: Storage, portable: PortableMethods | undefined }
): TransferService {
  const portableOf = () => {
    if (context.portable === undefined) throw new NotPortableError()
    return context.portable
  }
  return {
    async import (lines, given = {}) {
      const options = isPlainObject(given) ? { ...given } : given
      validateOptions(options)
      if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
        throw new InvalidInputError('/signal Expected an AbortSignal')
      }
      if (!isImportInput(lines)) throw new InvalidInputError('Expected text, or an iterable of text or objects')
      const { actor } = options
      return importLines({ ...context, portable: portableOf() }, lines, options, actor === undefined ? {} : { actor })
    },

    async * export () {
      yield * exportLines(context.storage, portableOf())
    }
  }
}
