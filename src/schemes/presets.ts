// The schemes that have a name.

import { STATIC_OPERATORS } from './operators.js';
import type { ActivationScheme, Scheme, WeightScheme } from './scheme.js';

const CHANNEL_I8: WeightScheme = { format: 'i8', symmetric: true, granularity: 'channel' };
const STATIC_U8: ActivationScheme = {
  format: 'u8',
  symmetric: false,
  granularity: 'tensor',
  mode: 'static',
  observer: 'min-max',
};
const DYNAMIC_U8: ActivationScheme = {
  format: 'u8',
  symmetric: false,
  granularity: 'tensor',
  mode: 'dynamic',
  observer: 'min-max',
};

/** `summary` is what the command line prints beside the name. */
interface Preset extends Omit<Scheme, 'name'> {
  readonly summary: string;
}

export const PRESETS = {
  'static-u8i8': {
    summary: 'calibrated; u8 activations, i8 weights per channel (convolutional networks)',
    weights: CHANNEL_I8,
    activations: STATIC_U8,
    bias: { format: 'i32' },
    operators: Object.keys(STATIC_OPERATORS),
    exclude: [],
  },
  'static-i8i8': {
    summary: 'calibrated; i8 activations, i8 weights per channel (runtimes that prefer signed codes)',
    weights: CHANNEL_I8,
    activations: { ...STATIC_U8, format: 'i8' },
    bias: { format: 'i32' },
    operators: Object.keys(STATIC_OPERATORS),
    exclude: [],
  },
  'dynamic-u8i8': {
    summary:
      'no calibration; i8 weights per channel, activations quantized in every run (transformers, recurrent networks)',
    weights: CHANNEL_I8,
    activations: DYNAMIC_U8,
    bias: { format: 'i32' },
    operators: ['MatMul', 'Gemm'],
    exclude: [],
  },
  'dynamic-u8i8-conv': {
    summary: 'dynamic-u8i8 and convolutions too (those as u8 weights with zero point 128)',
    weights: CHANNEL_I8,
    activations: DYNAMIC_U8,
    bias: { format: 'i32' },
    operators: ['MatMul', 'Gemm', 'Conv'],
    exclude: [],
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;
