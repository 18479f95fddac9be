// Types of what tests use of probe.mjs.

export function pixels(length: number): Float32Array<ArrayBuffer>;
