// Reading the attributes of a node with their defaults.

import { LowbitError } from '../core/errors.js';
import type { Attribute, Node } from '../ir/graph.js';

function find<K extends Attribute['kind']>(
  node: Node,
  name: string,
  kind: K,
): Extract<Attribute, { kind: K }> | undefined {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return undefined;
  if (attribute.kind !== kind) {
    throw new LowbitError('ERR_BAD_MODEL', `Attribute ${name} is a ${attribute.kind}; expected ${kind}`, {
      node: node.name,
    });
  }
  return attribute as Extract<Attribute, { kind: K }>;
}

export function intOf(node: Node, name: string): number | undefined;
export function intOf(node: Node, name: string, fallback: number): number;
export function intOf(node: Node, name: string, fallback?: number): number | undefined {
  return find(node, name, 'int')?.value ?? fallback;
}

export function floatOf(node: Node, name: string): number | undefined;
export function floatOf(node: Node, name: string, fallback: number): number;
export function floatOf(node: Node, name: string, fallback?: number): number | undefined {
  return find(node, name, 'float')?.value ?? fallback;
}

export function stringOf(node: Node, name: string, fallback: string): string {
  return find(node, name, 'string')?.value ?? fallback;
}

export function intsOf(node: Node, name: string): readonly number[] | undefined {
  return find(node, name, 'ints')?.value;
}

/** The clamp that a fused activation left on a float node. */
export function clampOf(node: Node): { lo: number; hi: number } {
  return {
    lo: floatOf(node, 'lo', Number.NEGATIVE_INFINITY),
    hi: floatOf(node, 'hi', Number.POSITIVE_INFINITY),
  };
}

/** The i-th input, '' when it is absent. */
export function inputOf(node: Node, index: number): string {
  return node.inputs[index] ?? '';
}

export function outputOf(node: Node, index = 0): string {
  return node.outputs[index] ?? '';
}
