// The ARM kernels, which no figure of time judges on another processor: a command of their own counts their instructions.

import { absentRow } from './table.mjs';

const WHAT = 'instructions of NEON, dotprod, i8mm kernels';

export const rows = [
  {
    what: WHAT,
    measure: () =>
      absentRow({
        ...{ what: WHAT, against: 'as many as needed', wanted: 1 / 1.25, share: true },
        reason: 'counted by npm run bench:arm-instructions',
      }),
  },
];
