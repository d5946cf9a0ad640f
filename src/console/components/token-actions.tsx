import { pathOf } from '../api.js'
import { useConsole } from '../context.js'
import { EditToken } from '../dialogs/edit-token.js'
import { RevokeToken } from '../dialogs/revoke-token.js'
import { RotateToken } from '../dialogs/rotate-token.js'
import type { PageList } from '../page-list.js'
import { titleOf } from '../token-filters.js'
import type { ListedToken, Token } from '../types.js'
import { DisableButton } from './disable-button.js'

interface TokenActionsProps {
  token: ListedToken
  list: PageList<ListedToken>
  isExpired: boolean
}

/** The buttons in the row of a token. An expired token can be neither changed nor rotated. */
export function TokenActions ({ token, list, isExpired }: TokenActionsProps) {
  const { open } = useConsole()
  const title = titleOf(token)
  const keep = (saved: Token) => list.update(token.id, ({ user }) => ({ ...saved, ...user !== undefined && { user } }))
  return (
    <div class='actions'>
      {!isExpired && (
        <>
          <button type='button' aria-label={`Rotate ${title}`} onClick={() => open(<RotateToken token={token} />)}>
            Rotate
          </button>
          <button
            type='button' aria-label={`Edit ${title}`}
            onClick={() => open(<EditToken token={token} onSaved={keep} />)}
          >Edit
          </button>
          <DisableButton<Token>
            path={pathOf('tokens', token.id)} isDisabled={token.disabled} subject={`Token ${title}`} name={title}
            onSaved={({ body }) => keep(body)}
          />
        </>
      )}
      <button
        type='button' class='danger-text' aria-label={`Revoke ${title}`}
        onClick={() => open(<RevokeToken token={token} onRevoked={() => list.update(token.id, () => undefined)} />)}
      >Revoke
      </button>
    </div>
  )
}
