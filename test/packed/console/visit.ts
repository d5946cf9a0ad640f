import type { Test } from 'tap'
import { adminKey } from '../../support/helpers.js'
import type { Browser, Page } from '../browser.js'
import { values } from './sample.js'

/** The browser writes this about a reply of 4xx or 5xx, a lost connection, and a host without TLS. */
const expected = /^Failed to load resource: |^The Cross-Origin-Opener-Policy header has been ignored/

/** Runs in each document, before its scripts. */
const reportViolations = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
  console.error('violated ' + violatedDirective + ': ' + blockedURI + ' ' + sample))`

interface Visit {
  page: Page
  /** What the page did, and no page of the console may do. */
  faults: string[]
}

/** Opens a page that collects its faults: errors, violations of its policy, and what its URLs give away. */
export async function openPage (browser: Browser, url: string, options: object = {}): Promise<Visit> {
  const viewport = { width: 1280, height: 900 }
  const context = await browser.newContext({ viewport, reducedMotion: 'reduce', ...options })
  await context.addInitScript(reportViolations)
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const faults: string[] = []
  const { origin } = new URL(url)
  const givesAway = (text: string) => /@|%40/.test(text) || text.includes(adminKey)
  page.on('pageerror', (error: Error) => faults.push(`threw ${error.message}`))
  page.on('console', (message: any) => {
    const isExpected = expected.test(message.text()) || !['error', 'warning'].includes(message.type())
    if (!isExpected) faults.push(`logged ${message.text()}`)
  })
  page.on('dialog', async (dialog: any) => {
    // Only the value that nobody has copied may keep the page open.
    if (dialog.type() !== 'beforeunload') faults.push(`asked ${dialog.message()}`)
    await dialog.accept()
  })
  context.on('request', (request: any) => {
    const requested = new URL(request.url())
    // The icon of the page is in the page.
    if (requested.protocol === 'data:') return
    // A search has a part of an address in its query, because the API has it there.
    const isFault = requested.origin !== origin || givesAway(requested.pathname) ||
      [adminKey, ...Object.values(values)].some((secret) => requested.href.includes(secret.slice(0, 16)))
    if (isFault) faults.push(`requested ${requested}`)
  })
  page.on('framenavigated', (frame: any) => {
    if (givesAway(frame.url())) faults.push(`went to ${frame.url()}`)
  })
  await page.goto(url)
  return { page, faults }
}

/** Opens a page of the console, uses it, and asserts that the page had no faults and kept nothing on the disk. */
export async function visit (
  t: Test, browser: Browser, url: string, use: (page: Page) => Promise<void>, options: object = {}
): Promise<void> {
  const { page, faults } = await openPage(browser, url, options)
  await use(page)
  t.same(faults, [], 'the page has no faults')
  t.equal(await page.evaluate('localStorage.length + document.cookie.length'), 0, 'the page keeps nothing on the disk')
  await page.context().close()
}

/** Signs in with the admin key. */
export async function signIn (page: Page, key: string = adminKey): Promise<void> {
  await page.getByLabel('Admin key').fill(key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
}

/** Waits until the list of users is there. */
export async function seeUsers (page: Page): Promise<void> {
  await page.getByRole('link', { name: 'jane@example.com' }).waitFor()
}
