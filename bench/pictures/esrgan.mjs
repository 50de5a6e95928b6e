// Enlarges a PNG with a model of @upscalerjs in TensorFlow.js, on WebAssembly: esrgan.mjs PACKAGES SIZE IN OUT. PACKAGES is the folder
// that has node_modules. It prints the seconds of the enlarging alone, the model being loaded.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [packages, size, source, out] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(packages), 'package.json'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const { PNG } = require('pngjs');

// The model is read from files, which @tensorflow/tfjs alone does not do.
async function load(definition) {
  definition.setup?.(tf); // registers the layers of its own
  const root = path.join(path.resolve(packages), 'node_modules', '@upscalerjs', `esrgan-${size}`, path.dirname(definition._internals.path));
  const model = JSON.parse(fs.readFileSync(path.join(root, 'model.json'), 'utf8'));
  const data = Buffer.concat(model.weightsManifest.flatMap((group) => group.paths).map((name) => fs.readFileSync(path.join(root, name))));
  return tf.loadLayersModel({
    load: async () => ({
      modelTopology: model.modelTopology,
      weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length),
    }),
  });
}

function pixels(png, most) {
  const values = new Float32Array(3 * png.width * png.height);
  for (let i = 0; i < png.width * png.height; i++) {
    for (let c = 0; c < 3; c++) values[3 * i + c] = (png.data[4 * i + c] / 255) * most;
  }
  return tf.tensor4d(values, [1, png.height, png.width, 3]);
}

function write(values, width, height, most) {
  const png = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) png.data[4 * i + c] = Math.round(Math.min(Math.max(values[3 * i + c] / most, 0), 1) * 255);
    png.data[4 * i + 3] = 255;
  }
  fs.writeFileSync(out, PNG.sync.write(png, { colorType: 2, deflateLevel: 1 }));
}

wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + path.sep);
tf.enableProdMode();
if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly backend does not start');
const definition = require(`@upscalerjs/esrgan-${size}/4x`);
const model = await load(definition);
const png = PNG.sync.read(fs.readFileSync(source));
const began = performance.now();
const result = model.predict(pixels(png, definition.inputRange[1]));
const values = await result.data();
console.log((performance.now() - began) / 1000);
write(values, result.shape[2], result.shape[1], definition.outputRange[1]);
