// The geometry of convolutions and pools: one or two spatial axes as the fields of a channels-last instruction.

import type { Node } from '../../ir/graph.js';
import { resolveWindow } from '../../ir/window.js';
import { intOf, intsOf, stringOf } from '../attributes.js';
import type { Lowering } from '../lowering.js';

/** Sizes as the instructions name them. One spatial axis is a height of 1. */
export interface Window {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly kh: number;
  readonly kw: number;
  readonly stride_h: number;
  readonly stride_w: number;
  readonly pad_top: number;
  readonly pad_left: number;
  readonly pad_bottom: number;
  readonly pad_right: number;
  readonly dilation_h: number;
  readonly dilation_w: number;
}

/** The window of a node over its input x. */
export function windowOf(at: Lowering, node: Node, x: string, kernel: readonly number[]): Window {
  const dims = at.dims(x);
  const spatial = dims.length - 2;
  if (spatial !== 1 && spatial !== 2) at.unsupported(`${node.op} over ${spatial} spatial axes; 1 and 2 are supported`);
  if (kernel.length !== spatial) at.unsupported(`a kernel of ${kernel.length} axes over ${spatial} spatial axes`);
  const autoPad = stringOf(node, 'auto_pad', 'NOTSET');
  const window = resolveWindow({
    input: dims.slice(2),
    kernel,
    strides: intsOf(node, 'strides'),
    dilations: intsOf(node, 'dilations'),
    pads: intsOf(node, 'pads'),
    autoPad: autoPad === '' ? 'NOTSET' : autoPad,
    ceilMode: intOf(node, 'ceil_mode', 0) !== 0,
  });
  const two = (list: readonly number[], fill: number): [number, number] =>
    spatial === 2 ? [list[0] as number, list[1] as number] : [fill, list[0] as number];
  const [h, w] = two(dims.slice(2), 1);
  const [oh, ow] = two(window.output, 1);
  const [kh, kw] = two(kernel, 1);
  const [stride_h, stride_w] = two(window.strides, 1);
  const [pad_top, pad_left] = two(window.padsBegin, 0);
  const [pad_bottom, pad_right] = two(window.padsEnd, 0);
  const [dilation_h, dilation_w] = two(window.dilations, 1);
  const sizes = { n: dims[0] as number, h, w, c: dims[1] as number, oh, ow, kh, kw };
  const steps = { stride_h, stride_w, dilation_h, dilation_w };
  return { ...sizes, ...steps, pad_top, pad_left, pad_bottom, pad_right };
}

/** The fields of a window that convolutions and maximum pools have. */
export function windowFields(window: Window): Omit<Window, 'pad_bottom' | 'pad_right'> {
  const { pad_bottom: _bottom, pad_right: _right, ...fields } = window;
  return fields;
}
