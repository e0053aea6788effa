// Draws images from a Gaussian surrogate and trains a linear classifier on them, as linclf/data/surrogate.py and
// linclf/training/loop.py say. It runs in a worker, which gets the text of this function and nothing else, or in slices
// on the page: `send` is given what is to be shown, and `receive` takes what is to be done.
function trainer(send) {
  const BATCH = 100, SLICE = 30, PAUSE = 180; // images; milliseconds without hearing what is asked, and between reports
  const at = new Int32Array(4), g = new Float64Array(8); // of four images: where they begin, and their gradients
  let X, y, V, z, C, d, seed, setting, W, b, G, S, steps, running = false, until = 0, broken = false, seen, order, raw, reported;

  // Uniform numbers by a 32-bit state (mulberry32), and from two of them two normal ones (Box and Muller).
  function generator(state) {
    let spare = null;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
    const normal = () => {
      if (spare !== null) {
        const kept = spare;
        spare = null;
        return kept;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    };
    return { uniform, normal };
  }

  // Images (n, d), in grey levels 0..255, and their labels.
  function draw(surrogate, n, random) {
    const { shape, counts, mean, offsets, chosen, factors, deviations } = surrogate, K = chosen.length;
    const images = new Uint8Array(n * d), labels = new Uint8Array(n), total = counts.reduce((sum, count) => sum + count);
    const isChosen = new Uint8Array(d), rest = [], bases = shape.map(basis);
    for (const place of chosen) isChosen[place] = 1;
    for (let i = 0; i < d; i++) if (!isChosen[i]) rest.push(i);
    let x = new Float32Array(d), other = new Float32Array(d);
    const normals = new Float32Array(K);
    for (let i = 0; i < n; i++) {
      let k = 0;
      for (let left = random.uniform() * total - counts[0]; left >= 0 && k < C - 1; left -= counts[k]) k++;
      labels[i] = k;
      for (let j = 0; j < d; j++) x[j] = mean[j] + offsets[k * d + j];
      for (let j = 0, at = k * (d - K); j < d - K; j++, at++) x[rest[j]] += deviations[at] * random.normal();
      for (let j = 0, at = (k * K * (K + 1)) / 2; j < K; j++) {
        normals[j] = random.normal();
        let sum = 0;
        for (let m = 0; m <= j; m++) sum += factors[at++] * normals[m];
        x[chosen[j]] += sum;
      }
      for (const { size, values } of bases) { // the first axis is transformed and becomes the last
        const others = d / size;
        for (let r = 0; r < others; r++) {
          for (let place = 0; place < size; place++) {
            let sum = 0;
            for (let u = 0; u < size; u++) sum += x[u * others + r] * values[place * size + u];
            other[r * size + place] = sum;
          }
        }
        [x, other] = [other, x];
      }
      const scale = Math.sqrt(d);
      for (let j = 0; j < d; j++) images[i * d + j] = Math.min(Math.max(Math.round(scale * x[j]), 0), 255);
    }
    return [images, labels];
  }

  function basis(size) {
    const values = Float32Array.from({ length: size * size }, (_, at) => {
      const place = Math.floor(at / size), u = at % size;
      return Math.sqrt((u ? 2 : 1) / size) * Math.cos((Math.PI * u * (place + 0.5)) / size);
    });
    return { size, values };
  }

  // (x / 255 - mean) / deviation per input, both of the training images; a constant input becomes 0.
  function standardizer(images) {
    const n = images.length / d, mean = new Float64Array(d), std = new Float64Array(d);
    for (let i = 0; i < images.length; i++) mean[i % d] += images[i] / n;
    for (let i = 0; i < images.length; i++) std[i % d] += (images[i] - mean[i % d]) ** 2 / n;
    for (let j = 0; j < d; j++) [mean[j], std[j]] = [mean[j] / 255, std[j] > 1e-20 ? Math.sqrt(std[j]) / 255 : 1];
    return { mean, std };
  }

  function standardized(images, { mean, std }) {
    const inputs = new Float32Array(images.length);
    for (let i = 0; i < images.length; i++) inputs[i] = (images[i] / 255 - mean[i % d]) / std[i % d];
    return inputs;
  }

  // Scores W x + b of an image, two classes at a time, so that each input is read half as often.
  function score(inputs, at, into, start) {
    for (let k = 0; k < C; k += 2) {
      const first = k * d, second = Math.min(k + 1, C - 1) * d;
      let one = 0, two = 0, three = 0, four = 0, j = 0;
      for (; j + 1 < d; j += 2) {
        const p = inputs[at + j], q = inputs[at + j + 1];
        one += W[first + j] * p;
        two += W[second + j] * p;
        three += W[first + j + 1] * q;
        four += W[second + j + 1] * q;
      }
      if (j < d) {
        one += W[first + j] * inputs[at + j];
        two += W[second + j] * inputs[at + j];
      }
      into[start + k] = one + three + b[k];
      if (k + 1 < C) into[start + k + 1] = two + four + b[k + 1];
    }
  }

  // The loss of an image by its scores s = S[start...]; its gradient with respect to them goes to G.
  function lossOf(label, start) {
    let highest = -Infinity, sum = 0, loss = 0;
    if (setting.loss === "cross_entropy") {
      for (let k = 0; k < C; k++) highest = Math.max(highest, S[start + k]);
      for (let k = 0; k < C; k++) sum += G[start + k] = Math.exp(S[start + k] - highest);
      for (let k = 0; k < C; k++) G[start + k] = G[start + k] / sum - (k === label);
      return Math.log(sum) + highest - S[start + label];
    }
    for (let k = 0; k < C; k++) {
      const s = S[start + k];
      if (setting.loss === "binary_cross_entropy") {
        loss += (Math.max(s, 0) - (k === label) * s + Math.log1p(Math.exp(-Math.abs(s)))) / C;
        G[start + k] = (1 / (1 + Math.exp(-s)) - (k === label)) / C;
      } else {
        const margin = k === label ? 0 : s - S[start + label] + 1;
        G[start + k] = margin > 0 ? 1 : 0;
        loss += margin > 0 || Number.isNaN(margin) ? margin : 0;
        sum += G[start + k];
      }
    }
    if (setting.loss === "multiclass_hinge") G[start + label] = -sum;
    return loss;
  }

  function isRight(label, start) {
    for (let k = 0; k < C; k++) if (S[start + k] > S[start + label] || (S[start + k] === S[start + label] && k < label)) return 0;
    return 1;
  }

  // One mini-batch: W <- (1 - 2ηλ) W - η mean(g xᵀ), b <- b - η mean(g).
  function step() {
    const from = (steps % Math.ceil(y.length / BATCH)) * BATCH, n = Math.min(BATCH, y.length - from);
    for (let i = 0; i < n; i++) {
      score(X, (from + i) * d, S, i * C);
      seen.loss += lossOf(y[from + i], i * C);
      seen.right += isRight(y[from + i], i * C);
      seen.n++;
    }
    const rate = setting.eta / n, keep = 1 - 2 * setting.eta * setting.l2;
    if (keep !== 1) for (let j = 0; j < W.length; j++) W[j] *= keep;
    for (let k = 0; k < C; k += 2) {
      const l = Math.min(k + 1, C - 1);
      order.length = 0; // images whose gradient is not 0: of the hinge, few late in training
      for (let i = 0; i < n; i++) if (G[i * C + k] !== 0 || G[i * C + l] !== 0) order.push(i);
      for (let m = 0; m < order.length; m += 4) {
        for (let more = 0; more < 4; more++) {
          const isOne = m + more < order.length, i = order[isOne ? m + more : m];
          at[more] = (from + i) * d;
          g[more] = isOne ? rate * G[i * C + k] : 0;
          g[more + 4] = isOne && l > k ? rate * G[i * C + l] : 0;
          b[k] -= g[more];
          b[l] -= g[more + 4];
        }
        add(k * d, l * d);
      }
    }
    steps++;
  }

  // Four images to two classes at a time, so that each number is read and written less often.
  function add(k, l) {
    const [p, q, r, s] = at, [one, two, three, four, five, six, seven, eight] = g;
    for (let j = 0; j < d; j++) {
      const first = X[p + j], second = X[q + j], third = X[r + j], fourth = X[s + j];
      W[k + j] -= one * first + two * second + three * third + four * fourth;
      W[l + j] -= five * first + six * second + seven * third + eight * fourth;
    }
  }

  // Loss and accuracy since the last report in training, each image before its step, and of all validation images now.
  function report() {
    const validation = { loss: 0, right: 0 }, n = z.length;
    for (let i = 0; i < n; i++) {
      score(V, i * d, S, 0);
      validation.loss += lossOf(z[i], 0) / n;
      validation.right += isRight(z[i], 0) / n;
    }
    broken = !Number.isFinite(validation.loss) || (seen.n > 0 && !Number.isFinite(seen.loss));
    if (broken) running = false;
    const training = { loss: seen.loss / seen.n, right: seen.right / seen.n };
    [seen, reported] = [{ loss: 0, right: 0, n: 0 }, Date.now()];
    const perEpoch = Math.ceil(y.length / BATCH);
    send({ steps, epoch: steps / perEpoch, training, validation, broken, running, setting, W: W.slice(), b: Float64Array.from(b) });
  }

  function begin() {
    const random = generator(seed ^ 0x5eed);
    W = Float32Array.from({ length: C * d }, () => 0.01 * random.normal());
    b = Float64Array.from({ length: C }, () => 0.01 * random.normal());
    [steps, seen, broken, order] = [0, { loss: 0, right: 0, n: 0 }, false, []];
    report();
  }

  function work() {
    const started = Date.now();
    while (running && Date.now() - started < SLICE) {
      step();
      if (steps >= until) running = false;
      if (!running || Date.now() - reported > PAUSE || !Number.isFinite(seen.loss)) report(); // a break at once
    }
    if (running) setTimeout(work, 0);
  }

  const commands = {
    data({ surrogate, nTrain, nValidation }) {
      [C, d] = [surrogate.counts.length, surrogate.mean.length];
      const random = generator(seed), started = Date.now();
      const [images, labels] = draw(surrogate, nTrain, random), [others, theirs] = draw(surrogate, nValidation, random);
      const scaling = standardizer(images);
      [raw, y, z] = [images, labels, theirs];
      [X, V] = [standardized(images, scaling), standardized(others, scaling)];
      [G, S] = [new Float64Array(BATCH * C), new Float64Array(BATCH * C)];
      send({ drawn: Date.now() - started, ...scaling });
      begin();
    },
    run({ more }) { // steps
      if (broken || !y) return;
      const waits = !running;
      [running, until] = [true, steps + more];
      if (waits) work();
    },
    epoch() {
      const perEpoch = Math.ceil(y.length / BATCH);
      commands.run({ more: perEpoch - (steps % perEpoch) });
    },
    pause() { if (running) { running = false; report(); } },
    again() { running = false; begin(); },
    export() { send({ exported: true, images: raw, labels: y, W: W.slice(), b: Float64Array.from(b) }); },
  };
  return (message) => {
    if ("seed" in message) seed = message.seed;
    if (message.setting) setting = message.setting;
    if (message.command) commands[message.command](message);
  };
}
