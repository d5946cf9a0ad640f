import type { Locator, Page } from '../browser.js'

/** Returns whether an element has the focus. Waits until the element is there. */
export function hasFocus (element: Locator): Promise<boolean> {
  return element.evaluate((node: any) => node === node.ownerDocument.activeElement)
}

/**
 * Presses Tab until an element has the focus.
 *
 * @throws {Error} if 100 presses do not reach the element
 */
export async function tabTo (page: Page, element: Locator): Promise<void> {
  for (let presses = 0; presses < 100; presses++) {
    if (await hasFocus(element)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach ${element}`)
}

/** Moves the focus to a button by Tab, and presses it by Enter. */
export async function press (page: Page, name: string): Promise<void> {
  await tabTo(page, page.getByRole('button', { name, exact: true }))
  await page.keyboard.press('Enter')
}
