// Classifies a photograph with an ONNX network, float or int8. Needs the optional package sharp.
// Run it with: node examples/classify.mjs [model.onnx] [photo.jpg]

import { InferenceSession, Tensor } from 'lowbit';
import sharp from 'sharp';

const [model = 'examples/models/squeezenet1.1.onnx', photo = 'examples/photos/cat.jpg'] = process.argv.slice(2);

// ImageNet preprocessing: short side 256, centre 224 x 224, RGB, scaled and normalized, one plane per colour.
const size = 224;
const resized = await sharp(photo).resize(256, 256, { fit: 'outside' }).removeAlpha().toColourspace('srgb').toBuffer();
const { width, height } = await sharp(resized).metadata();
const pixels = await sharp(resized)
  .extract({ left: (width - size) >> 1, top: (height - size) >> 1, width: size, height: size })
  .raw()
  .toBuffer();
const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];
const input = new Float32Array(3 * size * size);
for (let i = 0; i < size * size; i++) {
  for (let c = 0; c < 3; c++) input[c * size * size + i] = (pixels[3 * i + c] / 255 - mean[c]) / std[c];
}

const session = await InferenceSession.create(model);
const results = await session.run({ [session.inputNames[0]]: new Tensor('float32', input, [1, 3, size, size]) });
const scores = results[session.outputNames[0]].data;
const best = scores.reduce((top, score, index) => (score > scores[top] ? index : top), 0);
console.log(`${photo}: class ${best} of ${scores.length} with score ${scores[best].toFixed(2)}`);
await session.dispose();
