/** The mark of the console. */
export function Logo () {
  return (
    <svg class='logo' viewBox='0 0 32 32' aria-hidden='true'>
      <rect width='32' height='32' rx='8' />
      <circle cx='12' cy='16' r='5' />
      <path d='M17 16h9v5m-4-5v4' />
    </svg>
  )
}
