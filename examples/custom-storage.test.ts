// Run with: node --import tsx --test examples/custom-storage.test.ts
import { test } from 'node:test'
import { testStorage } from 'fastify-vexa-admin/conformance'
import { MemoryStorage } from './custom-storage.js'

testStorage(test, () => new MemoryStorage())
