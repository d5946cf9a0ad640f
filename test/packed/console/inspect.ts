import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { root } from '../../support/child.js'
import type { Page } from '../browser.js'

const axe = readFileSync(`${root}test/packed/node_modules/axe-core/axe.min.js`, 'utf8')

const looks = {
  light: { colorScheme: 'light', width: 1280 },
  dark: { colorScheme: 'dark', width: 1280 },
  narrow: { colorScheme: 'light', width: 320 }
}

/** WCAG 2.2 at the levels A and AA. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** Waits in the page until it is drawn. */
const nextFrame = 'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))'

/** Returns what axe-core finds in a page, as texts. */
export async function violationsOf (page: Page): Promise<string[]> {
  if (!await page.evaluate('"axe" in globalThis')) await page.evaluate(axe)
  const runOnly = JSON.stringify({ runOnly: tags, resultTypes: ['violations'] })
  const violations = await page.evaluate(`axe.run(document, ${runOnly}).then(({ violations }) => violations)`)
  return violations.flatMap(({ id, nodes }: any) =>
    nodes.map(({ html, failureSummary }: any) => `${id}: ${html}\n${failureSummary}`))
}

/** Returns the page and the dialogs that scroll sideways. */
export function wideElements (page: Page): Promise<string[]> {
  return page.evaluate(`[document.documentElement, ...document.querySelectorAll('dialog[open]')]
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ tagName }) => tagName)`)
}

/**
 * Asserts that a page can be used by everybody, in each look. Saves screenshots to the folder SCREENSHOTS, if it is
 * set.
 */
export async function inspect (t: Test, page: Page, name: string): Promise<void> {
  for (const [look, { colorScheme, width }] of Object.entries(looks)) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 900 })
    await page.evaluate(nextFrame)
    t.same(await violationsOf(page), [], `${name}, ${look}: no violation of WCAG 2.2 A and AA`)
    t.same(await wideElements(page), [], `${name}, ${look}: does not scroll sideways`)
    const { SCREENSHOTS } = process.env
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/console-${name.replaceAll(' ', '-')}-${look}.png` })
  }
  await page.setViewportSize({ width: 1280, height: 900 })
}
