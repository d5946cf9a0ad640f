/** A package that only the bench installs, and that type checking must not miss. */
export function peer (name: string): Promise<any> {
  return import(name)
}
