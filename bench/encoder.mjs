// A BERT-shaped encoder as exporters write it, with deterministic random weights: the graph of a model, without a file.

/** MiniLM-L6: six layers of 384 features in 12 heads, and a small vocabulary so that the file stays small. */
export const MINILM = { layers: 6, hidden: 384, heads: 12, inner: 1536, vocabulary: 1000, positions: 512 };

const FLOAT = 1;

/**
 * The graph, as `writeOnnx` takes it. `layerNorm` and `gelu` are 'operator' or 'decomposed'; the operator Gelu needs set
 * 20. Inputs are input_ids, attention_mask and token_type_ids [batch, sequence], int64; the output is last_hidden_state
 * [batch, sequence, hidden].
 */
export function encoderGraph({ layerNorm = 'operator', gelu = 'decomposed', ...sizes } = {}) {
  const size = { ...MINILM, ...sizes };
  const writer = new GraphWriter(gelu === 'operator' ? 20 : 17);
  const ids = { dtype: 'int64', dims: ['batch', 'sequence'] };
  for (const name of ['input_ids', 'attention_mask', 'token_type_ids']) writer.input(name, ids);
  let x = embeddings(writer, size, layerNorm);
  const mask = attentionMask(writer);
  for (let layer = 0; layer < size.layers; layer++) x = encoderLayer(writer, x, mask, layer, size, { layerNorm, gelu });
  writer.node('Identity', [x], {}, 'last_hidden_state');
  return writer.graph({ dtype: 'float32', dims: ['batch', 'sequence', size.hidden] });
}

/** The inputs of one run as typed arrays; the last `padding` tokens are masked out. */
export function encoderInputs(batch, sequence, { vocabulary = MINILM.vocabulary, padding = 0, seed = 7 } = {}) {
  const random = generator(seed);
  const of = (valueAt) => BigInt64Array.from({ length: batch * sequence }, (_, i) => BigInt(valueAt(i % sequence)));
  return {
    input_ids: of(() => Math.floor(random() * vocabulary)),
    attention_mask: of((at) => (at < sequence - padding ? 1 : 0)),
    token_type_ids: of((at) => (at < sequence / 2 ? 0 : 1)),
  };
}

/** mulberry32: numbers in [0, 1), the same in every run. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class GraphWriter {
  #nodes = [];
  #constants = new Map();
  #inputs = [];
  #types = new Map();
  #opset;
  #random = generator(20);

  constructor(opset) {
    this.#opset = opset;
  }

  input(name, type) {
    this.#inputs.push(name);
    this.#types.set(name, type);
  }

  /** Appends a node and gives the name of its output. */
  node(op, inputs, attributes = {}, output = `value_${this.#nodes.length}`) {
    const entries = Object.entries(attributes);
    this.#nodes.push({
      name: `${op}_${this.#nodes.length}`,
      op,
      domain: '',
      inputs,
      outputs: [output],
      attributes: new Map(entries.map(([name, [kind, value]]) => [name, { kind, value }])),
    });
    return output;
  }

  #constant(name, dtype, dims, array) {
    this.#constants.set(name, { dtype, dims, data: new Uint8Array(array.buffer) });
    return name;
  }

  float(name, value) {
    return this.#constant(name, 'float32', [], Float32Array.of(value));
  }

  integers(name, ...values) {
    return this.#constant(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  scalar(name, value) {
    return this.#constant(name, 'int64', [], BigInt64Array.of(BigInt(value)));
  }

  /** Normal-like weights around `mean`. */
  weights(name, dims, spread, mean = 0) {
    const length = dims.reduce((product, dim) => product * dim, 1);
    const draw = () => mean + (this.#random() + this.#random() + this.#random() - 1.5) * 2 * spread;
    return this.#constant(name, 'float32', dims, Float32Array.from({ length }, draw));
  }

  graph(outputType) {
    const output = this.#nodes.at(-1).outputs[0];
    return {
      name: 'encoder',
      opsets: new Map([['', this.#opset]]),
      inputs: this.#inputs,
      outputs: [output],
      nodes: this.#nodes,
      constants: this.#constants,
      types: new Map([...this.#types, [output, outputType]]),
    };
  }
}

function embeddings(writer, { hidden, vocabulary, positions }, layerNorm) {
  const words = writer.weights('embeddings.word', [vocabulary, hidden], 0.5);
  const places = writer.weights('embeddings.position', [positions, hidden], 0.5);
  const kinds = writer.weights('embeddings.token_type', [2, hidden], 0.5);
  const all = writer.integers('position_ids', ...Array.from({ length: positions }, (_, i) => i));
  const shape = writer.node('Shape', ['input_ids']);
  const length = writer.node('Gather', [shape, writer.scalar('one', 1)], { axis: ['int', 0] });
  const end = writer.node('Unsqueeze', [length, writer.integers('axis_0', 0)]);
  const used = writer.node('Slice', [all, writer.integers('start', 0), end, 'axis_0']);
  const word = writer.node('Gather', [words, 'input_ids'], { axis: ['int', 0] });
  const kind = writer.node('Gather', [kinds, 'token_type_ids'], { axis: ['int', 0] });
  const place = writer.node('Gather', [places, used], { axis: ['int', 0] });
  const sum = writer.node('Add', [writer.node('Add', [word, kind]), place]);
  return normalize(writer, sum, 'embeddings.norm', hidden, layerNorm);
}

/** 0 where a token counts, -10000 where it does not: [batch, 1, 1, sequence]. */
function attentionMask(writer) {
  const wide = writer.node('Unsqueeze', ['attention_mask', writer.integers('axes_1_2', 1, 2)]);
  const floats = writer.node('Cast', [wide], { to: ['int', FLOAT] });
  const inverted = writer.node('Sub', [writer.float('whole', 1), floats]);
  return writer.node('Mul', [inverted, writer.float('lowest', -10000)]);
}

function linear(writer, x, name, from, to) {
  const product = writer.node('MatMul', [x, writer.weights(`${name}.weight`, [from, to], 1 / Math.sqrt(from))]);
  return writer.node('Add', [writer.weights(`${name}.bias`, [to], 0.1), product]);
}

function encoderLayer(writer, x, mask, layer, { hidden, heads, inner }, { layerNorm, gelu }) {
  const name = `layer.${layer}`;
  const depth = hidden / heads;
  const split = writer.integers(`${name}.heads`, 0, 0, heads, depth);
  const turned = (part, perm) =>
    writer.node('Transpose', [writer.node('Reshape', [linear(writer, x, `${name}.${part}`, hidden, hidden), split])], {
      perm: ['ints', perm],
    });
  const query = turned('query', [0, 2, 1, 3]);
  const key = turned('key', [0, 2, 3, 1]);
  const value = turned('value', [0, 2, 1, 3]);
  const product = writer.node('MatMul', [query, key]);
  const scores = writer.node('Div', [product, writer.float(`${name}.root`, Math.sqrt(depth))]);
  const shares = writer.node('Softmax', [writer.node('Add', [scores, mask])], { axis: ['int', -1] });
  const context = writer.node('Transpose', [writer.node('MatMul', [shares, value])], { perm: ['ints', [0, 2, 1, 3]] });
  const joined = writer.node('Reshape', [context, writer.integers(`${name}.joined`, 0, 0, hidden)]);
  const attended = linear(writer, joined, `${name}.output`, hidden, hidden);
  const first = normalize(writer, writer.node('Add', [attended, x]), `${name}.norm`, hidden, layerNorm);
  const wide = linear(writer, first, `${name}.up`, hidden, inner);
  const narrow = linear(writer, activation(writer, wide, name, gelu), `${name}.down`, inner, hidden);
  return normalize(writer, writer.node('Add', [narrow, first]), `${name}.final_norm`, hidden, layerNorm);
}

/** x * (1 + erf(x / sqrt 2)) / 2, as five nodes or as one. */
function activation(writer, x, name, form) {
  if (form === 'operator') return writer.node('Gelu', [x]);
  const scaled = writer.node('Div', [x, writer.float(`${name}.root_2`, Math.SQRT2)]);
  const shifted = writer.node('Add', [writer.node('Erf', [scaled]), writer.float(`${name}.one`, 1)]);
  return writer.node('Mul', [writer.node('Mul', [x, shifted]), writer.float(`${name}.half`, 0.5)]);
}

function normalize(writer, x, name, hidden, form) {
  const scale = writer.weights(`${name}.weight`, [hidden], 0.1, 1);
  const bias = writer.weights(`${name}.bias`, [hidden], 0.1);
  if (form === 'operator') {
    return writer.node('LayerNormalization', [x, scale, bias], { axis: ['int', -1], epsilon: ['float', 1e-12] });
  }
  const mean = { axes: ['ints', [-1]] };
  const centred = writer.node('Sub', [x, writer.node('ReduceMean', [x], mean)]);
  const squares = writer.node('Pow', [centred, writer.float(`${name}.two`, 2)]);
  const variance = writer.node('ReduceMean', [squares], mean);
  const deviation = writer.node('Sqrt', [writer.node('Add', [variance, writer.float(`${name}.epsilon`, 1e-12)])]);
  return writer.node('Add', [writer.node('Mul', [writer.node('Div', [centred, deviation]), scale]), bias]);
}
