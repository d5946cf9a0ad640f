/** Copies the value of a field. Returns whether it could. */
export async function copyFrom (field: HTMLInputElement): Promise<boolean> {
  field.focus()
  field.select()
  try {
    // Absent on pages without TLS, except on this machine.
    await navigator.clipboard.writeText(field.value)
    return true
  } catch {
    return document.execCommand('copy')
  }
}
