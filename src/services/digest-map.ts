import { hash } from 'node:crypto'

// A digest has this number of words of 32 bits. The probability that any two of a million texts share a digest is
// 10^-17.
const words = 3

// The entries are divided among this number of tables. One table of a million entries would block the event loop for
// about 100 ms when it grows.
const tables = 256

/**
 * A map from texts to numbers that keeps a digest in place of each text. A million entries take 20 to 60 MB outside the
 * heap of JavaScript, so the garbage collector does not visit them. A Map of JavaScript would take two to three times
 * as much memory.
 */
export class DigestMap {
  readonly #tables = Array.from({ length: tables }, () => new Table(16))

  /** Returns the number of a text, or `undefined` if the text is absent. */
  get (text: string): number | undefined {
    const digest = digestOf(text)
    return this.#tableOf(digest).get(digest)
  }

  has (text: string): boolean {
    return this.get(text) !== undefined
  }

  /** Sets the number of a text. The number is not NaN. */
  set (text: string, number: number): void {
    const digest = digestOf(text)
    this.#tableOf(digest).set(digest, number)
  }

  #tableOf (digest: Uint32Array): Table {
    return this.#tables[(digest[1] as number) % tables] as Table
  }
}

/** A hash table whose keys are digests. */
class Table {
  #size = 0
  #digests: Uint32Array
  /** NaN marks a free place. */
  #numbers: Float64Array

  /** @param places number of places, a power of two */
  constructor (places: number) {
    this.#digests = new Uint32Array(places * words)
    this.#numbers = new Float64Array(places).fill(NaN)
  }

  get (digest: Uint32Array): number | undefined {
    const number = this.#numbers[this.#placeOf(digest)] as number
    return Number.isNaN(number) ? undefined : number
  }

  set (digest: Uint32Array, number: number): void {
    // A table that is nearly full would have long searches.
    if (this.#size * 4 >= this.#numbers.length * 3) this.#grow()
    const place = this.#placeOf(digest)
    if (Number.isNaN(this.#numbers[place])) this.#size++
    this.#numbers[place] = number
    this.#digests.set(digest, place * words)
  }

  /** Returns the place of a digest. If the table lacks the digest, returns the free place for it. */
  #placeOf (digest: Uint32Array): number {
    const mask = this.#numbers.length - 1
    let place = (digest[0] as number) & mask
    while (!Number.isNaN(this.#numbers[place]) && !this.#isAt(place, digest)) place = (place + 1) & mask
    return place
  }

  #isAt (place: number, digest: Uint32Array): boolean {
    return digest.every((word, i) => this.#digests[place * words + i] === word)
  }

  #grow (): void {
    const larger = new Table(this.#numbers.length * 2)
    this.#numbers.forEach((number, place) => {
      if (!Number.isNaN(number)) larger.set(this.#digests.subarray(place * words, (place + 1) * words), number)
    })
    this.#digests = larger.#digests
    this.#numbers = larger.#numbers
  }
}

function digestOf (text: string): Uint32Array {
  const bytes = hash('sha256', text, 'buffer')
  return Uint32Array.of(bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8))
}
