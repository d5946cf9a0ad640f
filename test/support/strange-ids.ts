/** Returns ids, as sent in a path, that resemble the id of the first user or token but are not it. */
export function strangeIds (kind: string, other: string): string[] {
  return [
    `${kind}-2`, `${kind}-0`, `${kind}-01`, `${kind}--1`, `${kind}-+1`, `${kind}-1.0`, `${kind}-1e0`, `${kind}-0x1`,
    `${kind}-%201`, `${kind}-1%20`, `${kind}-1%00`, `${kind}-1%0A`,
    `${kind}-9007199254740993`, `${kind}-99999999999999999999`, `${kind}-`, kind, '1', '-1', `${other}-1`,
    `${kind.toUpperCase()}-1`, `${kind}-1%27%20or%201=1`,
    `${kind}-%EF%BC%91`, `${kind}-null`, '%F0%9F%92%9B', `${kind}-1%2F`, `${kind}-${'1'.repeat(90)}`,
    `${kind}-${'1'.repeat(500)}`
  ]
}
