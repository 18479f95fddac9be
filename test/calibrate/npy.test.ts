// .npy files: bytes as NumPy writes them, round trips, and refusal of everything malformed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from '../../src/calibrate/npy.js';
import type { LowbitError } from '../../src/core/errors.js';

/** A file with a given header text, padded the way NumPy does, and given data. */
function npyFile(header: string, data: Uint8Array, version = 1): Uint8Array {
  const prefix = version === 1 ? 10 : 12;
  const padded = `${header.padEnd(Math.ceil((prefix + header.length + 1) / 64) * 64 - prefix - 1)}\n`;
  const bytes = new Uint8Array(prefix + padded.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, padded.length & 255, padded.length >> 8]);
  bytes.set(new TextEncoder().encode(padded), prefix);
  bytes.set(data, prefix + padded.length);
  return bytes;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as LowbitError).code;
  }
  return 'no error';
}

describe('readNpy', () => {
  it('reads float32 of version 1, 2 and 3', () => {
    const data = new Uint8Array(new Float32Array([1.5, -2, 3, 4, 5, 6]).buffer);
    for (const version of [1, 2, 3]) {
      const tensor = readNpy(npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data, version));
      expect(tensor).toEqual({ dtype: 'float32', dims: [2, 3], data: new Float32Array([1.5, -2, 3, 4, 5, 6]) });
    }
  });

  it('reads one-byte types whatever their byte order says, scalars, and rank 1', () => {
    const bytes = new Uint8Array([1, 2, 255]);
    expect(readNpy(npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", bytes)).data).toEqual(bytes);
    expect(readNpy(npyFile("{'descr': '<i1', 'fortran_order': False, 'shape': (3,), }", bytes)).data).toEqual(
      new Int8Array([1, 2, -1]),
    );
    expect(
      readNpy(npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (), }", bytes.subarray(0, 1))).dims,
    ).toEqual([]);
  });

  it('reads at any alignment of its input', () => {
    const file = writeNpy({ dtype: 'float64', dims: [2], data: new Float64Array([Math.PI, -0]) });
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    for (const input of [shifted.subarray(3), Buffer.from(shifted.buffer, 3)]) {
      const { data } = readNpy(input);
      expect(data).toEqual(new Float64Array([Math.PI, -0]));
      expect(data.buffer.byteLength).toBe(16);
    }
  });

  const header = (text: string, data = new Uint8Array(4)) => npyFile(text, data);
  it.each([
    ['an empty file', new Uint8Array(0), 'ERR_BAD_FILE'],
    ['another magic', new Uint8Array(64), 'ERR_BAD_FILE'],
    [
      'version 9',
      npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4), 9),
      'ERR_BAD_FILE',
    ],
    ['a header beyond the file', npyFile('', new Uint8Array(0)).subarray(0, 11), 'ERR_BAD_FILE'],
    ['no shape', header("{'descr': '<f4', 'fortran_order': False, }"), 'ERR_BAD_FILE'],
    ['a negative dimension', header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), 'ERR_BAD_FILE'],
    [
      '2^60 elements',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }"),
      'ERR_BAD_FILE',
    ],
    [
      '2^40 elements',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576), }"),
      'ERR_BAD_FILE',
    ],
    ['missing data', header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"), 'ERR_BAD_FILE'],
    [
      'data left over',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", new Uint8Array(5)),
      'ERR_BAD_FILE',
    ],
    ['a structured type', header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"), 'ERR_BAD_FILE'],
    ['big-endian', header("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }"), 'ERR_UNSUPPORTED'],
    ['Fortran order', header("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }"), 'ERR_UNSUPPORTED'],
  ])('refuses %s', (_what, bytes, code) => {
    expect(codeOf(() => readNpy(bytes))).toBe(code);
  });

  it('never throws anything but a LowbitError on mutated files', () => {
    const file = writeNpy({ dtype: 'float32', dims: [3, 5], data: new Float32Array(15) });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(file.length),
        (edits, end) => {
          const bytes = file.slice();
          for (const [at, value] of edits) bytes[at] = value;
          const code = codeOf(() => readNpy(bytes.subarray(0, end)));
          expect(['no error', 'ERR_BAD_FILE', 'ERR_UNSUPPORTED']).toContain(code);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('writeNpy', () => {
  it("writes NumPy's version 1.0, data at a multiple of 64 bytes", () => {
    const bytes = writeNpy({ dtype: 'float32', dims: [1, 2], data: new Float32Array([1, 2]) });
    const text = new TextDecoder('latin1').decode(bytes.subarray(0, 128));
    expect(bytes.length).toBe(128 + 8);
    expect(text.slice(0, 8)).toBe('\x93NUMPY\x01\x00');
    expect(text.slice(10)).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(1, 2\), \} *\n$/);
  });

  it('is the inverse of readNpy for every element type', () => {
    const arrays = [
      ['float32', new Float32Array([1, Number.NaN, -0])],
      ['float64', new Float64Array([1, 2, 3])],
      ['uint8', new Uint8Array([0, 128, 255])],
      ['int8', new Int8Array([-128, 0, 127])],
      ['uint16', new Uint16Array([0, 1, 65535])],
      ['int16', new Int16Array([-32768, 0, 1])],
      ['uint32', new Uint32Array([0, 1, 2 ** 32 - 1])],
      ['int32', new Int32Array([-(2 ** 31), 0, 1])],
      ['uint64', new BigUint64Array([0n, 1n, 2n ** 64n - 1n])],
      ['int64', new BigInt64Array([-(2n ** 63n), 0n, 1n])],
    ] as const;
    for (const [dtype, data] of arrays) {
      for (const dims of [[3], [1, 3], [3, 1, 1]]) {
        expect(readNpy(writeNpy({ dtype, dims, data }))).toEqual({ dtype, dims, data });
      }
    }
  });

  it('refuses types without a descriptor and sizes that do not fit', () => {
    expect(codeOf(() => writeNpy({ dtype: 'bfloat16', dims: [1], data: new Uint16Array(1) }))).toBe('ERR_UNSUPPORTED');
    expect(codeOf(() => writeNpy({ dtype: 'int8', dims: [2], data: new Int8Array(1) }))).toBe('ERR_BAD_ARGUMENT');
  });
});
