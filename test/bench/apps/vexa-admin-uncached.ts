import vexa from './vexa-admin.js'

export default (filename: string) => vexa(filename, { tokenCache: false })
