export { vexaCompatibility as default, vexaCompatibility } from './plugin.js'
export type { VexaCompatibilityOptions } from './options.js'
