/** Imports one of the packages that stand in this folder's package.json. */
export const importPeer = (name) => import(name)
