// The panel in which a classifier trains while one watches; trainer.js draws the images and trains.
for (const section of document.querySelectorAll(".play-train")) train(section);

function train(section) {
  const find = (name) => section.querySelector(`[data-train="${name}"]`);
  const about = JSON.parse(find("data").textContent), article = section.closest("article");
  const { shape, names, link } = about, d = shape[0] * shape[1] * shape[2];
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const frames = { training: [], validation: [] };
  let latest = null, scaling = null, drawnAt = 0, saidAt = 0, waiting = false, ready = false, hasTrained = false, receive = null;
  let wanted = null; // what was pressed before the images were drawn

  find("controls").hidden = false;
  find("noscript").hidden = true;
  const templates = names.map((name) => {
    const figure = document.createElement("figure"), element = canvas(shape[1], shape[0]);
    element.className = "pixels";
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", `Template of the class ${name}`);
    figure.append(element, Object.assign(document.createElement("figcaption"), { textContent: name }));
    find("templates").append(figure);
    return element;
  });

  // λ and η stand on logarithmic sliders, whose first place is 0 for λ.
  const number = (name) => (name === "l2" && Number(find(name).value) <= -5.5 ? 0 : Number((10 ** find(name).value).toPrecision(3)));
  const place = (name, value) => { find(name).value = value > 0 ? Math.log10(value) : -5.5; };
  const setting = () => ({ loss: find("loss").value, l2: number("l2"), eta: number("eta") });

  function said() {
    for (const name of ["l2", "eta"]) {
      find(`${name}-value`).textContent = String(number(name));
      find(name).setAttribute("aria-valuetext", String(number(name)));
    }
  }

  function ask(command, more = {}) {
    if (ready || command === "data") receive({ command, setting: setting(), ...more });
    else {
      wanted = [command, more];
      start();
    }
  }

  function changed() {
    said();
    if (ready) receive({ setting: setting() });
  }

  function remember() {
    const { loss, l2, eta } = setting(), prefix = article?.id ? `${article.id}.` : "";
    try {
      history.replaceState(null, "", `#${prefix}train&loss=${loss}&l2=${l2}&eta=${eta}&seed=${find("seed").value}`);
    } catch { /* some browsers allow it only so often, or not for a file */ }
  }

  function recall() {
    const [sign, ...rest] = location.hash.split("&");
    if (!sign.endsWith("train")) return;
    const given = new URLSearchParams(rest.join("&"));
    const loss = given.get("loss"), isNumber = (name) => given.get(name) && Number(given.get(name)) >= 0;
    if (loss in link) find("loss").value = loss;
    for (const name of ["l2", "eta"]) if (isNumber(name)) place(name, Number(given.get(name)));
    if (isNumber("seed")) find("seed").value = String(Math.floor(Number(given.get("seed"))));
    section.scrollIntoView();
    changed();
  }

  async function start() {
    if (receive) return;
    receive = () => {};
    find("status").textContent = "The images are being drawn.";
    const surrogate = await unpacked();
    receive = connected();
    ask("data", { seed: Number(find("seed").value), surrogate, nTrain: about.train, nValidation: about.validation });
  }

  // The worker, or where browsers refuse it the same function on the page itself.
  function connected() {
    const onThePage = trainer((message) => heard(message));
    try {
      const text = `const receive = (${trainer})((message) => postMessage(message)); onmessage = (event) => receive(event.data);`;
      const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" })), worker = new Worker(address);
      let last = null;
      worker.onmessage = (event) => heard(event.data);
      worker.onerror = () => { receive = onThePage; if (!ready) receive(last); };
      return (message) => worker.postMessage((last ??= message, message));
    } catch {
      return onThePage;
    }
  }

  async function unpacked() {
    const stream = new Blob([bytes(about.packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer()), n = planes.length / 2;
    const numbers = halves(Uint8Array.from(planes, (_, i) => planes[(i % 2) * n + (i >> 1)]));
    const C = names.length, K = about.chosen.length, sizes = [d, C * d, (C * K * (K + 1)) / 2, C * (d - K)];
    let at = 0;
    const [mean, offsets, factors, deviations] = sizes.map((size) => numbers.slice(at, (at += size)));
    return { shape, counts: about.counts, chosen: about.chosen, mean, offsets, factors, deviations };
  }

  function heard(message) {
    if (message.drawn !== undefined) {
      scaling = message;
      section.dataset.drawn = message.drawn; // milliseconds
      return;
    }
    const isReady = ready;
    if (message.steps === 0) frames.training.length = frames.validation.length = 0;
    latest = message;
    ready = true;
    frames.validation.push([message.steps, message.validation]);
    if (message.steps) frames.training.push([message.steps, message.training]);
    for (const points of Object.values(frames)) if (points.length > 800) points.splice(1, 400, ...points.slice(1, 401).filter((_, i) => i % 2));
    section.dataset.steps = message.steps;
    if (!isReady && wanted) ask(...wanted);
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(show);
    }
  }

  function show() {
    const wait = drawnAt + (still.matches ? 1000 : 0) - Date.now();
    if (wait > 0 && latest.running) return void setTimeout(() => requestAnimationFrame(show), wait);
    waiting = false;
    drawnAt = Date.now();
    templates.forEach((element, k) => paintTemplate(element, latest.W.subarray(k * d, (k + 1) * d)));
    curves("loss", (measured) => measured.loss, (value) => value.toPrecision(3));
    curves("accuracy", (measured) => 100 * measured.right, (value) => `${value.toFixed(0)} %`);
    find("pause").setAttribute("aria-pressed", String(!latest.running));
    // A screen reader is told once a second, and what came last.
    if (!latest.running || drawnAt > saidAt + 1000) {
      saidAt = drawnAt;
      find("status").textContent = words(latest);
    }
    hasTrained ||= latest.steps > 0; // before, the panel below keeps the network that it shows
    if (latest.broken || !hasTrained) return;
    const { loss } = latest.setting;
    article?.dispatchEvent(new CustomEvent("linclf-network", {
      detail: { name: "as it trains above", link: link[loss], W: latest.W, b: [...latest.b], mean: scaling.mean, std: scaling.std, drawn: true },
    }));
  }

  function words({ steps, epoch, training, validation, broken, setting: { l2, eta } }) {
    if (broken) {
      const why = eta * l2 > 1
        ? `ηλ = ${(eta * l2).toPrecision(3)} is more than 1, so that each step multiplies the weights by ${(1 - 2 * eta * l2).toPrecision(3)}: choose a smaller λ (or η)`
        : `the learning rate η = ${eta} is too large: choose a smaller one`;
      return `Training broke down in epoch ${Math.ceil(epoch)}: ${why}, and start again.`;
    }
    const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`, at = Number.isInteger(epoch) ? epoch : epoch.toFixed(2);
    const before = steps ? `training loss ${training.loss.toPrecision(4)}, accuracy ${percent(training.right)}; ` : "";
    return `Epoch ${at}: ${before}validation loss ${validation.loss.toPrecision(4)}, accuracy ${percent(validation.right)}.`;
  }

  function paintTemplate(element, w) {
    const context = element.getContext("2d"), image = context.createImageData(shape[1], shape[0]), channels = shape[2];
    let low = Infinity, high = -Infinity;
    for (const value of w) [low, high] = [Math.min(low, value), Math.max(high, value)];
    for (let i = 0; i < image.data.length; i++) {
      image.data[i] = i % 4 === 3 ? 255 : (255 * (w[(i >> 2) * channels + ((i % 4) % channels)] - low)) / (high - low || 1);
    }
    context.putImageData(image, 0, 0);
  }

  // A line per set of images, over the steps; a loss that spans more than a factor of 20 on a logarithmic scale.
  function curves(name, value, shown) {
    const all = Object.values(frames).flat().map(([, measured]) => value(measured)).filter(Number.isFinite);
    let low = Math.min(...all), high = Math.max(...all);
    const isLog = name === "loss" && low > 0 && high > 20 * low, scale = isLog ? Math.log : (y) => y;
    if (name === "accuracy") [low, high] = [0, Math.max(high, 10)];
    const most = Math.max(latest.steps, 1), range = scale(high) - scale(low) || 1;
    for (const [set, points] of Object.entries(frames)) {
      const kept = points.filter(([, measured]) => Number.isFinite(value(measured)));
      const at = ([steps, measured]) => `${((300 * steps) / most).toFixed(1)},${(100 - (100 * (scale(value(measured)) - scale(low))) / range).toFixed(1)}`;
      find(`${name}-${set}`).setAttribute("points", kept.map(at).join(" "));
    }
    find(`${name}-range`).textContent = `${shown(low)} to ${shown(high)}${isLog ? ", logarithmic" : ""}; ${latest.steps} steps`;
  }

  const on = (name, kind, react) => find(name).addEventListener(kind, react);
  for (const name of ["l2", "eta"]) on(name, "input", changed);
  for (const name of ["l2", "eta", "loss"]) on(name, "change", () => { changed(); remember(); });
  on("seed", "change", () => {
    remember();
    wanted = null;
    if (ready) [ready, receive] = [false, (receive({ command: "pause" }), null)];
    start();
  });
  on("play", "click", () => ask("run", { more: Infinity }));
  on("pause", "click", () => ask("pause"));
  on("step", "click", () => ask("run", { more: 1 }));
  on("epoch", "click", () => ask("epoch"));
  on("again", "click", () => ask("again"));
  for (const button of section.querySelectorAll("[data-l2]")) {
    button.addEventListener("click", () => {
      place("l2", Number(button.dataset.l2));
      place("eta", Number(button.dataset.eta));
      changed();
      remember();
    });
  }
  addEventListener("hashchange", recall);
  recall();
  said();
  // Images are drawn when the panel comes near, so that it trains as soon as it is asked to.
  new IntersectionObserver((entries, observer) => {
    if (entries.some((entry) => entry.isIntersecting)) [observer.disconnect(), start()];
  }).observe(section);
}
