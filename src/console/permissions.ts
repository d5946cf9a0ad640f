import type { Screen } from './hash-route.js'
import type { Settings } from './types.js'

/** Returns the screens that an admin may see, in the order of the navigation. */
export function screensFor ({ audit, key: { permissions } }: Settings): Array<Exclude<Screen, 'user'>> {
  return [
    ...permissions.includes('read') ? ['users', 'tokens'] as const : [],
    ...audit && permissions.includes('audit') ? ['audit'] as const : []
  ]
}

/** Returns whether an admin may see a screen. */
export function maySee (settings: Settings, screen: Screen): boolean {
  return screensFor(settings).includes(screen === 'user' ? 'users' : screen)
}
