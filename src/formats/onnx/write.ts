// A graph to ONNX bytes.

import { DTYPES } from '../../core/dtype.js';
import { LowbitError } from '../../core/errors.js';
import { builtinFor } from '../../core/host.js';
import type { Graph, Node, ValueType } from '../../ir/graph.js';
import { protoOfAttribute } from './attributes.js';
import { encodeMessage } from './framing.js';
import { createMessage, type OnnxMessage } from './messages.js';
import { protoOfTensor } from './tensors.js';

type ModelProto = OnnxMessage<'ModelProto'>;
type GraphProto = OnnxMessage<'GraphProto'>;
type ValueInfoProto = OnnxMessage<'ValueInfoProto'>;

/** Protobuf refuses larger messages in most implementations. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** From the table of ONNX releases (onnx/onnx, docs/Versioning.md): first opset that needs an IR version. */
const IR_VERSIONS = [
  { opset: 25, ir: 13 },
  { opset: 24, ir: 12 },
  { opset: 23, ir: 11 },
  { opset: 21, ir: 10 },
  { opset: 19, ir: 9 },
  { opset: 15, ir: 8 },
  { opset: 12, ir: 7 },
  { opset: 11, ir: 6 },
  { opset: 10, ir: 5 },
  // From IR version 4 on, initializers need not be inputs.
  { opset: 0, ir: 4 },
] as const;

function irVersionOf(opset: number): number {
  return IR_VERSIONS.find((row) => opset >= row.opset)?.ir ?? 4;
}

/**
 * The ONNX file of a graph. Messages that the graph was read from lend their unknown fields; unchanged constants and
 * attributes are written as they came. Initializers are no longer listed as inputs (they are constants here), so that the
 * IR version is 4 at least.
 * Errors: ERR_UNSUPPORTED for what ONNX cannot hold (more than 2 GB).
 */
export function writeOnnx(graph: Graph): Uint8Array {
  const origin = graph.origin as ModelProto | undefined;
  const from = origin?.$typeName === 'onnx.ModelProto' ? origin : undefined;
  const opset = graph.opsets.get('') ?? 1;
  let constantBytes = 0;
  for (const tensor of graph.constants.values()) constantBytes += tensor.data.byteLength;
  if (constantBytes > MAX_FILE_BYTES) {
    throw new LowbitError('ERR_UNSUPPORTED', `The constants take ${constantBytes} bytes; an ONNX file holds < 2^31`);
  }
  const model = createMessage('ModelProto', {
    ...(from === undefined ? { producerName: 'lowbit' } : fieldsOf(from)),
    irVersion: BigInt(Math.max(Number(from?.irVersion ?? 0), irVersionOf(opset))),
    opsetImport: opsetImports(graph, from),
    graph: graphProto(graph, from?.graph),
  });
  return encodeMessage('ModelProto', model);
}

function fieldsOf<T extends { readonly $typeName: string }>(message: T): Omit<T, '$typeName'> {
  const { $typeName: _, ...fields } = message;
  return fields;
}

function opsetImports(graph: Graph, from: ModelProto | undefined): OnnxMessage<'OperatorSetIdProto'>[] {
  return [...graph.opsets].map(([domain, number]) => {
    const version = BigInt(number);
    const same = from?.opsetImport.find((row) => row.domain === domain || (domain === '' && row.domain === 'ai.onnx'));
    return same?.version === version ? same : createMessage('OperatorSetIdProto', { domain, version });
  });
}

function graphProto(graph: Graph, from: GraphProto | undefined): GraphProto {
  const known = new Map<string, ValueInfoProto>();
  for (const info of [...(from?.valueInfo ?? []), ...(from?.output ?? []), ...(from?.input ?? [])]) {
    known.set(info.name, info);
  }
  const declared = new Set((from?.valueInfo ?? []).map((info) => info.name));
  const produced = graph.nodes.flatMap((node) => node.outputs).filter((name) => declared.has(name));
  const ends = new Set([...graph.inputs, ...graph.outputs]);
  return createMessage('GraphProto', {
    ...(from === undefined ? {} : fieldsOf(from)),
    name: graph.name === '' ? 'graph' : graph.name,
    node: graph.nodes.map(nodeProto),
    initializer: [...graph.constants].map(([name, tensor]) => protoOfTensor(name, tensor)),
    input: graph.inputs.map((name) => valueInfo(name, graph.types.get(name), known.get(name))),
    output: graph.outputs.map((name) => valueInfo(name, graph.types.get(name), known.get(name))),
    valueInfo: produced
      .filter((name) => !ends.has(name))
      .map((name) => valueInfo(name, graph.types.get(name), known.get(name))),
  });
}

function nodeProto(node: Node): OnnxMessage<'NodeProto'> {
  const origin = node.origin as OnnxMessage<'NodeProto'> | undefined;
  const from = origin?.$typeName === 'onnx.NodeProto' ? fieldsOf(origin) : {};
  return createMessage('NodeProto', {
    ...from,
    name: node.name,
    opType: node.op,
    ...(node.domain === '' ? {} : { domain: node.domain }),
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: [...node.attributes].map(([name, attribute]) => protoOfAttribute(name, attribute)),
  });
}

/** The declaration as it was read when it still says the same; a fresh one otherwise. */
function valueInfo(name: string, type: ValueType | undefined, from: ValueInfoProto | undefined): ValueInfoProto {
  if (type === undefined) return from ?? createMessage('ValueInfoProto', { name });
  const before = from?.type?.tensorType;
  const same =
    before !== undefined &&
    before.elemType === DTYPES[type.dtype].onnx &&
    before.shape?.dim.length === type.dims?.length &&
    (type.dims ?? []).every((dim, axis) => {
      const old = before.shape?.dim[axis];
      return typeof dim === 'number' ? old?.dimValue === BigInt(dim) : old?.dimParam === dim || old?.dimParam === '';
    });
  if (from !== undefined && same) return from;
  const shape =
    type.dims === undefined
      ? undefined
      : createMessage('TensorShapeProto', {
          dim: type.dims.map((dim) =>
            createMessage('Dimension', typeof dim === 'number' ? { dimValue: BigInt(dim) } : { dimParam: dim }),
          ),
        });
  const tensorType = createMessage('TensorType', { elemType: DTYPES[type.dtype].onnx, ...(shape ? { shape } : {}) });
  return createMessage('ValueInfoProto', {
    ...(from === undefined ? {} : fieldsOf(from)),
    name,
    type: createMessage('TypeProto', { tensorType }),
  });
}

/**
 * Writes the file beside its place and renames it: no half file is ever seen under `path`.
 * Errors: ERR_FILE_EXISTS without `force`, ERR_IO, and those of `writeOnnx`.
 */
export async function saveOnnx(graph: Graph, path: string, options: { force?: boolean } = {}): Promise<void> {
  const { open, rename, unlink } = builtinFor(path, 'node:fs/promises');
  const { basename, dirname, join } = builtinFor(path, 'node:path');
  const { randomBytes } = builtinFor(path, 'node:crypto');
  const bytes = writeOnnx(graph);
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  try {
    const handle = await open(beside, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (options.force) await rename(beside, path);
    else await renameNew(beside, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') {
      throw new LowbitError('ERR_FILE_EXISTS', 'The output file exists; pass force to replace it', { file: path });
    }
    throw new LowbitError('ERR_IO', `Cannot write the model (${code ?? error})`, { file: path }, { cause: error });
  } finally {
    await unlink(beside).catch(() => undefined);
  }
}

/** Renames without replacing. A link fails when the name is taken; file systems without links are asked beforehand. */
async function renameNew(from: string, to: string): Promise<void> {
  const { link, open, rename } = builtinFor(to, 'node:fs/promises');
  try {
    await link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    // 'wx' creates the file or fails with EEXIST; the rename then replaces that empty file.
    await (await open(to, 'wx')).close();
    await rename(from, to);
  }
}
