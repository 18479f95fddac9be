// The public names of the package.

export { Tensor } from 'onnxruntime-common';
export type { BackendInfo, BackendKind } from './backend/backend.js';
export { type InitializeOptions, initialize } from './backend/fetch.js';
export { backendInfo } from './backend/load.js';
export {
  type Dataset,
  type DatasetDescription,
  datasetFrom,
  datasetOf,
  labelled,
  type Sample,
  subsetOf,
} from './calibrate/dataset.js';
export { type DatasetOptions, openDataset } from './calibrate/open-dataset.js';
export {
  type QuantizeOptions as QuantizeModelOptions,
  type QuantizeReport,
  type QuantizeResult,
  quantizeModel,
} from './calibrate/quantize-model.js';
export { ERROR_CODES, type ErrorCode, type ErrorPlace, LowbitError } from './core/errors.js';
export type { BlockFormat, CodecOptions, ConversionName, ElementFormat, ScaledFormat } from './numerics/conversions.js';
export type { ExponentRounding } from './numerics/minifloat.js';
export { type CompareOptions, type Comparison, compareModels, type Subject } from './report/compare.js';
export { type Codes, type DequantizeOptions, dequantize, dequantizeSync } from './runtime/arrays/dequantize.js';
export {
  type MatmulActivation,
  type MatmulOptions,
  type MatmulOutput,
  matmul,
  matmulSync,
} from './runtime/arrays/matmul.js';
export {
  type PackedWeights,
  type PackHalvesOptions,
  type PackOptions,
  packWeights,
  packWeightsSync,
  type WeightFormat,
} from './runtime/arrays/pack-weights.js';
export type { MatmulRows } from './runtime/arrays/product-plans.js';
export {
  type ParameterArrays,
  type ParameterNumbers,
  type ParametersOptions,
  quantizationParameters,
  quantizationParametersSync,
} from './runtime/arrays/quantization-parameters.js';
export { type CodesOf, type QuantizeOptions, quantize, quantizeSync } from './runtime/arrays/quantize.js';
export type { Feeds, TensorLike } from './session/feeds.js';
export {
  type Fetches,
  InferenceSession,
  type RunOptions,
  type RunResult,
  type SessionOptions,
  type ValueMetadata,
} from './session/inference-session.js';
