/**
 * The version of this package, as in package.json. It is a constant, because an app that is bundled into one file
 * cannot read package.json.
 */
export const version = '0.1.0'
