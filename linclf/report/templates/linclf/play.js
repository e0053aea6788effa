// A classifier to play with: scores, probabilities and evidence of a picture, computed in the page.
// Everything is found within its own section, so that pages can be joined. The page is whole without this script.
for (const section of document.querySelectorAll(".play")) play(section);

function play(section) {
  const find = (name) => section.querySelector(`[data-play="${name}"]`);
  const data = JSON.parse(find("data").textContent);
  const [height, width, channels] = data.shape;
  const size = height * width * channels;
  const mean = new Float32Array(bytes(data.mean).buffer);
  const std = new Float32Array(bytes(data.std).buffer);
  let pixels = null; // of the picture shown, 0..255

  find("controls").hidden = false;
  find("setting").addEventListener("change", show);
  find("class").addEventListener("change", show);
  find("file").addEventListener("change", (event) => open(event.target.files[0]));
  section.addEventListener("dragover", (event) => event.preventDefault());
  section.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  });

  const thumbnails = [...find("images").querySelectorAll("img")];
  thumbnails.forEach((image, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(i === 0));
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => choose(i));
  });

  const slider = find("epoch");
  const rows = [...find("strip").querySelectorAll("tr")].filter((row) => row.querySelector("img"));
  find("epochs").hidden = false;
  showEpoch(rows.length - 1);
  slider.addEventListener("input", () => showEpoch(Number(slider.value)));

  function choose(i) {
    press(i);
    pixels = read(thumbnails[i]);
    find("truth").textContent = `Test image ${i + 1} shows: ${data.names[data.labels[i]]}.`;
    find("image").src = thumbnails[i].src;
    find("image").alt = thumbnails[i].alt;
    follow();
  }

  // A picture of one's own: its middle square, scaled to the size of the images.
  async function open(file) {
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file);
      const side = Math.min(bitmap.width, bitmap.height);
      const from = [(bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side];
      const context = canvas(width, height);
      context.fillStyle = "white";
      context.fillRect(0, 0, width, height);
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, ...from, 0, 0, width, height);
      pixels = inputs(context);
      press(-1);
      find("truth").textContent = `Your own picture, ${file.name}, as ${width} × ${height} pixels.`;
      find("image").src = context.canvas.toDataURL();
      find("image").alt = `Your own picture, scaled to ${width} by ${height} pixels`;
      follow();
    } catch {
      find("truth").textContent = `${file.name} is no picture that this browser can open; the one before is still shown.`;
    }
  }

  // The class that is looked at follows the highest score of a new picture.
  function follow() {
    const scores = evaluate();
    find("class").value = String(scores.indexOf(Math.max(...scores)));
    show();
  }

  function press(chosen) {
    thumbnails.forEach((image, i) => image.parentNode.setAttribute("aria-pressed", String(i === chosen)));
  }

  function network() {
    const chosen = data.networks[Number(find("setting").value)];
    chosen.W ??= halves(bytes(chosen.weights));
    return chosen;
  }

  function standardized() {
    pixels ??= read(thumbnails[0]);
    return Float64Array.from(pixels, (value, i) => (value / 255 - mean[i]) / std[i]);
  }

  function evaluate() {
    const { W, b } = network();
    const x = standardized();
    return b.map((bias, k) => {
      let score = bias;
      for (let i = 0; i < size; i++) score += W[k * size + i] * x[i];
      return score;
    });
  }

  function show() {
    const scores = evaluate();
    const highest = Math.max(...scores);
    const shares = scores.map((score) => Math.exp(score - highest));
    const total = shares.reduce((sum, share) => sum + share);
    const largest = Math.max(...scores.map(Math.abs));
    const chosen = Number(find("class").value);
    [...find("scores").querySelectorAll("tr:has(meter)")].forEach((row, k) => {
      const [, score, probability] = row.cells;
      fill(score, signed(scores[k]), Math.abs(scores[k]) / largest, scores[k] < 0);
      fill(probability, (100 * shares[k] / total).toFixed(1), shares[k] / total, false);
      row.classList.toggle("chosen", k === chosen);
    });
    const top = scores.indexOf(highest);
    find("answer").textContent = `It says ${data.names[top]}, with ${(100 / total).toFixed(0)}\u00a0%.`;
    showEvidence(chosen, scores[chosen]);
    section.dataset.scores = JSON.stringify(scores); // for whoever wants them exactly
  }

  function fill(cell, text, share, negative) {
    const bar = cell.querySelector("meter");
    bar.value = share;
    bar.classList.toggle("negative", negative);
    cell.querySelector("span").textContent = text;
  }

  function showEvidence(k, score) {
    const { W, b } = network();
    const x = standardized();
    const w = W.subarray(k * size, (k + 1) * size);
    const low = w.reduce((a, c) => Math.min(a, c)), range = w.reduce((a, c) => Math.max(a, c)) - low || 1;
    const evidence = new Float64Array(height * width);
    let speaksFor = 0, against = 0;
    for (let i = 0; i < size; i++) {
      const part = w[i] * x[i];
      evidence[Math.floor(i / channels)] += part;
      if (part > 0) speaksFor += part;
      else against -= part;
    }
    const most = evidence.reduce((a, c) => Math.max(a, Math.abs(c)), 0) || 1;
    const name = data.names[k];
    paint("template", (place, c) => 255 * (w[place * channels + (c % channels)] - low) / range);
    find("template").alt = `Template of the class ${name}`;
    // Blue speaks for the class, orange against it, white for neither.
    paint("evidence", (place, c) => {
      const share = evidence[place] / most;
      return 255 + Math.abs(share) * ((share > 0 ? [0, 114, 178] : [213, 94, 0])[c] - 255);
    });
    find("evidence").alt = `Evidence for and against the class ${name}, pixel by pixel`;
    find("sum").textContent =
      `The score of ${name} is ${signed(score)}: ${speaksFor.toFixed(2)} speaks for it, ` +
      `${against.toFixed(2)} against it, and its bias adds ${signed(b[k])}.`;
  }

  function paint(name, colour) {
    const context = canvas(width, height);
    const image = context.createImageData(width, height);
    for (let place = 0; place < width * height; place++) {
      for (let c = 0; c < 3; c++) image.data[4 * place + c] = Math.round(colour(place, c));
      image.data[4 * place + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    find(name).src = context.canvas.toDataURL();
  }

  // The templates of an epoch: the row of the figure that shows them all.
  function showEpoch(row) {
    const templates = [...rows[row].querySelectorAll("img")].map((image) => image.cloneNode());
    find("epoch-templates").replaceChildren(...templates);
    const name = rows[row].querySelector("th").textContent;
    find("epoch-name").textContent = name;
    slider.setAttribute("aria-valuetext", name);
  }

  function read(image) {
    const context = canvas(width, height);
    context.drawImage(image, 0, 0);
    return inputs(context);
  }

  // A canvas's pixels in the order of the inputs; a grey picture of one channel is the mean of its colours.
  function inputs(context) {
    const rgba = context.getImageData(0, 0, width, height).data;
    return Float64Array.from({ length: size }, (_, i) => {
      const at = 4 * Math.floor(i / channels);
      return channels === 3 ? rgba[at + (i % 3)] : (rgba[at] + rgba[at + 1] + rgba[at + 2]) / 3;
    });
  }
}

function canvas(width, height) {
  const element = document.createElement("canvas");
  element.width = width;
  element.height = height;
  return element.getContext("2d", { willReadFrequently: true });
}

function bytes(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

// Half-precision numbers: a sign, five bits of exponent, ten of fraction.
function halves(raw) {
  return Float32Array.from(new Uint16Array(raw.buffer), (bits) => {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const value = exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction;
    return bits >> 15 ? -value : value;
  });
}

function signed(value) {
  const text = value.toFixed(2);
  return Number(text) === 0 ? "0.00" : text.replace("-", "−");
}
