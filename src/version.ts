/** The version of this package, as in package.json. A constant also works in an app that is bundled into one file. */
export const version = '0.1.0'
