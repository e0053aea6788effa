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
  const images = bytes(data.pixels); // of the test images: a browser may change what a page reads from a picture
  let pixels = images.subarray(0, size); // of the picture shown, 0..255

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

  // The network of the panel that trains, as it is now; it is chosen when it comes.
  const trained = data.networks.length;
  section.closest("article")?.addEventListener("linclf-network", ({ detail }) => {
    const select = find("setting"), isNew = !data.networks[trained];
    data.networks[trained] = detail;
    if (isNew) {
      select.add(new Option(detail.name, String(trained)));
      select.value = String(trained);
    }
    if (select.value === String(trained)) show();
  });

  const slider = find("epoch");
  const rows = [...find("strip").querySelectorAll("tr")].filter((row) => row.querySelector("img"));
  find("epochs").hidden = false;
  showEpoch(rows.length - 1);
  slider.addEventListener("input", () => showEpoch(Number(slider.value)));

  function choose(i) {
    press(i);
    pixels = images.subarray(i * size, (i + 1) * size);
    find("truth").textContent = `Test image ${i + 1} shows: ${data.names[data.labels[i]]}.`;
    showPicture(thumbnails[i].alt);
    follow();
  }

  // A user's picture: its middle part of the images' proportions, made as small as they are, as linclf predict does it.
  async function open(file) {
    if (!file) return;
    if (!readsWhatItDraws()) {
      find("truth").textContent =
        "This browser changes the pixels that pages read from pictures, as a protection against being recognised: what " +
        "the network says of your own picture cannot be told here. The picture before is still shown.";
      return;
    }
    try {
      const orientation = orientationOf(new DataView(await file.arrayBuffer()));
      if (orientation > 1 && file.type === "image/webp") {
        find("truth").textContent =
          `${file.name} is a WebP that is to be turned, which browsers do or do not: save it as JPEG or PNG. The picture ` +
          "before is still shown.";
        return;
      }
      const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
      pixels = inputs(prepared(bitmap, file.type === "image/jpeg", orientation));
      press(-1);
      find("truth").textContent = `Your own picture, ${file.name}, as ${width} × ${height} pixels.${
        network().drawn ? " The network has learnt from images drawn from means and covariances, not from photographs." : ""}`;
      showPicture(`Your own picture, scaled to ${width} by ${height} pixels`);
      follow();
    } catch {
      find("truth").textContent = `${file.name} is no picture that this browser can open; the one before is still shown.`;
    }
  }

  // The colours (height, width, 3) of a picture: read one to one, then made smaller here and not by the browser.
  function prepared(bitmap, isJpeg, orientation) {
    // Of a JPEG, Pillow decodes blocks of 2, 4 or 8 pixels a side at once where enough of them are left; they begin in
    // the corner that is stored first.
    const sides = [bitmap.width, bitmap.height];
    const most = Math.max(1, Math.min(...sides.map((side) => Math.floor(side / Math.max(width, height)))));
    const block = isJpeg ? [8, 4, 2, 1].find((side) => side <= most) : 1;
    const [w, h] = sides.map((side) => Math.ceil(side / block));
    const before = [w * block - bitmap.width, h * block - bitmap.height];
    [[2, 3, 6, 7], [3, 4, 7, 8]].forEach((far, i) => { if (!far.includes(orientation)) before[i] = 0; });
    const cropWidth = Math.min(w, Math.max(1, Math.round((h * width) / height)));
    const cropHeight = Math.min(h, Math.max(1, Math.round((w * height) / width)));
    const left = Math.floor((w - cropWidth) / 2) * block - before[0];
    const top = Math.floor((h - cropHeight) / 2) * block - before[1];
    const readWidth = Math.min(cropWidth * block, bitmap.width);
    const readHeight = Math.min(cropHeight * block, bitmap.height);
    const context = canvas(readWidth, readHeight).getContext("2d", { willReadFrequently: true });
    context.fillStyle = "white";
    context.fillRect(0, 0, readWidth, readHeight);
    const readLeft = within(left, bitmap.width - readWidth + 1), readTop = within(top, bitmap.height - readHeight + 1);
    context.drawImage(bitmap, -readLeft, -readTop);
    const rgba = context.getImageData(0, 0, readWidth, readHeight).data;
    const colours = new Uint8ClampedArray(cropHeight * cropWidth * 3);
    for (let y = 0; y < cropHeight; y++) {
      for (let x = 0; x < cropWidth; x++) {
        const sum = [0, 0, 0];
        for (let i = 0; i < block * block; i++) { // beyond its edge a JPEG repeats the last pixel
          const column = left - readLeft + x * block + (i % block);
          const row = top - readTop + y * block + Math.floor(i / block);
          const at = within(row, readHeight) * readWidth + within(column, readWidth);
          for (let c = 0; c < 3; c++) sum[c] += rgba[4 * at + c];
        }
        for (let c = 0; c < 3; c++) colours[3 * (y * cropWidth + x) + c] = sum[c] / block ** 2;
      }
    }
    return resizedDown(resizedAcross(colours, cropHeight, cropWidth, width), cropHeight, width, height);
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
    chosen.W ??= Float64Array.from(new Int8Array(bytes(chosen.weights).buffer), (whole, i) => whole * chosen.units[Math.floor(i / size)]);
    return chosen;
  }

  function standardized() {
    const scaling = network().mean ? network() : { mean, std };
    return Float64Array.from(pixels, (value, i) => (value / 255 - scaling.mean[i]) / scaling.std[i]);
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
    const shares = probabilities(scores, network().link);
    const largest = Math.max(...scores.map(Math.abs));
    const chosen = Number(find("class").value);
    [...find("scores").querySelectorAll("tr:has(meter)")].forEach((row, k) => {
      const [, score, probability] = row.cells;
      fill(score, signed(scores[k]), Math.abs(scores[k]) / largest, scores[k] < 0);
      if (shares) fill(probability, (100 * shares[k]).toFixed(1), shares[k], false);
      else fill(probability, "–", 0, false);
      row.classList.toggle("chosen", k === chosen);
    });
    const top = scores.indexOf(highest);
    const lead = highest - [...scores].sort((a, b) => b - a)[1];
    const sure = shares ? `with ${(100 * shares[top]).toFixed(0)}\u00a0%` : `${lead.toFixed(2)} ahead`;
    find("answer").textContent = `It says ${data.names[top]}, ${sure}.`;
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
    const template = (place, c) => (255 * (w[place * channels + (c % channels)] - low)) / range;
    paint("template", template, `Template of the class ${name}`);
    // Blue speaks for the class, orange against it, white for neither.
    const blend = (place, c) => {
      const share = evidence[place] / most;
      return 255 + Math.abs(share) * ((share > 0 ? [0, 114, 178] : [213, 94, 0])[c] - 255);
    };
    paint("evidence", blend, `Evidence for and against the class ${name}, pixel by pixel`);
    find("sum").textContent =
      `The score of ${name} is ${signed(score)}: ${speaksFor.toFixed(2)} speaks for it, ` +
      `${against.toFixed(2)} against it, and its bias adds ${signed(b[k])}.`;
  }

  function showPicture(alt) {
    paint("image", (place, c) => pixels[place * channels + (c % channels)], alt);
  }

  // In place of an image: a canvas, which is shown as it is painted even where what is read from it is changed.
  function paint(name, colour, alt) {
    const element = canvas(width, height), context = element.getContext("2d");
    const image = context.createImageData(width, height);
    for (let place = 0; place < width * height; place++) {
      for (let c = 0; c < 3; c++) image.data[4 * place + c] = Math.round(colour(place, c));
      image.data[4 * place + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    element.className = "pixels";
    element.dataset.play = name;
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", alt);
    find(name).replaceWith(element);
  }

  // The templates of an epoch: the row of the figure that shows them all.
  function showEpoch(row) {
    const templates = [...rows[row].querySelectorAll("img")].map((image) => image.cloneNode());
    find("epoch-templates").replaceChildren(...templates);
    const name = rows[row].querySelector("th").textContent;
    find("epoch-name").textContent = name;
    slider.setAttribute("aria-valuetext", name);
  }

  // Colours in the order of the inputs; for one channel grey as Pillow makes it.
  function inputs(colours) {
    if (channels === 3) return colours;
    return Uint8ClampedArray.from({ length: size }, (_, i) => {
      const [red, green, blue] = colours.subarray(3 * i, 3 * i + 3);
      return 0.299 * red + 0.587 * green + 0.114 * blue;
    });
  }
}

function canvas(width, height) {
  const element = document.createElement("canvas");
  element.width = width;
  element.height = height;
  return element;
}

// Whether a page reads from a canvas what was painted: some browsers add noise, or give something else.
function readsWhatItDraws() {
  const side = 128, context = canvas(side, side).getContext("2d", { willReadFrequently: true });
  const painted = context.createImageData(side, side);
  for (let i = 0; i < painted.data.length; i++) painted.data[i] = i % 4 === 3 ? 255 : (i * 2654435761) >>> 24;
  context.putImageData(painted, 0, 0);
  return context.getImageData(0, 0, side, side).data.every((value, i) => value === painted.data[i]);
}

// Of the classes, as linclf.Classifier gives them; null for a loss whose scores are no probabilities.
function probabilities(scores, link) {
  if (!link) return null;
  const logits = link === "sigmoid" ? scores.map((s) => Math.min(s, 0) - Math.log1p(Math.exp(-Math.abs(s)))) : scores;
  const shares = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = shares.reduce((sum, share) => sum + share);
  return shares.map((share) => share / total);
}

function within(place, length) {
  return Math.min(Math.max(place, 0), length - 1);
}

// How a picture is to be turned, 1 (not) to 8, by the first directory of its Exif data.
function orientationOf(file) {
  for (let at = 0; at + 8 < Math.min(file.byteLength, 2 ** 20); at++) {
    const little = file.getUint32(at) === 0x49492a00;
    if (!little && file.getUint32(at) !== 0x4d4d002a) continue;
    const start = at + file.getUint32(at + 4, little) + 2;
    if (start > file.byteLength) continue;
    const last = Math.min(start + 12 * file.getUint16(start - 2, little), file.byteLength) - 12;
    for (let entry = start; entry <= last; entry += 12) {
      if (file.getUint16(entry, little) === 0x0112) return file.getUint16(entry + 8, little);
    }
  }
  return 1;
}

// Rows of colours (height, from, 3) with another number of pixels, as Pillow resizes: bicubic, over all that a pixel
// stands for, rounded to whole numbers.
function resizedAcross(colours, height, from, to) {
  const resized = new Uint8ClampedArray(height * to * 3), scale = from / to, wide = Math.max(scale, 1);
  for (let x = 0; x < to; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - 2 * wide + 0.5));
    const last = Math.min(from, Math.floor(centre + 2 * wide + 0.5));
    const weights = Array.from({ length: last - first }, (_, i) => bicubic((first + i + 0.5 - centre) / wide));
    const total = weights.reduce((sum, weight) => sum + weight);
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * colours[3 * (y * from + first + i) + c];
        resized[3 * (y * to + x) + c] = sum / total;
      }
    }
  }
  return resized;
}

function resizedDown(colours, from, width, to) {
  return turned(resizedAcross(turned(colours, from, width), width, from, to), width, to);
}

// Colours (height, width, 3) as (width, height, 3).
function turned(colours, height, width) {
  return colours.map((_, at) => {
    const place = Math.floor(at / 3);
    return colours[3 * ((place % height) * width + Math.floor(place / height)) + (at % 3)];
  });
}

function bicubic(x) {
  const far = Math.abs(x);
  if (far < 1) return 1.5 * far ** 3 - 2.5 * far ** 2 + 1;
  return far < 2 ? -0.5 * (far ** 3 - 5 * far ** 2 + 8 * far - 4) : 0;
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
