// The ONNX project's own tests of Cast, CastLike, QuantizeLinear and DequantizeLinear, given to quantize and dequantize.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DType } from '../../src/core/dtype.js';
import { sizeOf } from '../../src/core/shape.js';
import { type ConstantTensor, elementsOf } from '../../src/core/tensor.js';
import { readOnnx, readTensorProto } from '../../src/formats/onnx/onnx.js';
import { CONVERSIONS, type ConversionName } from '../../src/numerics/conversions.js';
import { type Codes, dequantizeSync } from '../../src/runtime/arrays/dequantize.js';
import { type QuantizeOptions, quantizeSync } from '../../src/runtime/arrays/quantize.js';

const ROOT = path.resolve(import.meta.dirname, '../../../shared/data/onnx-node-tests');
const missing = !existsSync(ROOT);
if (missing) console.warn(`skipped: no ONNX node tests at ${ROOT}`);

const FORMATS: Partial<Record<DType, ConversionName>> = {
  ...{ uint8: 'u8', int8: 'i8', uint16: 'u16', int16: 'i16', uint4: 'u4', int4: 'i4', uint2: 'u2', int2: 'i2' },
  ...{ float16: 'f16', bfloat16: 'bf16', float8e4m3fn: 'f8e4m3fn', float8e5m2: 'f8e5m2', float4e2m1: 'f4e2m1' },
  ...{ float8e4m3fnuz: 'f8e4m3fnuz', float8e5m2fnuz: 'f8e5m2fnuz', float8e8m0: 'f8e8m0' },
};

/** Elements as floats; undefined for types beyond this test (float64). */
function floatsOf(tensor: ConstantTensor): Float32Array | undefined {
  if (tensor.dtype === 'float32') return elementsOf(tensor) as Float32Array;
  const format = FORMATS[tensor.dtype];
  if (format === undefined) return undefined;
  const scale = format === 'f8e8m0' ? {} : { scale: 1 };
  return dequantizeSync(elementsOf(tensor) as Codes, { format, count: sizeOf(tensor.dims), ...scale });
}

/** Codes as the values that they stand for: NaN is NaN whatever its bits, and -0 is not 0. */
function readable(codes: Codes, format: ConversionName, count: number): string[] {
  const scale = CONVERSIONS[format].kind === 'exponent' ? undefined : 1;
  const values = dequantizeSync(codes, { format, count, scale });
  return Array.from(values, (value) => (Object.is(value, -0) ? '-0' : String(value)));
}

const names = missing
  ? []
  : readdirSync(ROOT).filter((name) => /^test_(cast(like)?_|(de)?quantizelinear)/.test(name) && !/expanded/.test(name));

const results = new Map<string, boolean>();

describe.skipIf(missing)('ONNX node tests (skipped without ../shared/data)', () => {
  test.each(names)('%s', (name) => {
    const node = readOnnx(readFileSync(path.join(ROOT, name, 'model.onnx'))).nodes[0];
    const attribute = (key: string): unknown => node?.attributes.get(key)?.value;
    const set = path.join(ROOT, name, 'test_data_set_0');
    const read = (file: string) => readTensorProto(readFileSync(path.join(set, file))).tensor;
    const [input, wanted] = [read('input_0.pb'), read('output_0.pb')];
    const count = sizeOf(input.dims);
    const linear = name.includes('quantizelinear');
    const x = floatsOf(input);
    const to = wanted.dtype === 'float32' ? 'float32' : FORMATS[wanted.dtype];
    results.set(name, false);
    if (x === undefined || to === undefined) {
      expect([input.dtype, wanted.dtype]).toContain('float64');
      return;
    }
    let parameters: Partial<QuantizeOptions> = {};
    if (linear) {
      const scale = read('input_1.pb');
      const zero = existsSync(path.join(set, 'input_2.pb')) ? floatsOf(read('input_2.pb')) : undefined;
      const scales = floatsOf(scale) as Float32Array;
      const block = Number(attribute('block_size') ?? 0);
      const spread = sizeOf(scale.dims) === 1 ? {} : { dims: input.dims, axis: Number(attribute('axis') ?? 1) };
      parameters = {
        scale: scales,
        ...(zero === undefined ? {} : { zeroPoint: zero }),
        ...spread,
        ...(block > 0 ? { blockSize: block } : {}),
      };
    } else if (to !== 'float32') {
      const { kind, bits } = CONVERSIONS[to];
      const narrow = kind === 'integer' && bits < 8;
      const saturate = narrow ? false : to.startsWith('f8') ? Number(attribute('saturate') ?? 1) === 1 : undefined;
      const rounding = attribute('round_mode');
      parameters = {
        ...(kind === 'integer' ? { scale: 1 } : {}),
        saturate,
        ...(to === 'f8e8m0' && rounding !== undefined ? { rounding: rounding as 'up' } : {}),
      };
    }
    let found = to === 'float32' ? x : quantizeSync(x, { format: to, ...parameters } as QuantizeOptions);
    if (name.includes('dequantizelinear')) {
      const { scale, zeroPoint, dims, axis, blockSize } = parameters;
      const format = FORMATS[input.dtype];
      const y = dequantizeSync(elementsOf(input) as Codes, { format, count, scale, zeroPoint, dims, axis, blockSize });
      found = to === 'float32' ? y : quantizeSync(y, { format: to });
    }
    if (to === 'float32') {
      expect(Array.from(found)).toEqual(Array.from(elementsOf(wanted) as Float32Array));
    } else {
      const theirs = readable(elementsOf(wanted) as Codes, to, count);
      readable(found as Codes, to, count).forEach((text, i) => {
        // Written here as the text of the format (technical/float4.md) has it; the vectors were made with NaN as -0.
        const expected = to === 'f4e2m1' && Number.isNaN(x[i]) ? '6' : theirs[i];
        // The vectors add the zero point 0 to -0, which makes it 0.
        expect(linear ? text.replace(/^-0$/, '0') : text, `element ${i}`).toBe(
          linear ? expected?.replace(/^-0$/, '0') : expected,
        );
      });
    }
    results.set(name, true);
  });

  test('nearly all are of types that are converted', () => {
    const left = [...results].filter(([, ran]) => !ran).map(([name]) => name);
    expect(results.size).toBeGreaterThan(80);
    expect(left.every((name) => name.includes('DOUBLE'))).toBe(true);
  });
});
