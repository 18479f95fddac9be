// The editor with which a pass makes a new graph out of one.

import { LowbitError } from '../core/errors.js';
import type { ConstantTensor } from '../core/tensor.js';
import type { Attribute, Graph, Node, ValueType } from './graph.js';

/** What a new node needs; the rest has defaults. */
export interface NodeInit {
  /** Made unique; from the operator's name when absent. */
  readonly name?: string;
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: ReadonlyMap<string, Attribute> | Readonly<Record<string, Attribute>>;
  readonly origin?: unknown;
}

/** Domains that nodes may use without the file having said so, with their versions. */
const OWN_DOMAINS: ReadonlyMap<string, number> = new Map([
  ['lowbit', 1],
  ['com.microsoft', 1],
]);

/** Names of the values that a node reads, the captures of its subgraphs included. */
export function usesOf(node: Node): string[] {
  return [...node.inputs.filter((name) => name !== ''), ...capturesOf(node)];
}

/** Names of the outer values that the subgraphs of a node read. */
export function capturesOf(node: Node): string[] {
  const names: string[] = [];
  for (const attribute of node.attributes.values()) {
    if (attribute.kind === 'opaque' && attribute.captures !== undefined) names.push(...attribute.captures);
  }
  return names;
}

/**
 * Edits a copy of a graph; the graph itself stays as it was, constants are shared. Nodes stay in order: a replacement
 * takes the place of what it replaces.
 */
export class GraphEditor {
  name: string;
  readonly opsets: Map<string, number>;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly constants: Map<string, ConstantTensor>;
  readonly types: Map<string, ValueType>;
  private readonly origin: unknown;
  private readonly nodes = new Map<string, Node>();
  private readonly producers = new Map<string, string>();
  private readonly readers = new Map<string, Set<string>>();
  private readonly captured = new Set<string>();
  private readonly names = new Set<string>();
  /** Nodes that come right before another one when the graph is built. */
  private readonly before = new Map<string, string[]>();
  private readonly order: string[] = [];

  constructor(graph: Graph) {
    this.name = graph.name;
    this.opsets = new Map(graph.opsets);
    this.inputs = [...graph.inputs];
    this.outputs = [...graph.outputs];
    this.constants = new Map(graph.constants);
    this.types = new Map(graph.types);
    this.origin = graph.origin;
    for (const name of [...graph.inputs, ...graph.constants.keys()]) this.names.add(name);
    for (const node of graph.nodes) {
      this.insert(node);
      this.order.push(node.name);
    }
  }

  /** The nodes as they are now, in order. A snapshot: editing while going through it is fine. */
  *[Symbol.iterator](): IterableIterator<Node> {
    for (const name of this.ordered()) {
      const node = this.nodes.get(name);
      if (node !== undefined) yield node;
    }
  }

  /** The node of that name, or undefined when it has been removed. */
  node(name: string): Node | undefined {
    return this.nodes.get(name);
  }

  /** The node that makes a value; undefined for inputs and constants. */
  producer(value: string): Node | undefined {
    return this.nodes.get(this.producers.get(value) ?? '');
  }

  /** The nodes that read a value, each once. */
  consumers(value: string): Node[] {
    return [...(this.readers.get(value) ?? [])].map((name) => this.nodes.get(name) as Node);
  }

  /** Whether the value is an output of the graph or read by a subgraph: its name must stay. */
  isPinned(value: string): boolean {
    return this.captured.has(value) || this.outputs.includes(value);
  }

  /** The one node that reads a value, when nothing else needs the value. */
  onlyConsumer(value: string): Node | undefined {
    const readers = this.consumers(value);
    return readers.length === 1 && !this.isPinned(value) ? readers[0] : undefined;
  }

  constant(value: string | undefined): ConstantTensor | undefined {
    return value === undefined ? undefined : this.constants.get(value);
  }

  /** A name that no value and no node has, made from a stem. */
  fresh(stem: string): string {
    let name = stem;
    for (let count = 1; this.names.has(name) || this.nodes.has(name); count++) name = `${stem}_${count}`;
    this.names.add(name);
    return name;
  }

  /** Adds a constant under a fresh name, which is returned. */
  addConstant(stem: string, tensor: ConstantTensor): string {
    const name = this.fresh(stem);
    this.constants.set(name, tensor);
    this.types.set(name, { dtype: tensor.dtype, dims: tensor.dims });
    return name;
  }

  /** Adds a node before another one, or at the end. Errors: ERR_BAD_MODEL when an output has a maker already. */
  addNode(init: NodeInit, before?: Node): Node {
    const node = this.create(init, undefined);
    this.insert(node);
    if (before === undefined) this.order.push(node.name);
    else this.before.set(before.name, [...(this.before.get(before.name) ?? []), node.name]);
    return node;
  }

  /** Puts a node in the place of another; it keeps its name and origin unless new ones are given. */
  replaceNode(old: Node, init: NodeInit): Node {
    this.checkPresent(old);
    this.detach(old);
    const node = this.create(init, old);
    if (node.name !== old.name) {
      const place = this.order.indexOf(old.name);
      if (place >= 0) this.order[place] = node.name;
      const ahead = this.before.get(old.name);
      this.before.delete(old.name);
      if (ahead !== undefined) this.before.set(node.name, ahead);
      for (const list of this.before.values()) {
        const at = list.indexOf(old.name);
        if (at >= 0) list[at] = node.name;
      }
    }
    this.insert(node);
    return node;
  }

  /** Takes a node out. Whoever still reads its outputs must be given other inputs before `build`. */
  removeNode(node: Node): void {
    this.checkPresent(node);
    this.detach(node);
  }

  /**
   * Makes every reader of `from` read `to`. For an output of the graph, or a value that a subgraph reads, the name must
   * stay: use `forward`. Errors: ERR_BAD_MODEL for those.
   */
  replaceUses(from: string, to: string): void {
    if (this.isPinned(from)) {
      throw new LowbitError('ERR_BAD_MODEL', 'The name of an output or of a captured value cannot change', {
        tensor: from,
      });
    }
    for (const reader of this.consumers(from)) {
      this.replaceNode(reader, { ...reader, inputs: reader.inputs.map((name) => (name === from ? to : name)) });
    }
  }

  /**
   * Removes a node that hands one value through (`input` becomes `output`). A pinned output keeps its name by the producer
   * of the input taking it over; false when neither name may go, and then nothing has changed.
   */
  forward(node: Node, input: string, output: string): boolean {
    if (!this.isPinned(output)) {
      this.removeNode(node);
      this.replaceUses(output, input);
      return true;
    }
    const producer = this.producer(input);
    if (producer === undefined || this.isPinned(input)) return false;
    this.removeNode(node);
    const type = this.types.get(output) ?? this.types.get(input);
    for (const reader of this.consumers(input)) {
      this.replaceNode(reader, { ...reader, inputs: reader.inputs.map((name) => (name === input ? output : name)) });
    }
    this.replaceNode(producer, {
      ...producer,
      outputs: producer.outputs.map((name) => (name === input ? output : name)),
    });
    if (type !== undefined) this.types.set(output, type);
    return true;
  }

  /** The new graph; types of values that are gone are dropped. */
  build(): Graph {
    const nodes = [...this];
    for (const { domain } of nodes) {
      const version = OWN_DOMAINS.get(domain);
      if (version !== undefined && !this.opsets.has(domain)) this.opsets.set(domain, version);
    }
    const live = new Set([...this.inputs, ...this.constants.keys(), ...nodes.flatMap((node) => node.outputs)]);
    return {
      name: this.name,
      opsets: this.opsets,
      inputs: this.inputs,
      outputs: this.outputs,
      nodes,
      constants: this.constants,
      types: new Map([...this.types].filter(([name]) => live.has(name))),
      ...(this.origin === undefined ? {} : { origin: this.origin }),
    };
  }

  private ordered(): string[] {
    const names: string[] = [];
    const push = (name: string): void => {
      for (const ahead of this.before.get(name) ?? []) push(ahead);
      names.push(name);
    };
    for (const name of this.order) push(name);
    return names;
  }

  private create(init: NodeInit, old: Node | undefined): Node {
    const { op, domain = '', inputs, outputs } = init;
    const keeps = old !== undefined && (init.name === undefined || init.name === old.name);
    const name = keeps ? old.name : this.fresh(init.name ?? `${outputs[0] ?? op}_${op}`);
    const attributes = init.attributes ?? {};
    const origin = init.origin ?? (old?.op === op && old.domain === domain ? old.origin : undefined);
    return {
      name,
      op,
      domain,
      inputs,
      outputs,
      attributes: attributes instanceof Map ? attributes : new Map(Object.entries(attributes)),
      ...(origin === undefined ? {} : { origin }),
    };
  }

  private insert(node: Node): void {
    if (this.nodes.has(node.name)) {
      throw new LowbitError('ERR_BAD_MODEL', 'Two nodes have the same name', { node: node.name });
    }
    for (const name of node.outputs) {
      if (name === '') continue;
      const other = this.producers.get(name);
      if (other !== undefined || this.constants.has(name) || this.inputs.includes(name)) {
        const by = other === undefined ? 'a constant or an input' : `node '${other}'`;
        throw new LowbitError('ERR_BAD_MODEL', `Value '${name}' is already made by ${by}`, { node: node.name });
      }
      this.producers.set(name, node.name);
      this.names.add(name);
    }
    this.nodes.set(node.name, node);
    for (const name of capturesOf(node)) this.captured.add(name);
    for (const name of usesOf(node)) {
      const readers = this.readers.get(name);
      if (readers === undefined) this.readers.set(name, new Set([node.name]));
      else readers.add(node.name);
    }
  }

  private detach(node: Node): void {
    this.nodes.delete(node.name);
    for (const name of node.outputs) this.producers.delete(name);
    for (const name of usesOf(node)) this.readers.get(name)?.delete(node.name);
  }

  private checkPresent(node: Node): void {
    if (this.nodes.get(node.name) !== node) {
      throw new LowbitError('ERR_BAD_MODEL', 'The node is not in the graph any more', { node: node.name });
    }
  }
}

/** An editor over a copy of the graph. */
export function editGraph(graph: Graph): GraphEditor {
  return new GraphEditor(graph);
}
