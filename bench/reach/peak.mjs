// Large products as a part of what this machine multiplies and adds in registers, per instruction set.

import { built } from '../networks.mjs';
import { sample } from '../sampler.mjs';
import { absentRow, rowOf } from './table.mjs';

const { kernelCases } = await built('report/kernels/cases.js');
const { measureKernels } = await built('report/kernels/measure.js');

const WANTED = { x86_amx: 0.5, x86_avx512vnni: 0.75, x86_avx2: 0.75 };
const CASES = kernelCases().filter(
  ({ name, shape }) => name === 'gemm u8i8 u8' && ['1024x1024x1024', '512x4096x4096'].includes(shape),
);

export const rows = CASES.flatMap((one) =>
  Object.keys(WANTED).map((isa) => ({
    what: `${one.name} ${one.shape} ${isa}`,
    measure: (context) => part(context, one, isa),
  })),
);

async function part({ backend, settings }, one, isa) {
  const what = `${one.name} ${one.shape} ${isa}`;
  const wanted = WANTED[isa];
  const against = 'register peak';
  if (!backend.isas.includes(isa))
    return absentRow({ what, against, wanted, share: true, reason: 'not on this machine' });
  const [timing] = await measureKernels(backend, { cases: [one], isas: [isa], ...settings, sample });
  const { rate, peak } = timing;
  return rowOf({ what, ours: rate, against, theirs: peak, unit: 'GOP/s', ratio: rate / peak, wanted, share: true });
}
