/**
 * Imports a package that only the bench installs, and that type checking must not miss. Such packages have a folder of their own:
 * one of them brings another copy of Kysely, which the code here would find before the copy of the project.
 */
export async function peer (name: string): Promise<any> {
  const { importPeer } = await import(String(new URL('../../../peers/import.js', import.meta.url)))
  return await importPeer(name)
}
