// The geometry of convolutions and pools: where their windows lie.

/** Sizes of the spatial dimensions; every list has one entry per spatial dimension. */
export interface WindowOptions {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly strides?: readonly number[] | undefined;
  readonly dilations?: readonly number[] | undefined;
  /** ONNX's order: all begins, then all ends. */
  readonly pads?: readonly number[] | undefined;
  /** NOTSET, VALID, SAME_UPPER or SAME_LOWER. */
  readonly autoPad?: string | undefined;
  readonly ceilMode?: boolean | undefined;
}

export interface Window {
  readonly output: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  /** Padding after the end that windows reach; with ceilMode windows may reach beyond it still. */
  readonly padsEnd: readonly number[];
}

/**
 * Output sizes and paddings. NOTSET: o = floor((i + p - e) / s) + 1 with e = (k - 1) * d + 1 (ceil with ceilMode, without a
 * last window that would start in the end padding); VALID: p = 0; SAME: o = ceil(i / s) and p makes it so, the odd one
 * at the end for SAME_UPPER. Source: ONNX Conv-11, MaxPool-12, AveragePool-19.
 */
export function resolveWindow(options: WindowOptions): Window {
  const { input, kernel, autoPad = 'NOTSET' } = options;
  const rank = input.length;
  const ones = new Array<number>(rank).fill(1);
  const strides = options.strides ?? ones;
  const dilations = options.dilations ?? ones;
  const pads = options.pads ?? new Array<number>(2 * rank).fill(0);
  const output: number[] = [];
  const padsBegin: number[] = [];
  const padsEnd: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const size = input[axis] as number;
    const stride = strides[axis] as number;
    const extent = ((kernel[axis] as number) - 1) * (dilations[axis] as number) + 1;
    if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
      const count = Math.ceil(size / stride);
      const total = Math.max((count - 1) * stride + extent - size, 0);
      const less = Math.floor(total / 2);
      output.push(count);
      padsBegin.push(autoPad === 'SAME_UPPER' ? less : total - less);
      padsEnd.push(autoPad === 'SAME_UPPER' ? total - less : less);
      continue;
    }
    const begin = autoPad === 'VALID' ? 0 : (pads[axis] as number);
    const end = autoPad === 'VALID' ? 0 : (pads[axis + rank] as number);
    const steps = (size + begin + end - extent) / stride;
    let count = (options.ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    if (options.ceilMode && (count - 1) * stride >= size + begin) count--;
    output.push(count);
    padsBegin.push(begin);
    padsEnd.push(end);
  }
  return { output, strides, dilations, padsBegin, padsEnd };
}
