import { existsSync } from 'node:fs'
import type { Test } from 'tap'
import { root } from '../support/child.js'

const paths = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser']
const executablePath = process.env.CHROMIUM ?? paths.find((path) => existsSync(path))

/** `false` if a browser is installed, else the reason for skipping the tests that need one. */
export const skip = executablePath === undefined && 'no Chromium is installed'
if (skip && process.env.CI === 'true') throw new Error(skip)

// `npm run test:package` installs playwright-core, so `npm run typecheck` has none of its types.
export type Browser = any
export type Page = any
export type Locator = any

/** Starts a browser. The end of the test closes it. */
export async function openBrowser (t: Test, args: string[] = []): Promise<Browser> {
  const { chromium } = (await import(`${root}test/packed/node_modules/playwright-core/index.mjs`)) as { chromium: any }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...args] })
  t.teardown(() => browser.close())
  return browser
}
