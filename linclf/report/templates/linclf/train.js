// The panel in which a classifier trains while one watches; trainer.js draws the images and trains.
for (const section of document.querySelectorAll(".play-train")) train(section);

function train(section) {
  const find = finder(section, "train");
  const about = JSON.parse(find("data").textContent), article = section.closest("article");
  const { shape, names, losses } = about, paint = templates(find("templates"), names, shape);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  // The clock is read before there is a worker: Firefox hangs where two threads of a page read it first at one time.
  let latest = null, points = null, frame = 0, drawnAt = Date.now(), saidAt = 0, connection = null, hasTrained = false;

  find("controls").hidden = false;
  find("noscript").hidden = true;

  // λ and η stand on logarithmic sliders, whose first place is 0 for λ; an address or a button may ask for others.
  const value = (name) => Number(find(name).value), asked = {};
  const moved = (name) => (name === "l2" && value(name) <= -5.5 ? 0 : Number((10 ** value(name)).toPrecision(3)));
  const number = (name) => asked[name] ?? moved(name);
  const setting = () => ({ loss: find("loss").value, l2: number("l2"), eta: number("eta"), seed: value("seed") });

  async function ask(command, more = {}) {
    connection ??= start();
    const send = await connection;
    send({ command, setting: setting(), ...more });
  }

  async function start() {
    const [send, surrogate] = await Promise.all([connected(), unpacked()]);
    send({ command: "again", surrogate, nTrain: about.train, nValidation: about.validation, setting: setting() });
    return send;
  }

  // What trains: a worker, or where browsers refuse it the same function on the page itself.
  function connected() {
    return new Promise((resolve) => {
      const here = () => resolve(trainer(heard));
      const text = `${lossOf} const receive = (${trainer})((message) => postMessage(message));
        onmessage = (event) => receive(event.data); postMessage("ready");`;
      try {
        const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
        worker.onerror = here;
        const send = (message) => worker.postMessage(message);
        worker.onmessage = ({ data }) => (data === "ready" ? resolve(send) : heard(data));
      } catch {
        here();
      }
    });
  }

  // The surrogate's numbers: the upper half of each, first all of their lower bytes, then all higher ones.
  async function unpacked() {
    const stream = new Blob([bytes(about.packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer()), n = planes.length / 2;
    const bits = Uint32Array.from({ length: n }, (_, i) => (planes[n + i] << 24) | (planes[i] << 16));
    const numbers = new Float32Array(bits.buffer);
    const C = names.length, K = about.chosen.length, d = shape[0] * shape[1] * shape[2];
    const sizes = [d, C * d, (C * K * (K + 1)) / 2, C * (d - K)];
    let at = 0;
    const [mean, offsets, factors, deviations] = sizes.map((size) => numbers.slice(at, (at += size)));
    return { shape, counts: about.counts, chosen: about.chosen, mean, offsets, factors, deviations };
  }

  function heard(message) {
    if (message.drawing) return void (find("status").textContent = "The images are being drawn.");
    latest = message;
    if (message.steps === 0) points = { training: [], validation: [] };
    for (const [set, kept] of Object.entries(points)) {
      if (message[set]) kept.push([message.steps, message[set]]);
      if (kept.length > 800) points[set] = kept.filter((_, i) => i % 2 === 0);
    }
    if (message.running && Date.now() < drawnAt + (still.matches ? 1000 : 0)) return;
    drawnAt = Date.now();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(show);
  }

  function show() {
    if (!latest.broken) paint(latest.W);
    curve("loss", (measured) => measured.loss, (value) => value.toPrecision(3));
    curve("accuracy", (measured) => 100 * measured.right, (value) => `${value.toFixed(0)}\u00a0%`);
    find("pause").setAttribute("aria-pressed", String(!latest.running));
    // A screen reader is told once a second, and what came last.
    if (!latest.running || Date.now() > saidAt + 1000) {
      saidAt = Date.now();
      find("status").textContent = words(latest);
    }
    hasTrained ||= latest.steps > 0; // before, the panel below keeps the network that it shows
    const detail = { ...latest, link: losses[latest.loss] };
    if (hasTrained && !latest.broken) article?.dispatchEvent(new CustomEvent("linclf-network", { detail }));
  }

  function words({ steps, epoch, training, validation, broken, l2, eta }) {
    if (broken) {
      const [product, factor] = [eta * l2, 1 - 2 * eta * l2].map((value) => value.toPrecision(3).replace("-", "−"));
      const why = eta * l2 > 1
        ? `ηλ = ${product} is more than 1, so that each step multiplies the weights by ${factor}: choose a smaller λ`
        : `the learning rate η = ${eta} is too large: choose a smaller one`;
      return `Training broke down in epoch ${Math.ceil(epoch)}: ${why}, and start again.`;
    }
    const told = (set, { loss, right }) =>
      `${set} loss ${loss.toPrecision(4)}, accuracy ${(100 * right).toFixed(1)}\u00a0%`;
    const before = steps ? `${told("training", training)}; ` : "";
    return `Epoch ${Number.isInteger(epoch) ? epoch : epoch.toFixed(2)}: ${before}${told("validation", validation)}.`;
  }

  // A line per set of images, over the steps; a loss that spans more than a factor of 20 on a logarithmic scale.
  function curve(name, value, shown) {
    const lines = Object.entries(points).map(([set, kept]) => [
      set, kept.map(([steps, measured]) => [steps, value(measured)]).filter(([, y]) => Number.isFinite(y)),
    ]);
    const all = lines.flatMap(([, line]) => line.map(([, y]) => y)), most = Math.max(latest.steps, 1);
    const [low, high] = name === "accuracy" ? [0, Math.max(...all, 10)] : [Math.min(...all), Math.max(...all)];
    const isLog = name === "loss" && low > 0 && high > 20 * low, scale = isLog ? Math.log : (y) => y;
    const range = scale(high) - scale(low) || 1;
    for (const [set, line] of lines) {
      const places = line.map(([steps, y]) => [(300 * steps) / most, 100 - (100 * (scale(y) - scale(low))) / range]);
      find(`${name}-${set}`).setAttribute("points", places.map((at) => at.map((x) => x.toFixed(1))).join(" "));
    }
    const logarithmic = isLog ? ", logarithmic" : "";
    find(`${name}-range`).textContent = `${shown(low)} to ${shown(high)}${logarithmic}; ${latest.steps} steps`;
  }

  // What the controls say, in words and in the page's address.
  function changed() {
    for (const name of ["l2", "eta"]) {
      find(`${name}-value`).textContent = String(number(name));
      find(name).setAttribute("aria-valuetext", String(number(name)));
    }
    if (connection) ask();
  }

  function remember() {
    const { loss, l2, eta, seed } = setting(), prefix = article?.id ? `${article.id}.` : "";
    try {
      history.replaceState(null, "", `#${prefix}train&loss=${loss}&l2=${l2}&eta=${eta}&seed=${seed}`);
    } catch { /* some browsers allow it only so often, or not for a file */ }
  }

  function set(address) {
    const given = new URLSearchParams(address);
    const isNumber = (name) => given.get(name) && Number(given.get(name)) >= 0;
    if (Object.hasOwn(losses, given.get("loss"))) find("loss").value = given.get("loss");
    for (const name of ["l2", "eta"].filter(isNumber)) {
      asked[name] = Number(given.get(name));
      find(name).value = Math.max(Math.log10(asked[name]), -5.5);
    }
    if (isNumber("seed")) find("seed").value = String(Math.floor(Number(given.get("seed"))));
    changed();
  }

  // An address such as "#train&l2=1" sets the controls, and training begins anew.
  function recall({ hash }) {
    const [sign, ...rest] = hash.split("&");
    if (!sign.endsWith("train")) return;
    set(rest.join("&"));
    section.scrollIntoView();
    ask("again");
  }

  const on = (name, kind, react) => find(name).addEventListener(kind, react);
  for (const name of ["l2", "eta"]) on(name, "input", () => { delete asked[name]; changed(); });
  for (const name of ["l2", "eta", "loss"]) on(name, "change", () => { changed(); remember(); });
  on("seed", "change", () => { ask("again"); remember(); });
  on("play", "click", () => ask("run", { more: Infinity }));
  on("pause", "click", () => ask("pause"));
  on("step", "click", () => ask("run", { more: 1 }));
  on("epoch", "click", () => ask("epoch"));
  on("again", "click", () => ask("again"));
  for (const button of section.querySelectorAll("[data-setting]")) {
    button.addEventListener("click", () => { set(button.dataset.setting); remember(); });
  }
  for (const link of section.querySelectorAll("li a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      recall(link);
      remember();
    });
  }
  addEventListener("hashchange", () => recall(location));
  changed();
  recall(location);
  // Images are drawn when the panel comes near, so that it trains as soon as it is asked to.
  new IntersectionObserver((entries, observer) => {
    if (entries.some((entry) => entry.isIntersecting)) [observer.disconnect(), connection ??= start()];
  }).observe(section);
}
