/**
 * Imports a package that only the bench installs, so that type checking works without it. Such packages have a folder
 * of their own because one of them brings another copy of Kysely, which would hide the copy of the project.
 */
export async function peer (name: string): Promise<any> {
  const { importPeer } = await import(String(new URL('../../../peers/import.js', import.meta.url)))
  return await importPeer(name)
}
