// The table of small floats: every code of every format, against values written down from the definitions.

import { describe, expect, test } from 'vitest';
import { decodeMinifloat, minifloatValues } from '../../src/numerics/minifloat.js';
import { LAYOUTS, type LayoutName, valueOfCode } from '../oracle/minifloat.js';

describe.each(Object.keys(LAYOUTS) as LayoutName[])('%s', (name) => {
  test('decodes every code', () => {
    const layout = LAYOUTS[name];
    const codes = 2 ** (1 + layout.e + layout.m);
    const table = minifloatValues(name);
    expect(table.length).toBe(codes);
    for (let code = 0; code < codes; code++) {
      const wanted = valueOfCode(layout, code);
      if (!Object.is(decodeMinifloat(name, code), wanted))
        expect(decodeMinifloat(name, code), `code ${code}`).toBe(wanted);
      if (!Object.is(table[code], wanted)) expect(table[code], `code ${code}`).toBe(wanted);
    }
  });
});
