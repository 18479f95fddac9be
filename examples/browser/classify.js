// Runs an ONNX network on a photograph in a page: ?model= and ?photo= name other files.

import { InferenceSession, LowbitError, Tensor } from '../../dist/browser/lowbit.js'; // with a bundler: from 'lowbit'

const query = new URLSearchParams(location.search);
const model = query.get('model') ?? '../models/squeezenet1.1.onnx';
const photo = document.querySelector('#photo');
const facts = document.querySelector('#facts');

function show(name, value) {
  facts.append(Object.assign(document.createElement('dt'), { textContent: name }));
  facts.append(Object.assign(document.createElement('dd'), { textContent: value }));
}

/** ImageNet preprocessing: short side 256, centre 224 x 224, scaled and normalized, one plane per colour. */
function inputOf(image, size = 224) {
  const context = new OffscreenCanvas(size, size).getContext('2d');
  const scale = 256 / Math.min(image.naturalWidth, image.naturalHeight);
  const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
  context.drawImage(image, (size - width) / 2, (size - height) / 2, width, height);
  const { data } = context.getImageData(0, 0, size, size);
  const mean = [0.485, 0.456, 0.406];
  const std = [0.229, 0.224, 0.225];
  const input = new Float32Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) input[c * size * size + i] = (data[4 * i + c] / 255 - mean[c]) / std[c];
  }
  return new Tensor('float32', input, [1, 3, size, size]);
}

async function classify(session, address) {
  photo.src = address;
  await photo.decode();
  const feeds = { [session.inputNames[0]]: inputOf(photo) };
  const start = performance.now();
  const results = await session.run(feeds);
  const took = performance.now() - start;
  const scores = results[session.outputNames[0]].data;
  const best = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', scores));
  const { backend, isa, version } = session.backendInfo();
  facts.replaceChildren();
  show('model', model);
  show('runs on', `lowbit ${version}, ${backend}, ${isa}`);
  show(
    'best classes',
    best
      .slice(0, 5)
      .map((index) => `${index} (${scores[index].toFixed(2)})`)
      .join(', '),
  );
  show('took', `${took.toFixed(1)} ms`);
  show('sha256 of the scores', Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''));
}

try {
  // A browser has no paths: fetch the file and give its bytes.
  const session = await InferenceSession.create(new Uint8Array(await (await fetch(model)).arrayBuffer()));
  await classify(session, query.get('photo') ?? '../photos/cat.jpg');
  document.querySelector('#file').onchange = ({ target }) => classify(session, URL.createObjectURL(target.files[0]));
} catch (error) {
  show('failed', error instanceof LowbitError ? `${error.code}: ${error.message}` : String(error));
}
