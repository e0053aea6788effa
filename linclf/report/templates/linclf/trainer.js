// Draws images from a Gaussian surrogate and trains a linear classifier on them, as linclf/data/surrogate.py and
// linclf/training/loop.py say. It runs in a worker, which gets the text of the two functions here and nothing else, or
// in slices on the page: `send` is given what is to be shown, and what is returned takes what is to be done.
function trainer(send) {
  const BATCH = 100, SLICE = 30, PAUSE = 180; // images; milliseconds without hearing what is asked, and between reports
  let surrogate, nTrain, nValidation, setting; // what was asked for
  let C, d, perEpoch, training, validation, scaling, seed = null; // images, and the seed that they were drawn by
  let W, b, S, G, steps, until, timer; // rows of two classes are computed together: where C is odd there is one more
  let broken, seen, measured, reported;

  // Uniform numbers by a 32-bit state (mulberry32).
  function generator(state) {
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  // Normal numbers of a deviation, two at a time (Box and Muller).
  function normals(n, random, deviation = 1) {
    const drawn = new Float64Array(n + 1);
    for (let i = 0; i < n; i += 2) {
      const radius = deviation * Math.sqrt(-2 * Math.log(1 - random())), angle = 2 * Math.PI * random();
      drawn[i] = radius * Math.cos(angle);
      drawn[i + 1] = radius * Math.sin(angle);
    }
    return drawn.subarray(0, n);
  }

  // Images (n, d), in grey levels 0..255, and their labels.
  function draw(n, random) {
    const { shape, counts, mean, offsets, chosen, factors, deviations } = surrogate, K = chosen.length;
    const images = new Uint8Array(n * d), labels = new Uint8Array(n);
    const total = counts.reduce((sum, count) => sum + count), bases = shape.map(cosines), isChosen = new Set(chosen);
    const rest = [...mean.keys()].filter((place) => !isChosen.has(place));
    let x = new Float32Array(d), other = new Float32Array(d);
    for (let i = 0; i < n; i++) {
      let k = 0;
      for (let left = random() * total - counts[0]; left >= 0 && k < C - 1; left -= counts[k]) k++;
      labels[i] = k;
      const z = normals(d, random);
      for (let j = 0; j < d; j++) x[j] = mean[j] + offsets[k * d + j];
      for (let j = K; j < d; j++) x[rest[j - K]] += deviations[k * (d - K) + j - K] * z[j];
      for (let j = 0, at = (k * K * (K + 1)) / 2; j < K; j++) {
        for (let m = 0; m <= j; m++) x[chosen[j]] += factors[at++] * z[m];
      }
      for (const basis of bases) [x, other] = [transform(x, basis, other), x];
      for (let j = 0; j < d; j++) images[i * d + j] = Math.min(Math.max(Math.round(Math.sqrt(d) * x[j]), 0), 255);
    }
    return { images, labels };
  }

  // The cosines (size, size) that turn the coefficients along an axis into its pixels.
  function cosines(size) {
    return Float32Array.from({ length: size * size }, (_, at) => {
      const place = Math.floor(at / size), u = at % size;
      return Math.sqrt((u ? 2 : 1) / size) * Math.cos((Math.PI * u * (place + 0.5)) / size);
    });
  }

  // The first axis of x is transformed, and becomes the last.
  function transform(x, basis, into) {
    const size = Math.sqrt(basis.length), others = d / size;
    for (let r = 0; r < others; r++) {
      for (let place = 0; place < size; place++) {
        let sum = 0;
        for (let u = 0; u < size; u++) sum += x[u * others + r] * basis[place * size + u];
        into[r * size + place] = sum;
      }
    }
    return into;
  }

  // (x / 255 - mean) / deviation per input, both of the training images; a constant input becomes 0.
  function standardize() {
    const mean = new Float64Array(d), std = new Float64Array(d), { images } = training;
    for (let i = 0; i < images.length; i++) mean[i % d] += images[i] / nTrain;
    for (let i = 0; i < images.length; i++) std[i % d] += (images[i] - mean[i % d]) ** 2 / nTrain;
    for (let j = 0; j < d; j++) [mean[j], std[j]] = [mean[j] / 255, std[j] > 1e-20 ? Math.sqrt(std[j]) / 255 : 1];
    scaling = { mean, std };
    for (const set of [training, validation]) {
      set.inputs = new Float32Array(set.images.length);
      for (let i = 0; i < set.inputs.length; i++) set.inputs[i] = (set.images[i] / 255 - mean[i % d]) / std[i % d];
    }
  }

  // Scores W x + b of an image.
  function score(inputs, i, scores) {
    for (let k = 0; k < C; k += 2) {
      const row = k * d, next = row + d, start = i * d;
      let one = b[k], two = b[k + 1];
      for (let j = 0; j < d; j++) {
        const x = inputs[start + j];
        one += W[row + j] * x;
        two += W[next + j] * x;
      }
      scores[k] = one;
      scores[k + 1] = two;
    }
  }

  // The scores and gradient of image i go to the given row; its loss, and whether it is right, are added to `sums`.
  function measure({ inputs, labels }, i, row, sums) {
    const scores = S[row], label = labels[i];
    score(inputs, i, scores);
    sums.loss += lossOf(setting.loss, C, scores, label, G[row]);
    let highest = 0;
    for (let k = 1; k < C; k++) if (scores[k] > scores[highest]) highest = k;
    sums.right += highest === label;
    sums.n++;
  }

  // One mini-batch: W <- (1 - 2ηλ) W - η mean(g xᵀ), b <- b - η mean(g).
  function step() {
    const from = (steps % perEpoch) * BATCH, n = Math.min(BATCH, nTrain - from), none = new Float64Array(b.length);
    for (let i = 0; i < n; i++) measure(training, from + i, i, seen);
    const keep = 1 - 2 * setting.eta * setting.l2;
    if (keep !== 1) for (let j = 0; j < W.length; j++) W[j] *= keep;
    for (let k = 0; k < C; k += 2) {
      for (let i = 0; i < n; i += 2) {
        const other = Math.min(i + 1, n - 1);
        descend(k, from + i, from + other, G[i], other > i ? G[other] : none, setting.eta / n);
      }
    }
    steps++;
  }

  // Two images to two classes at a time, so that each number is read and written less often.
  function descend(k, i, other, g, h, rate) {
    const one = rate * g[k], two = rate * h[k], three = rate * g[k + 1], four = rate * h[k + 1];
    if (one === 0 && two === 0 && three === 0 && four === 0) return; // with the hinge, most late in training
    const row = k * d, next = row + d, p = i * d, q = other * d, X = training.inputs;
    for (let j = 0; j < d; j++) {
      const first = X[p + j], second = X[q + j];
      W[row + j] -= one * first + two * second;
      W[next + j] -= three * first + four * second;
    }
    b[k] -= one + two;
    b[k + 1] -= three + four;
  }

  // Loss and accuracy since the last report in training, each image before its step, and of all validation images now.
  function report() {
    const now = { loss: 0, right: 0, n: 0 }, mean = ({ loss, right, n }) => ({ loss: loss / n, right: right / n });
    for (let i = 0; i < nValidation; i++) measure(validation, i, 0, now);
    if (seen.n) measured = mean(seen);
    broken = !Number.isFinite(now.loss) || !Number.isFinite(seen.loss);
    if (broken) until = steps;
    const state = { steps, epoch: steps / perEpoch, broken, running: steps < until, ...setting, ...scaling };
    send({ ...state, training: measured, validation: mean(now), W: W.slice(0, C * d), b: b.slice(0, C) });
    seen = { loss: 0, right: 0, n: 0 };
    reported = Date.now();
  }

  function work() {
    const started = Date.now();
    while (steps < until && Date.now() - started < SLICE) {
      step();
      if (steps >= until || Date.now() - reported > PAUSE || !Number.isFinite(seen.loss)) report(); // a break at once
    }
    if (steps < until) timer = setTimeout(work, 0);
  }

  const commands = {
    again() {
      [C, d, perEpoch] = [surrogate.counts.length, surrogate.mean.length, Math.ceil(nTrain / BATCH)];
      const rows = C + (C % 2), row = () => new Float64Array(rows), random = generator(setting.seed ^ 0x5eed);
      if (seed !== setting.seed) {
        send({ drawing: true });
        seed = setting.seed;
        const images = generator(seed);
        [training, validation] = [draw(nTrain, images), draw(nValidation, images)];
        standardize();
      }
      [W, b] = [new Float32Array(rows * d), row()];
      W.set(normals(C * d, random, 0.01));
      b.set(normals(C, random, 0.01));
      [S, G] = [Array.from({ length: BATCH }, row), Array.from({ length: BATCH }, row)];
      [steps, until, measured, seen] = [0, 0, null, { loss: 0, right: 0, n: 0 }];
      report();
    },
    run({ more }) { // steps
      if (broken) return;
      until = steps + more;
      clearTimeout(timer);
      work();
    },
    epoch() { commands.run({ more: perEpoch - (steps % perEpoch) }); },
    pause() {
      until = steps;
      report();
    },
    export() { send({ exported: training, W: W.slice(0, C * d), b: b.slice(0, C) }); },
  };
  return (message) => {
    if (message.surrogate) ({ surrogate, nTrain, nValidation } = message);
    setting = message.setting ?? setting;
    if (message.command) commands[message.command](message);
  };
}

// The loss of an image by its C scores; its gradient with respect to them is put into `gradient`.
function lossOf(name, C, scores, label, gradient) {
  let highest = -Infinity, sum = 0, loss = 0;
  if (name === "cross_entropy") {
    for (let k = 0; k < C; k++) highest = Math.max(highest, scores[k]);
    for (let k = 0; k < C; k++) sum += gradient[k] = Math.exp(scores[k] - highest);
    for (let k = 0; k < C; k++) gradient[k] = gradient[k] / sum - (k === label);
    return Math.log(sum) + highest - scores[label];
  }
  for (let k = 0; k < C; k++) {
    const s = scores[k];
    if (name === "binary_cross_entropy") {
      loss += (Math.max(s, 0) - (k === label) * s + Math.log1p(Math.exp(-Math.abs(s)))) / C;
      gradient[k] = (1 / (1 + Math.exp(-s)) - (k === label)) / C;
    } else {
      const margin = k === label ? 0 : s - scores[label] + 1;
      loss += Math.max(margin, 0);
      sum += gradient[k] = Number(margin > 0);
    }
  }
  if (name === "multiclass_hinge") gradient[label] = -sum;
  return loss;
}
