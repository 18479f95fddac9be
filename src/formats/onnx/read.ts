// ONNX bytes to a graph.

import { dtypeOfOnnx } from '../../core/dtype.js';
import { LowbitError } from '../../core/errors.js';
import { builtinFor } from '../../core/host.js';
import type { Dim } from '../../core/shape.js';
import type { ConstantTensor } from '../../core/tensor.js';
import type { Attribute, Graph, Node, ValueType } from '../../ir/graph.js';
import { attributeOf } from './attributes.js';
import { externalReader } from './external.js';
import { decodeMessage } from './framing.js';
import { hasField, type OnnxMessage } from './messages.js';
import { type ExternalReader, tensorOf } from './tensors.js';

type GraphProto = OnnxMessage<'GraphProto'>;

/** Versions count releases; a larger number is a damaged file. */
const MAX_VERSION = 2n ** 31n - 1n;

/** 'ai.onnx' is another spelling of the default domain (ONNX, IR.md). */
function domainOf(name: string): string {
  return name === 'ai.onnx' ? '' : name;
}

/**
 * The graph of an ONNX model. Constants are views of `bytes`; keep the bytes unchanged. Nodes stay in the order of the
 * file: call `verifyGraph` before using the graph. `options.file` is the model's path: it goes into error messages and
 * finds external data beside it.
 * Errors: ERR_BAD_FILE (cut off, malformed, sizes that do not fit), ERR_BAD_MODEL (absurd dimensions), ERR_UNSUPPORTED.
 */
export function readOnnx(bytes: Uint8Array, options: { file?: string } = {}): Graph {
  const { file } = options;
  const model = decodeMessage('ModelProto', bytes, file);
  const proto = model.graph;
  if (proto === undefined) {
    const found = bytes.byteLength === 0 ? 'an empty file' : 'no graph in it';
    throw new LowbitError('ERR_BAD_FILE', `Not an ONNX model: found ${found}`, file === undefined ? {} : { file });
  }
  if (proto.sparseInitializer.length > 0) {
    const tensor = proto.sparseInitializer[0]?.values?.name ?? '';
    throw new LowbitError('ERR_UNSUPPORTED', 'Sparse initializers are not supported', { tensor });
  }
  const external = file === undefined ? undefined : externalReader(file);
  const constants = readConstants(proto, external);
  const types = new Map<string, ValueType>();
  for (const info of [...proto.valueInfo, ...proto.output, ...proto.input]) {
    const type = typeOf(info);
    if (type !== undefined) types.set(info.name, type);
  }
  for (const [name, { dtype, dims }] of constants) types.set(name, { dtype, dims });
  if (model.irVersion < 0n || model.irVersion > MAX_VERSION) {
    throw new LowbitError('ERR_BAD_MODEL', `The IR version is ${model.irVersion}; expected a small number`);
  }
  return {
    name: proto.name,
    opsets: readOpsets(model),
    inputs: proto.input.map((info) => info.name).filter((name) => !constants.has(name)),
    outputs: proto.output.map((info) => info.name),
    nodes: readNodes(proto, external),
    constants,
    types,
    origin: model,
  };
}

function readOpsets(model: OnnxMessage<'ModelProto'>): Map<string, number> {
  // IR versions 1 and 2 had no opset_import; their operators are those of version 1.
  if (model.opsetImport.length === 0) return new Map([['', 1]]);
  const opsets = new Map<string, number>();
  for (const row of model.opsetImport) {
    const domain = domainOf(row.domain);
    if (row.version < 1n || row.version > MAX_VERSION || opsets.has(domain)) {
      const found = opsets.has(domain) ? 'given twice' : `${row.version}; expected a small number from 1`;
      throw new LowbitError('ERR_BAD_MODEL', `The operator set version of domain '${domain}' is ${found}`);
    }
    opsets.set(domain, Number(row.version));
  }
  return opsets;
}

/** Reads a model and, where it has them, its external data. Errors: as `readOnnx`, and ERR_IO. */
export async function loadOnnx(path: string): Promise<Graph> {
  const { readFile } = builtinFor(path, 'node:fs/promises');
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new LowbitError('ERR_IO', `Cannot read the model (${reason})`, { file: path }, { cause: error });
  }
  return readOnnx(bytes, { file: path });
}

function readConstants(proto: GraphProto, external: ExternalReader | undefined): Map<string, ConstantTensor> {
  const constants = new Map<string, ConstantTensor>();
  for (const tensor of proto.initializer) {
    if (tensor.name === '') throw new LowbitError('ERR_BAD_MODEL', 'An initializer has no name');
    if (constants.has(tensor.name)) {
      throw new LowbitError('ERR_BAD_MODEL', 'Two initializers have the same name', { tensor: tensor.name });
    }
    constants.set(tensor.name, tensorOf(tensor, external));
  }
  return constants;
}

/** Undefined for sequences, maps, optionals and sparse tensors, which the IR does not type. */
function typeOf(info: OnnxMessage<'ValueInfoProto'>): ValueType | undefined {
  const tensor = info.type?.tensorType;
  const dtype = tensor === undefined ? undefined : dtypeOfOnnx(tensor.elemType);
  if (tensor === undefined || dtype === undefined) return undefined;
  if (tensor.shape === undefined) return { dtype, dims: undefined };
  const dims = tensor.shape.dim.map((dim, axis): Dim => {
    if (hasField(dim, 'dimValue')) return Number(dim.dimValue);
    // Two nameless dimensions need not be equal: each gets a name of its own.
    return dim.dimParam === '' ? `${info.name}.${axis}` : dim.dimParam;
  });
  return { dtype, dims };
}

function readNodes(proto: GraphProto, external: ExternalReader | undefined): Node[] {
  const taken = new Set(proto.node.map((node) => node.name));
  const used = new Set<string>();
  const repeats = new Map<string, number>();
  return proto.node.map((node, index) => {
    let name = node.name;
    if (name === '' || used.has(name)) {
      const stem = name === '' ? `${node.opType}_${index}` : name;
      let count = repeats.get(stem) ?? (name === '' ? 0 : 1);
      do name = count === 0 ? stem : `${stem}_${count}`;
      while (count++ >= 0 && (taken.has(name) || used.has(name)));
      repeats.set(stem, count);
    }
    used.add(name);
    const attributes = new Map<string, Attribute>();
    for (const attribute of node.attribute) {
      if (attributes.has(attribute.name)) {
        throw new LowbitError('ERR_BAD_MODEL', `Attribute '${attribute.name}' is given twice`, { node: name });
      }
      attributes.set(attribute.name, attributeOf(attribute, external));
    }
    const { opType: op, input: inputs, output: outputs } = node;
    return { name, op, domain: domainOf(node.domain), inputs, outputs, attributes, origin: node };
  });
}

/** What the model says about itself. */
export interface OnnxInfo {
  readonly irVersion: number;
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: number;
  readonly description: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The header of the model that a graph was read from; undefined for a graph that was built. */
export function onnxInfo(graph: Graph): OnnxInfo | undefined {
  const model = graph.origin as OnnxMessage<'ModelProto'> | undefined;
  if (model?.$typeName !== 'onnx.ModelProto') return undefined;
  return {
    irVersion: Number(model.irVersion),
    opsets: graph.opsets,
    producer: model.producerName,
    producerVersion: model.producerVersion,
    domain: model.domain,
    modelVersion: Number(model.modelVersion),
    description: model.docString,
    metadata: new Map(model.metadataProps.map((entry) => [entry.key, entry.value])),
  };
}
