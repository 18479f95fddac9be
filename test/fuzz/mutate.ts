// Mutations of files, seeded: the same seed gives the same files.

import { RandomBytes } from '../formats/random-bytes.js';

/** Bytes that mean something in protobuf: tags, ends of varints, lengths, signs. */
const INTERESTING = [0, 1, 2, 8, 0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x3a, 0x7f, 0x80, 0x81, 0xfe, 0xff];

/** Varints of 2^31 - 1, 2^32 - 1, 2^40, 2^63 - 1 and -1. */
const LARGE = [
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x20],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
];

type Mutation = (bytes: Uint8Array, random: RandomBytes, other: Uint8Array) => Uint8Array;

/** `bytes` with [from, to) replaced. */
function splice(bytes: Uint8Array, from: number, to: number, middle: ArrayLike<number>): Uint8Array {
  const out = new Uint8Array(from + middle.length + bytes.length - to);
  out.set(bytes.subarray(0, from));
  out.set(middle, from);
  out.set(bytes.subarray(to), from + middle.length);
  return out;
}

/** Structure is at the ends of a file and before its strings; half of the places are taken from the first kilobyte. */
function place(bytes: Uint8Array, random: RandomBytes): number {
  const room = random.below(2) === 0 ? Math.min(bytes.length, 1024) : bytes.length;
  return random.below(Math.max(room, 1));
}

function range(bytes: Uint8Array, random: RandomBytes): [number, number] {
  const from = place(bytes, random);
  return [from, Math.min(from + 1 + random.below(64), bytes.length)];
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = place(bytes, random);
    return splice(bytes, at, at + 1, [(bytes[at] as number) ^ (1 << random.below(8))]);
  },
  (bytes, random) => {
    const at = place(bytes, random);
    return splice(bytes, at, at + 1, [INTERESTING[random.below(INTERESTING.length)] as number]);
  },
  (bytes, random) => {
    const at = place(bytes, random);
    return splice(bytes, at, at + 1, LARGE[random.below(LARGE.length)] as number[]);
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return splice(bytes, from, to, []);
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return splice(bytes, to, to, bytes.subarray(from, to));
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return splice(bytes, from, to, random.bytes(to - from));
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random, other) => {
    const [from, to] = range(other, random);
    const at = place(bytes, random);
    return splice(bytes, at, at, other.subarray(from, to));
  },
  // A byte that is the length of something small, one more or less, so that the framing shifts by one.
  (bytes, random) => {
    const at = place(bytes, random);
    return splice(bytes, at, at + 1, [((bytes[at] as number) + (random.below(2) === 0 ? 1 : 255)) & 0xff]);
  },
];

/** The file with one to four mutations. */
export function mutate(bytes: Uint8Array, other: Uint8Array, seed: number): Uint8Array {
  const random = new RandomBytes(seed);
  let out = bytes;
  for (let left = 1 + random.below(4); left > 0 && out.length > 0; left--) {
    out = (MUTATIONS[random.below(MUTATIONS.length)] as Mutation)(out, random, other);
  }
  return out;
}
