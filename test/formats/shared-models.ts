// The networks and the operator tests beside the repository, for tests that skip where they are absent.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LowbitError } from '../../src/core/errors.js';
import type { ConstantTensor } from '../../src/core/tensor.js';
import { readTensorProto } from '../../src/formats/onnx/onnx.js';

const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

export const modelFolder = path.join(shared, 'models');
export const nodeTestFolder = path.join(shared, 'onnx-node-tests');

function list(folder: string, keep: (name: string) => boolean): string[] {
  return existsSync(folder) ? readdirSync(folder).filter(keep).sort() : [];
}

/** File names of the networks; empty when the folder is absent. */
export const sharedModels = list(modelFolder, (name) => name.endsWith('.onnx'));

/** Names of ONNX's operator tests; empty when the folder is absent. */
export const nodeTests = list(nodeTestFolder, (name) => existsSync(path.join(nodeTestFolder, name, 'model.onnx')));

export interface NodeTest {
  readonly bytes: Uint8Array;
  readonly inputs: readonly ConstantTensor[];
  readonly outputs: readonly ConstantTensor[];
}

/** An operator test with its first data set; undefined where one of its values is no numeric tensor. */
export function loadNodeTest(name: string): NodeTest | undefined {
  const folder = path.join(nodeTestFolder, name);
  const data = path.join(folder, 'test_data_set_0');
  const read = (kind: string): ConstantTensor[] | undefined => {
    const tensors: ConstantTensor[] = [];
    for (let index = 0; ; index++) {
      const file = path.join(data, `${kind}_${index}.pb`);
      if (!existsSync(file)) return tensors;
      try {
        tensors.push(readTensorProto(readFileSync(file), file).tensor);
      } catch (error) {
        // A sequence or an optional is another message, a complex tensor another type.
        if (error instanceof LowbitError) return undefined;
        throw error;
      }
    }
  };
  const [inputs, outputs] = [read('input'), read('output')];
  if (inputs === undefined || outputs === undefined) return undefined;
  return { bytes: readFileSync(path.join(folder, 'model.onnx')), inputs, outputs };
}
