// Kills the primary of PostgreSQL under load, and promotes its standby. FAILOVERS is the number of rounds, by default
// 2. Run by `npm run soak`.
import t from 'tap'
import { failOver } from '../engines/fail-over.js'
import { uninstalled } from '../support/servers.js'

const rounds = Number(process.env.FAILOVERS || 2)
const skip = uninstalled('postgres')

t.test('failover: a synchronous standby has all acknowledged writes', { skip }, async (t) => {
  await failOver(t, { rounds, synchronous: true })
})

t.test('failover: an asynchronous standby takes over, and no reply is wrong', { skip }, async (t) => {
  await failOver(t, { rounds, synchronous: false })
})

t.test('failover: an app leaves a demoted primary that keeps its connections', { skip }, async (t) => {
  await failOver(t, { rounds, synchronous: true, demote: true })
})
