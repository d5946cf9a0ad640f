import { useEffect, useState } from 'preact/hooks'
import { useConsole } from './context.js'
import { readRoute, type Route } from './hash-route.js'

/** Returns the place that the URL names, and follows it. */
export function useRoute (): Route {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const follow = () => setHash(location.hash)
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return readRoute(hash)
}

/** Returns the time of the server, which advances each minute. */
export function useNow (): number {
  const { now } = useConsole()
  const [time, setTime] = useState(now)
  useEffect(() => {
    const timer = setInterval(() => setTime(now), 60_000)
    return () => clearInterval(timer)
  }, [])
  return time
}

/** Returns a state that a screen finds again when the admin comes back to it. */
export function useRemembered<Value> (name: string, initial: Value): [Value, (value: Value) => void] {
  const { memory } = useConsole()
  const [value, setValue] = useState(() => memory.has(name) ? memory.get(name) as Value : initial)
  return [value, (next) => {
    memory.set(name, next)
    setValue(next)
  }]
}

/** Returns a value after it has stayed the same for a time, in milliseconds. */
export function useSettled<Value> (value: Value, delay = 150): Value {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delay)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}
