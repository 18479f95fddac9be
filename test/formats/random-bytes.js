// A small seeded generator for tests that want many different bytes.
/** xorshift32 (Marsaglia, "Xorshift RNGs", 2003): the same seed gives the same bytes everywhere. */
export class RandomBytes {
    state;
    constructor(seed) {
        this.state = (seed * 0x9e3779b1) >>> 0 || 1;
    }
    /** 32 random bits. */
    next() {
        let x = this.state;
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        this.state = x >>> 0;
        return this.state;
    }
    /** An integer in [0, limit). */
    below(limit) {
        return this.next() % limit;
    }
    bytes(length) {
        return Uint8Array.from({ length }, () => this.next() >>> 24);
    }
}
