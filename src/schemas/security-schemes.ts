/** Of OpenAPI, for `openapi.components.securitySchemes` of @fastify/swagger: what the routes of the admin API name, and what routes behind `requireToken` may. */
export const securitySchemes = {
  /** Of the admin API. */
  adminKey: { type: 'apiKey', in: 'header', name: 'X-Admin-API-Key', description: 'One of the admin keys of the app.' },
  /** Of routes behind `requireToken`, in a header of its own. */
  apiToken: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API token of a user.' },
  /** The same, as `Authorization: Bearer`. */
  bearerToken: { type: 'http', scheme: 'bearer', description: 'An API token of a user.' }
} as const
