/** A word that names a state. `kind` chooses its colour, which never says more than the word. */
export function Badge ({ kind, children }: { kind: string, children: string }) {
  return <span class={`badge ${kind}`}>{children}</span>
}
