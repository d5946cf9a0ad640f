/**
 * Security schemes of OpenAPI, for `openapi.components.securitySchemes` of @fastify/swagger. In OpenAPI documents, the
 * routes of the admin API refer to `adminKey`. Routes of the app with `requireToken` may refer to `apiToken` and
 * `bearerToken`.
 */
export const securitySchemes = {
  /** The admin key. */
  adminKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Admin-API-Key',
    description: 'One of the admin keys of the app.'
  },
  /** An API token in the header `X-API-Key`. */
  apiToken: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API token of a user.' },
  /** An API token as `Authorization: Bearer`. */
  bearerToken: { type: 'http', scheme: 'bearer', description: 'An API token of a user.' }
} as const
