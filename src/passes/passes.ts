// The table of passes, and the sequences in which they are run.

import type { Graph } from '../ir/graph.js';
import { verifyGraph } from '../ir/verify.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldBias } from './fold-bias.js';
import { foldConstants } from './fold-constants.js';
import { fuseActivation } from './fuse-activation.js';
import { fuseAttention } from './fuse-attention.js';
import { fuseBias } from './fuse-bias.js';
import { fuseGelu } from './fuse-gelu.js';
import { fuseNormalization } from './fuse-normalization.js';
import { fuseSwish } from './fuse-swish.js';
import { fuseTail } from './fuse-tail.js';
import { lowerDynamic } from './lower-dynamic.js';
import { lowerQdq } from './lower-qdq.js';
import type { Pass } from './pass.js';
import { removeDead } from './remove-dead.js';
import { removeIdentity } from './remove-identity.js';

/** Passes that need nothing but the graph; those that take statistics or a scheme are functions of their own. */
export const PASSES = {
  'fold-constants': {
    summary: 'computes what does not depend on the inputs, shape arithmetic included',
    run: foldConstants,
  },
  'remove-identity': { summary: 'removes nodes that hand their input through', run: removeIdentity },
  'fold-batch-norm': { summary: 'folds batch normalization into the weights before it', run: foldBatchNorm },
  'fold-bias': { summary: 'folds the addition of a constant into the bias of the product before it', run: foldBias },
  'lower-qdq': {
    summary: 'turns operators between DequantizeLinear and QuantizeLinear into operators on codes',
    run: lowerQdq,
  },
  'lower-dynamic': {
    summary: 'turns dynamically quantized products and convolutions into single operators',
    run: lowerDynamic,
  },
  'fuse-attention': {
    summary: 'makes the products, the softmax and the transposes of an attention one operator',
    run: fuseAttention,
  },
  'fuse-normalization': {
    summary: 'makes the pieces of a layer normalization, and the sum before it, one operator',
    run: fuseNormalization,
  },
  'fuse-gelu': { summary: 'makes the pieces of a Gelu one operator', run: fuseGelu },
  'fuse-swish': { summary: 'makes x * sigmoid(x) one operator', run: fuseSwish },
  'fuse-bias': { summary: 'gives a product of stacked matrices the bias that is added to it', run: fuseBias },
  'fuse-activation': { summary: 'makes Relu and Clip the clamp of the node before them', run: fuseActivation },
  'fuse-tail': { summary: 'gives products of codes the residual and the activation behind them', run: fuseTail },
  'remove-dead': { summary: 'removes nodes and constants that no output depends on', run: removeDead },
} as const satisfies Record<string, Pass>;

export type PassName = keyof typeof PASSES;

/** Standard ONNX in, standard ONNX out: what quantization starts from. */
export const PREPARE = [
  'fold-constants',
  'remove-identity',
  'fold-batch-norm',
  'fold-bias',
  'remove-dead',
] as const satisfies readonly PassName[];

/** What a session runs: uses the domain 'lowbit'. Operators on codes take their Relu and Clip themselves, so they come first. */
export const OPTIMIZE = [
  ...PREPARE,
  'lower-qdq',
  'lower-dynamic',
  'fuse-normalization',
  'fuse-gelu',
  'fuse-swish',
  'fuse-bias',
  'fuse-activation',
  'fuse-tail',
  'remove-dead',
] as const satisfies readonly PassName[];

/** What a session does once all shapes are known: names of dimensions hide what fits. */
export const OPTIMIZE_BOUND = ['fuse-attention'] as const satisfies readonly PassName[];

/** The graph after the passes, in order. Verified before the first one. Errors: as `verifyGraph`. */
export function runPasses(graph: Graph, names: readonly PassName[]): Graph {
  return names.reduce((result, name) => PASSES[name].run(result), verifyGraph(graph));
}

/** Constants computed, identities gone, batch norms and biases folded; still standard ONNX. */
export function prepare(graph: Graph): Graph {
  return runPasses(graph, PREPARE);
}

/** What a session runs. */
export function optimize(graph: Graph): Graph {
  return runPasses(graph, OPTIMIZE);
}

/** What a session runs, once its shapes are known. */
export function optimizeBound(graph: Graph): Graph {
  return runPasses(graph, OPTIMIZE_BOUND);
}
