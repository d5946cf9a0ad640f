/** Returns the storage of the tab, or `undefined` if the browser forbids it. */
export function tabStorage (): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    return undefined
  }
}
