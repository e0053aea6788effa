// Curves answer to a pointer or the arrow keys with the value of one line, read from the numbers beside the figure.
for (const image of document.querySelectorAll("img.curve[data-axes]")) {
  const { x, y, limits, log } = JSON.parse(image.dataset.axes); // places of the first and last epoch and of the limits
  const figure = image.closest("figure"), [low, high] = limits.map((value) => (log ? Math.log(value) : value));
  let names = null, rows, dot, said, epoch = -1, line = 1;

  const read = () => {
    if (names) return;
    const text = new TextDecoder().decode(bytes(figure.querySelector("a.numbers").href.split(",")[1]));
    [names, ...rows] = text.trim().split(/\r?\n/).map(cells);
    dot = figure.appendChild(Object.assign(document.createElement("div"), { className: "cursor" }));
    said = Object.assign(document.createElement("output"), { className: "values" });
    image.after(said);
  };
  const top = (value) => y[0] + ((y[1] - y[0]) * ((log ? Math.log(value) : Number(value)) - low)) / (high - low);
  const show = () => {
    epoch = within(epoch, rows.length);
    line = 1 + within(line - 1, names.length - 1);
    const text = rows[epoch][line], value = text ? Number(text) : NaN;
    const left = x[0] + (x[1] - x[0]) * (epoch / Math.max(rows.length - 1, 1));
    dot.hidden = !Number.isFinite(value);
    dot.style.left = `${image.offsetLeft + left * image.offsetWidth}px`;
    dot.style.top = `${image.offsetTop + top(value) * image.offsetHeight}px`;
    const shown = dot.hidden ? "not measured" : value.toPrecision(4);
    said.textContent = `Epoch ${rows[epoch][0]}: ${names[line]}, ${shown}.`;
  };
  image.tabIndex = 0;
  image.addEventListener("pointermove", (event) => {
    read();
    const share = (event.offsetX / image.offsetWidth - x[0]) / (x[1] - x[0]);
    epoch = within(Math.round(share * (rows.length - 1)), rows.length);
    const far = rows[epoch].slice(1).map((value) => Math.abs(top(value) - event.offsetY / image.offsetHeight));
    line = 1 + far.indexOf(Math.min(...far.filter(Number.isFinite)));
    show();
  });
  image.addEventListener("keydown", (event) => {
    const further = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key] ?? 0;
    const down = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
    if (!further && !down) return;
    event.preventDefault();
    read();
    epoch += further;
    line += down;
    show();
  });
}

function cells(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain,
  );
}
