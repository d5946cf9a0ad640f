import bearerAuth from './bearer-auth.js'

export default (where: string) => bearerAuth(where, 1000)
