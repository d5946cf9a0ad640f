// Copies the audit trail to a file, one entry on each line. The program ends if it cannot write the file. When you
// start the program again, it continues after the last line, so that the file has each entry exactly once. The admin
// key needs the permission `audit`.   AUDIT_KEY=… AUDIT_URL=http://localhost:3000/admin/audit AUDIT_FILE=audit.jsonl
// npx tsx examples/follow-audit.ts
import { appendFileSync, readFileSync, truncateSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { AuditEntry } from 'fastify-vexa-admin'

const url = process.env.AUDIT_URL || 'http://localhost:3000/admin/audit'
const headers = { 'x-admin-api-key': process.env.AUDIT_KEY || '' }
const file = process.env.AUDIT_FILE || 'audit.jsonl'

async function entriesAfter (after: string | undefined): Promise<AuditEntry[]> {
  try {
    const query = new URLSearchParams({ order: 'asc', limit: '1000', ...after !== undefined && { after } })
    const reply = await fetch(`${url}?${query}`, { headers })
    if (!reply.ok) throw new Error(await reply.text())
    return await reply.json() as AuditEntry[]
  } catch (error) {
    console.error(error)
    return []
  }
}

appendFileSync(file, '')
const text = readFileSync(file)
// If the program was killed or the disk was full, the file can end with a part of a line. This part is removed.
const length = text.lastIndexOf('\n') + 1
truncateSync(file, length)
const lastLine = text.toString('utf8', 0, length).trimEnd().split('\n').at(-1)
let after: string | undefined = lastLine ? JSON.parse(lastLine).id : undefined

for (;;) {
  const entries = await entriesAfter(after)
  // If the disk becomes full, only a part of the lines is written. The error then ends the program, so that it writes
  // nothing after that part.
  appendFileSync(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  after = entries.at(-1)?.id ?? after
  if (entries.length === 0) await setTimeout(1000)
}
