import t from 'tap'
import { idleLimit, KeyKeeper, toKey } from '../../src/console/key-keeper.js'

const name = 'key of /admin/console/'

function createTab () {
  const entries = new Map<string, string>()
  let now = 1_000_000
  const tab = {
    getItem: (name: string) => entries.get(name) ?? null,
    setItem: (name: string, value: string) => { entries.set(name, value) },
    removeItem: (name: string) => { entries.delete(name) }
  }
  return { entries, open: () => new KeyKeeper(tab, name, () => now), pass: (time: number) => { now += time } }
}

t.test('key keeper: a key stays in memory unless it is kept for the tab', async (t) => {
  const { entries, open } = createTab()
  const keeper = open()
  t.equal(keeper.key, '')
  keeper.keep('secret', false)
  t.equal(keeper.key, 'secret')
  t.equal(entries.size, 0)
  t.equal(open().key, '')
})

t.test('key keeper: a key for the tab survives a reload, until it is forgotten', async (t) => {
  const { entries, open } = createTab()
  open().keep('secret', true)
  t.equal(open().key, 'secret')
  open().forget()
  t.equal(entries.size, 0)
  t.equal(open().key, '')
})

t.test('key keeper: a key in memory replaces a key for the tab', async (t) => {
  const { open } = createTab()
  open().keep('first', true)
  open().keep('second', false)
  t.equal(open().key, '')
})

t.test('key keeper: a key without use is idle after the limit', async (t) => {
  const { open, pass } = createTab()
  const keeper = open()
  t.equal(keeper.isIdle, false, 'no key is never idle')
  keeper.keep('secret', false)
  pass(idleLimit - 1)
  keeper.touch()
  pass(idleLimit - 1)
  t.equal(keeper.isIdle, false)
  pass(1)
  t.equal(keeper.isIdle, true)
  keeper.touch()
  t.equal(keeper.isIdle, true, 'a late use does not count')
})

t.test('key keeper: a reload does not bring back an idle key', async (t) => {
  const { entries, open, pass } = createTab()
  const keeper = open()
  keeper.keep('secret', true)
  pass(60_000)
  keeper.touch()
  pass(idleLimit - 1)
  t.equal(open().key, 'secret', 'the use before the reload counts')
  pass(1)
  t.equal(open().key, '')
  t.equal(entries.size, 0)
})

t.test('key keeper: uses within seconds are not written', async (t) => {
  const { entries, open, pass } = createTab()
  const keeper = open()
  keeper.keep('secret', true)
  const before = entries.get(name)
  pass(1000)
  keeper.touch()
  t.equal(entries.get(name), before)
})

t.test('key keeper: a browser without storage keeps the key in memory', async (t) => {
  let now = 0
  const keeper = new KeyKeeper(undefined, name, () => now)
  keeper.keep('secret', true)
  now += 60_000
  keeper.touch()
  t.equal(keeper.key, 'secret')
  keeper.keep('other', false)
  t.equal(keeper.key, 'other')
  keeper.forget()
  t.equal(keeper.key, '')
})

t.test('key keeper: only a text that a header can carry is a key', async (t) => {
  t.equal(toKey(' secret-key\n'), 'secret-key')
  for (const text of ['', '  ', 'two words', 'schlüssel']) t.equal(toKey(text), undefined, text)
})
