// A classifier to play with: scores, probabilities, loss and evidence of a picture, computed in the page.
// Everything is found within its own section, so that pages can be joined. The page is whole without this script.
for (const section of document.querySelectorAll(".play")) play(section);

function play(section) {
  const find = finder(section, "play");
  const data = JSON.parse(find("data").textContent);
  const [height, width, channels] = data.shape, size = height * width * channels;
  const [mean, std] = [data.mean, data.std].map((text) => new Float32Array(bytes(text).buffer));
  const images = bytes(data.pixels); // of the test images: a browser may change what a page reads from a picture
  const paintTemplates = templates(find("templates"), data.names, data.shape);
  const thumbnails = [...find("images").querySelectorAll("img")];
  const paint = Object.fromEntries(["image", "template", "evidence"].map((name) => {
    const { element, paint } = picture(height, width);
    find(name).replaceWith(element);
    return [name, paint];
  }));
  const DRAWN = " The network has learnt from images drawn from means and covariances, not from photographs.";
  let shown; // the pixels, 0..255, and what is known of them

  find("controls").hidden = find("all").hidden = false;
  for (const name of ["setting", "class", "epoch"]) find(name).addEventListener("input", () => show());
  find("file").addEventListener("change", (event) => open(event.target.files[0]));
  section.addEventListener("dragover", (event) => event.preventDefault());
  section.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  });
  thumbnails.forEach((image, i) => {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => choose(i));
  });
  choose(0);

  // The network of the panel that trains, as it is now; it is chosen when it comes.
  const trained = data.networks.length;
  section.closest("article")?.addEventListener("linclf-network", ({ detail }) => {
    const select = find("setting");
    data.networks[trained] = { ...detail, drawn: true };
    if (select.length === trained) {
      select.add(new Option("as it trains above", String(trained)));
      select.value = String(trained);
    }
    if (select.value === String(trained)) show();
  });

  function choose(i) {
    const label = data.labels[i], truth = `Test image ${i + 1} shows: ${data.names[label]}.`;
    change({ pixels: images.subarray(i * size, (i + 1) * size), label, truth, alt: thumbnails[i].alt, thumbnail: i });
  }

  async function open(file) {
    if (!file) return;
    try {
      const truth = `Your own picture, ${file.name}, as ${width} × ${height} pixels.`;
      change({ pixels: await readPhoto(file, data.shape), truth, alt: truth });
    } catch (error) {
      shown = { ...shown, truth: `${error.message} The picture before is still shown.` };
      show();
    }
  }

  function change(picture) {
    shown = picture;
    thumbnails.forEach((image, i) => image.parentNode.setAttribute("aria-pressed", String(i === picture.thumbnail)));
    paint.image((place, c) => picture.pixels[place * channels + (c % channels)], picture.alt);
    show(true);
  }

  // Of the setting and the epoch chosen; the panel that trains has but one.
  function network() {
    const chosen = data.networks[Number(find("setting").value)], slider = find("epoch");
    find("epochs").hidden = !chosen.epochs;
    if (!chosen.epochs) return chosen;
    slider.max = String(chosen.epochs.length - 1);
    const epoch = chosen.epochs[Number(slider.value)], kept = data.weights[chosen.at[Number(slider.value)]];
    find("epoch-name").textContent = `epoch ${epoch}`;
    slider.setAttribute("aria-valuetext", `epoch ${epoch}`);
    const whole = new Int8Array(bytes(kept.whole).buffer);
    kept.W ??= Float64Array.from(whole, (value, i) => value * kept.units[Math.floor(i / size)]);
    return { mean, std, ...chosen, ...kept };
  }

  // Everything but the picture itself; of a new one, the class that is looked at is that of the highest score.
  function show(isNew = false) {
    const now = network(), { W, b, loss, link } = now;
    const x = Float64Array.from(shown.pixels, (value, i) => (value / 255 - now.mean[i]) / now.std[i]);
    const scores = Array.from(b, (bias, k) => x.reduce((sum, value, i) => sum + W[k * size + i] * value, bias));
    const highest = Math.max(...scores), top = scores.indexOf(highest), shares = probabilities(scores, link);
    const largest = Math.max(...scores.map(Math.abs)) || 1;
    if (isNew) find("class").value = String(top);
    const chosen = Number(find("class").value);
    [...find("scores").querySelectorAll("tr:has(.bar)")].forEach((row, k) => {
      const [, score, probability] = row.cells, share = scores[k] / largest;
      fill(score, signed(scores[k]), 50 + 50 * Math.min(share, 0), 50 * Math.abs(share));
      fill(probability, shares ? (100 * shares[k]).toFixed(1) : "–", 0, shares ? 100 * shares[k] : 0);
      row.classList.toggle("chosen", k === chosen);
    });
    const lead = highest - [...scores].sort((a, b) => b - a)[1];
    const sure = shares ? `with ${(100 * shares[top]).toFixed(0)}\u00a0%` : `${inDigits(lead)} ahead`;
    const isPhoto = shown.label === undefined;
    const told = isPhoto ? "" : `: a loss of ${inDigits(lossOf(loss, scores.length, scores, shown.label, []))}`;
    find("truth").textContent = shown.truth + (isPhoto && now.drawn ? DRAWN : "");
    find("answer").textContent = `It says ${data.names[top]}, ${sure}${told}.`;
    showEvidence(chosen, now, x, scores[chosen]);
    paintTemplates(W);
    section.dataset.scores = JSON.stringify(scores); // for whoever wants them exactly
  }

  function fill(cell, text, left, width) {
    const [bar, said] = cell.children;
    bar.firstChild.style.cssText = `left: ${left}%; width: ${width}%`;
    bar.classList.toggle("negative", text.startsWith("−"));
    said.textContent = text;
  }

  function showEvidence(k, { W, b }, x, score) {
    const w = W.subarray(k * size, (k + 1) * size), evidence = new Float64Array(height * width), name = data.names[k];
    let speaksFor = 0, against = 0;
    for (let i = 0; i < size; i++) {
      const part = w[i] * x[i];
      evidence[Math.floor(i / channels)] += part;
      if (part > 0) speaksFor += part;
      else against -= part;
    }
    const most = evidence.reduce((a, c) => Math.max(a, Math.abs(c)), 0) || 1;
    paint.template(templateColour(w, channels), `Template of the class ${name}`);
    // Blue speaks for the class, orange against it, white for neither.
    const blend = (place, c) => {
      const share = evidence[place] / most;
      return 255 + Math.abs(share) * ((share > 0 ? [0, 114, 178] : [213, 94, 0])[c] - 255);
    };
    paint.evidence(blend, `Evidence for and against the class ${name}, pixel by pixel`);
    find("sum").textContent =
      `The score of ${name} is ${signed(score)}: ${inDigits(speaksFor)} speaks for it, ` +
      `${inDigits(against)} against it, and its bias adds ${signed(b[k])}.`;
  }
}

// Of the classes, as linclf.Classifier gives them; null for a loss whose scores are no probabilities.
function probabilities(scores, link) {
  if (!link) return null;
  const logits = link === "sigmoid" ? scores.map((s) => Math.min(s, 0) - Math.log1p(Math.exp(-Math.abs(s)))) : scores;
  const shares = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = shares.reduce((sum, share) => sum + share);
  return shares.map((share) => share / total);
}

function inDigits(value) {
  return Math.abs(value) < 1e6 ? value.toFixed(2) : value.toPrecision(3);
}

function signed(value) {
  const text = inDigits(value);
  return Number(text) === 0 ? "0.00" : text.replace("-", "−");
}
