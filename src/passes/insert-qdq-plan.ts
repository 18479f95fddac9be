// Decides what a static quantization touches: the nodes, the values between them, and which values share parameters.

import { LowbitError } from '../core/errors.js';
import { floatsOf } from '../core/tensor.js';
import type { Graph, Node } from '../ir/graph.js';
import { chooseParameters, type QuantizationParameters, type Range } from '../numerics/params.js';
import { roleOf } from '../schemes/operators.js';
import { isSelected, type Scheme } from '../schemes/scheme.js';
import { clampOf } from './clamp.js';
import { intAttribute, type Usage, usageOf } from './draft.js';
import { type WeightedNode, weightedNodeOf } from './quantize-weighted.js';

/**
 * Inputs of a Concat get one scale when no input's own scale is smaller by more than this factor: two more bits of error
 * at most in the smallest input, against a requantization of every element in every run.
 */
const CONCAT_SHARING = 4;

/** What the pass will do, before anything is written. */
export interface QdqPlan {
  readonly usage: Usage;
  /** Nodes that will run on codes, by name. */
  readonly selected: ReadonlyMap<string, Node>;
  /** The weights of those that have any. */
  readonly weighted: ReadonlyMap<string, WeightedNode>;
  /** Relu and Clip nodes that belong to the node before them: the clamp's name to the node. */
  readonly absorbed: ReadonlyMap<string, Node>;
  /** Values that get codes. */
  readonly coded: ReadonlySet<string>;
  /** Those that a selected node writes; readers of any kind take them dequantized. */
  readonly written: ReadonlySet<string>;
}

/** The graph must be verified (nodes in order). Constant operands are not among the coded values. */
export function planQdq(graph: Graph, scheme: Scheme): QdqPlan {
  const usage = usageOf(graph);
  const weighted = new Map<string, WeightedNode>();
  for (const node of graph.nodes) {
    if (node.domain !== '' || !isSelected(scheme, node.op, node.name)) continue;
    const found = weightedNodeOf(node, graph);
    if (found !== undefined) weighted.set(node.name, found);
  }
  const { selected, absorbed } = selectNodes(graph, scheme, usage, weighted);
  dropIdleNodes(graph, usage, selected, absorbed);

  const coded = new Set<string>();
  const written = new Set<string>();
  for (const node of selected.values()) {
    for (const input of activationsOf(node, graph)) coded.add(input);
    const output = codedOutput(node, usage, absorbed);
    if (weighted.get(node.name)?.floatOutput && !isWanted(output, usage, selected)) continue;
    coded.add(output);
    written.add(output);
  }
  return { usage, selected, weighted, absorbed, coded, written };
}

/** From the nodes with weights forward: the rest runs on codes only where codes come in anyway. */
function selectNodes(
  graph: Graph,
  scheme: Scheme,
  usage: Usage,
  weighted: ReadonlyMap<string, WeightedNode>,
): { selected: Map<string, Node>; absorbed: Map<string, Node> } {
  const selected = new Map<string, Node>();
  const absorbed = new Map<string, Node>();
  const available = new Set<string>();
  for (const { input } of weighted.values()) available.add(input);
  for (const node of graph.nodes) {
    const before = usage.producers.get(node.inputs[0] ?? '');
    if (
      before !== undefined &&
      selected.has(before.name) &&
      absorbs(before) &&
      usage.soleReader(node.inputs[0] as string) === node &&
      clampOf(node, graph.constants) !== undefined
    ) {
      absorbed.set(node.name, before);
      available.delete(node.inputs[0] as string);
      available.add(node.outputs[0] as string);
      continue;
    }
    const inputs = weighted.has(node.name) ? [] : activationsOf(node, graph);
    const takes =
      weighted.has(node.name) ||
      (node.domain === '' &&
        isSelected(scheme, node.op, node.name) &&
        roleOf(node.op) !== 'weights' &&
        inputs.length > 0 &&
        inputs.every((input) => available.has(input)) &&
        isFit(node, graph));
    if (!takes) continue;
    selected.set(node.name, node);
    available.add(node.outputs[0] as string);
  }
  return { selected, absorbed };
}

/** A clamp right after these is part of their requantization. */
function absorbs(node: Node): boolean {
  const role = roleOf(node.op);
  return role === 'weights' || role === 'elementwise';
}

/** Whether a node of a known operator has the form that runs on codes. */
function isFit(node: Node, graph: Graph): boolean {
  if (node.outputs.length !== 1) return false; // MaxPool with indices
  switch (node.op) {
    case 'Pad': {
      // Padding must be a constant zero, which has a code under any parameters.
      const mode = node.attributes.get('mode');
      if (mode?.kind === 'string' && mode.value !== 'constant' && mode.value !== '') return false;
      const value = node.inputs[2] ?? '';
      const tensor = graph.constants.get(value);
      return value === '' || (tensor?.dtype === 'float32' && floatsOf(tensor)[0] === 0);
    }
    case 'Add':
    case 'Mul':
      return node.inputs.every((input) => (graph.constants.get(input)?.dtype ?? 'float32') === 'float32');
    case 'Clip':
      return clampOf(node, graph.constants) !== undefined;
    case 'AveragePool':
      return intAttribute(node, 'ceil_mode', 0) === 0;
    default:
      return true;
  }
}

/** The inputs that carry activations (not weights, shapes or bounds, and not constants). */
export function activationsOf(node: Node, graph: Graph): string[] {
  const role = roleOf(node.op);
  const all = role === 'elementwise' || role === 'concat' ? node.inputs : node.inputs.slice(0, 1);
  return all.filter((input) => input !== '' && !graph.constants.has(input));
}

/** The value that a selected node's codes stand for: its output, or that of the clamp it has absorbed. */
export function codedOutput(node: Node, usage: Usage, absorbed: ReadonlyMap<string, Node>): string {
  const output = node.outputs[0] as string;
  const reader = usage.soleReader(output);
  return reader !== undefined && absorbed.get(reader.name)?.name === node.name ? (reader.outputs[0] as string) : output;
}

function isWanted(value: string, usage: Usage, selected: ReadonlyMap<string, Node>): boolean {
  return (usage.readers.get(value) ?? []).some((reader) => selected.has(reader.name));
}

/**
 * Going backward, nodes without weights whose codes no selected node reads stay in float: what is left of the network is
 * small there (a pooled vector, logits) and more exact.
 */
function dropIdleNodes(graph: Graph, usage: Usage, selected: Map<string, Node>, absorbed: Map<string, Node>): void {
  for (const node of graph.nodes.toReversed()) {
    if (!selected.has(node.name) || roleOf(node.op) === 'weights') continue;
    if (isWanted(codedOutput(node, usage, absorbed), usage, selected)) continue;
    selected.delete(node.name);
    for (const [clamp, owner] of absorbed) if (owner === node) absorbed.delete(clamp);
  }
}

/**
 * Names of the values whose ranges the pass needs. A calibration that covers these is enough.
 */
export function valuesToObserve(graph: Graph, scheme: Scheme): string[] {
  const { coded, usage, selected } = planQdq(graph, scheme);
  const derived = (value: string): boolean => {
    const maker = usage.producers.get(value);
    return maker !== undefined && selected.has(maker.name) && roleOf(maker.op) === 'passthrough';
  };
  return [...coded].filter((value) => !derived(value));
}

/**
 * The parameters of every coded value. Values on both sides of an operator that only moves codes share theirs, and so do
 * a Concat's inputs and output where that costs little.
 * Errors: ERR_BAD_ARGUMENT that lists the values without statistics.
 */
export function parametersOf(
  graph: Graph,
  plan: QdqPlan,
  scheme: Scheme,
  statistics: ReadonlyMap<string, Range>,
): ReadonlyMap<string, QuantizationParameters> {
  const groups = new RangeGroups();
  const concats: Node[] = [];
  for (const node of plan.selected.values()) {
    const role = roleOf(node.op);
    if (role === 'passthrough') groups.join(node.inputs[0] as string, node.outputs[0] as string);
    if (role === 'concat') concats.push(node);
  }
  const derivedRange = (value: string): Range | undefined => {
    const own = statistics.get(value);
    if (own !== undefined) return own;
    const maker = plan.usage.producers.get(value);
    const clamp = maker === undefined ? undefined : clampOf(maker, graph.constants);
    const before = clamp === undefined ? undefined : statistics.get(maker?.inputs[0] ?? '');
    if (clamp === undefined || before === undefined) return undefined;
    const into = (x: number): number => Math.min(clamp.hi, Math.max(clamp.lo, x));
    return { min: into(before.min), max: into(before.max) };
  };
  for (const value of plan.coded) {
    const range = derivedRange(value);
    if (range !== undefined) groups.widen(value, range);
  }
  const missing = [...plan.coded].filter((value) => groups.range(value) === undefined);
  if (missing.length > 0) {
    throw new LowbitError(
      'ERR_BAD_ARGUMENT',
      `The statistics lack ${missing.length} of the ${plan.coded.size} values to quantize: ` +
        `${missing.slice(0, 8).join(', ')}${missing.length > 8 ? ', …' : ''}. Calibrate the same graph that is quantized`,
      { argument: 'statistics' },
    );
  }
  const { format, symmetric } = scheme.activations;
  const chosen = (value: string): QuantizationParameters =>
    chooseParameters(groups.range(value) as Range, { format, symmetric });
  for (const node of concats) {
    const parts = activationsOf(node, graph);
    const scales = [...parts, node.outputs[0] as string].map((value) => chosen(value).scale);
    if (Math.max(...scales) > CONCAT_SHARING * Math.min(...scales)) continue;
    for (const part of parts) groups.join(part, node.outputs[0] as string);
  }
  return new Map([...plan.coded].map((value) => [value, chosen(value)]));
}

/** Sets of values that share a range (union-find with path halving). */
class RangeGroups {
  readonly #parents = new Map<string, string>();
  readonly #ranges = new Map<string, Range>();

  #root(value: string): string {
    let at = value;
    for (;;) {
      const parent = this.#parents.get(at) ?? at;
      if (parent === at) return at;
      const above = this.#parents.get(parent) ?? parent;
      this.#parents.set(at, above);
      at = above;
    }
  }

  join(a: string, b: string): void {
    const [from, to] = [this.#root(a), this.#root(b)];
    if (from === to) return;
    const range = this.#ranges.get(from);
    this.#parents.set(from, to);
    if (range !== undefined) this.widen(to, range);
  }

  widen(value: string, { min, max }: Range): void {
    const root = this.#root(value);
    const known = this.#ranges.get(root);
    this.#ranges.set(root, {
      min: Math.min(known?.min ?? min, min),
      max: Math.max(known?.max ?? max, max),
    });
  }

  range(value: string): Range | undefined {
    return this.#ranges.get(this.#root(value));
  }
}
