// Physical layouts of values: how the elements of a tensor follow one another in memory.

import { stridesOf } from '../core/shape.js';

/**
 * 'logical' is ONNX's row-major order. 'channels-last' moves axis 1 to the end ([n, c, h, w] is stored as [n, h, w, c]);
 * it exists for rank 3 and above.
 */
export type Layout = 'logical' | 'channels-last';

/** Axes in the order in which a layout stores them. */
export function axisOrder(rank: number, layout: Layout): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return layout === 'channels-last' && rank >= 3 ? [0, ...axes.slice(2), 1] : axes;
}

/** Dimensions in the order in which a layout stores them. */
export function physicalDims(dims: readonly number[], layout: Layout): number[] {
  return axisOrder(dims.length, layout).map((axis) => dims[axis] as number);
}

/** Stride in elements of every logical axis under a layout. */
export function stridesIn(dims: readonly number[], layout: Layout): number[] {
  const order = axisOrder(dims.length, layout);
  const strides = stridesOf(order.map((axis) => dims[axis] as number));
  const byAxis = new Array<number>(dims.length);
  order.forEach((axis, position) => {
    byAxis[axis] = strides[position] as number;
  });
  return byAxis;
}

/** True when both layouts store the same bytes: a single channel, or a single position per channel. */
export function layoutsCoincide(dims: readonly number[]): boolean {
  if (dims.length < 3) return true;
  return dims[1] === 1 || dims.slice(2).every((dim) => dim === 1);
}

/** Axes of a strided walk. */
export interface Walk {
  readonly dims: readonly number[];
  /** One list of strides in elements per operand. */
  readonly strides: readonly (readonly number[])[];
}

/** The same walk with single-element axes dropped and axes merged that every operand steps through evenly. */
export function collapse(dims: readonly number[], strides: readonly (readonly number[])[]): Walk {
  const outDims: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  dims.forEach((dim, axis) => {
    if (dim === 1) return;
    const last = outDims.length - 1;
    const merges =
      last >= 0 && strides.every((list, operand) => outStrides[operand]?.[last] === (list[axis] as number) * dim);
    if (merges) {
      outDims[last] = (outDims[last] as number) * dim;
      strides.forEach((list, operand) => {
        (outStrides[operand] as number[])[last] = list[axis] as number;
      });
    } else {
      outDims.push(dim);
      strides.forEach((list, operand) => {
        (outStrides[operand] as number[]).push(list[axis] as number);
      });
    }
  });
  return { dims: outDims, strides: outStrides };
}

/** The walk with leading single-element axes up to `rank` axes, or undefined when it has more. */
export function padWalk(walk: Walk, rank: number): Walk | undefined {
  const missing = rank - walk.dims.length;
  if (missing < 0) return undefined;
  const ones = new Array<number>(missing).fill(1);
  const zeros = new Array<number>(missing).fill(0);
  return { dims: [...ones, ...walk.dims], strides: walk.strides.map((list) => [...zeros, ...list]) };
}

/** Strides of an operand of shape `dims` walked over `outDims` (right-aligned): 0 where it is broadcast. */
export function broadcastStrides(
  dims: readonly number[],
  strides: readonly number[],
  outDims: readonly number[],
): number[] {
  const shift = outDims.length - dims.length;
  return outDims.map((_, axis) => {
    const own = axis - shift;
    return own < 0 || dims[own] === 1 ? 0 : (strides[own] as number);
  });
}
