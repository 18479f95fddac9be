// Graphs with QuantizeLinear and DequantizeLinear as other tools write them: parameters given by hand.

import { ModelMaker, randomNumbers } from './model.js';

export class QdqMaker extends ModelMaker {
  #count = 0;

  #parameters(scale: number, zero: number | undefined, signed: boolean): string[] {
    const id = this.#count++;
    const s = this.floats(`s${id}`, Math.fround(scale));
    if (zero === undefined) return [s];
    const codes = signed ? Int8Array.of(zero) : Uint8Array.of(zero);
    return [s, this.constant(`z${id}`, signed ? 'int8' : 'uint8', [], codes)];
  }

  q(value: string, scale: number, zero: number | undefined, signed = false): string {
    return this.node(
      'QuantizeLinear',
      [value, ...this.#parameters(scale, zero, signed)],
      {},
      `${value}_q${this.#count}`,
    );
  }

  dq(codes: string, scale: number, zero: number | undefined, signed = false): string {
    return this.node(
      'DequantizeLinear',
      [codes, ...this.#parameters(scale, zero, signed)],
      {},
      `${codes}_dq${this.#count}`,
    );
  }

  /** Q and DQ. */
  pair(value: string, scale: number, zero: number | undefined, signed = false): string {
    return this.dq(this.q(value, scale, zero, signed), scale, zero, signed);
  }

  weights(name: string, dims: readonly number[], scale: number): string {
    const next = randomNumbers(name.length);
    const count = dims.reduce((product, dim) => product * dim, 1);
    const codes = Int8Array.from({ length: count }, () => Math.round(next() * 254 - 127));
    return this.dq(this.constant(name, 'int8', dims, codes), scale, 0, true);
  }
}
