// The ONNX project's own node tests for quantization, pooling and softmax, given to the kernels of every target.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { elementsOf, integersOf } from '../../src/core/tensor.js';
import { readOnnx, readTensorProto } from '../../src/formats/onnx/onnx.js';
import { floatsIn, int32sIn, runEverywhere } from './harness.js';

const vectors = path.resolve(import.meta.dirname, '../../../shared/data/onnx-node-tests');
const missing = !existsSync(vectors);
if (missing) console.warn(`skipped: no ONNX node tests at ${vectors}`);

function load(name: string) {
  const folder = path.join(vectors, name);
  const node = readOnnx(readFileSync(path.join(folder, 'model.onnx'))).nodes[0];
  const tensor = (file: string) => readTensorProto(readFileSync(path.join(folder, 'test_data_set_0', file))).tensor;
  const attribute = <T>(key: string, absent: T): T => (node?.attributes.get(key)?.value as T | undefined) ?? absent;
  return { tensor, attribute };
}

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

const FORMATS: Record<string, number> = { uint8: 2, int8: 3, int32: 6 };

/** Fields of quantize and dequantize for a scale of these dimensions. */
function geometryOf(dims: readonly number[], scaleDims: readonly number[], axis: number, block: number) {
  if (block === 0 && product(scaleDims) === 1)
    return { granularity: 0, outer: 1, axis: 1, inner: product(dims), block: 1 };
  const at = axis < 0 ? axis + dims.length : axis;
  return {
    granularity: block === 0 ? 1 : 2,
    outer: product(dims.slice(0, at)),
    axis: dims[at] as number,
    inner: product(dims.slice(at + 1)),
    block: Math.max(block, 1),
  };
}

describe.skipIf(missing)('ONNX node tests', () => {
  test.each(['test_quantizelinear', 'test_quantizelinear_axis'])('%s', (name) => {
    const { tensor, attribute } = load(name);
    const [x, scale, zero, wanted] = [
      tensor('input_0.pb'),
      tensor('input_1.pb'),
      tensor('input_2.pb'),
      tensor('output_0.pb'),
    ];
    const { codes } = runEverywhere({
      buffers: {
        x: elementsOf(x),
        scale: elementsOf(scale),
        zero: Int32Array.from(integersOf(zero)),
        codes: product(x.dims),
      },
      steps: [
        [
          'quantize',
          {
            x: 'x',
            scale: 'scale',
            zero_point: 'zero',
            codes: 'codes',
            ...geometryOf(x.dims, scale.dims, attribute('axis', 1), attribute('block_size', 0)),
            format: FORMATS[wanted.dtype],
          },
        ],
      ],
    });
    expect(Array.from(codes as Uint8Array)).toEqual(integersOf(wanted).map((code) => code & 255));
  });

  test('test_dequantizelinear', () => {
    const { tensor, attribute } = load('test_dequantizelinear');
    const [codes, scale, zero] = [tensor('input_0.pb'), tensor('input_1.pb'), tensor('input_2.pb')];
    const { x } = runEverywhere({
      buffers: {
        codes: elementsOf(codes),
        scale: elementsOf(scale),
        zero: Int32Array.from(integersOf(zero)),
        x: 4 * product(codes.dims),
      },
      steps: [
        [
          'dequantize',
          {
            codes: 'codes',
            scale: 'scale',
            zero_point: 'zero',
            x: 'x',
            ...geometryOf(codes.dims, scale.dims, attribute('axis', 1), 0),
            format: FORMATS[codes.dtype],
          },
        ],
      ],
    });
    expect(floatsIn(x)).toEqual(elementsOf(tensor('output_0.pb')));
  });

  test.each([
    'test_dynamicquantizelinear',
    'test_dynamicquantizelinear_max_adjusted',
    'test_dynamicquantizelinear_min_adjusted',
  ])('%s', (name) => {
    const { tensor } = load(name);
    const x = tensor('input_0.pb');
    const n = product(x.dims);
    const { codes, scale, zero } = runEverywhere({
      buffers: { x: elementsOf(x), codes: n, scale: 4, zero: 4 },
      steps: [
        [
          'dynamic_quantize',
          { x: 'x', codes: 'codes', scale: 'scale', zero_point: 'zero', rows: 1, columns: n, format: 2, symmetric: 0 },
        ],
      ],
    });
    expect(Array.from(codes as Uint8Array)).toEqual(integersOf(tensor('output_0.pb')));
    expect(floatsIn(scale)).toEqual(elementsOf(tensor('output_1.pb')));
    expect(Array.from(int32sIn(zero))).toEqual(integersOf(tensor('output_2.pb')));
  });

  /** Moves channels last, pools, and moves them first again. */
  function pool(
    name: string,
    op: 'max_pool' | 'average_pool_f32',
  ): { found: Float32Array; wanted: unknown; bound: number } {
    const { tensor, attribute } = load(name);
    const x = tensor('input_0.pb');
    const y = tensor('output_0.pb');
    const [n, c, h, w] = x.dims as [number, number, number, number];
    const [oh, ow] = y.dims.slice(2) as [number, number];
    const [kh, kw] = attribute('kernel_shape', [1, 1]) as [number, number];
    const [stride_h, stride_w] = attribute('strides', [1, 1]) as [number, number];
    const [dilation_h, dilation_w] = attribute('dilations', [1, 1]) as [number, number];
    let pads = attribute('pads', [0, 0, 0, 0]) as [number, number, number, number];
    const mode = attribute<string>('auto_pad', 'NOTSET');
    if (mode.startsWith('SAME')) {
      const total = (out: number, size: number, kernel: number, stride: number, dilation: number) =>
        Math.max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size);
      const split = (all: number) => (mode === 'SAME_UPPER' ? Math.floor(all / 2) : Math.ceil(all / 2));
      const [down, right] = [total(oh, h, kh, stride_h, dilation_h), total(ow, w, kw, stride_w, dilation_w)];
      pads = [split(down), split(right), down - split(down), right - split(right)];
    }
    const geometry = {
      n,
      h,
      w,
      c,
      oh,
      ow,
      kh,
      kw,
      stride_h,
      stride_w,
      pad_top: pads[0],
      pad_left: pads[1],
      dilation_h,
      dilation_w,
    };
    const rest =
      op === 'max_pool'
        ? { format: 1 }
        : { pad_bottom: pads[2], pad_right: pads[3], count_include_pad: attribute('count_include_pad', 0) };
    const move = { element_bytes: 4, d0: 1, d1: 1, s0: 0, s1: 0 };
    const results = runEverywhere(
      {
        buffers: { x: elementsOf(x), last: 4 * n * h * w * c, pooled: 4 * n * oh * ow * c, y: 4 * n * oh * ow * c },
        steps: [
          [
            'transpose',
            { x: 'x', y: 'last', ...move, d2: n, s2: c * h * w, d3: h, s3: w, d4: w, s4: 1, d5: c, s5: h * w },
          ],
          [op, { x: 'last', y: 'pooled', ...geometry, ...rest }],
          [
            'transpose',
            { x: 'pooled', y: 'y', ...move, d2: n, s2: oh * ow * c, d3: c, s3: 1, d4: oh, s4: ow * c, d5: ow, s5: c },
          ],
        ],
      },
      { floats: ['last', 'pooled', 'y'] },
    );
    // Two means of up to kh * kw taps, added in different orders, each within gamma of the mean of the magnitudes.
    const largest = Math.max(...Array.from(elementsOf(x) as Float32Array, Math.abs));
    return { found: floatsIn(results['y']), wanted: elementsOf(y), bound: 2 * kh * kw * 2 ** -24 * largest };
  }

  test.each(
    [
      'ceil_output_size_reduce_by_one',
      'default',
      'dilations',
      'pads',
      'precomputed_pads',
      'precomputed_same_upper',
      'precomputed_strides',
      'same_upper',
      'strides',
    ].map((name) => `test_maxpool_2d_${name}`),
  )('%s', (name) => {
    const { found, wanted } = pool(name, 'max_pool');
    expect(found).toEqual(wanted);
  });

  test.each(
    [
      'ceil_last_window_starts_on_pad',
      'default',
      'pads',
      'pads_count_include_pad',
      'precomputed_pads',
      'precomputed_strides',
      'same_lower',
      'same_upper',
      'strides',
    ].map((name) => `test_averagepool_2d_${name}`),
  )('%s', (name) => {
    const { found, wanted, bound } = pool(name, 'average_pool_f32');
    // This one's values were rounded to four decimals: the expected mean, and the four of nine taps that are not padding.
    const written = name === 'test_averagepool_2d_ceil_last_window_starts_on_pad' ? 0.5e-4 * (1 + 4 / 9) : 0;
    for (const [i, value] of Array.from(wanted as Float32Array).entries()) {
      expect(Math.abs((found[i] as number) - value)).toBeLessThanOrEqual(bound + written);
    }
  });

  test.each([
    'test_softmax_axis_1',
    'test_softmax_default_axis',
    'test_softmax_large_number',
    'test_softmax_negative_axis',
  ])('%s', (name) => {
    const { tensor, attribute } = load(name);
    const x = tensor('input_0.pb');
    const dims = x.dims as number[];
    const axis = attribute('axis', -1);
    const at = axis < 0 ? axis + dims.length : axis;
    const fields = { outer: product(dims.slice(0, at)), axis: dims[at], inner: product(dims.slice(at + 1)) };
    const { y } = runEverywhere(
      { buffers: { x: elementsOf(x), y: 4 * product(dims) }, steps: [['softmax_f32', { x: 'x', y: 'y', ...fields }]] },
      { floats: ['y'] },
    );
    const wanted = Array.from(elementsOf(tensor('output_0.pb')) as Float32Array);
    // Both sides are within a few ulp of the value, which is at most 1.
    for (const [i, value] of floatsIn(y).entries()) {
      expect(Math.abs(value - (wanted[i] as number))).toBeLessThanOrEqual(16 * 2 ** -24);
    }
  });
});
